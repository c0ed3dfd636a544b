/** The golden files, judged by every reader that is there: docs/compatibility.md says the truth. */
import { readFileSync } from 'node:fs'
import {
  type ColumnMetaData,
  type FileMetaData,
  parquetMetadata,
  parquetSchema,
  readOffsetIndex,
  type SchemaTree,
} from 'hyparquet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { present } from '../../src/base/assert.ts'
import { requireService } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { features } from './features/all.ts'
import type { Feature, FeatureClaims } from './features/feature.ts'
import { type Results, resultsPath } from './readers/compatibility-page.ts'
import { judgementOf, writeGoldenFiles } from './readers/golden-folder.ts'
import { type Reader, readers } from './readers/readers.ts'

const recorded = JSON.parse(readFileSync(resultsPath, 'utf8')) as Results
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let files: ReadonlyMap<Feature, string>

beforeAll(async () => {
  folder = await temporaryFolder()
  files = writeGoldenFiles(folder.path)
})
afterAll(() => folder[Symbol.asyncDispose]())

/** What runs by hand only is not missed here. */
const inTests = readers.filter(({ id, service }) => service !== undefined || id === 'hyparquet')
const isThere = ({ service, isThere: probe }: Reader): boolean =>
  service === undefined || requireService(service, probe)

test.each(inTests.map((reader) => ({ ...reader, runs: isThere(reader) })))(
  '$title sees in every golden file what is recorded',
  async ({ runs, ...reader }) => {
    if (!runs) return
    const { version, verdicts } = await judgementOf(reader, files)
    const { version: recordedVersion, verdicts: known } = present(recorded[reader.id], 'a record')
    expect(Object.keys(verdicts).length).toBe(features.length)
    expect(verdicts).toEqual(known)
    expect(version).toBe(recordedVersion)
  },
)

type Chunk = ColumnMetaData & { readonly offset: number; readonly length: number }

/** First chunk of a leaf, with the place of its offset index. */
function firstChunk({ row_groups: [group] }: FileMetaData, path: string): Chunk {
  const found = group?.columns.find(
    ({ meta_data: chunk }) => chunk?.path_in_schema.join('.') === path,
  )
  const chunk = present(found?.meta_data, `"${path}" has a chunk`)
  const offset = Number(found?.offset_index_offset ?? 0)
  return { ...chunk, offset, length: found?.offset_index_length ?? 0 }
}

function pageCount(bytes: Buffer, { offset, length }: Chunk): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length)
  return readOffsetIndex({ view, offset: 0 }).page_locations.length
}

/** Chunks that grow when they are compressed are not. */
function codecOf(names: readonly string[]): string {
  const compressed = new Set(names.filter((name) => name !== 'UNCOMPRESSED'))
  return compressed.size === 0 ? 'UNCOMPRESSED' : [...compressed].join(' ')
}

const leafCount = (tree: SchemaTree): number =>
  tree.children.length === 0 ? 1 : tree.children.reduce((sum, each) => sum + leafCount(each), 0)

/** What a file is, in the words of what its feature claims. */
function heldClaims(bytes: Buffer, claims: FeatureClaims): FeatureClaims {
  const metadata = parquetMetadata(bytes)
  const chunks = metadata.row_groups.flatMap(({ columns }) => columns)
  const byColumn = <Value>(
    names: Readonly<Record<string, unknown>> | undefined,
    of: (chunk: Chunk, name: string) => Value,
  ): Record<string, Value> =>
    Object.fromEntries(
      Object.keys(names ?? {}).map((name) => [name, of(firstChunk(metadata, name), name)]),
    )
  const held: Required<FeatureClaims> = {
    rowGroupCount: metadata.row_groups.length,
    codec: codecOf(chunks.map(({ meta_data: chunk }) => chunk?.codec ?? '')),
    encodings: byColumn(claims.encodings, ({ encodings }) => encodings.toSorted().join(' ')),
    pageCountMin: byColumn(claims.pageCountMin, (chunk, name) =>
      Math.min(pageCount(bytes, chunk), claims.pageCountMin?.[name] ?? 0),
    ),
    hasPageIndex: chunks.every(({ column_index_offset: at }) => at !== undefined),
    bloom: chunks
      .slice(0, leafCount(parquetSchema(metadata)))
      .flatMap(({ meta_data: chunk }) =>
        chunk?.bloom_filter_offset === undefined ? [] : chunk.path_in_schema.join('.'),
      ),
  }
  return Object.fromEntries(Object.entries(held).filter(([name]) => name in claims))
}

const claiming = features.flatMap((feature) =>
  feature.claims === undefined ? [] : { feature, name: feature.name, claims: feature.claims },
)

test('most features say what their file must be', () => {
  expect(claiming.length).toBeGreaterThan(20)
})

test.each(claiming)('the file "$name" is what its feature says', ({ feature, claims }) => {
  const bytes = readFileSync(present(files.get(feature), 'every feature has a file'))
  expect(heldClaims(bytes, claims)).toEqual(claims)
})

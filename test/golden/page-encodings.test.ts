import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { type ParquetFileOptions, ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import { options } from '../support/hand-made-file.ts'
import { loadBatch } from '../support/kernel-tables.ts'
import {
  type PageRow,
  pageEncodingsMessage,
  pageRow,
  pageWire,
  shownPageRow,
} from '../support/page-encodings.ts'
import { hasPyarrow, python } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/**
 * Row groups of one page a column. In the first one most columns give up their dictionaries, so
 * that the others begin without: their sizes lie around the ends of miniblocks and blocks.
 */
const groupRows = [900, 1, 2, 31, 32, 33, 34, 127, 128, 129, 130, 256, 257, 3_000]
const rowCount = groupRows.reduce((sum, count) => sum + count, 0)
const rows: readonly PageRow[] = Array.from({ length: rowCount }, (_, index) => pageRow(index))

function fileOf(more: Partial<ParquetFileOptions>): Buffer {
  const kernel = Kernel.open({ hashSeed: 7n, memoryMaxBytes: 1 << 28 })
  const table = kernel.compile(
    planTable(pageEncodingsMessage, { identity: [], names: 'as-declared' }),
  )
  const writer = new ParquetFileWriter(table, { ...options, rowGroupBytesMax: 1, ...more })
  let first = 0
  for (const count of groupRows) {
    expect(
      writer.append(loadBatch(kernel, rows.slice(first, first + count).map(pageWire))),
    ).toEqual([])
    kernel.input.clear()
    first += count
  }
  return Buffer.concat(writer.seal().chunks)
}

/** Of each column: all encodings that its chunks name. */
function encodingsOf(bytes: Buffer): Record<string, string> {
  const seen: Record<string, Set<string>> = {}
  for (const { columns } of parquetMetadata(bytes).row_groups) {
    for (const { meta_data: chunk } of columns) {
      if (chunk === undefined) continue
      const names = (seen[chunk.path_in_schema.join('.')] ??= new Set())
      for (const encoding of chunk.encodings) names.add(encoding)
    }
  }
  return Object.fromEntries(
    Object.entries(seen).map(([name, names]) => [name, [...names].toSorted().join(' ')]),
  )
}

const python3 = (bytes: Uint8Array, file: string): Record<'pyarrow' | 'duckdb', PageRow[]> => {
  writeFileSync(file, bytes)
  const script = join(import.meta.dirname, 'readers', 'read_parquet.py')
  const ran = spawnSync(python, [script, file], { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as Record<'pyarrow' | 'duckdb', PageRow[]>
}

/** Shows the first row that differs. */
function expectSameRows(seen: readonly PageRow[]): void {
  expect(seen).toHaveLength(rowCount)
  for (const [index, row] of rows.entries()) {
    const expected = shownPageRow(row)
    for (const [name, value] of Object.entries(expected)) {
      if (JSON.stringify(seen[index]?.[name]) === JSON.stringify(value)) continue
      expect(seen[index]?.[name], `${name} of row ${index}`).toEqual(value)
    }
  }
}

test('the file has each encoding, alone and below nulls, lists and maps', () => {
  expect(encodingsOf(fileOf({}))).toEqual({
    climbing: 'DELTA_BINARY_PACKED PLAIN',
    wrapping: 'DELTA_BINARY_PACKED PLAIN',
    wrapping32: 'DELTA_BINARY_PACKED PLAIN',
    unsigned: 'DELTA_BINARY_PACKED PLAIN',
    unsigned32: 'DELTA_BINARY_PACKED PLAIN',
    scattered: 'PLAIN',
    spiked: 'DELTA_BINARY_PACKED PLAIN',
    uuid: 'DELTA_BYTE_ARRAY',
    text: 'DELTA_BYTE_ARRAY',
    blob: 'DELTA_BYTE_ARRAY',
    maybe: 'DELTA_BINARY_PACKED PLAIN RLE',
    maybe_text: 'DELTA_BYTE_ARRAY PLAIN RLE',
    'numbers.list.element': 'DELTA_BINARY_PACKED PLAIN RLE',
    'counts.key_value.key': 'DELTA_BYTE_ARRAY PLAIN RLE',
    'counts.key_value.value': 'DELTA_BINARY_PACKED PLAIN RLE',
    fraction: 'PLAIN',
    few: 'PLAIN RLE_DICTIONARY',
    'inner.nested': 'DELTA_BINARY_PACKED PLAIN RLE',
    'inner.labels.list.element': 'DELTA_BYTE_ARRAY PLAIN RLE',
  })
})

test('plain files have plain pages and dictionaries only', () => {
  const used = new Set(Object.values(encodingsOf(fileOf({ encodings: 'plain' }))))
  expect([...used].toSorted()).toEqual(['PLAIN', 'PLAIN RLE', 'PLAIN RLE_DICTIONARY'])
})

test('the same rows in the same batches give the same bytes', () => {
  expect(fileOf({}).equals(fileOf({}))).toBe(true)
})

describe.skipIf(!hasPyarrow())('other readers', () => {
  test.each([
    ['zstd', {}],
    ['snappy', { codec: 'snappy' }],
    ['uncompressed', { codec: 'none' }],
    ['one row group', { rowGroupBytesMax: 1 << 27 }],
    ['plain', { encodings: 'plain' }],
  ] as const)('%s: pyarrow and DuckDB read every value as it was sent', async (_name, more) => {
    await using folder = await temporaryFolder()
    const seen = python3(fileOf(more), join(folder.path, 'pages.parquet'))
    expectSameRows(seen.pyarrow)
    expectSameRows(seen.duckdb)
  })
})

test('hyparquet reads every value that it can tell apart', async () => {
  const seen = await readParquetRows(fileOf({}))
  const columns = ['climbing', 'wrapping', 'wrapping32', 'unsigned', 'unsigned32', 'scattered']
  const more = ['spiked', 'uuid', 'text', 'maybe', 'maybe_text', 'numbers', 'few', 'fraction']
  for (const name of [...columns, ...more]) {
    const expected = rows.map((row) => shownText(row[name]))
    expect(seen.map((row) => shownText(row[name]))).toEqual(expected)
  }
})

const shownText = (value: unknown): string =>
  Array.isArray(value) ? value.map(shownText).join(' ') : `${(value ?? 'none') as string}`

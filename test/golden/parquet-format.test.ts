/** What foreign readers make of all that stands in a file beside its rows. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { type ParquetFileOptions, ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import type { GrownParquet } from '../../src/codec/parquet/grown-file.ts'
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import { loadBatch, openKernel } from '../support/kernel-tables.ts'
import { messageOf, scalarField } from '../support/message-schemas.ts'
import { bytesField, joined, utf8, varintField } from '../support/raw-events.ts'
import { hasPyarrow, python } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Several pages a chunk, several row groups, texts that are cut, lists across pages. */
const rowCount = 60_000
const batchRows = 2_000
const message = messageOf('Visit', [
  scalarField(['user', 1], 'string'),
  scalarField(['time_ms', 2], 'int64'),
  scalarField(['hour', 3], 'int32'),
  scalarField(['url', 4], 'string'),
  scalarField(['tags', 5], 'string', { repeated: true }),
])

const userOf = (at: number): string => `user ${(at * 7_919) % 40_000}`
const urlOf = (at: number): string => `https://example.org/${'ü'.repeat(30)}/${at}`
const tagsOf = (at: number): readonly string[] =>
  Array.from({ length: at % 4 }, (_, tag) => `tag ${(at + tag) % 50}`)

const wireOf = (at: number): Uint8Array =>
  joined(
    bytesField(1, utf8(userOf(at))),
    varintField(2, BigInt(1_700_000_000_000 + at)),
    varintField(3, BigInt(Math.floor(at / 5_000))),
    bytesField(4, utf8(urlOf(at))),
    ...tagsOf(at).map((tag) => bytesField(5, utf8(tag))),
  )

/** Made once: every codec gets the same. */
const wires = Array.from({ length: rowCount }, (_, at) => wireOf(at))

const codecs = ['zstd', 'snappy', 'gzip', 'lz4_raw', 'none'] as const

/** @param times how often the file was sealed: more than once, it grew. */
function fileOf(codec: (typeof codecs)[number], level = 1, times = 1): Buffer {
  const kernel = openKernel()
  const plan = planTable(message, {
    identity: ['_partition', '_offset', '_index'],
    names: 'as-declared',
  })
  const table = kernel.compile(plan)
  const chunks: Uint8Array[] = []
  let grown: GrownParquet | undefined
  const seal = (writer: ParquetFileWriter): void => {
    const known = new Map([['lakeward.commit', 'c-7']])
    const sealed = writer.sealGrowing(known, grown)
    chunks.push(...sealed.chunks.map((chunk) => chunk.slice()))
    grown = sealed.grown
    sealed.release()
  }
  const options: ParquetFileOptions = {
    codec,
    encodings: 'auto',
    level,
    rowGroupBytesMax: codec === 'none' ? 2_500_000 : 900_000,
    pageIndex: true,
    bloom: {
      columns: ['user', 'time_ms', 'tags.list.element'],
      errorRate: 0.01,
      sizeBytesMax: 1 << 20,
    },
    keyValues: new Map([['lakeward.stream', 'visits']]),
  }
  let writer = new ParquetFileWriter(table, options)
  for (let first = 0; first < rowCount; first += batchRows) {
    const batch = loadBatch(kernel, wires.slice(first, first + batchRows))
    batch.partitions.fill(2)
    batch.indexes.fill(0)
    for (const at of batch.offsets.keys()) batch.offsets[at] = BigInt(first + at)
    expect(writer.append(batch)).toEqual([])
    kernel.input.clear()
    const next = first + batchRows
    if (next >= rowCount || next % (rowCount / times) !== 0) continue
    seal(writer)
    writer = new ParquetFileWriter(table, options)
  }
  seal(writer)
  return Buffer.concat(chunks)
}

interface Seen {
  readonly rows: number
  readonly keyValues: Record<string, string>
  readonly sortedBy: readonly (readonly string[])[]
  readonly chunks: readonly (readonly {
    readonly path: string
    readonly compression: string
    readonly columnIndex: boolean
    readonly offsetIndex: boolean
  }[])[]
  readonly queries: readonly (readonly (readonly unknown[])[])[]
}

async function seenByPython(bytes: Uint8Array, queries: (file: string) => string[]): Promise<Seen> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'golden.parquet')
  writeFileSync(file, bytes)
  const script = join(import.meta.dirname, 'readers', 'read_format.py')
  const ran = spawnSync(python, [script, file, ...queries(file)], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as Seen
}

const probe = (file: string, column: string, value: string): string =>
  `select bloom_filter_excludes from parquet_bloom_probe('${file}', '${column}', ${value})`

describe.skipIf(!hasPyarrow())('pyarrow and DuckDB', () => {
  test.each([...codecs.map((codec) => [codec, 1] as const), ['zstd', 5]] as const)(
    'of %s, sealed %i times: read all pages with checksums, and see all of the metadata',
    async (codec, times) => {
      const present = [0, 30_000, 59_999]
      const seen = await seenByPython(fileOf(codec, codec === 'gzip' ? 6 : 1, times), (file) => [
        `select count(*), count(distinct "user"), sum(time_ms)::varchar, sum(len(tags))
         from '${file}'`,
        ...present.map((at) => `select count(*) from '${file}' where "user" = '${userOf(at)}'`),
        ...present.map((at) => probe(file, 'user', `'${userOf(at)}'`)),
        probe(file, 'user', `'nobody'`),
        probe(file, 'time_ms', '17'),
        probe(file, 'time_ms', '1700000000000'),
        `select count(*) from parquet_metadata('${file}') where bloom_filter_offset is not null`,
        `select bool_or(min_is_exact), bool_or(max_is_exact) from parquet_metadata('${file}')
       where path_in_schema = 'url'`,
        `select bool_and(min_is_exact), bool_and(max_is_exact) from parquet_metadata('${file}')
       where path_in_schema = 'user'`,
      ])
      expect(seen.rows).toBe(rowCount)
      const groups = seen.chunks.length
      expect(groups).toBeGreaterThan(2)
      expect(seen.chunks.flat().every((each) => each.columnIndex && each.offsetIndex)).toBe(true)
      const names = {
        zstd: 'ZSTD',
        snappy: 'SNAPPY',
        gzip: 'GZIP',
        lz4_raw: 'LZ4',
        none: 'UNCOMPRESSED',
      }
      expect(new Set(seen.chunks.flat().map((each) => each.compression))).toContain(names[codec])
      expect(seen.sortedBy).toEqual(Array(groups).fill(['_offset', '_index']))
      expect(seen.keyValues).toMatchObject({
        'lakeward.stream': 'visits',
        'lakeward.commit': 'c-7',
        'lakeward.offsets': '[{"topic":"events","partition":2,"first":"0","next":"60000"}]',
      })
      const [totals, ...others] = seen.queries
      const atSum = Array.from({ length: rowCount }, (_, at) => BigInt(1_700_000_000_000 + at))
      expect(totals).toEqual([
        [rowCount, 40_000, String(atSum.reduce((sum, at) => sum + at)), expect.anything()],
      ])
      const [counts, probes, rest] = [others.slice(0, 3), others.slice(3, 9), others.slice(9)]
      for (const [index, count] of counts.entries()) {
        const user = userOf(present[index] ?? 0)
        const rows = Array.from({ length: rowCount }, (_, at) => at).filter(
          (at) => userOf(at) === user,
        )
        expect(count).toEqual([[rows.length]])
      }
      // A filter excludes a row group only when the value is not in it.
      for (const found of probes.slice(0, 3)) expect(found.flat()).toContain(false)
      expect(probes[3]?.flat().filter(Boolean).length).toBeGreaterThanOrEqual(groups - 1)
      expect(probes[4]?.flat().filter(Boolean).length).toBeGreaterThanOrEqual(groups - 1)
      expect(probes[5]?.flat()[0]).toBe(false)
      expect(rest).toEqual([[[3 * groups]], [[false, false]], [[true, true]]])
    },
  )

  test('a page whose checksum is wrong is refused by pyarrow', async () => {
    const bytes = fileOf('none')
    bytes.write('X', bytes.indexOf(Buffer.from('example.org')))
    await expect(seenByPython(bytes, () => [])).rejects.toThrow(/CRC|checksum/i)
  })
})

describe('hyparquet', () => {
  const bytes = fileOf('none')
  let readBytes = 0
  const file = {
    byteLength: bytes.length,
    slice: (first: number, next = bytes.length): ArrayBuffer => {
      readBytes += next - first
      return new Uint8Array(bytes.subarray(first, next)).buffer
    },
  }
  const shown = (at: number): unknown => ({
    user: userOf(at),
    time_ms: BigInt(1_700_000_000_000 + at),
    url: urlOf(at),
    tags: tagsOf(at),
  })
  const columns = ['user', 'time_ms', 'url', 'tags']

  test('finds rows by the places of pages', async () => {
    readBytes = 0
    const rows = await parquetReadObjects({
      file,
      columns,
      rowStart: 23_456,
      rowEnd: 23_460,
      useOffsetIndex: true,
    })
    expect(rows).toEqual([23_456, 23_457, 23_458, 23_459].map(shown))
    expect(readBytes).toBeLessThan(bytes.length / 3)
  })

  test.each([
    ['an absent user', { user: { $eq: 'nobody' } }, []],
    ['one time', { time_ms: { $eq: 1_700_000_050_000n } }, [50_000]],
    [
      'a range of times in two row groups or pages',
      { time_ms: { $gte: 1_700_000_019_998n, $lt: 1_700_000_020_002n } },
      [19_998, 19_999, 20_000, 20_001],
    ],
    // Bounds that are cut where all texts are equal exclude nothing.
    ['a long text', { url: { $eq: urlOf(31_000) } }, [31_000]],
    ['a text of each kind of page', { user: { $eq: userOf(12_345) } }, [12_345, 52_345]],
  ])('finds %s by filters and bounds', async (_name, filter, found) => {
    readBytes = 0
    const rows = await parquetReadObjects({
      file,
      columns,
      filter,
      useBloomFilters: true,
      usePageIndex: true,
    })
    expect(rows).toEqual(found.map(shown))
    if (!('url' in filter)) expect(readBytes).toBeLessThan(bytes.length / 1.5)
  })
})

test('our own reader reads what it wrote with every codec', async () => {
  for (const codec of codecs) {
    const rows = await readParquetRows(fileOf(codec), { columns: ['time_ms', 'tags'] })
    expect(rows.length).toBe(rowCount)
    expect(rows[41_234]).toEqual({ time_ms: 1_700_000_041_234n, tags: tagsOf(41_234) })
  }
})

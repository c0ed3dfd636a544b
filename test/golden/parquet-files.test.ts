import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ParquetFileOptions, ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import { createdBy } from '../../src/codec/parquet/format.ts'
import { readParquetMetadata, readParquetRows } from '../../src/codec/parquet/read-file.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import type { RowBatch } from '../../src/model/row-batch.ts'
import { duck } from '../support/duck.ts'
import {
  everyType,
  everyTypeRow,
  hexFraction,
  type Input,
  shownRow,
  wireOf,
} from '../support/every-type.ts'
import { hasPyarrow, python } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const rowCount = 2_500
const batchRows = 300
const inputs: readonly Input[] = Array.from({ length: rowCount }, (_, index) => everyTypeRow(index))
const wires = inputs.map(wireOf)
const ingestMs = 1_700_000_000_123

const options: ParquetFileOptions = {
  codec: 'zstd',
  level: 1,
  rowGroupBytesMax: 1 << 27,
  pageIndex: true,
  bloom: undefined,
  keyValues: new Map([['lakeward.stream', 'golden']]),
}

function fileOf(more: Partial<ParquetFileOptions> = {}): Buffer {
  const kernel = Kernel.open({ hashSeed: 7n, memoryMaxBytes: 1 << 28 })
  const plan = planTable(everyType, {
    identity: ['_topic', '_partition', '_offset', '_index', '_ingest_ms'],
    names: 'as-declared',
  })
  const table = kernel.compile(plan)
  const writer = new ParquetFileWriter(table, { ...options, ...more })
  for (let first = 0; first < rowCount; first += batchRows) {
    const refused = writer.append(batchOf(kernel, wires.slice(first, first + batchRows), first))
    expect(refused).toEqual([])
    kernel.input.clear()
  }
  const sealed = writer.seal()
  table.release()
  expect(sealed.rowCount).toBe(rowCount)
  return Buffer.concat(sealed.chunks)
}

function batchOf(kernel: Kernel, rows: readonly Uint8Array[], first: number): RowBatch {
  const starts = new Int32Array(rows.length)
  const ends = new Int32Array(rows.length)
  for (const [index, bytes] of rows.entries()) {
    const start = kernel.input.load(bytes)
    starts[index] = start
    ends[index] = start + bytes.length
  }
  return {
    count: rows.length,
    starts,
    ends,
    topic: 'golden.events',
    partitions: new Int32Array(rows.length).fill(3),
    offsets: BigInt64Array.from(rows, (_, index) => (1n << 60n) + BigInt(first + index)),
    indexes: Int32Array.from(rows, (_, index) => index % 2),
    ingestMs,
  }
}

const expectedRows = inputs.map((row, index) => ({
  ...shownRow(row),
  _topic: 'golden.events',
  _partition: { int: '3' },
  _offset: { int: String((1n << 60n) + BigInt(index)) },
  _index: { int: String((index % batchRows) % 2) },
  _ingest_ms: { ms: String(ingestMs) },
}))

interface Seen {
  readonly pyarrow: readonly Record<string, unknown>[]
  readonly duckdb: readonly Record<string, unknown>[]
  readonly types: Record<string, string>
  readonly rowGroups: readonly number[]
  readonly createdBy: string
  readonly keyValues: Record<string, string>
  readonly fieldIds: Record<string, string>
  readonly statistics: readonly Record<string, readonly [number, string | null, string | null]>[]
  readonly queries: readonly (readonly (readonly unknown[])[])[]
}

async function seenByPython(bytes: Uint8Array, queries: (file: string) => string[]): Promise<Seen> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'golden.parquet')
  writeFileSync(file, bytes)
  const script = join(import.meta.dirname, 'readers', 'read_parquet.py')
  const ran = spawnSync(python, [script, file, ...queries(file)], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as Seen
}

/** Maps have no order of their own between writer and reader. */
function sortedMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedMaps)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, sortedMaps(each)] as const)
  const sorted = entries.map(([key, each]) =>
    key === 'map' && Array.isArray(each)
      ? [key, each.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]
      : [key, each],
  )
  return Object.fromEntries(sorted)
}

/** Compares as text, which is fast, and shows the first row that differs. */
function expectSameRows(rows: readonly unknown[]): void {
  expect(rows).toHaveLength(rowCount)
  const [seen, expected] = [rows.map(sortedMaps), expectedRows.map(sortedMaps)]
  const wrong = seen.findIndex(
    (row, index) => JSON.stringify(row) !== JSON.stringify(expected[index]),
  )
  if (wrong >= 0) expect(seen[wrong], `row ${wrong}`).toEqual(expected[wrong])
  expect(wrong).toBe(-1)
}

/** Counts that a reader gets wrong when it skips a row group it must read. */
const prunedCounts = (file: string): string[] =>
  prunedColumns.flatMap(({ name, bounds }) =>
    bounds.flatMap((bound) =>
      ['=', '<=', '>=', '<', '>'].map(
        (operator) =>
          `select count(*) from read_parquet('${file}') where ${name} ${operator} ${bound}`,
      ),
    ),
  )

const prunedColumns = [
  { name: 's32', bounds: ['-500', '-499', '0', '1999', '2000'] },
  { name: 's64', bounds: ['0', '1000000007', '2499000017493'] },
  { name: 'u32', bounds: ['0', '4294967295', '2147483648'] },
  { name: 'u64', bounds: ['0', '18446744073709551615', '9223372036854775808'] },
  { name: 'i64', bounds: ['-9223372036854775808', '9223372036854775807', '0'] },
  { name: 'string', bounds: ["''", "'𝄞 clef4'", "'漢字3'", "'zzz'"] },
  {
    name: 'long_text',
    bounds: [`'${'é'.repeat(40)}1000'`, `'${'é'.repeat(40)}999y'`, `'${'é'.repeat(41)}'`],
  },
  { name: 'kind', bounds: ["'BACK'", "'PAGE_VIEW'", "'77'"] },
  { name: 'maybe_int', bounds: ['-2147483648', '2147483647'] },
  { name: 'double', bounds: ["'-infinity'::double", "'infinity'::double", '0::double'] },
  { name: '_offset', bounds: ['1152921504606846976', '1152921504606849475'] },
] as const

/** The same counts with the skipping of row groups made impossible. */
const plainCounts = (file: string): string[] =>
  prunedCounts(file).map((query) =>
    query
      .replace(/from read_parquet\('.*?'\)/, 'from golden')
      .replace('select', `with golden as materialized (from read_parquet('${file}')) select`),
  )

describe.skipIf(!hasPyarrow())('a file with every type', () => {
  test.each([
    ['zstd, one row group', {}],
    ['snappy, many row groups', { codec: 'snappy', rowGroupBytesMax: 1 }],
    ['uncompressed', { codec: 'none' }],
    ['gzip', { codec: 'gzip', level: 6 }],
    ['lz4_raw, many row groups', { codec: 'lz4_raw', rowGroupBytesMax: 1 }],
    ['zstd without page index', { pageIndex: false }],
    ['zstd 9', { level: 9 }],
  ] as const)('%s: pyarrow and DuckDB read every value as it was sent', async (_name, more) => {
    const seen = await seenByPython(fileOf(more), () => [])
    expectSameRows(seen.pyarrow)
    expectSameRows(seen.duckdb)
  })

  test('pyarrow sees types, field ids, writer and key-values', async () => {
    const seen = await seenByPython(fileOf(), () => [])
    expect(seen.createdBy).toBe(createdBy)
    expect(seen.keyValues).toMatchObject({ 'lakeward.stream': 'golden' })
    expect(seen.types).toMatchObject({
      i32: 'int32',
      u32: 'uint32',
      u64: 'uint64',
      f64: 'uint64',
      float: 'float',
      string: 'string',
      bytes: 'binary',
      kind: 'string',
      ints: 'list<element: int32 not null>',
      tags: "map<string, string ('tags')>",
      _ingest_ms: 'timestamp[ms, tz=UTC]',
    })
    const numbers = Object.fromEntries(everyType.fields.map((f) => [f.name, String(f.number)]))
    expect(seen.fieldIds).toMatchObject(numbers)
  })

  test('bounds of every row group hold, and DuckDB skips no row group it must read', async () => {
    const bytes = fileOf({ rowGroupBytesMax: 1 })
    const seen = await seenByPython(bytes, (file) => [...prunedCounts(file), ...plainCounts(file)])
    expect(seen.rowGroups.length).toBe(Math.ceil(rowCount / batchRows))
    const half = seen.queries.length / 2
    expect(half).toBeGreaterThan(100)
    expect(seen.queries.slice(0, half)).toEqual(seen.queries.slice(half))
    const totals = seen.queries.slice(0, half).map((rows) => Number(rows[0]?.[0]))
    expect(totals.some((count) => count > 0 && count < rowCount)).toBe(true)
    for (const [group, statistics] of seen.statistics.entries()) {
      const first = group * batchRows
      const next = Math.min(first + batchRows, rowCount)
      const s32 = inputs.slice(first, next).map((row) => Number(row['s32'] ?? 0))
      expect(statistics['s32']).toEqual([0, String(Math.min(...s32)), String(Math.max(...s32))])
      expect(statistics['never']).toEqual([next - first, null, null])
      expect(statistics['constant']?.[2]).toBe('always the same')
    }
  })

  test('a damaged page is noticed by its checksum', async () => {
    const bytes = fileOf({ codec: 'none' })
    bytes.write('k', bytes.indexOf('clef'))
    await expect(seenByPython(bytes, () => [])).rejects.toThrow(/CRC|checksum/i)
  })
})

test('DuckDB for Node reads the same counts and sums', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'golden.parquet')
  writeFileSync(file, fileOf({ rowGroupBytesMax: 1 }))
  const [row] = await duck(
    `select count(*) as rows, sum(s32)::bigint as s32, sum(len(items))::bigint as items,
            count(distinct "string") as strings, sum(len(map_keys(tags)))::bigint as tags,
            count(maybe_int) as maybe, max(u64)::varchar as u64
     from read_parquet('${file}')`,
  )
  const sumOf = (of: (input: Input) => number): bigint =>
    BigInt(inputs.reduce((sum, input) => sum + of(input), 0))
  const lengthOf = (value: unknown): number => Object.keys(value ?? {}).length
  expect(row).toEqual({
    rows: BigInt(rowCount),
    s32: sumOf((input) => Number(input['s32'] ?? 0)),
    items: sumOf((input) => lengthOf(input['items'])),
    strings: BigInt(new Set(inputs.map((input) => input['string'] ?? '')).size),
    tags: sumOf((input) => lengthOf(input['tags'])),
    maybe: sumOf((input) => (input['maybe_int'] === undefined ? 0 : 1)),
    u64: '18446744073709551615',
  })
})

test('our own reader gives every value back', async () => {
  const bytes = fileOf({ rowGroupBytesMax: 1, codec: 'snappy' })
  const rows = await readParquetRows(bytes)
  const columns = [
    'i32',
    'i64',
    'u32',
    'u64',
    'bool',
    'string',
    'bytes',
    'kind',
    'double',
    'ints',
    'inner',
    'items',
    '_offset',
    '_ingest_ms',
  ]
  expect(rows.map((row) => columns.map((name) => shown(row[name], name)))).toEqual(
    expectedRows.map((row) => columns.map((name) => Reflect.get(row, name))),
  )
  const outcome = readParquetMetadata(bytes)
  const s32 =
    outcome.kind === 'read'
      ? outcome.metadata.columns.find(({ path }) => path === 's32')
      : undefined
  expect(s32).toMatchObject({ min: -499, max: 1_999, nullCount: 0, fieldId: 5 })
})

/** A value of hyparquet as `read_parquet.py` shows it. */
function shown(value: unknown, name: string): unknown {
  if (value === undefined || value === null) return null
  if (name === '_ingest_ms') return { ms: `${value as bigint}` }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') }
  if (Array.isArray(value)) return value.map((each) => shown(each, ''))
  if (typeof value === 'bigint') return { int: String(value) }
  const isFraction = name === 'double' || name === 'price'
  if (typeof value === 'number')
    return isFraction ? { float: hexFraction(value) } : { int: String(value) }
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each, key)]))
}

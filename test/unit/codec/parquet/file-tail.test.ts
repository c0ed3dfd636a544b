import { parquetMetadata } from 'hyparquet'
import { readColumnIndex, readOffsetIndex } from 'hyparquet/src/indexes.js'
import { describe, expect, test } from 'vitest'
import { present } from '../../../../src/base/assert.ts'
import { ParquetFileWriter } from '../../../../src/codec/parquet/file-writer.ts'
import { decodeThrift } from '../../../../src/codec/parquet/thrift.ts'
import { planTable } from '../../../../src/kernel/table-plan.ts'
import { identityColumns } from '../../../../src/model/row-batch.ts'
import { BloomReader } from '../../../support/bloom-reader.ts'
import { fileOf, numberAt, options, rows } from '../../../support/hand-made-file.ts'
import type { HandMadeRow } from '../../../support/hand-made-pages.ts'
import { loadBatch, openKernel } from '../../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../../support/message-schemas.ts'
import { bytesField, joined, utf8, varintField } from '../../../support/raw-events.ts'

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

type Chunk = ReturnType<typeof parquetMetadata>['row_groups'][number]['columns'][number]

const chunksOf = (bytes: Uint8Array): readonly Chunk[] =>
  parquetMetadata(bytes).row_groups.flatMap(({ columns }) => columns)

/** The bytes that a chunk's footer names. */
function indexBytes(bytes: Uint8Array, chunk: Chunk, kind: 'column' | 'offset'): Uint8Array {
  const first = Number(present(chunk[`${kind}_index_offset`], 'the place of an index'))
  return bytes.subarray(first, first + present(chunk[`${kind}_index_length`], 'its length'))
}

/** Places and sizes of a chunk's data pages, by a walk over the pages themselves. */
function dataPages(bytes: Uint8Array, chunk: Chunk): readonly (readonly [number, number])[] {
  const meta = present(chunk.meta_data, 'metadata')
  const first = Number(meta.dictionary_page_offset ?? meta.data_page_offset)
  const next = first + Number(meta.total_compressed_size)
  const pages: (readonly [number, number])[] = []
  for (let at = first; at < next; ) {
    const { fields, sizeBytes } = decodeThrift(bytes.subarray(at))
    const pageBytes = sizeBytes + numberAt(fields, 3)
    if (numberAt(fields, 1) === 0) pages.push([at, pageBytes])
    at += pageBytes
  }
  return pages
}

describe('the page index', () => {
  const all = rows(1_000)
  const { bytes } = fileOf(all, 60, { rowGroupBytesMax: 4_000 })

  test('names each data page of each chunk, where it stands', () => {
    const chunks = chunksOf(bytes)
    expect(chunks.length).toBeGreaterThan(3)
    for (const chunk of chunks) {
      const offsets = readOffsetIndex({
        view: viewOf(indexBytes(bytes, chunk, 'offset')),
        offset: 0,
      })
      const named = offsets.page_locations.map((page) => [
        Number(page.offset),
        page.compressed_page_size,
      ])
      expect(named.length).toBeGreaterThan(1)
      expect(named).toEqual(dataPages(bytes, chunk))
    }
  })

  test('says which row each page begins with, and bounds that hold for its rows', () => {
    let row = 0
    for (const group of parquetMetadata(bytes).row_groups) {
      const groupRows = all.slice(row, row + Number(group.num_rows))
      row += groupRows.length
      for (const [column, chunk] of group.columns.entries()) {
        const view = viewOf(indexBytes(bytes, chunk, 'offset'))
        const firsts = readOffsetIndex({ view, offset: 0 }).page_locations.map((page) =>
          Number(page.first_row_index),
        )
        expect(firsts[0]).toBe(0)
        const schema = { name: 'x', type: (['INT64', 'BYTE_ARRAY', 'INT32'] as const)[column] }
        const index = readColumnIndex(
          { view: viewOf(indexBytes(bytes, chunk, 'column')), offset: 0 },
          { ...schema, type: present(schema.type, 'three columns') },
          undefined,
        )
        const pages = firsts.map((first, page) => groupRows.slice(first, firsts[page + 1]))
        const values = pages.map((page) => page.flatMap((row) => valuesOf(row, column)))
        expect(index.null_pages).toEqual(values.map((each) => each.length === 0))
        expect(index.min_values.map(shown)).toEqual(values.map((each) => ends(each)[0]))
        expect(index.max_values.map(shown)).toEqual(values.map((each) => ends(each)[1]))
      }
    }
    expect(row).toBe(1_000)
  })

  test('is left out when it is not wanted', () => {
    const plain = fileOf(all, 60, { pageIndex: false }).bytes
    for (const chunk of chunksOf(plain)) {
      expect(chunk.offset_index_offset).toBeUndefined()
      expect(chunk.column_index_offset).toBeUndefined()
    }
    expect(plain.length).toBeLessThan(fileOf(all, 60).bytes.length)
  })
})

type Value = bigint | number | string

function valuesOf({ id, name, tags }: HandMadeRow, column: number): readonly Value[] {
  if (column === 0) return [id]
  return column === 1 ? (name === undefined ? [] : [name]) : tags
}

function shown(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value
}

function ends(values: readonly Value[]): readonly (Value | undefined)[] {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return [sorted[0], sorted.at(-1)]
}

describe('a file of the kernel', () => {
  const message = messageOf('T', [
    scalarField(['user', 1], 'string'),
    scalarField(['n', 2], 'int64'),
  ])
  const row = (at: number): Uint8Array =>
    joined(bytesField(1, utf8(`user ${at % 5_000}`)), varintField(2, BigInt(at % 3)))
  const bloom = { columns: ['user', 'n'], errorRate: 0.01, sizeBytesMax: 1 << 20 }

  function written(identity: readonly (typeof identityColumns)[number][], partitions = 1) {
    const kernel = openKernel()
    const table = kernel.compile(planTable(message, { identity, names: 'as-declared' }))
    const writer = new ParquetFileWriter(table, { ...options, bloom, rowGroupBytesMax: 150_000 })
    const held: number[] = []
    for (let first = 0; first < 9_000; first += 1_000) {
      const payloads = Array.from({ length: 1_000 }, (_, at) => row(first + at))
      const batch = loadBatch(kernel, payloads)
      batch.partitions.fill(Math.floor((partitions * first) / 9_000))
      batch.indexes.fill(0)
      for (const at of batch.offsets.keys()) batch.offsets[at] = BigInt(first + at)
      writer.append(batch)
      kernel.input.clear()
      held.push(writer.bufferedBytes)
    }
    const { chunks } = writer.seal(new Map([['lakeward.commit', 'c-1']]))
    return { bytes: Buffer.concat(chunks), held }
  }

  test('has Bloom filters of the columns that were named, with all values of the row group', () => {
    const { bytes } = written([])
    const groups = parquetMetadata(bytes).row_groups
    expect(groups.length).toBeGreaterThan(1)
    let first = 0
    for (const group of groups) {
      const next = first + Number(group.num_rows)
      const [users, numbers] = group.columns.map(({ meta_data: meta }) => {
        const at = Number(present(meta?.bloom_filter_offset, 'the place of a filter'))
        return new BloomReader(bytes.subarray(at, at + (meta?.bloom_filter_length ?? 0)))
      })
      for (let at = first; at < next; at += 7) {
        expect(users?.mayHold(utf8(`user ${at % 5_000}`))).toBe(true)
      }
      const absent = Array.from({ length: 500 }, (_, at) => utf8(`nobody ${at}`))
      expect(absent.filter((each) => users?.mayHold(each)).length).toBeLessThan(25)
      expect(numbers?.sizeBytes).toBe(32)
      first = next
    }
  })

  test('names its commit and the offsets its rows come from', () => {
    const { bytes } = written([])
    const values = new Map(
      (parquetMetadata(bytes).key_value_metadata ?? []).map(({ key, value }) => [key, value]),
    )
    expect(values.get('lakeward.commit')).toBe('c-1')
    expect(JSON.parse(values.get('lakeward.offsets') ?? '')).toEqual([
      { topic: 'events', partition: 0, first: '0', next: '9000' },
    ])
    expect(values.get('lakeward.stream')).toBe('app_events')
  })

  test.each([
    ['offset and index', identityColumns, 1, ['_offset', '_index']],
    [
      'partition first, when there are several',
      identityColumns,
      3,
      ['_partition', '_offset', '_index'],
    ],
    ['what it has', ['_index', '_offset'], 1, ['_offset', '_index']],
    ['the partition alone', ['_partition'], 3, ['_partition']],
    ['nothing, without the first column of the order', ['_offset'], 3, undefined],
    ['nothing, without columns', [], 1, undefined],
  ] as const)('is sorted by %s', (_name, identity, partitions, columns) => {
    const { bytes } = written(identity, partitions)
    const footer = parquetMetadata(bytes)
    const leaves = footer.schema.slice(1).map(({ name }) => name)
    const sorted = footer.row_groups.map(({ sorting_columns: sorting }) =>
      sorting?.map(({ column_idx: at, descending, nulls_first: nullsFirst }) => {
        expect({ descending, nullsFirst }).toEqual({ descending: false, nullsFirst: false })
        return leaves[at]
      }),
    )
    if (partitions === 1) expect(new Set(sorted.map(String))).toEqual(new Set([String(columns)]))
    // A row group that has one partition only is in the order of offsets.
    else expect(sorted.map(String)).toContain(String(columns))
  })

  test('counts the values that wait for its filters as memory', () => {
    const kernel = openKernel()
    const table = kernel.compile(planTable(message, { identity: [], names: 'as-declared' }))
    const [plain, filtered] = [undefined, bloom].map((wish) => {
      const writer = new ParquetFileWriter(table, { ...options, bloom: wish })
      const payloads = Array.from({ length: 30_000 }, (_, at) => bytesField(1, utf8(`v${at}`)))
      writer.append(loadBatch(kernel, payloads))
      kernel.input.clear()
      const held = writer.bufferedBytes
      writer.discard()
      return held
    })
    expect((filtered ?? 0) - (plain ?? 0)).toBeGreaterThanOrEqual(30_000 * 8)
  })

  test('a column that is not there is our own mistake', () => {
    const kernel = openKernel()
    const table = kernel.compile(planTable(message, { identity: [], names: 'as-declared' }))
    const wrong = { ...options, bloom: { ...bloom, columns: ['nobody'] } }
    expect(() => new ParquetFileWriter(table, wrong)).toThrow('leaf of the table: nobody')
  })
})

import { readColumnIndex, readOffsetIndex } from 'hyparquet/src/indexes.js'
import { describe, expect, test } from 'vitest'
import { present } from '../../../../src/base/assert.ts'
import { CompactBytes } from '../../../../src/codec/parquet/compact-bytes.ts'
import {
  type PagePlace,
  pagePlace,
  writeColumnIndex,
  writeOffsetIndex,
} from '../../../../src/codec/parquet/page-index.ts'
import { decodeThrift, type ThriftValue } from '../../../../src/codec/parquet/thrift.ts'
import type { ColumnLeaf } from '../../../../src/model/table-schema.ts'
import { takenBytes } from '../../../support/taken-bytes.ts'

const leaf = (physical: ColumnLeaf['physical'], logical?: ColumnLeaf['logical']): ColumnLeaf => ({
  kind: 'leaf',
  name: 'x',
  repetition: 'optional',
  physical,
  logical,
  fieldId: undefined,
})

const int32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

type Ends = readonly [min: Uint8Array, max: Uint8Array] | undefined

const placeOf = (column: ColumnLeaf, ends: Ends, valueCount = 10): PagePlace =>
  pagePlace(column, { valueCount, rowCount: 10, nullCount: 3, min: ends?.[0], max: ends?.[1] }, 100)

const nullPage = (column: ColumnLeaf): PagePlace => placeOf(column, undefined, 3)

function indexOf(column: ColumnLeaf, pages: readonly PagePlace[]) {
  const { fields } = decodeThrift(present(encodeColumnIndex(column, pages), 'a column index'))
  const listOf = (id: number): readonly ThriftValue[] => {
    const value = fields.get(id)
    return value?.type === 'list' ? value.values : []
  }
  const order = fields.get(4)
  const hex = (value: ThriftValue): string =>
    value.type === 'binary' ? Buffer.from(value.value).toString('hex') : '?'
  return {
    isNull: listOf(1).map((value) => value.type === 'bool' && value.value),
    min: listOf(2).map(hex),
    max: listOf(3).map(hex),
    order: order?.type === 'i32' ? order.value : undefined,
    nulls: listOf(5).map((value) => (value.type === 'i64' ? Number(value.value) : -1)),
  }
}

function encodeColumnIndex(
  column: ColumnLeaf,
  pages: readonly PagePlace[],
): Uint8Array | undefined {
  const out = new CompactBytes()
  const isWritten = writeColumnIndex(out, column, pages)
  expect(out.sizeBytes > 0).toBe(isWritten)
  return isWritten ? takenBytes(out) : undefined
}

function encodeOffsetIndex(pages: readonly PagePlace[], offset: number): Uint8Array {
  const out = new CompactBytes()
  writeOffsetIndex(out, pages, offset)
  return takenBytes(out)
}

const orders = { unordered: 0, ascending: 1, descending: 2 }
const numbers = (...ends: readonly (readonly [number, number])[]): readonly PagePlace[] =>
  ends.map(([min, max]) => placeOf(leaf('int32'), [int32(min), int32(max)]))

describe('the column index', () => {
  test('has bounds and null counts of each page, and none of pages of nothing but nulls', () => {
    const column = leaf('int32')
    const [one, other] = numbers([-5, 7], [7, 9])
    const pages = [nullPage(column), present(one, 'one'), nullPage(column), present(other, 'two')]
    expect(indexOf(column, pages)).toEqual({
      isNull: [true, false, true, false],
      min: ['', 'fbffffff', '', '07000000'],
      max: ['', '07000000', '', '09000000'],
      order: orders.ascending,
      nulls: [3, 3, 3, 3],
    })
  })

  test.each([
    ['ascending', numbers([-9, 1], [-9, 2], [3, 4])],
    ['descending', numbers([3, 4], [-9, 4], [-9, 1])],
    ['unordered', numbers([1, 2], [3, 4], [2, 5])],
    ['unordered', numbers([1, 9], [2, 8])],
    ['ascending', numbers([1, 1], [1, 1])],
    ['ascending', numbers([1, 2])],
  ] as const)('says that pages are %s', (order, pages) => {
    expect(indexOf(leaf('int32'), pages).order).toBe(orders[order])
  })

  test('orders unsigned numbers as such, and texts by their bytes', () => {
    const unsigned = leaf('int32', 'uint32')
    const pages = [
      placeOf(unsigned, [int32(1), int32(2)]),
      placeOf(unsigned, [int32(-2), int32(-1)]),
    ]
    expect(indexOf(unsigned, pages).order).toBe(orders.ascending)
    const texts = leaf('byte-array', 'string')
    const shown = (value: string): Uint8Array => Buffer.from(value)
    // UTF-16 has them the other way round.
    const pair = ['\uff5a', '𝄞'].map((value) => placeOf(texts, [shown(value), shown(value)]))
    expect(indexOf(texts, pair).order).toBe(orders.ascending)
  })

  test('is in the order of what is written of long texts, not of what was cut away', () => {
    const column = leaf('byte-array', 'string')
    const long = (end: string): Uint8Array => Buffer.from(`${'a'.repeat(70)}${end}`)
    const pages = [placeOf(column, [long('9'), long('9')]), placeOf(column, [long('1'), long('1')])]
    expect(indexOf(column, pages)).toMatchObject({
      order: orders.ascending,
      min: [
        Buffer.from('a'.repeat(64)).toString('hex'),
        Buffer.from('a'.repeat(64)).toString('hex'),
      ],
      max: [
        Buffer.from(`${'a'.repeat(63)}b`).toString('hex'),
        Buffer.from(`${'a'.repeat(63)}b`).toString('hex'),
      ],
    })
  })

  test('is not there when nothing is known of the values of one page', () => {
    const column = leaf('byte-array')
    const known = placeOf(column, [Buffer.from('a'), Buffer.from('b')])
    expect(encodeColumnIndex(column, [known, placeOf(column, undefined)])).toBeUndefined()
    const uncut = Buffer.alloc(1_025, 0xff)
    expect(encodeColumnIndex(column, [known, placeOf(column, [uncut, uncut])])).toBeUndefined()
  })

  test('is read by another reader', () => {
    const bytes = present(encodeColumnIndex(leaf('int32'), numbers([1, 2], [3, 4])), 'an index')
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    expect(readColumnIndex({ view, offset: 0 }, { name: 'x', type: 'INT32' })).toMatchObject({
      null_pages: [false, false],
      min_values: [1, 3],
      max_values: [2, 4],
      boundary_order: 'ASCENDING',
      null_counts: [3n, 3n],
    })
  })
})

test('the offset index has place and first row of each page', () => {
  const pages = [100, 50, 70].map((sizeBytes, index) => ({
    ...nullPage(leaf('int32')),
    sizeBytes,
    rowCount: 10 + index,
  }))
  const bytes = encodeOffsetIndex(pages, 4_000_000_000)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  expect(readOffsetIndex({ view, offset: 0 }).page_locations).toEqual([
    { offset: 4_000_000_000n, compressed_page_size: 100, first_row_index: 0n },
    { offset: 4_000_000_100n, compressed_page_size: 50, first_row_index: 10n },
    { offset: 4_000_000_150n, compressed_page_size: 70, first_row_index: 21n },
  ])
})

test('a page that begins with no row is our own mistake', () => {
  const page = { ...nullPage(leaf('int32')), rowCount: 0 }
  expect(() => encodeOffsetIndex([page], 4)).toThrow('begins with a row')
})

import { describe, expect, test } from 'vitest'
import { ChunkBoundsOfPages } from '../../../../src/codec/parquet/chunk-bounds.ts'
import { valueOrder } from '../../../../src/codec/parquet/value-order.ts'
import type { ColumnLeaf } from '../../../../src/model/table-schema.ts'

const leaf = (physical: ColumnLeaf['physical'], logical?: ColumnLeaf['logical']): ColumnLeaf => ({
  kind: 'leaf',
  name: 'x',
  repetition: 'optional',
  physical,
  logical,
  fieldId: undefined,
})

const double = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

const int64 = (value: bigint): Uint8Array => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return bytes
}

type Page = readonly [min: Uint8Array | undefined, max: Uint8Array | undefined]

function boundsOf(column: ColumnLeaf, pages: readonly Page[]) {
  const bounds = new ChunkBoundsOfPages(column)
  for (const [min, max] of pages) bounds.add({ valueCount: 10, nullCount: 2, min, max })
  return bounds.bounds
}

const text = (value: string): Uint8Array => Buffer.from(value)

test('bounds are the least and greatest of the pages, nulls their sum', () => {
  const pages: Page[] = [
    [text('d'), text('f')],
    [text('b'), text('e')],
    [text('c'), text('g')],
  ]
  expect(boundsOf(leaf('byte-array', 'string'), pages)).toEqual({
    nullCount: 6,
    min: text('b'),
    max: text('g'),
  })
})

test('a page of nothing but nulls says nothing and takes nothing away', () => {
  const bounds = new ChunkBoundsOfPages(leaf('byte-array'))
  bounds.add({ valueCount: 4, nullCount: 4, min: undefined, max: undefined })
  bounds.add({ valueCount: 4, nullCount: 0, min: text('a'), max: text('b') })
  expect(bounds.bounds).toEqual({ nullCount: 4, min: text('a'), max: text('b') })
})

test('one unknown end of a page leaves the chunk without it', () => {
  const pages: Page[] = [
    [text('d'), text('f')],
    [undefined, text('e')],
  ]
  expect(boundsOf(leaf('byte-array'), pages)).toMatchObject({ min: undefined, max: text('f') })
})

test('a page of nothing but NaN leaves the bounds of the others', () => {
  const pages: Page[] = [
    [double(1), double(2)],
    [undefined, undefined],
    [double(-1), double(0)],
  ]
  expect(boundsOf(leaf('double'), pages)).toMatchObject({ min: double(-1), max: double(2) })
})

describe('the order of values', () => {
  const sign = (column: ColumnLeaf, left: Uint8Array, right: Uint8Array): number =>
    Math.sign(valueOrder(column)(left, right))

  test.each([
    ['int64', leaf('int64'), int64(-1n), int64(1n)],
    ['uint64', leaf('int64', 'uint64'), int64(1n), int64(-1n)],
    ['int32', leaf('int32'), Buffer.from([0, 0, 0, 0x80]), Buffer.from([1, 0, 0, 0])],
    ['uint32', leaf('int32', 'uint32'), Buffer.from([1, 0, 0, 0]), Buffer.from([0, 0, 0, 0x80])],
    ['boolean', leaf('boolean'), Buffer.from([0]), Buffer.from([1])],
    ['double', leaf('double'), double(-2), double(1.5)],
    ['float', leaf('float'), Buffer.from([0, 0, 0x80, 0xbf]), Buffer.from([0, 0, 0x80, 0x3f])],
    ['text', leaf('byte-array', 'string'), text('a'), text('aa')],
    ['bytes', leaf('byte-array'), Buffer.from([0x7f]), Buffer.from([0x80])],
  ] as const)('of %s', (_name, column, low, high) => {
    expect(sign(column, low, high)).toBe(-1)
    expect(sign(column, high, low)).toBe(1)
    expect(sign(column, low, low)).toBe(0)
  })

  test('of INT96 is none', () => {
    expect(sign(leaf('int96'), Buffer.alloc(12), Buffer.alloc(12, 1))).toBe(0)
  })
})

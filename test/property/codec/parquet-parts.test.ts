import fc from 'fast-check'
import { snappyUncompress } from 'hyparquet'
import { expect, test } from 'vitest'
import { inflateLz4Block } from '../../../src/codec/compression/lz4-frame.ts'
import { inflateSnappy } from '../../../src/codec/compression/snappy.ts'
import { BloomFilter } from '../../../src/codec/parquet/bloom-filter.ts'
import { CompactBytes } from '../../../src/codec/parquet/compact-bytes.ts'
import { encodeLz4Block, lz4BytesMax } from '../../../src/codec/parquet/lz4.ts'
import { ParquetError } from '../../../src/codec/parquet/parquet-error.ts'
import { RowSources } from '../../../src/codec/parquet/row-sources.ts'
import { encodeSnappy, snappyBytesMax } from '../../../src/codec/parquet/snappy.ts'
import { boundBytesMax, writeStatistics } from '../../../src/codec/parquet/statistics.ts'
import {
  binary,
  bool,
  byte,
  decodeThrift,
  double,
  encodeThrift,
  i16,
  i32,
  i64,
  list,
  struct,
  type ThriftValue,
} from '../../../src/codec/parquet/thrift.ts'
import { BloomReader, hashWords } from '../../support/bloom-reader.ts'
import { takenBytes } from '../../support/taken-bytes.ts'

const plain: Record<string, fc.Arbitrary<ThriftValue>> = {
  bool: fc.boolean().map(bool),
  byte: fc.integer({ min: -128, max: 127 }).map(byte),
  i16: fc.integer({ min: -32_768, max: 32_767 }).map(i16),
  i32: fc.integer().map(i32),
  i64: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map(i64),
  double: fc.double({ noNaN: true }).map(double),
  binary: fc.uint8Array({ maxLength: 40 }).map(binary),
}

const { value, message } = fc.letrec<{ value: ThriftValue; message: ThriftValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    ...Object.values(plain),
    ...Object.entries(plain).map(([of, each]) =>
      fc.array(each, { maxLength: 20 }).map((values) => list(of as ThriftValue['type'], values)),
    ),
    fc.array(tie('message'), { maxLength: 4 }).map((values) => list('struct', values)),
    tie('message'),
  ),
  message: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), tie('value')), { maxLength: 6 })
    .map((fields) => struct([...new Map(fields)].toSorted(([a], [b]) => a - b))),
}))

test('a struct of thrift is read as it was written', () => {
  fc.assert(
    fc.property(message, (written) => {
      const bytes = encodeThrift(written)
      const { fields, sizeBytes } = decodeThrift(bytes)
      expect({ type: 'struct', fields }).toEqual(written)
      expect(sizeBytes).toBe(bytes.length)
    }),
    { numRuns: 300 },
  )
})

test('bytes of thrift that are cut or changed are read or refused, never anything else', () => {
  let refused = 0
  fc.assert(
    fc.property(message, value, fc.nat(), fc.nat(), (written, _other, place, bits) => {
      const bytes = Uint8Array.from(encodeThrift(written))
      const at = place % bytes.length
      bytes[at] = bits & 0xff
      for (const input of [bytes, bytes.subarray(0, at)]) {
        try {
          decodeThrift(input)
        } catch (error) {
          refused++
          if (!(error instanceof ParquetError)) throw error
        }
      }
    }),
    { numRuns: 500 },
  )
  expect(refused).toBeGreaterThan(100)
})

/** Bytes with repetition near and far, as pages have. */
const body = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 400 })),
    { maxLength: 30 },
  )
  .map((runs) =>
    Buffer.concat(runs.flatMap(([part, times]) => Array.from({ length: times }, () => part))),
  )

test('a block of snappy is read back by two readers and fits its bound', () => {
  fc.assert(
    fc.property(body, (input) => {
      const packed = encodeSnappy(input)
      expect(packed.length).toBeLessThanOrEqual(snappyBytesMax(input.length))
      const ours = inflateSnappy(packed, input.length)
      expect(ours.kind === 'inflated' && Buffer.compare(ours.bytes, input)).toBe(0)
      if (input.length === 0) return
      const theirs = new Uint8Array(input.length)
      snappyUncompress(packed, theirs)
      expect(Buffer.compare(theirs, input)).toBe(0)
    }),
    { numRuns: 200 },
  )
})

test('a block of lz4 is read back and fits its bound', () => {
  fc.assert(
    fc.property(body, (input) => {
      const packed = encodeLz4Block(input)
      expect(packed.length).toBeLessThanOrEqual(lz4BytesMax(input.length))
      const ours = inflateLz4Block(packed, input.length)
      expect(ours.kind === 'inflated' && Buffer.compare(ours.bytes, input)).toBe(0)
    }),
    { numRuns: 200 },
  )
})

test('a Bloom filter holds all its values, however they come and whatever its size', () => {
  const values = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 300 })
  const parts = fc.array(values, { minLength: 1, maxLength: 5 })
  const wish = fc.record({
    errorRate: fc.double({ min: 0.0001, max: 0.25, noNaN: true }),
    sizeBytesMax: fc.integer({ min: 5, max: 14 }).map((power) => 2 ** power),
  })
  fc.assert(
    fc.property(parts, wish, (given, wished) => {
      const filter = new BloomFilter(wished)
      for (const part of given) filter.add(hashWords(part))
      const encoded = filter.encoded()
      if (encoded === undefined) return
      const reader = new BloomReader(encoded)
      expect(given.flat().every((each) => reader.mayHold(each))).toBe(true)
      expect(reader.sizeBytes).toBeLessThanOrEqual(wished.sizeBytesMax)
    }),
    { numRuns: 100 },
  )
})

test('an order that is claimed is the order of the rows, and ranges hold them all', () => {
  const row = fc.record({
    partition: fc.nat({ max: 2 }),
    offset: fc.oneof(
      fc.bigInt({ min: 0n, max: 5n }),
      fc.bigInt({ min: 0xffff_fffen, max: 0x1_0000_0002n }),
    ),
    index: fc.nat({ max: 1 }),
  })
  const claimed = { offsets: 0, partitions: 0, none: 0 }
  const keyOf = (each: { partition: number; offset: bigint; index: number }): bigint =>
    (BigInt(each.partition) << 80n) + (each.offset << 8n) + BigInt(each.index)
  const sorted = fc
    .array(row, { minLength: 1, maxLength: 12 })
    .map((rows) => rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)))
  const rows = fc.oneof(fc.array(row, { minLength: 1, maxLength: 6 }), sorted)
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 4 }), (all, batchRows) => {
      const sources = new RowSources()
      for (let first = 0; first < all.length; first += batchRows) {
        const some = all.slice(first, first + batchRows)
        sources.add({
          count: some.length,
          starts: new Int32Array(some.length),
          ends: new Int32Array(some.length),
          topic: 'events',
          partitions: Int32Array.from(some, (each) => each.partition),
          offsets: BigInt64Array.from(some, (each) => each.offset),
          indexes: Int32Array.from(some, (each) => each.index),
          ingestMs: 0,
        })
      }
      const isSorted = all.every(
        (each, at) => at === 0 || keyOf(all[at - 1] ?? each) <= keyOf(each),
      )
      const isOne = all.every((each) => each.partition === all[0]?.partition)
      const order = sources.takeOrder()
      claimed[order]++
      expect(order).toBe(isSorted ? (isOne ? 'offsets' : 'partitions') : 'none')
      for (const { partition, offset } of all) {
        const range = sources.ranges.find((each) => each.partition === partition)
        expect(range !== undefined && range.first <= offset && offset < range.next).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
  expect(Math.min(...Object.values(claimed))).toBeGreaterThan(20)
})

const longText = fc
  .array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 4 })
  .map((parts) => Buffer.from(parts.join('').toWellFormed(), 'utf8'))
const longBytes = fc
  .tuple(fc.uint8Array({ maxLength: 80 }), fc.nat({ max: 80 }))
  .map(([start, tail]) => Buffer.concat([start, Buffer.alloc(tail, 0xff)]))

test.each([
  ['text', 'string', longText],
  ['bytes', undefined, longBytes],
  ['text that is not UTF-8', 'string', longBytes],
] as const)('bounds of %s hold for the value they were made of', (_name, logical, values) => {
  let cut = 0
  fc.assert(
    fc.property(values, (bytes) => {
      const leaf = {
        kind: 'leaf',
        name: 'x',
        repetition: 'required',
        physical: 'byte-array',
        logical,
        fieldId: undefined,
      } as const
      const out = new CompactBytes()
      writeStatistics(out, leaf, { nullCount: 0, min: bytes, max: bytes })
      const { fields } = decodeThrift(takenBytes(out))
      const [min, max, maxExact] = [6, 5, 7].map((id) => fields.get(id))
      if (min?.type !== 'binary' || max?.type !== 'binary') return
      expect(Buffer.compare(min.value, bytes)).toBeLessThanOrEqual(0)
      expect(Buffer.compare(max.value, bytes)).toBeGreaterThanOrEqual(0)
      expect(maxExact).toEqual(bool(Buffer.compare(max.value, bytes) === 0))
      const isWhole = max.value.length === bytes.length
      expect(max.value.length).toBeLessThanOrEqual(isWhole ? 1_024 : boundBytesMax + 3)
      if (bytes.length > boundBytesMax) cut++
    }),
    { numRuns: 500 },
  )
  expect(cut).toBeGreaterThan(20)
})

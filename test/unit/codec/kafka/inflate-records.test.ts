import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { isFault } from '../../../../src/base/fault.ts'
import { inflateRecords } from '../../../../src/codec/kafka/inflate-records.ts'
import { inflateLz4 } from '../../../../src/codec/kafka/lz4.ts'
import { type BatchCodec, readBatch } from '../../../../src/codec/kafka/record-batch.ts'
import { inflateSnappy } from '../../../../src/codec/kafka/snappy.ts'
import { TooLarge } from '../../../../src/codec/kafka/too-large.ts'
import { inflateDocumented, inflateZstd, works } from '../../../../src/codec/kafka/zstd.ts'
import { anySource, readPlain } from '../../../support/read-batches.ts'
import { compress, encodeBatch, encodeRecord } from '../../../support/record-batch.ts'

const compressed: readonly BatchCodec[] = ['gzip', 'snappy', 'lz4', 'zstd']
const records = Array.from({ length: 2_000 }, (_, index) => ({
  key: `user-${index % 17}`,
  value: `{"page":"/home/${index * 7919}","n":${index},"pad":"${'ab'.repeat(index % 90)}"}`,
}))
const plain = Buffer.concat(records.map((record, index) => encodeRecord(record, index, 0)))

const inflate = (bytes: Buffer): Uint8Array => {
  const part = { source: anySource, bytes, start: 0, end: bytes.length }
  return inflateRecords(part, readBatch(part, 0))
}

test('uncompressed records are not copied', () => {
  const bytes = encodeBatch({ records })
  expect(inflate(bytes).buffer).toBe(bytes.buffer)
})

test.each(compressed)('%s gives back the same records', (codec) => {
  expect(Buffer.from(inflate(encodeBatch({ records, codec }))).equals(plain)).toBe(true)
})

test.each(compressed)('%s cut at any of many places is a fault, never a smaller batch', (codec) => {
  const few = records.slice(0, 40)
  const section = compress(codec, Buffer.concat(few.map((one, at) => encodeRecord(one, at, 0))))
  let cuts = 0
  for (let cut = 0; cut < section.length; cut++, cuts++) {
    const bytes = encodeBatch({ records: few, codec, section: section.subarray(0, cut) })
    expect(() => readPlain(bytes), `cut=${cut}`).toThrow(/events\/3/)
  }
  expect(cuts).toBeGreaterThan(100)
})

test.each([
  ['zstd', zstdCompressSync],
  ['gzip', gzipSync],
  ['lz4', (bytes: Buffer) => Buffer.from(compress('lz4', bytes))],
] as const)('%s in two frames is read to the end', (codec, pack) => {
  const section = Buffer.concat([pack(plain.subarray(0, 9_000)), pack(plain.subarray(9_000))])
  expect(Buffer.from(inflate(encodeBatch({ records, codec, section }))).equals(plain)).toBe(true)
})

test('snappy in blocks, as Java writes it, is read', () => {
  const block = (from: number, to: number): Buffer => {
    const bytes = compressionsAlgorithms.snappy.compressSync(plain.subarray(from, to))
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const head = Buffer.from('82534e41505059000000000100000001', 'hex')
  const section = Buffer.concat([head, block(0, 32_768), block(32_768, plain.length)])
  expect(Buffer.from(inflate(encodeBatch({ records, codec: 'snappy', section })))).toEqual(plain)
  const cut = section.subarray(0, -1)
  expect(() => inflate(encodeBatch({ records, codec: 'snappy', section: cut }))).toThrow(/xerial/)
})

test.each(['gzip', 'zstd'] as const)('a %s bomb is refused at the limit', (codec) => {
  const pack = codec === 'gzip' ? gzipSync : zstdCompressSync
  const section = pack(Buffer.alloc(130 * 1_048_576))
  let thrown: unknown
  try {
    inflate(encodeBatch({ records, codec, section }))
  } catch (error) {
    thrown = error
  }
  expect(isFault(thrown, 'KAFKA_BATCH_TOO_LARGE') && thrown.facts).toMatchObject({
    topicPartition: 'events/3',
    sizeBytesMax: 134_217_728,
  })
})

test('many zstd frames do not pass the limit together', () => {
  const frame = zstdCompressSync(Buffer.alloc(70 * 1_048_576))
  const section = Buffer.concat([frame, frame])
  const bytes = encodeBatch({ records, codec: 'zstd', section })
  expect(() => inflate(bytes)).toThrow(/inflates past/)
})

test('lz4 and snappy stop at the limit they are given', () => {
  const zeros = Buffer.alloc(100_000)
  expect(() => inflateLz4(compress('lz4', zeros), 99_999)).toThrow(TooLarge)
  expect(inflateLz4(compress('lz4', zeros), 100_000).length).toBe(100_000)
  expect(() => inflateSnappy(compress('snappy', zeros), 99_999)).toThrow(TooLarge)
  expect(inflateSnappy(compress('snappy', zeros), 100_000).length).toBe(100_000)
})

const lz4Frame = (block: readonly number[], flags = 0x60): Buffer => {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0])
  return Buffer.concat([head, size, Buffer.from(block), Buffer.alloc(4)])
}

test('lz4: stored blocks, long lengths, overlapping matches and checksummed blocks are read', () => {
  const stored = Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 3, 0, 0, 0x80]),
    Buffer.from('abc'),
    Buffer.alloc(4),
  ])
  expect(Buffer.from(inflateLz4(stored, 100)).toString()).toBe('abc')
  const overlapping = lz4Frame([0x2f, 97, 98, 2, 0, 1, 0x10, 99])
  expect(Buffer.from(inflateLz4(overlapping, 100)).toString()).toBe(`${'ab'.repeat(11)}c`)
  const checked = Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x7c, 0x40]),
    Buffer.alloc(8),
    Buffer.from([0, 2, 0, 0, 0, 0x10, 97]),
    Buffer.alloc(4),
    Buffer.alloc(4),
    Buffer.alloc(4),
  ])
  expect(Buffer.from(inflateLz4(checked, 100)).toString()).toBe('a')
})

test.each([
  ['a match before the start', lz4Frame([0x10, 97, 2, 0, 0x10, 99])],
  ['a match of distance 0', lz4Frame([0x10, 97, 0, 0, 0x10, 99])],
  ['a cut match', lz4Frame([0x10, 97, 1])],
  ['a literal past the end', lz4Frame([0x50, 97])],
  ['a length past the end', lz4Frame([0xf0, 255])],
  ['another version', lz4Frame([0x10, 97], 0x20)],
  ['a dictionary', lz4Frame([0x10, 97], 0x61)],
  ['no frame', Buffer.alloc(20, 1)],
  ['a block past the end', lz4Frame([0x10, 97]).subarray(0, 12)],
])('lz4 with %s is refused', (_name, frame) => {
  expect(() => inflateLz4(frame, 1_000)).toThrow(Error)
})

test('snappy: every kind of element is read', () => {
  const longLiteral = Buffer.concat([Buffer.from([100, 0xf0, 99]), Buffer.alloc(100, 97)])
  expect(Buffer.from(inflateSnappy(longLiteral, 1_000)).toString()).toBe('a'.repeat(100))
  const twoByteCopy = Buffer.from([8, 0x04, 97, 98, 0x16, 2, 0])
  expect(Buffer.from(inflateSnappy(twoByteCopy, 1_000)).toString()).toBe('abababab')
  const fourByteCopy = Buffer.from([8, 0x04, 97, 98, 0x17, 2, 0, 0, 0])
  expect(Buffer.from(inflateSnappy(fourByteCopy, 1_000)).toString()).toBe('abababab')
})

test.each([
  ['a copy before the start', [4, 0x00, 97, 0x02, 9, 0]],
  ['a copy of distance 0', [4, 0x00, 97, 0x02, 0, 0]],
  ['a copy past the declared size', [2, 0x00, 97, 0x0e, 1, 0]],
  ['a cut copy', [4, 0x00, 97, 0x0b, 1]],
  ['a literal past the end', [4, 0x0c, 97]],
  ['a literal past the declared size', [1, 0x04, 97, 98]],
  ['fewer bytes than declared', [9, 0x00, 97]],
  ['no size', [0x80, 0x80]],
  ['a size of more than 5 bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 1]],
])('snappy with %s is refused', (_name, bytes) => {
  expect(() => inflateSnappy(Buffer.from(bytes), 1_000)).toThrow(Error)
})

test('zstd by the documented function gives the same, frames in a row too', () => {
  const frames = Buffer.concat([zstdCompressSync(plain), zstdCompressSync(plain)])
  const both = Buffer.concat([plain, plain])
  expect(Buffer.from(inflateDocumented(frames, both.length)).equals(both)).toBe(true)
  expect(Buffer.from(inflateZstd(frames, both.length)).equals(both)).toBe(true)
  expect(() => inflateDocumented(frames, plain.length)).toThrow(TooLarge)
  expect(() => inflateZstd(frames, plain.length)).toThrow(TooLarge)
  expect(works(inflateDocumented)).toBe(true)
})

test('an undocumented way that does not do what it should is not taken', () => {
  expect(works(inflateZstd)).toBe(true)
  expect(works(() => new Uint8Array())).toBe(false)
  expect(
    works(() => {
      throw new Error('there is no such handle')
    }),
  ).toBe(false)
})

test('zstd goes on after broken input, and after output larger than it keeps', () => {
  const large = Buffer.alloc(40 * 1_048_576, 'ab')
  for (let round = 0; round < 3; round++) {
    expect(() => inflateZstd(Buffer.from('no zstd at all'), 1_000)).toThrow(Error)
    expect(Buffer.from(inflateZstd(zstdCompressSync(plain), plain.length)).equals(plain)).toBe(true)
    const inflated = inflateZstd(zstdCompressSync(large), large.length)
    expect(Buffer.compare(inflated, large)).toBe(0)
  }
})

import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { isFault } from '../../../../src/base/fault.ts'
import { inflateRecords } from '../../../../src/codec/kafka/inflate-records.ts'
import { type BatchCodec, readBatch } from '../../../../src/codec/kafka/record-batch.ts'
import { TooLarge } from '../../../../src/codec/kafka/too-large.ts'
import { inflateXerialSnappy } from '../../../../src/codec/kafka/xerial-snappy.ts'
import { openKernel } from '../../../support/kernel-tables.ts'
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

test.each(['snappy', 'lz4', 'zstd'] as const)('%s is inflated where it is parsed', (codec) => {
  const { input } = openKernel()
  for (let turn = 1; turn <= 3; turn++) {
    const bytes = encodeBatch({ records, codec })
    const part = { source: anySource, bytes, start: 0, end: bytes.length }
    const inflated = inflateRecords(part, readBatch(part, 0), input)
    const address = inflated.byteOffset
    expect(inflated.buffer === input.u8.buffer).toBe(true)
    expect(input.load(inflated)).toBe(address)
    const there = input.u8.subarray(address, address + plain.length)
    expect(Buffer.compare(there, plain), `batch ${turn}`).toBe(0)
  }
})

test('an lz4 bomb of a few bytes takes little memory of what is parsed', () => {
  const kernel = openKernel()
  const zeros = Buffer.alloc(8 * 1_048_576)
  const bytes = encodeBatch({ records, codec: 'lz4', section: compress('lz4', zeros) })
  const part = { source: anySource, bytes, start: 0, end: bytes.length }
  expect(inflateRecords(part, readBatch(part, 0), kernel.input).length).toBe(zeros.length)
  expect(kernel.takenBytes).toBeLessThan(4 * 1_048_576)
})

test.each([
  ['zstd', zstdCompressSync],
  ['gzip', gzipSync],
  ['lz4', (bytes: Buffer) => Buffer.from(compress('lz4', bytes))],
] as const)('%s in two frames is read to the end', (codec, pack) => {
  const section = Buffer.concat([pack(plain.subarray(0, 9_000)), pack(plain.subarray(9_000))])
  expect(Buffer.from(inflate(encodeBatch({ records, codec, section }))).equals(plain)).toBe(true)
})

/** Raw blocks in the framing of Java's producers. */
function xerial(...blocks: readonly Uint8Array[]): Buffer {
  const head = Buffer.from('82534e41505059000000000100000001', 'hex')
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    return [length, block]
  })
  return Buffer.concat([head, ...framed])
}

test('snappy in blocks, as Java writes it, is read', () => {
  const parts = [plain.subarray(0, 32_768), plain.subarray(32_768)]
  const section = xerial(...parts.map((part) => compress('snappy', part)))
  expect(Buffer.from(inflate(encodeBatch({ records, codec: 'snappy', section })))).toEqual(plain)
  const cut = section.subarray(0, -1)
  expect(() => inflate(encodeBatch({ records, codec: 'snappy', section: cut }))).toThrow(/xerial/)
})

test.each(compressed)('a %s bomb is refused at the limit', (codec) => {
  // Ten times 13 MiB: the sum passes 128 MiB, and only the first part has to be compressed.
  const part = compress(codec, Buffer.alloc(13 * 1_048_576))
  const parts = Array.from({ length: 10 }, () => part)
  const section = codec === 'snappy' ? xerial(...parts) : Buffer.concat(parts)
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

test('snappy stops at the limit it is given, of all blocks together', () => {
  const zeros = Buffer.alloc(100_000)
  const block = compress('snappy', zeros)
  expect(() => inflateXerialSnappy(block, 99_999)).toThrow(TooLarge)
  expect(inflateXerialSnappy(block, 100_000).length).toBe(100_000)
  const framed = xerial(block, block)
  expect(() => inflateXerialSnappy(framed, 199_999)).toThrow(TooLarge)
  expect(inflateXerialSnappy(framed, 200_000).length).toBe(200_000)
})

import { expect, test } from 'vitest'
import { isFault } from '../../../../src/base/fault.ts'
import { readBatch, walkBatches } from '../../../../src/codec/kafka/record-batch.ts'
import { anySource } from '../../../support/read-batches.ts'
import { encodeBatch, withChecksum } from '../../../support/record-batch.ts'

const one = encodeBatch({
  baseOffset: 40n,
  leaderEpoch: 7,
  records: [{ value: 'a' }, { value: 'b', offsetDelta: 4 }],
  lastOffsetDelta: 9,
})
const two = encodeBatch({ baseOffset: 50n, records: [{ value: 'c' }] })
const partOf = (bytes: Buffer, start = 0, end = bytes.length) => ({
  source: anySource,
  bytes,
  start,
  end,
})

test('the next offset comes from the header, past offsets that compaction removed', () => {
  const { batches, end, fault } = walkBatches(partOf(Buffer.concat([one, two])))
  expect(fault).toBeUndefined()
  expect(end).toBe(one.length + two.length)
  expect(batches.map((batch) => [batch.baseOffset, batch.nextOffset, batch.leaderEpoch])).toEqual([
    [40n, 50n, 7],
    [50n, 51n, 0],
  ])
})

test('a batch cut short at the end of an answer is left for the next fetch', () => {
  for (let cut = 0; cut < two.length; cut++) {
    const bytes = Buffer.concat([one, two.subarray(0, cut)])
    const { batches, end, fault } = walkBatches(partOf(bytes))
    expect({ cut, count: batches.length, end, fault }).toEqual({
      cut,
      count: 1,
      end: one.length,
      fault: undefined,
    })
  }
})

test('the walk stays inside its part of the answer', () => {
  const bytes = Buffer.concat([Buffer.alloc(13, 255), one, two, Buffer.alloc(100, 255)])
  const { batches, end } = walkBatches(partOf(bytes, 13, 13 + one.length + two.length))
  expect(batches.map((batch) => batch.start)).toEqual([13, 13 + one.length])
  expect(end).toBe(13 + one.length + two.length)
  expect(readBatch(partOf(bytes), 13 + one.length).baseOffset).toBe(50n)
})

test('any flipped byte under the checksum stops the walk with both checksums', () => {
  for (let at = 17; at < two.length; at++) {
    const broken = Buffer.from(two)
    broken.writeUInt8((broken[at] ?? 0) ^ 0x10, at)
    const { batches, end, fault } = walkBatches(partOf(Buffer.concat([one, broken])))
    expect(batches.length).toBe(1)
    expect(end).toBe(one.length)
    expect(isFault(fault, 'KAFKA_BATCH_CORRUPT') && fault.facts).toMatchObject({
      topicPartition: 'events/3',
      offset: 50n,
      expected: broken.readUInt32BE(17),
    })
  }
})

test.each([0, 1, 3])('records of format %i are refused by name', (magic) => {
  const old = Buffer.from(one)
  old.writeInt8(magic, 16)
  const { fault } = walkBatches(partOf(old))
  expect(isFault(fault, 'KAFKA_FORMAT_NOT_SUPPORTED') && fault.facts).toEqual({
    topicPartition: 'events/3',
    offset: 40n,
    magic,
  })
})

test('a length that no batch can have is refused, not walked', () => {
  for (const length of [-2_000_000_000, -13, 0, 48]) {
    const broken = Buffer.from(one)
    broken.writeInt32BE(length, 8)
    expect(walkBatches(partOf(broken)).fault).toMatchObject({ code: 'KAFKA_RECORDS_CORRUPT' })
  }
})

test('a codec that is none of ours is refused by its number', () => {
  const odd = Buffer.from(one)
  odd.writeInt16BE(6, 21)
  const { fault } = walkBatches(partOf(withChecksum(odd)))
  expect(isFault(fault, 'KAFKA_CODEC_NOT_SUPPORTED') && fault.facts.codec).toBe(6)
})

test('attributes and times are read from their places', () => {
  const bytes = encodeBatch({
    records: [{ timestampMs: 1_000 }, { timestampMs: 500 }],
    logAppendTimeMs: 9_000,
    transactional: true,
    control: true,
    producerId: 77n,
    codec: 'zstd',
  })
  expect(readBatch(partOf(bytes), 0)).toMatchObject({
    codec: 'zstd',
    logAppendTime: true,
    transactional: true,
    control: true,
    baseTimestampMs: 1_000,
    maxTimestampMs: 9_000,
    producerId: 77n,
    recordCount: 2,
    recordsStart: 61,
    end: bytes.length,
  })
})

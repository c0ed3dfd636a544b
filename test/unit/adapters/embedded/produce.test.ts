import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { batchOf, fetchRequest, type ProducedBatch, produceRequest, sealed } from './batches.ts'
import type { RawClient } from './raw-client.ts'
import { brokerWorld } from './world.ts'

async function produce(client: RawClient, records: Buffer | null, version = 8) {
  const answer = await client.call('produce', version, produceRequest('orders', records))
  const partition = answer.topics[0]?.partitions[0]
  if (partition === undefined) throw new Error('the answer has no partition')
  return partition
}

async function readAll(client: RawClient): Promise<Buffer> {
  const answer = await client.call('fetch', 11, fetchRequest([{ topic: 'orders' }]))
  return Buffer.concat(answer.topics[0]?.partitions[0]?.records ?? [])
}

test('offsets continue from batch to batch and the batch keeps its bytes', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  const first = await produce(world.client, batchOf())
  const second = await produce(world.client, batchOf({ values: ['x'] }))
  expect([first.firstOffset, second.firstOffset]).toEqual([0n, 3n])
  expect(world.broker.highWatermark('orders', 0)).toBe(4n)
  const stored = await readAll(world.client)
  const sent = Buffer.concat([batchOf(), batchOf({ values: ['x'] })])
  const secondAt = batchOf().length
  expect(stored.readBigInt64BE(secondAt)).toBe(3n)
  // Only base offset and leader epoch are the broker's own.
  sent.writeBigInt64BE(3n, secondAt)
  expect(stored.equals(sent)).toBe(true)
})

const refusals: readonly [string, Buffer | null, number][] = [
  ['no records', null, errorCode.invalidRecord],
  ['a torn batch', batchOf().subarray(0, 70), errorCode.corruptMessage],
  ['two batches', Buffer.concat([batchOf(), batchOf()]), errorCode.invalidRecord],
  ['a flipped byte', flipped(batchOf(), 70), errorCode.corruptMessage],
  ['message format 1', changed((batch) => batch.writeInt8(1, 16)), errorCode.invalidRecord],
  ['a wrong count', changed((batch) => batch.writeInt32BE(9, 57)), errorCode.invalidRecord],
  ['a control batch', batchOf({ control: true }), errorCode.invalidRecord],
  ['a log append time', batchOf({ logAppendTimeMs: 5 }), errorCode.invalidTimestamp],
  ['codec 5', changed((batch) => batch.writeInt16BE(5, 21)), errorCode.unsupportedCompression],
  ['too many bytes', batchOf({ values: ['x'.repeat(4096)] }), errorCode.messageTooLarge],
]

test.each(refusals)(
  '%s leaves no trace and is answered with its error',
  async (_, records, code) => {
    await using world = await brokerWorld({ batchBytesMax: 4096 })
    world.broker.createTopic('orders', 1)
    const answer = await produce(world.client, records)
    expect(answer.errorCode).toBe(code)
    expect(answer.firstOffset).toBe(-1n)
    expect(world.broker.highWatermark('orders', 0)).toBe(0n)
  },
)

test('zstd is refused to clients that do not know it', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  const old = await produce(world.client, batchOf({ codec: 'zstd' }), 6)
  expect(old.errorCode).toBe(errorCode.unsupportedCompression)
  expect((await produce(world.client, batchOf({ codec: 'zstd' }), 7)).errorCode).toBe(0)
})

test('a missing topic, a missing partition and strange acks have their errors', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  const ask = async (topic: string, options: { partition?: number; acks?: number }) => {
    const answer = await world.client.call('produce', 8, produceRequest(topic, batchOf(), options))
    return answer.topics[0]?.partitions[0]?.errorCode
  }
  expect(await ask('none', {})).toBe(errorCode.unknownTopicOrPartition)
  expect(await ask('orders', { partition: 1 })).toBe(errorCode.unknownTopicOrPartition)
  expect(await ask('orders', { acks: 2 })).toBe(errorCode.invalidRequiredAcks)
  expect(world.broker.highWatermark('orders', 0)).toBe(0n)
})

const idempotent = (firstSequence: number, more: ProducedBatch = {}): Buffer =>
  batchOf({ producerId: 7n, firstSequence, ...more })

test('a batch sent again is answered with the offset it has, and appended once', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  for (const sequence of [0, 3, 6, 9, 12]) await produce(world.client, idempotent(sequence))
  for (const sequence of [0, 3, 12]) {
    const again = await produce(world.client, idempotent(sequence))
    expect([again.errorCode, again.firstOffset]).toEqual([0, BigInt(sequence)])
  }
  expect(world.broker.highWatermark('orders', 0)).toBe(15n)
  // The sixth newest batch is forgotten, so that its sequence is merely out of order.
  await produce(world.client, idempotent(15))
  expect((await produce(world.client, idempotent(0))).errorCode).toBe(errorCode.outOfOrderSequence)
})

test('a gap in the sequence and an older epoch are refused, a newer epoch begins at 0', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  await produce(world.client, idempotent(0, { producerEpoch: 2 }))
  const codes = []
  for (const batch of [
    idempotent(4, { producerEpoch: 2 }),
    idempotent(3, { producerEpoch: 1 }),
    idempotent(3, { producerEpoch: 3 }),
    idempotent(0, { producerEpoch: 3 }),
  ]) {
    codes.push((await produce(world.client, batch)).errorCode)
  }
  const { outOfOrderSequence, invalidProducerEpoch } = errorCode
  expect(codes).toEqual([outOfOrderSequence, invalidProducerEpoch, outOfOrderSequence, 0])
  expect(world.broker.highWatermark('orders', 0)).toBe(6n)
})

test('producers are remembered across a restart', async () => {
  await using before = await brokerWorld()
  before.broker.createTopic('orders', 1)
  await produce(before.client, idempotent(0))
  await using world = await before.restart()
  const again = await produce(world.client, idempotent(0))
  expect([again.errorCode, again.firstOffset]).toEqual([0, 0n])
  expect((await produce(world.client, idempotent(9))).errorCode).toBe(errorCode.outOfOrderSequence)
  expect(world.broker.highWatermark('orders', 0)).toBe(3n)
})

test('sequences go on at 0 behind the largest', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  await produce(world.client, idempotent(2_147_483_645))
  expect((await produce(world.client, idempotent(0))).errorCode).toBe(0)
  const again = await produce(world.client, idempotent(2_147_483_645))
  expect([again.errorCode, again.firstOffset]).toEqual([0, 0n])
})

test('a produce without acknowledgement has no answer, and an error closes its connection', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  const { encodeRequest, framed } = await import('./raw-client.ts')
  const silent = encodeRequest('produce', 8, produceRequest('orders', batchOf(), { acks: 0 }))
  world.client.sendBytes(framed(silent))
  // The next answer on the connection is the next request's: nothing came in between.
  const next = await produce(world.client, batchOf())
  expect(next.firstOffset).toBe(3n)
  const wrong = encodeRequest('produce', 8, produceRequest('none', batchOf(), { acks: 0 }))
  world.client.sendBytes(framed(wrong))
  await world.client.closed
  expect(world.troubles[0]?.message).toContain('acks 0')
})

test('with fsync "each" an answer comes when the bytes are on the disk', async () => {
  await using world = await brokerWorld({ fsync: 'each' })
  world.broker.createTopic('orders', 1)
  expect((await produce(world.client, batchOf())).errorCode).toBe(0)
  expect(world.broker.highWatermark('orders', 0)).toBe(3n)
})

function flipped(batch: Buffer, at: number): Buffer {
  batch.writeUInt8(batch.readUInt8(at) ^ 0xff, at)
  return batch
}

function changed(change: (batch: Buffer) => void): Buffer {
  const batch = batchOf()
  change(batch)
  return sealed(batch)
}

import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { batchOf, fetchRequest, produceRequest, type WantedFetch } from './batches.ts'
import { RawClient } from './raw-client.ts'
import { type BrokerWorld, brokerWorld } from './world.ts'

async function ordersWorld(batches: readonly Buffer[] = []): Promise<BrokerWorld> {
  const world = await brokerWorld()
  world.broker.createTopic('orders', 2)
  for (const batch of batches) {
    await world.client.call('produce', 8, produceRequest('orders', batch))
  }
  return world
}

async function fetchOne(
  client: RawClient,
  wanted: WantedFetch,
  options: Parameters<typeof fetchRequest>[1] & { version?: number } = {},
) {
  const { version = 11, ...rest } = options
  const answer = await client.call(
    'fetch',
    version,
    fetchRequest([{ topic: 'orders', ...wanted }], rest),
  )
  const partition = answer.topics[0]?.partitions[0]
  if (partition === undefined) throw new Error('the answer has no partition')
  return { ...partition, bytes: Buffer.concat(partition.records), answer }
}

const firstOffsetsOf = (bytes: Buffer): readonly bigint[] => {
  const found: bigint[] = []
  for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + 8) + 12) {
    found.push(bytes.readBigInt64BE(at))
  }
  return found
}

test('the batch that contains the offset is answered whole, and those behind it', async () => {
  await using world = await ordersWorld([batchOf(), batchOf(), batchOf()])
  const found = await fetchOne(world.client, { fetchOffset: 4n })
  expect(firstOffsetsOf(found.bytes)).toEqual([3n, 6n])
  expect([found.highWatermark, found.lastStableOffset, found.logStartOffset]).toEqual([9n, 9n, 0n])
  expect(found.aborted).toBeNull()
})

test('only whole batches within the limit are answered, the first one always', async () => {
  const batch = batchOf()
  await using world = await ordersWorld([batchOf(), batchOf(), batchOf()])
  const at = async (partitionBytesMax: number) =>
    firstOffsetsOf((await fetchOne(world.client, { partitionBytesMax })).bytes)
  expect(await at(2 * batch.length)).toEqual([0n, 3n])
  expect(await at(2 * batch.length - 1)).toEqual([0n])
  expect(await at(1)).toEqual([0n])
})

test('only the first non-empty partition may exceed the limits', async () => {
  await using world = await ordersWorld([batchOf()])
  const second = produceRequest('orders', batchOf(), { partition: 1 })
  await world.client.call('produce', 8, second)
  const both = [
    { topic: 'orders', fetchOffset: 3n },
    { topic: 'orders', partition: 0 },
    { topic: 'orders', partition: 1 },
  ]
  const answer = await world.client.call('fetch', 11, fetchRequest(both, { bytesMax: 10 }))
  const sizes = answer.topics.map(
    ({ partitions }) => Buffer.concat(partitions[0]?.records ?? []).length,
  )
  expect(sizes).toEqual([0, batchOf().length, 0])
})

test('a batch far behind an index entry is found, small ones before it', async () => {
  const small = Array.from({ length: 60 }, () => batchOf())
  await using world = await ordersWorld([...small, batchOf({ values: ['x'.repeat(30_000)] })])
  for (const offset of [0n, 59n, 100n, 179n, 180n]) {
    const { bytes } = await fetchOne(world.client, { fetchOffset: offset, partitionBytesMax: 1 })
    expect(firstOffsetsOf(bytes)).toEqual([(offset / 3n) * 3n])
  }
})

test('an offset out of range says nothing but its error', async () => {
  await using world = await ordersWorld([batchOf()])
  for (const fetchOffset of [-1n, 4n, 1_000n]) {
    const found = await fetchOne(world.client, { fetchOffset })
    expect(found.errorCode).toBe(errorCode.offsetOutOfRange)
    const { highWatermark, lastStableOffset, logStartOffset } = found
    expect([highWatermark, lastStableOffset, logStartOffset]).toEqual([-1n, -1n, -1n])
  }
  const atEnd = await fetchOne(world.client, { fetchOffset: 3n })
  expect([atEnd.errorCode, atEnd.bytes.length]).toEqual([0, 0])
})

test('a deleted topic is unknown by name and by id, and comes back with another id', async () => {
  await using world = await ordersWorld([batchOf()])
  const topicId = world.broker.createTopic('orders', 2)
  const byId = async () => (await fetchOne(world.client, { topicId }, { version: 17 })).errorCode
  expect(await byId()).toBe(0)
  expect(world.broker.deleteTopic('orders')).toBe(true)
  expect(await byId()).toBe(errorCode.unknownTopicId)
  expect((await fetchOne(world.client, {})).errorCode).toBe(errorCode.unknownTopicOrPartition)
  expect(world.broker.createTopic('orders', 2)).not.toBe(topicId)
  expect(await byId()).toBe(errorCode.unknownTopicId)
  expect((await fetchOne(world.client, { fetchOffset: 1n })).errorCode).toBe(
    errorCode.offsetOutOfRange,
  )
})

test('an older leader epoch is fenced, a newer one unknown, both told who leads', async () => {
  await using before = await ordersWorld([batchOf()])
  await using world = await before.restart()
  const topicId = world.broker.createTopic('orders', 2)
  const at = async (currentLeaderEpoch: number, version: number) =>
    await fetchOne(world.client, { topicId, currentLeaderEpoch }, { version })
  expect((await at(1, 17)).errorCode).toBe(0)
  const fenced = await at(0, 17)
  expect(fenced.errorCode).toBe(errorCode.fencedLeaderEpoch)
  expect(fenced.currentLeader).toEqual({ leaderId: 1, leaderEpoch: 1 })
  expect(fenced.answer.nodeEndpoints?.[0]).toMatchObject({ nodeId: 1, port: world.broker.port })
  expect((await at(2, 11)).errorCode).toBe(errorCode.unknownLeaderEpoch)
  expect((await at(-1, 11)).errorCode).toBe(0)
})

test('a reader of a history that parted is told where', async () => {
  await using before = await ordersWorld([batchOf()])
  await using world = await before.restart()
  await world.client.call('produce', 8, produceRequest('orders', batchOf()))
  const at = async (lastFetchedEpoch: number, fetchOffset: bigint) => {
    const found = await fetchOne(world.client, { lastFetchedEpoch, fetchOffset }, { version: 12 })
    return found.divergingEpoch
  }
  expect(await at(0, 3n)).toBeUndefined()
  expect(await at(1, 6n)).toBeUndefined()
  expect(await at(0, 4n)).toEqual({ leaderEpoch: 0, nextOffset: 3n })
})

test('a fetch session of somebody else is refused', async () => {
  await using world = await ordersWorld()
  const answer = await world.client.call(
    'fetch',
    11,
    fetchRequest([], { sessionId: 5, sessionEpoch: 1 }),
  )
  expect(answer.errorCode).toBe(errorCode.fetchSessionIdNotFound)
})

test('a fetch waits for enough bytes and is woken by them', async () => {
  await using world = await ordersWorld()
  await using producer = await RawClient.open(world.broker.port)
  const options = { waitMsMax: 60_000, bytesMin: 2 * batchOf().length }
  const waiting = fetchOne(world.client, {}, options)
  await producer.call('produce', 8, produceRequest('orders', batchOf()))
  await producer.call('produce', 8, produceRequest('orders', batchOf()))
  expect(firstOffsetsOf((await waiting).bytes)).toEqual([0n, 3n])
})

test('a fetch that waits in vain is answered with what there is', async () => {
  await using world = await ordersWorld([batchOf()])
  const found = await fetchOne(world.client, {}, { waitMsMax: 20, bytesMin: 1_000_000 })
  expect(firstOffsetsOf(found.bytes)).toEqual([0n])
})

test('a fetch that waits is answered when its topic is deleted', async () => {
  await using world = await ordersWorld()
  const waiting = fetchOne(world.client, {}, { waitMsMax: 60_000 })
  await using other = await RawClient.open(world.broker.port)
  await other.call('metadata', 12, {
    topics: [],
    autoCreate: false,
    clusterOperations: false,
    topicOperations: false,
  })
  world.broker.deleteTopic('orders')
  expect((await waiting).errorCode).toBe(errorCode.unknownTopicOrPartition)
})

test('a fetch reads on from segment to segment', async () => {
  await using world = await brokerWorld({ segmentBytes: 300 })
  world.broker.createTopic('orders', 1)
  for (let count = 0; count < 9; count++) {
    await world.client.call('produce', 8, produceRequest('orders', batchOf()))
  }
  const seen: bigint[] = []
  for (let fetchOffset = 0n; fetchOffset < 27n; ) {
    const { bytes } = await fetchOne(world.client, { fetchOffset })
    const found = firstOffsetsOf(bytes)
    seen.push(...found)
    fetchOffset = (found.at(-1) ?? 27n) + 3n
  }
  expect(seen).toEqual(Array.from({ length: 9 }, (_, index) => BigInt(index * 3)))
})

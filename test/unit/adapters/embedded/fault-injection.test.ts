import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { batchOf, fetchRequest, produceRequest } from './batches.ts'
import { RawClient } from './raw-client.ts'
import { ordersWorld } from './world.ts'

const at = { topic: 'orders', partition: 0 }
const anyMetadata = {
  topics: null,
  autoCreate: false,
  clusterOperations: false,
  topicOperations: false,
}

async function produce(client: RawClient, firstSequence?: number) {
  const batch = firstSequence === undefined ? batchOf() : batchOf({ producerId: 5n, firstSequence })
  const answer = await client.call('produce', 8, produceRequest('orders', batch))
  const partition = answer.topics[0]?.partitions[0]
  return [partition?.errorCode, partition?.firstOffset]
}

async function read(client: RawClient, currentLeaderEpoch = -1) {
  const request = fetchRequest([{ topic: 'orders', currentLeaderEpoch }])
  const partition = (await client.call('fetch', 11, request)).topics[0]?.partitions[0]
  const sizeBytes = Buffer.concat(partition?.records ?? []).length
  return { errorCode: partition?.errorCode, highWatermark: partition?.highWatermark, sizeBytes }
}

test('an injected error is answered as often as asked, without effect', async () => {
  await using world = await ordersWorld(1)
  world.broker.faults.fail('produce', errorCode.kafkaStorageError, 2)
  expect(await produce(world.client)).toEqual([errorCode.kafkaStorageError, -1n])
  expect(await produce(world.client)).toEqual([errorCode.kafkaStorageError, -1n])
  expect(await produce(world.client)).toEqual([0, 0n])
})

test('a request cut before its effect has none, one cut after it has', async () => {
  await using world = await ordersWorld(1)
  world.broker.faults.cut('produce', 'before-effect')
  await expect(produce(world.client, 0)).rejects.toThrow('connection closed')
  expect(world.broker.highWatermark('orders', 0)).toBe(0n)
  await using second = await RawClient.open(world.broker.port)
  world.broker.faults.cut('produce', 'after-effect')
  await expect(produce(second, 0)).rejects.toThrow('connection closed')
  expect(world.broker.highWatermark('orders', 0)).toBe(3n)
  // The idempotent producer asks again and is told what it has.
  await using third = await RawClient.open(world.broker.port)
  expect(await produce(third, 0)).toEqual([0, 0n])
  expect(world.broker.highWatermark('orders', 0)).toBe(3n)
})

test('records behind a hold are not seen until it is released', async () => {
  await using world = await ordersWorld(1)
  await produce(world.client)
  world.broker.faults.hold(at, 3n)
  await produce(world.client)
  expect(await read(world.client)).toEqual({
    errorCode: 0,
    highWatermark: 3n,
    sizeBytes: batchOf().length,
  })
  await using reader = await RawClient.open(world.broker.port)
  const wanted = fetchRequest([{ topic: 'orders', fetchOffset: 3n }], { waitMsMax: 60_000 })
  const waiting = reader.call('fetch', 11, wanted)
  await produce(world.client)
  world.broker.faults.release(at)
  expect((await waiting).topics[0]?.partitions[0]?.highWatermark).toBe(9n)
})

test('a newer leader fences those who believe in the former one', async () => {
  await using world = await ordersWorld(1)
  await produce(world.client)
  world.broker.faults.raiseLeaderEpoch(at)
  expect((await read(world.client, 0)).errorCode).toBe(errorCode.fencedLeaderEpoch)
  expect((await read(world.client, 1)).errorCode).toBe(0)
})

test('answers are held back by a delay, and connections dropped on demand', async () => {
  await using world = await ordersWorld(1)
  world.broker.faults.delay('metadata', 30)
  const beganMs = performance.now()
  await world.client.call('metadata', 12, anyMetadata)
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(29)
  world.broker.faults.delay('metadata', 60_000)
  const answer = world.client.call('metadata', 12, anyMetadata)
  world.broker.faults.dropConnections()
  await expect(answer).rejects.toThrow('connection closed')
})

test('clear takes everything back', async () => {
  await using world = await ordersWorld(1)
  const { faults } = world.broker
  faults.fail('produce', errorCode.kafkaStorageError, 9)
  faults.hold(at, 0n)
  faults.delay('produce', 60_000)
  faults.clear()
  expect(await produce(world.client)).toEqual([0, 0n])
  expect((await read(world.client)).highWatermark).toBe(3n)
})

test('a partition that is not there cannot be held', async () => {
  await using world = await ordersWorld(1)
  expect(() => world.broker.faults.hold({ topic: 'none', partition: 0 }, 0n)).toThrow('none/0')
})

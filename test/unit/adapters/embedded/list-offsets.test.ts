import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { batchOf, produceRequest } from './batches.ts'
import { type BrokerWorld, brokerWorld } from './world.ts'

async function listOffset(
  world: BrokerWorld,
  timestampMs: bigint,
  more: { name?: string; currentLeaderEpoch?: number } = {},
) {
  const { name = 'orders', currentLeaderEpoch = -1 } = more
  const topics = [{ name, partitions: [{ partition: 0, currentLeaderEpoch, timestampMs }] }]
  const answer = await world.client.call('listOffsets', 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics,
  })
  const partition = answer.topics[0]?.partitions[0]
  return [partition?.errorCode, partition?.offset, partition?.timestampMs]
}

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

test.each(codecs)(
  'a time is answered with the first record at or after it, codec %s',
  async (codec) => {
    await using world = await brokerWorld()
    world.broker.createTopic('orders', 1)
    for (const timestampsMs of [
      [100, 120, 110],
      [200, 250, 300],
      [240, 260, 280],
    ]) {
      await world.client.call(
        'produce',
        8,
        produceRequest('orders', batchOf({ timestampsMs, codec })),
      )
    }
    expect(await listOffset(world, 0n)).toEqual([0, 0n, 100n])
    expect(await listOffset(world, 101n)).toEqual([0, 1n, 120n])
    expect(await listOffset(world, 121n)).toEqual([0, 3n, 200n])
    expect(await listOffset(world, 251n)).toEqual([0, 5n, 300n])
    // Behind the last record there is no offset, not even the end.
    expect(await listOffset(world, 301n)).toEqual([0, -1n, -1n])
    expect(await listOffset(world, -1n)).toEqual([0, 9n, -1n])
    expect(await listOffset(world, -2n)).toEqual([0, 0n, -1n])
    expect(await listOffset(world, -3n)).toEqual([0, 5n, 300n])
  },
)

test('a time is found in whichever segment has it', async () => {
  await using world = await brokerWorld({ segmentBytes: 500 })
  world.broker.createTopic('orders', 1)
  for (let at = 0; at < 40; at++) {
    const timestampsMs = [at * 10, at * 10 + 1, at * 10 + 2]
    await world.client.call('produce', 8, produceRequest('orders', batchOf({ timestampsMs })))
  }
  for (const at of [0, 7, 19, 39]) {
    expect(await listOffset(world, BigInt(at * 10 + 1))).toEqual([
      0,
      BigInt(at * 3 + 1),
      BigInt(at * 10 + 1),
    ])
  }
})

test('records that do not decompress are answered as corrupt, and the connection lives', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  const batch = batchOf({ codec: 'gzip', section: Buffer.from('no gzip at all') })
  const answer = await world.client.call('produce', 8, produceRequest('orders', batch))
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
  expect(await listOffset(world, 5n)).toEqual([errorCode.corruptMessage, -1n, -1n])
  expect(await listOffset(world, -1n)).toEqual([0, 3n, -1n])
})

test('an empty log, a missing topic and a foreign leader epoch have their answers', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  expect(await listOffset(world, 5n)).toEqual([0, -1n, -1n])
  expect(await listOffset(world, -3n)).toEqual([0, -1n, -1n])
  expect(await listOffset(world, -1n)).toEqual([0, 0n, -1n])
  expect((await listOffset(world, -1n, { name: 'none' }))[0]).toBe(
    errorCode.unknownTopicOrPartition,
  )
  expect((await listOffset(world, -1n, { currentLeaderEpoch: 1 }))[0]).toBe(
    errorCode.unknownLeaderEpoch,
  )
})

test('the end of a leader epoch is where the next one began', async () => {
  await using before = await brokerWorld()
  before.broker.createTopic('orders', 1)
  await before.client.call('produce', 8, produceRequest('orders', batchOf()))
  await using world = await before.restart()
  await world.client.call('produce', 8, produceRequest('orders', batchOf()))
  const endOf = async (leaderEpoch: number) => {
    const partitions = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch }]
    const topics = [{ name: 'orders', partitions }]
    const answer = await world.client.call('offsetForLeaderEpoch', 4, { replicaId: -1, topics })
    const partition = answer.topics[0]?.partitions[0]
    return [partition?.leaderEpoch, partition?.nextOffset]
  }
  expect(await endOf(0)).toEqual([0, 3n])
  expect(await endOf(1)).toEqual([1, 6n])
  expect(await endOf(2)).toEqual([-1, -1n])
})

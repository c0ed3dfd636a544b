import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { batchOf, fetchRequest, produceRequest } from './batches.ts'
import { RawClient } from './raw-client.ts'
import { type BrokerWorld, ordersWorld } from './world.ts'

interface ProducerClaim {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

async function begin(world: BrokerWorld, transactionalId = 'tx'): Promise<ProducerClaim> {
  const request = {
    transactionalId,
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
  }
  const answer = await world.client.call('initProducerId', 4, request)
  expect(answer.errorCode).toBe(0)
  const { producerId, producerEpoch } = answer
  return { transactionalId, producerId, producerEpoch }
}

async function include(world: BrokerWorld, claim: ProducerClaim, topic = 'orders') {
  const topics = [{ name: topic, partitions: [0] }]
  const answer = await world.client.call('addPartitionsToTxn', 3, { ...claim, topics })
  return answer.topics[0]?.partitions[0]?.errorCode
}

async function write(world: BrokerWorld, claim: ProducerClaim, firstSequence: number) {
  const { producerId, producerEpoch } = claim
  const batch = batchOf({ producerId, producerEpoch, firstSequence, transactional: true })
  const request = produceRequest('orders', batch, { transactionalId: claim.transactionalId })
  return (await world.client.call('produce', 8, request)).topics[0]?.partitions[0]?.errorCode
}

async function end(world: BrokerWorld, claim: ProducerClaim, committed: boolean) {
  return (await world.client.call('endTxn', 3, { ...claim, committed })).errorCode
}

async function read(world: BrokerWorld, isolationLevel: number, fetchOffset = 0n) {
  const request = fetchRequest([{ topic: 'orders', fetchOffset }], { isolationLevel })
  const partition = (await world.client.call('fetch', 11, request)).topics[0]?.partitions[0]
  if (partition === undefined) throw new Error('the answer has no partition')
  return { ...partition, sizeBytes: Buffer.concat(partition.records).length }
}

test('records of an open transaction are seen by uncommitted readers only', async () => {
  await using world = await ordersWorld(1)
  await world.client.call('produce', 8, produceRequest('orders', batchOf()))
  const claim = await begin(world)
  expect(await include(world, claim)).toBe(0)
  expect(await write(world, claim, 0)).toBe(0)
  await world.client.call('produce', 8, produceRequest('orders', batchOf()))
  const committed = await read(world, 1)
  expect([committed.highWatermark, committed.lastStableOffset]).toEqual([9n, 3n])
  expect(committed.sizeBytes).toBe(batchOf().length)
  expect((await read(world, 0)).sizeBytes).toBe(3 * batchOf().length)
  expect((await read(world, 1, 3n)).sizeBytes).toBe(0)
  expect(await end(world, claim, true)).toBe(0)
  const after = await read(world, 1)
  expect([after.lastStableOffset, after.highWatermark, after.aborted]).toEqual([10n, 10n, []])
  expect(after.sizeBytes).toBeGreaterThan(3 * batchOf().length)
})

test('aborted transactions are listed to every reader that touches them', async () => {
  await using world = await ordersWorld(1)
  const claim = await begin(world)
  await include(world, claim)
  await write(world, claim, 0)
  expect(await end(world, claim, false)).toBe(0)
  await include(world, claim)
  await write(world, claim, 3)
  expect(await end(world, claim, true)).toBe(0)
  const aborted = [{ producerId: claim.producerId, firstOffset: 0n }]
  expect((await read(world, 1)).aborted).toEqual(aborted)
  expect((await read(world, 1, 3n)).aborted).toEqual(aborted)
  expect((await read(world, 1, 4n)).aborted).toEqual([])
  expect((await read(world, 0)).aborted).toBeNull()
})

test('a transaction without records leaves its marker, which every reader passes', async () => {
  await using world = await ordersWorld(1)
  const claim = await begin(world)
  for (const committed of [true, false]) {
    await include(world, claim)
    expect(await end(world, claim, committed)).toBe(0)
  }
  const found = await read(world, 1)
  expect([found.lastStableOffset, found.highWatermark, found.aborted]).toEqual([2n, 2n, []])
  expect(found.sizeBytes).toBeGreaterThan(0)
  await include(world, claim)
  expect(await write(world, claim, 0)).toBe(0)
  expect((await read(world, 1)).lastStableOffset).toBe(2n)
  expect(await end(world, claim, false)).toBe(0)
  const aborted = [{ producerId: claim.producerId, firstOffset: 2n }]
  expect((await read(world, 1, 2n)).aborted).toEqual(aborted)
})

test('a reader of committed records that waits is woken by the commit', async () => {
  await using world = await ordersWorld(1)
  const claim = await begin(world)
  await include(world, claim)
  await using reader = await RawClient.open(world.broker.port)
  const options = { isolationLevel: 1, waitMsMax: 60_000, bytesMin: batchOf().length }
  const waiting = reader.call('fetch', 11, fetchRequest([{ topic: 'orders' }], options))
  await write(world, claim, 0)
  await end(world, claim, true)
  expect((await waiting).topics[0]?.partitions[0]?.records).toHaveLength(1)
})

test('writing outside a transaction, or to a partition not in it, is refused', async () => {
  await using world = await ordersWorld(1)
  const claim = await begin(world)
  expect(await write(world, claim, 0)).toBe(errorCode.invalidTxnState)
  world.broker.createTopic('other', 1)
  await include(world, claim, 'other')
  expect(await write(world, claim, 0)).toBe(errorCode.invalidTxnState)
  expect(await include(world, claim, 'missing')).toBe(errorCode.unknownTopicOrPartition)
  expect(world.broker.highWatermark('orders', 0)).toBe(0n)
})

test('a producer that begins again fences the former one and aborts what it left open', async () => {
  await using world = await ordersWorld(1)
  const former = await begin(world)
  await include(world, former)
  await write(world, former, 0)
  const newer = await begin(world)
  expect(newer.producerId).toBe(former.producerId)
  expect(newer.producerEpoch).toBeGreaterThan(former.producerEpoch)
  expect(await write(world, former, 3)).toBe(errorCode.invalidProducerEpoch)
  expect(await include(world, former)).toBe(errorCode.producerFenced)
  expect(await end(world, former, true)).toBe(errorCode.producerFenced)
  const found = await read(world, 1)
  expect(found.aborted).toEqual([{ producerId: former.producerId, firstOffset: 0n }])
  await include(world, newer)
  expect(await write(world, newer, 0)).toBe(0)
  expect(await end(world, newer, true)).toBe(0)
})

test('an answer that was lost may be asked for again, the other outcome may not', async () => {
  await using world = await ordersWorld(1)
  const claim = await begin(world)
  expect(await end(world, claim, true)).toBe(errorCode.invalidTxnState)
  await include(world, claim)
  expect([await end(world, claim, true), await end(world, claim, true)]).toEqual([0, 0])
  expect(await end(world, claim, false)).toBe(errorCode.invalidTxnState)
  const stranger = { ...claim, transactionalId: 'nobody' }
  expect(await end(world, stranger, true)).toBe(errorCode.invalidProducerIdMapping)
})

test('offsets of a transaction are the group’s when it commits, and never when it aborts', async () => {
  await using world = await ordersWorld(1)
  const claim = await begin(world)
  const commit = async (nextOffset: bigint) => {
    await world.client.call('addOffsetsToTxn', 3, { ...claim, groupId: 'g' })
    const sent = { partition: 0, nextOffset, leaderEpoch: -1, metadata: null }
    const topics = [{ name: 'orders', partitions: [sent] }]
    const nobody = { groupId: 'g', generationId: -1, memberId: '', instanceId: null }
    const answer = await world.client.call('txnOffsetCommit', 3, { ...claim, ...nobody, topics })
    expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
  }
  const found = async () => {
    const topics = [{ name: 'orders', partitions: [0] }]
    const request = { groupId: 'g', topics, groups: [], requireStable: true }
    const partition = (await world.client.call('offsetFetch', 7, request)).topics[0]?.partitions[0]
    return [partition?.errorCode, partition?.nextOffset]
  }
  await commit(5n)
  expect(await found()).toEqual([errorCode.unstableOffsetCommit, -1n])
  await end(world, claim, false)
  expect(await found()).toEqual([0, -1n])
  await commit(7n)
  await end(world, claim, true)
  expect(await found()).toEqual([0, 7n])
})

test('an open transaction outlives a restart and can be committed', async () => {
  await using before = await ordersWorld(1)
  const claim = await begin(before)
  await include(before, claim)
  await write(before, claim, 0)
  await using world = await before.restart()
  expect((await read(world, 1)).lastStableOffset).toBe(0n)
  expect(await write(world, claim, 3)).toBe(0)
  expect(await end(world, claim, true)).toBe(0)
  expect((await read(world, 1)).lastStableOffset).toBe(7n)
  await using later = await world.restart()
  expect((await read(later, 1)).lastStableOffset).toBe(7n)
  expect((await begin(later, 'other')).producerId).not.toBe(claim.producerId)
})

test('aborted transactions are listed after a restart', async () => {
  await using before = await ordersWorld(1)
  const claim = await begin(before)
  await include(before, claim)
  await write(before, claim, 0)
  await end(before, claim, false)
  await using world = await before.restart()
  expect((await read(world, 1)).aborted).toEqual([
    { producerId: claim.producerId, firstOffset: 0n },
  ])
})

test('a transaction that takes too long is aborted', async () => {
  await using world = await ordersWorld(1)
  const request = {
    transactionalId: 'slow',
    transactionTimeoutMs: 30,
    producerId: -1n,
    producerEpoch: -1,
  }
  const { producerId, producerEpoch } = await world.client.call('initProducerId', 4, request)
  const claim = { transactionalId: 'slow', producerId, producerEpoch }
  await include(world, claim)
  await write(world, claim, 0)
  await using reader = await RawClient.open(world.broker.port)
  const options = { isolationLevel: 1, waitMsMax: 60_000 }
  const woken = await reader.call('fetch', 11, fetchRequest([{ topic: 'orders' }], options))
  expect(woken.topics[0]?.partitions[0]?.aborted).toEqual([{ producerId, firstOffset: 0n }])
  expect(await end(world, claim, true)).toBe(errorCode.producerFenced)
})

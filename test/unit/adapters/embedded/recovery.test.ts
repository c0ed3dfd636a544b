import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startBroker } from '../../../../src/adapters/embedded/broker.ts'
import { isFault } from '../../../../src/base/fault.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { batchOf, fetchRequest, produceRequest } from './batches.ts'
import type { RawClient } from './raw-client.ts'
import { type BrokerWorld, brokerWorld } from './world.ts'

async function produce(client: RawClient, count: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    await client.call('produce', 8, produceRequest('orders', batchOf()))
  }
}

/** Segment files of partition 0, oldest first. */
function segments(world: BrokerWorld): readonly string[] {
  const topic = readdirSync(world.directory).find((name) => name.startsWith('orders-')) ?? ''
  const folder = join(world.directory, topic, '0')
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
}

async function stored(world: BrokerWorld): Promise<Buffer> {
  const answer = await world.client.call('fetch', 11, fetchRequest([{ topic: 'orders' }]))
  return Buffer.concat(answer.topics[0]?.partitions[0]?.records ?? [])
}

const batchBytes = batchOf().length

/** What a kill in mid-write may leave behind the whole batches, and other rubbish. */
const tails: readonly [string, (path: string) => void][] = [
  ['a few bytes of a header', (path) => appendFileSync(path, batchOf().subarray(0, 20))],
  ['a header and some records', (path) => appendFileSync(path, batchOf().subarray(0, 80))],
  ['all but one byte', (path) => appendFileSync(path, batchOf().subarray(0, -1))],
  ['zeros', (path) => appendFileSync(path, Buffer.alloc(500))],
  ['a batch with a wrong checksum', (path) => appendFileSync(path, spoiled())],
  ['a batch at the wrong offset', (path) => appendFileSync(path, batchOf())],
]

test.each(tails)('%s behind the whole batches is cut when the log is opened', async (_, spoil) => {
  await using before = await brokerWorld()
  before.broker.createTopic('orders', 1)
  await produce(before.client, 3)
  const [path = ''] = segments(before)
  await before.broker.close()
  spoil(path)
  await using world = await before.restart()
  expect(world.broker.tornTails).toHaveLength(1)
  expect(world.broker.tornTails[0]).toMatchObject({ file: path })
  expect(readFileSync(path)).toHaveLength(3 * batchBytes)
  expect(world.broker.highWatermark('orders', 0)).toBe(9n)
  await produce(world.client, 1)
  const bytes = await stored(world)
  expect(bytes).toHaveLength(4 * batchBytes)
  expect(bytes.readBigInt64BE(3 * batchBytes)).toBe(9n)
})

test('a batch that lost its end is cut whole', async () => {
  await using before = await brokerWorld()
  before.broker.createTopic('orders', 1)
  await produce(before.client, 3)
  const [path = ''] = segments(before)
  await before.broker.close()
  truncateSync(path, 3 * batchBytes - 1)
  await using world = await before.restart()
  expect(world.broker.tornTails[0]).toMatchObject({ cutBytes: batchBytes - 1 })
  expect(world.broker.highWatermark('orders', 0)).toBe(6n)
})

test('a clean stop leaves nothing torn, and everything is there again', async () => {
  await using before = await brokerWorld({ segmentBytes: 3 * batchBytes })
  const topicId = before.broker.createTopic('orders', 1)
  await produce(before.client, 8)
  const { clusterId } = before.broker
  await using world = await before.restart()
  expect(segments(world)).toHaveLength(3)
  expect(world.broker.tornTails).toEqual([])
  expect(world.broker.clusterId).toBe(clusterId)
  expect(world.broker.createTopic('orders', 1)).toBe(topicId)
  expect(world.broker.highWatermark('orders', 0)).toBe(24n)
})

const breaks: readonly [string, (paths: readonly string[]) => void, string][] = [
  ['that ends torn', ([oldest = '']) => truncateSync(oldest, batchBytes + 1), 'cut'],
  ['that is missing', ([, second = '']) => rmSync(second), 'where'],
]

test.each(breaks)('an older segment %s is refused, not cut', async (_, spoil, why) => {
  await using folder = await temporaryFolder()
  const world = await brokerWorld({ segmentBytes: 2 * batchBytes, directory: folder.path })
  world.broker.createTopic('orders', 1)
  await produce(world.client, 6)
  const topic = readdirSync(folder.path).find((name) => name.startsWith('orders-')) ?? ''
  const inside = join(folder.path, topic, '0')
  await world[Symbol.asyncDispose]()
  spoil(
    readdirSync(inside)
      .sort()
      .map((name) => join(inside, name)),
  )
  const failure: unknown = await startBroker({ directory: folder.path }).catch(
    (error: unknown) => error,
  )
  expect(isFault(failure, 'BROKER_LOG_CORRUPT')).toBe(true)
  expect(String(failure)).toContain(why)
  // The folder is free again: the next refusal is about the log, not about the folder.
  await expect(startBroker({ directory: folder.path })).rejects.toMatchObject({
    code: 'BROKER_LOG_CORRUPT',
  })
})

test('retention drops whole old segments and moves the start of the log', async () => {
  const retentionBytes = 4 * batchBytes
  await using before = await brokerWorld({ segmentBytes: 2 * batchBytes, retentionBytes })
  before.broker.createTopic('orders', 1)
  await produce(before.client, 11)
  const offsets = async ({ client }: BrokerWorld) => {
    const wanted = { partition: 0, currentLeaderEpoch: -1, timestampMs: -2n }
    const topics = [{ name: 'orders', partitions: [wanted] }]
    const answer = await client.call('listOffsets', 5, { replicaId: -1, isolationLevel: 0, topics })
    return answer.topics[0]?.partitions[0]?.offset
  }
  expect(segments(before)).toHaveLength(3)
  expect(await offsets(before)).toBe(18n)
  const gone = await before.client.call(
    'fetch',
    11,
    fetchRequest([{ topic: 'orders', fetchOffset: 17n }]),
  )
  expect(gone.topics[0]?.partitions[0]?.errorCode).toBe(1)
  await using world = await before.restart()
  expect(await offsets(world)).toBe(18n)
  expect(world.broker.highWatermark('orders', 0)).toBe(33n)
})

test('a topic may have its own retention and segments', async () => {
  await using world = await brokerWorld()
  const configs = [
    { name: 'segment.bytes', value: String(2 * batchBytes) },
    { name: 'retention.bytes', value: String(2 * batchBytes) },
  ]
  const topic = {
    name: 'orders',
    partitionCount: 1,
    replicationFactor: 1,
    assignments: [],
    configs,
  }
  const request = { topics: [topic], timeoutMs: 1_000, validateOnly: false }
  expect((await world.client.call('createTopics', 7, request)).topics[0]?.errorCode).toBe(0)
  await produce(world.client, 9)
  expect(segments(world)).toHaveLength(2)
})

test('a folder belongs to one broker at a time, whatever lock a killed one left', async () => {
  await using world = await brokerWorld()
  const second: unknown = await startBroker({ directory: world.directory }).catch(
    (error: unknown) => error,
  )
  expect(isFault(second, 'BROKER_DIRECTORY_IN_USE')).toBe(true)
  await using folder = await temporaryFolder()
  const lock = join(folder.path, 'broker.lock')
  // The parent of this process lives; a process id beyond the largest cannot.
  writeFileSync(lock, `${process.ppid}\n`)
  await expect(startBroker({ directory: folder.path })).rejects.toMatchObject({
    code: 'BROKER_DIRECTORY_IN_USE',
    message: expect.stringContaining(String(process.ppid)),
  })
  writeFileSync(lock, '99999999\n')
  await (await startBroker({ directory: folder.path })).close()
})

test('a folder that cannot be made is refused by name', async () => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'file')
  writeFileSync(directory, '')
  await expect(startBroker({ directory })).rejects.toMatchObject({
    code: 'BROKER_STORAGE_REFUSED',
    message: expect.stringContaining(directory),
  })
})

test('folders of others stay when the broker opens its own', async () => {
  await using before = await brokerWorld()
  writeFileSync(join(before.directory, 'notes.txt'), 'mine')
  await using world = await before.restart()
  expect(readFileSync(join(world.directory, 'notes.txt'), 'utf8')).toBe('mine')
})

test('a topic name that Kafka refuses is refused here', async () => {
  await using world = await brokerWorld()
  for (const name of ['', '..', 'a/b', 'x'.repeat(250)]) {
    expect(() => world.broker.createTopic(name, 1)).toThrow('cannot make topic')
  }
  expect(() => world.broker.createTopic('fine', 0)).toThrow('partition')
  world.broker.createTopic('x'.repeat(249), 1)
})

function spoiled(): Buffer {
  const batch = batchOf()
  batch.writeBigInt64BE(9n, 0)
  batch.writeUInt8(batch.readUInt8(65) ^ 1, 65)
  return batch
}

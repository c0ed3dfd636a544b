/** The Kafka adapter against a real broker in this process: what breaks, and what must not. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { durationMs } from '../../src/base/time.ts'
import { offset } from '../../src/model/offset.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { KafkaWorld, sourceOptions } from '../support/kafka-world.ts'
import { produceBatches } from '../support/produce-batches.ts'
import { encodeBatch } from '../support/record-batch.ts'
import { RecordingReader } from '../support/recording-reader.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { freePort } from './services/free-ports.ts'

const clock = new SystemClock()
const until = <T>(what: string, look: () => T | undefined | false): Promise<T> =>
  eventually(what, 60_000, () => look() || undefined)

let world: KafkaWorld
const opened: Source[] = []
const read = async (
  reader: RecordingReader,
  topics: readonly string[] = ['t'],
  more: Partial<KafkaSourceOptions> = {},
): Promise<Source> => {
  const source = world.source(topics, more)
  opened.push(source)
  await source.open(reader)
  return source
}
const appendTo = (partition: number, ...values: readonly string[]): Promise<void> =>
  world.append({ topic: 't', partition }, { records: values.map((value) => ({ value })) })
const numbers = (first: number, next: number): readonly string[] =>
  Array.from({ length: next - first }, (_, index) => String(first + index))

beforeEach(async () => {
  world = await KafkaWorld.open()
  world.broker.createTopic('t', 2)
})
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close()
  await world.close()
})

test('a reader that holds an answer for three sessions causes no rebalance', async () => {
  const reader = new RecordingReader()
  const { promise, resolve } = Promise.withResolvers<void>()
  reader.gate = promise
  await read(reader, ['t'], { sessionTimeoutMs: 3_000 })
  await appendTo(0, 'a')
  await until('the first record', () => reader.count === 1)
  await clock.sleep(durationMs(9_000))
  await appendTo(0, 'b')
  reader.gate = undefined
  resolve()
  await until('the second record', () => reader.count === 2)
  expect(reader.events).toEqual(['assigned t/0 t/1'])
  expect(reader.troubles.filter((fault) => fault !== undefined)).toEqual([])
})

test('a reader that is slow to say where to begin keeps its place in the group', async () => {
  const reader = new RecordingReader()
  const assigned = reader.onAssigned.bind(reader)
  reader.onAssigned = async (sources) => {
    await clock.sleep(durationMs(7_000))
    return assigned(sources)
  }
  await appendTo(0, 'a')
  await read(reader, ['t'], { sessionTimeoutMs: 3_000 })
  await until('the record', () => reader.count === 1)
  expect(reader.events).toEqual(['assigned t/0 t/1'])
})

test('while a revocation is waited for the member stays in the group and reads the rest', async () => {
  const first = new RecordingReader()
  const revoked = first.onRevoked.bind(first)
  first.onRevoked = async (sources) => {
    await clock.sleep(durationMs(6_000))
    await revoked(sources)
  }
  const second = new RecordingReader()
  const more = { sessionTimeoutMs: 3_000, rebalanceTimeoutMs: 30_000 }
  await read(first, ['t'], more)
  await until('all', () => first.assigned.length === 2)
  await read(second, ['t'], more)
  await until('the share of the second', () => second.assigned.length === 1)
  expect(first.events.map((event) => event.split(' ')[0])).toEqual(['assigned', 'revoked'])
  const kept = first.assigned[0]?.partition ?? -1
  await appendTo(kept, 'mine')
  await until('the record', () => first.count === 1)
})

test('a revocation that never ends is waited for within the rebalance timeout only', async () => {
  const first = new RecordingReader()
  first.onRevoked = () => new Promise(() => {})
  const second = new RecordingReader()
  const more = { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 2_000 }
  await read(first, ['t'], more)
  await until('all', () => first.assigned.length === 2)
  await read(second, ['t'], more)
  await until('the share of the second', () => second.assigned.length === 1)
})

test('a session that the broker ended is lost, and joined again', async () => {
  const reader = new RecordingReader()
  await read(reader)
  await until('all', () => reader.assigned.length === 2)
  await appendTo(0, 'a')
  await until('the record', () => reader.count === 1)
  world.broker.faults.fail('heartbeat', 25)
  await until('the loss and the new share', () => reader.events.length === 3)
  expect(reader.events).toEqual(['assigned t/0 t/1', 'lost t/0 t/1', 'assigned t/0 t/1'])
})

test('a group that does not take us is told of, and joined when it does', async () => {
  world.broker.faults.fail('joinGroup', 23, 3)
  const reader = new RecordingReader()
  await read(reader)
  await until('the share', () => reader.assigned.length === 2)
  await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
  expect(reader.troubles[0]).toMatchObject({
    code: 'KAFKA_GROUP_REFUSED',
    facts: { group: 'g', reason: '23 INCONSISTENT_GROUP_PROTOCOL' },
  })
})

test('a partition that cannot be read is told of, and read when it can', async () => {
  await appendTo(0, 'a')
  const reader = new RecordingReader()
  world.broker.faults.fail('fetch', 2, 3)
  await read(reader)
  await until('the record', () => reader.count === 1)
  await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
  expect(reader.troubles[0]).toMatchObject({ code: 'KAFKA_PARTITION_REFUSED' })
  expect(reader.troubles[0]?.message).toMatch(/t\/[01]": 2 CORRUPT_MESSAGE/)
})

test('a topic that the broker hides for a moment keeps its members', async () => {
  const reader = new RecordingReader()
  await read(reader)
  await until('the share', () => reader.assigned.length === 2)
  world.broker.faults.fail('metadata', 17, 4)
  await until('the trouble', () => reader.troubles.length > 0)
  await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
  expect(reader.troubles[0]).toMatchObject({ code: 'KAFKA_TOPIC_HIDDEN', facts: { topic: 't' } })
  expect(reader.events).toEqual(['assigned t/0 t/1'])
})

test('a broker that is out of reach is told of, tried on, and read from when it is back', async () => {
  await using folder = await temporaryFolder()
  const port = await freePort()
  const broker = await startBroker({ directory: folder.path, port })
  broker.createTopic('t', 1)
  const at = { topic: 't', partition: 0 }
  await produceBatches(broker, at, encodeBatch({ records: [{ value: 'a' }] }))
  const reader = new RecordingReader()
  const options = sourceOptions(broker, ['t'])
  const source = openKafkaSource(options, clock, new SimTelemetry())
  opened.push(source)
  await source.open(reader)
  await until('the first record', () => reader.count === 1)
  await broker.close()
  await until('the trouble', () => reader.troubles.at(-1) !== undefined)
  expect(reader.troubles.at(-1)?.code).toBe('KAFKA_UNREACHABLE')
  expect(reader.troubles.at(-1)?.message).toContain(`:${port}`)
  const back = await startBroker({ directory: folder.path, port })
  try {
    await produceBatches(back, at, encodeBatch({ records: [{ value: 'b' }] }))
    await until('the second record', () => reader.count === 2)
    await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
    expect(reader.of('t/0')).toEqual(['a', 'b'])
    await source.close()
  } finally {
    await back.close()
  }
})

test('brokers that are not there yet are waited for', async () => {
  const reader = new RecordingReader()
  const port = await freePort()
  const source = await read(reader, ['t'], { brokers: [`127.0.0.1:${port}`] })
  await until('the trouble', () => reader.troubles.length > 0)
  await expect(source.metadata()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: folder.path, port })
  try {
    broker.createTopic('t', 1)
    await until('the assignment', () => reader.assigned.length === 1)
    await source.close()
  } finally {
    await broker.close()
  }
})

const cuttable = [
  'metadata',
  'findCoordinator',
  'joinGroup',
  'syncGroup',
  'heartbeat',
  'apiVersions',
  'fetch',
] as const

test.each(
  cuttable.flatMap((api) => [
    { api, moment: 'before-effect' as const },
    { api, moment: 'after-effect' as const },
  ]),
)('a connection cut $moment of $api loses and doubles nothing', async ({ api, moment }) => {
  await appendTo(0, ...numbers(0, 50))
  world.broker.faults.cut(api, moment, 2)
  const reader = new RecordingReader()
  await read(reader, ['t'], { sessionTimeoutMs: 1_000 })
  await until('the first records', () => reader.count === 50)
  world.broker.faults.cut(api, moment, 1)
  await appendTo(0, ...numbers(50, 100))
  await until('the rest', () => reader.count >= 100)
  expect(reader.of('t/0')).toEqual(numbers(0, 100))
})

test('all connections cut again and again lose and double nothing', async () => {
  const reader = new RecordingReader()
  await read(reader)
  for (let round = 0; round < 8; round++) {
    await appendTo(round % 2, ...numbers(round * 10, round * 10 + 10))
    await until('some of it', () => reader.count > round * 10 - 10)
    world.broker.faults.dropConnections()
  }
  await until('all of it', () => reader.count >= 80)
  const all = [...reader.of('t/0'), ...reader.of('t/1')].map(Number).sort((a, b) => a - b)
  expect(all).toEqual(numbers(0, 80).map(Number))
  expect(reader.events).toEqual(['assigned t/0 t/1'])
})

test('an answer under way is thrown away by a seek to before it', async () => {
  for (const value of ['a', 'b', 'c']) await appendTo(0, value)
  const reader = new RecordingReader()
  reader.from = () => undefined
  const source = await read(reader)
  const at = await until('the share', () => reader.assigned.find((one) => one.partition === 0))
  // Much longer than it takes to ask, on a busy machine too.
  world.broker.faults.delay('fetch', 3_000)
  source.seek(at, offset(2n))
  await clock.sleep(durationMs(200))
  source.seek(at, offset(0n))
  world.broker.faults.delay('fetch', 0)
  await until('all', () => reader.of('t/0').includes('c'))
  expect(reader.of('t/0')).toEqual(['a', 'b', 'c'])
})

test('a new leader epoch is noticed and read on under', async () => {
  const reader = new RecordingReader()
  await read(reader)
  await appendTo(0, 'a')
  await until('the first record', () => reader.count === 1)
  world.broker.faults.raiseLeaderEpoch({ topic: 't', partition: 0 })
  await appendTo(0, 'b')
  await until('the second record', () => reader.count === 2)
  expect(reader.refused).toEqual([])
})

test('a leader whose log ends before what was read is refused with both offsets', async () => {
  await appendTo(0, 'a', 'b')
  world.broker.faults.raiseLeaderEpoch({ topic: 't', partition: 0 })
  await appendTo(0, 'c')
  const reader = new RecordingReader()
  reader.from = ({ partition }) => (partition === 1 ? offset(0n) : undefined)
  const source = await read(reader)
  await until('all', () => reader.assigned.length === 2)
  for (const at of reader.assigned) {
    if (at.partition === 0) source.seek(at, offset(3n), 0)
  }
  await until('the refusal', () => reader.refused[0])
  expect(reader.refused[0]?.fault).toMatchObject({
    code: 'KAFKA_LOG_DIVERGED',
    facts: { topicPartition: 't/0', asked: 3n, leaderEpoch: 0, next: 2n },
  })
})

test('a topic that stays deleted is given up; made anew it is ours under its new id', async () => {
  const reader = new RecordingReader()
  await read(reader)
  await until('all', () => reader.assigned.length === 2)
  const before = reader.assigned[0]?.topicId
  world.broker.deleteTopic('t')
  await until('the revocation', () => reader.assigned.length === 0)
  world.broker.createTopic('t', 1)
  await until('the assignment', () => reader.assigned.length === 1)
  expect(reader.assigned[0]?.topicId).not.toBe(before)
  expect(reader.refused).toEqual([])
})

test('batches larger than the limits come through on every partition', async () => {
  const large = 'x'.repeat(700_000)
  for (let round = 0; round < 3; round++) {
    await appendTo(0, `${round}${large}`)
    await appendTo(1, `${round}${large}`)
  }
  const reader = new RecordingReader()
  const limits = { maxBytes: 10_000, partitionMaxBytes: 10_000, maxWaitMs: 100, minBytes: 1 }
  await read(reader, ['t'], { fetch: limits })
  await until('all', () => reader.count === 6)
  for (const name of ['t/0', 't/1']) {
    expect(reader.of(name).map((value) => value[0])).toEqual(['0', '1', '2'])
  }
})

test('static workers share every partition between them, without a group', async () => {
  world.broker.createTopic('u', 5)
  const readers = [0, 1, 2].map(() => new RecordingReader())
  for (const [workerIndex, reader] of readers.entries()) {
    await read(reader, ['t', 'u'], { assignment: { static: { workerIndex, workerCount: 3 } } })
  }
  await until('all', () => readers.reduce((sum, one) => sum + one.assigned.length, 0) === 7)
  const names = readers.flatMap((one) => one.assigned.map((at) => `${at.topic}/${at.partition}`))
  expect(names.sort()).toEqual(['t/0', 't/1', 'u/0', 'u/1', 'u/2', 'u/3', 'u/4'])
  await appendTo(0, 'a')
  await until('the record', () => readers.some((one) => one.count === 1))
})

test('what the group commits is where the tools see it', async () => {
  const reader = new RecordingReader()
  const source = await read(reader)
  await until('all', () => reader.assigned.length === 2)
  const { log } = world.telemetry
  expect(log).toBeDefined()
  await appendTo(0, 'a', 'b')
  const next = new Map((await source.highWatermarks(reader.assigned)).entries())
  await source.commitOffsets(next)
  expect(world.telemetry.events.filter(({ level }) => level === 'warn')).toEqual([])
  await source.close()
  await source.commitOffsets(next)
  expect(world.telemetry.events.filter(({ level }) => level === 'warn')).toHaveLength(1)
})

/** Announcements in transactions, as JSON and protobuf, judged by kafkajs and protobufjs. */
import kafkajs from 'kafkajs'
import protobuf from 'protobufjs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startBroker } from '../../../src/adapters/embedded/broker.ts'
import {
  AnnouncementProducer,
  type AnnouncementProducerOptions,
  jsonForm,
  protobufForm,
} from '../../../src/adapters/kafka/announcement-producer.ts'
import { LocalConfigFiles } from '../../../src/adapters/local/config-files.ts'
import { SystemClock } from '../../../src/adapters/local/system-clock.ts'
import { manifestEncoder } from '../../../src/codec/protobuf/manifest-message.ts'
import { readManifestSchema } from '../../../src/daemon/start.ts'
import { manifestText } from '../../../src/protocol/readiness-manifest.ts'
import { eventually } from '../../support/eventually.ts'
import { KafkaWorld } from '../../support/kafka-world.ts'
import { sampleManifest } from '../../support/log-samples.ts'
import { hasKafka, RealKafka } from '../../support/real-kafka.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { freePort } from '../services/free-ports.ts'

let topics = 0
/** Of each case its own: one that was made anew has no leader for a while. */
const newTopic = (): string => `lake.ready.${++topics}`
const { signal } = new AbortController()
const manifestOf = (hour: number) => ({ ...sampleManifest(hour), logEntry: 7 })
const partitionCount = 4

interface World {
  readonly topic: string
  readonly brokers: readonly string[]
  readonly close: () => Promise<void>
}

async function embedded(): Promise<World> {
  const world = await KafkaWorld.open()
  const topic = newTopic()
  world.broker.createTopic(topic, partitionCount)
  return { topic, brokers: [`127.0.0.1:${world.broker.port}`], close: () => world.close() }
}

let real: RealKafka | undefined
async function kafka4(): Promise<World> {
  real ??= await RealKafka.start('kafka-4')
  const kafka = real
  const topic = newTopic()
  await kafka.createTopic(topic, partitionCount)
  return { topic, brokers: [kafka.address], close: () => kafka.deleteTopic(topic) }
}
afterAll(() => real?.close())

let groups = 0

const worlds = [
  { name: 'the embedded broker', open: embedded, isThere: true },
  { name: 'Kafka 4.3.1', open: kafka4, isThere: hasKafka('kafka-4') },
]

test('brokers that come back are written to by the next delivery', async () => {
  const folder = await temporaryFolder()
  const port = await freePort()
  const topic = newTopic()
  const first = await startBroker({ directory: folder.path, port })
  first.createTopic(topic, 1)
  const announcing = new AnnouncementProducer({
    target: `kafka:${topic}`,
    topic,
    brokers: [`127.0.0.1:${port}`],
    clientId: 'test',
    form: jsonForm,
    transactional: true,
    clock: new SystemClock(),
  })
  await announcing.deliver(manifestOf(12), signal)
  await first.close()
  const failed = announcing.deliver(manifestOf(13), signal)
  await expect(failed).rejects.toMatchObject({ code: 'NOTIFY_FAILED', retry: 'backoff' })
  const second = await startBroker({ directory: folder.path, port })
  await announcing.deliver(manifestOf(13), signal)
  await announcing.close()
  await second.close()
  await folder[Symbol.asyncDispose]()
})

test('brokers that know less of a topic than others are asked again, and write it once', async () => {
  const world = await KafkaWorld.open()
  const { broker } = world
  const topic = newTopic()
  broker.createTopic(topic, 1)
  const brokers = [`127.0.0.1:${broker.port}`]
  const announcing = new AnnouncementProducer({
    target: `kafka:${topic}`,
    topic,
    brokers,
    clientId: 'test',
    form: jsonForm,
    transactional: true,
    clock: new SystemClock(),
  })
  broker.faults.fail('addPartitionsToTxn', 3)
  broker.faults.fail('produce', 3, 2)
  await announcing.deliver(manifestOf(12), signal)
  await announcing.close()
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  // The record, and the marker of its commit.
  expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, high: '2' }])
  await admin.disconnect()
  await world.close()
})

describe.each(worlds.filter(({ isThere }) => isThere))('on $name', ({ open }) => {
  let world: World
  const closing: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    world = await open()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
    await world.close()
  })

  function producer(more: Partial<AnnouncementProducerOptions> = {}): AnnouncementProducer {
    const made = new AnnouncementProducer({
      target: `kafka:${world.topic}`,
      topic: world.topic,
      brokers: world.brokers,
      clientId: 'test',
      form: jsonForm,
      transactional: true,
      clock: new SystemClock(),
      ...more,
    })
    closing.push(() => made.close())
    return made
  }

  const client = () =>
    new kafkajs.Kafka({ brokers: [...world.brokers], logLevel: kafkajs.logLevel.NOTHING })

  /** Values as kafkajs reads them, until those of `until` are among them. */
  async function seenBy(readUncommitted: boolean, until: string): Promise<readonly Buffer[]> {
    const groupId = `reader-${++groups}`
    const consumer = client().consumer({ groupId, readUncommitted })
    closing.push(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic: world.topic, fromBeginning: true })
    const seen: { id: string; value: Buffer }[] = []
    await consumer.run({
      eachMessage: async ({ message: { headers, value } }) => {
        const id = String(headers?.['Idempotency-Key'])
        seen.push({ id, value: value ?? Buffer.alloc(0) })
      },
    })
    await eventually(`"${until}" is read`, 60_000, () =>
      seen.some(({ id }) => id === until) ? true : undefined,
    )
    await consumer.stop()
    return seen.map(({ value }) => value)
  }

  test('each comes once and in order, and a zombie is fenced by who takes its stream over', async () => {
    const [zombie, successor] = [producer(), producer()]
    for (const hour of [10, 11]) await zombie.deliver(manifestOf(hour), signal)
    await successor.deliver(manifestOf(12), signal)
    await expect(zombie.deliver(manifestOf(13), signal)).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      retry: 'backoff',
      message: expect.stringMatching(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/),
    })
    // Another stream is another producer's.
    const other = { ...manifestOf(9), stream: 'orders', id: 'growth/orders' }
    await zombie.deliver(other, signal)
    await zombie.deliver(manifestOf(14), signal)
    const seen = (await seenBy(false, manifestOf(14).id)).map(String)
    const ours = seen.filter((text) => !text.includes('growth/orders'))
    expect(ours).toEqual([10, 11, 12, 14].map((hour) => manifestText(manifestOf(hour))))
  })

  test('what a producer left open is aborted by the next, and no reader of the committed sees it', async () => {
    const { topic } = world
    const transactionalId = `lakeward/growth/${topic}/app_events`
    const left = client().producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    closing.push(() => left.disconnect())
    await left.connect()
    const transaction = await left.transaction()
    const headers = { 'Idempotency-Key': 'left open' }
    const messages = [{ key: 'growth/app_events', value: 'left open', headers }]
    await transaction.send({ topic, messages })
    await producer().deliver(manifestOf(12), signal)
    await expect(transaction.commit()).rejects.toThrow()
    const wanted = manifestText(manifestOf(12))
    expect((await seenBy(false, manifestOf(12).id)).map(String)).toEqual([wanted])
    expect((await seenBy(true, manifestOf(12).id)).map(String)).toEqual(['left open', wanted])
  })

  test('one that is given up is no hindrance to the next', async () => {
    const announcing = producer()
    await announcing.deliver(manifestOf(11), signal)
    const giving = new AbortController()
    const abandoned = announcing.deliver(manifestOf(12), giving.signal)
    giving.abort()
    await expect(abandoned).rejects.toThrow('no acknowledgement in time')
    await announcing.deliver(manifestOf(13), signal).catch(() => {
      // The one that goes on without us may have begun in between: the outbox delivers again.
      return announcing.deliver(manifestOf(13), signal)
    })
    const seen = (await seenBy(false, manifestOf(13).id)).map(String)
    expect(seen[0]).toBe(manifestText(manifestOf(11)))
    expect(seen.at(-1)).toBe(manifestText(manifestOf(13)))
  })

  test('a topic that is not there is a failure that names it', async () => {
    await expect(
      producer({ topic: 'nowhere' }).deliver(manifestOf(12), signal),
    ).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      message: expect.stringMatching(/"nowhere".*UNKNOWN_TOPIC_OR_PARTITION/),
    })
  })

  test('protobuf says what the JSON says, as the shipped file describes it', async () => {
    const form = protobufForm(manifestEncoder(await readManifestSchema(new LocalConfigFiles())))
    await producer({ form }).deliver(manifestOf(12), signal)
    await producer({ form, transactional: false }).deliver(manifestOf(13), signal)
    const type = (await protobuf.load('proto/ready_manifest.proto')).lookupType(
      'lakeward.v1.ReadyManifest',
    )
    const seen = await seenBy(false, manifestOf(13).id)
    const shown = seen.map((value) =>
      type.toObject(type.decode(value), { longs: String, enums: String, defaults: true }),
    )
    expect(shown.map(({ id }) => id)).toEqual([manifestOf(12).id, manifestOf(13).id])
    const { counts, sources, files } = manifestOf(12)
    expect(shown[0]).toMatchObject({
      lakeward: 1,
      kind: 'partition-ready',
      pipeline: 'growth',
      partition: { dt: '2026-11-20', hour: '12' },
      partitionPath: 'dt=2026-11-20/hour=12',
      revision: 1,
      reason: 'COMPLETE',
      rows: '10',
      files: files.map(({ path, crc32c }) => ({ path, bytes: '4', rows: '10', crc32c })),
      counts: { read: String(counts.read), written: String(counts.written), late: '0' },
      sources: [
        {
          clusterId: 'cluster-1',
          topicId: sources[0]?.topicId,
          next: '9223372036854775807',
          evidence: 'CAUGHT_UP',
        },
      ],
      schemaVersions: [1],
      eventWatermarkMs: String(Date.parse('2026-11-20T14:05:01.000Z')),
      decidedAtMs: String(Date.parse('2026-11-20T14:05:12.345Z')),
      logEntry: '7',
    })
    expect(Object.hasOwn(shown[0]?.['sources'][0] ?? {}, 'eventWatermarkMs')).toBe(false)
  })
})

/** Announcements as Kafka messages: a real broker in this process, read by another client. */
import kafkajs, { type KafkaMessage } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBroker } from '../../../src/adapters/embedded/broker.ts'
import {
  AnnouncementProducer,
  jsonForm,
} from '../../../src/adapters/kafka/announcement-producer.ts'
import { SystemClock } from '../../../src/adapters/local/system-clock.ts'
import { manifestText } from '../../../src/protocol/readiness-manifest.ts'
import { eventually } from '../../support/eventually.ts'
import { KafkaWorld } from '../../support/kafka-world.ts'
import { sampleManifest } from '../../support/log-samples.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { freePort } from '../services/free-ports.ts'

const topic = 'lake.ready'
const { signal } = new AbortController()
const manifestOf = (hour: number) => ({ ...sampleManifest(hour), logEntry: 7 })

let world: KafkaWorld
const closing: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  world = await KafkaWorld.open()
})
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
  await world.close()
})

const brokers = (): readonly string[] => [`127.0.0.1:${world.broker.port}`]
function producer(at = brokers()): AnnouncementProducer {
  const made = new AnnouncementProducer({
    target: `kafka:${topic}`,
    topic,
    brokers: at,
    clientId: 'test',
    form: jsonForm,
    transactional: false,
    clock: new SystemClock(),
  })
  closing.push(() => made.close())
  return made
}

/** All that kafkajs reads of the topic. */
async function readers(count: number): Promise<readonly (KafkaMessage & { partition: number })[]> {
  const { Kafka, logLevel } = kafkajs
  const client = new Kafka({ brokers: [...brokers()], logLevel: logLevel.NOTHING })
  const consumer = client.consumer({ groupId: 'scheduler' })
  closing.push(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const seen: (KafkaMessage & { partition: number })[] = []
  const eachMessage = async ({
    message,
    partition,
  }: {
    message: KafkaMessage
    partition: number
  }) => {
    seen.push({ ...message, partition })
  }
  await consumer.run({ eachMessage })
  return await eventually(`${count} messages`, 60_000, () =>
    seen.length >= count ? seen : undefined,
  )
}

test('a stream’s announcements come in order, each with its manifest, its key and its id', async () => {
  world.broker.createTopic(topic, 4)
  const announcing = producer()
  const hours = [11, 12, 13, 14, 15]
  for (const hour of hours) await announcing.deliver(manifestOf(hour), signal)
  const seen = await readers(hours.length)
  expect(seen.map(({ value }) => String(value))).toEqual(
    hours.map((hour) => manifestText(manifestOf(hour))),
  )
  expect(new Set(seen.map(({ partition }) => partition)).size).toBe(1)
  for (const [index, { key, headers }] of seen.entries()) {
    expect(String(key)).toBe('growth/app_events')
    expect(String(headers?.['Idempotency-Key'])).toBe(manifestOf(hours[index] ?? 0).id)
    expect(String(headers?.['Content-Type'])).toBe('application/json')
  }
})

test('a topic that is not there is a failure that names it, and no topic is made', async () => {
  await expect(producer().deliver(manifestOf(13), signal)).rejects.toMatchObject({
    code: 'NOTIFY_FAILED',
    message: expect.stringMatching(/lake\.ready.*(unknown|exist)/i),
  })
  world.broker.createTopic(topic, 1)
  await producer().deliver(manifestOf(13), signal)
  expect(await readers(1)).toHaveLength(1)
})

test('brokers that are down are a failure; once they are back the next delivery comes', async () => {
  const folder = await temporaryFolder()
  closing.push(async () => await folder[Symbol.asyncDispose]())
  const port = await freePort()
  const first = await startBroker({ directory: folder.path, port })
  first.createTopic(topic, 1)
  const announcing = producer([`127.0.0.1:${port}`])
  await announcing.deliver(manifestOf(12), signal)
  await first.close()
  const failed = announcing.deliver(manifestOf(13), signal)
  await expect(failed).rejects.toMatchObject({ code: 'NOTIFY_FAILED', retry: 'backoff' })
  const second = await startBroker({ directory: folder.path, port })
  closing.push(() => second.close())
  await announcing.deliver(manifestOf(13), signal)
})

test('a broker that does not answer is left when the time is up', async () => {
  const giving = new AbortController()
  world.broker.createTopic(topic, 1)
  const announcing = producer()
  const delivery = announcing.deliver(manifestOf(13), giving.signal)
  giving.abort()
  await expect(delivery).rejects.toThrow('no acknowledgement in time')
  await announcing.deliver(manifestOf(13), signal)
  expect((await readers(1)).length).toBeGreaterThan(0)
})

test('a delivery that is given up takes no other stream’s with it', async () => {
  world.broker.createTopic(topic, 4)
  const announcing = producer()
  await announcing.deliver(manifestOf(12), signal)
  const giving = new AbortController()
  const abandoned = announcing.deliver(manifestOf(13), giving.signal)
  const others = ['orders', 'sessions', 'visits'].map((stream) =>
    announcing.deliver({ ...manifestOf(13), stream, id: `growth/${stream}` }, signal),
  )
  giving.abort()
  await expect(abandoned).rejects.toThrow('no acknowledgement in time')
  await Promise.all(others)
  expect(await readers(5)).toHaveLength(5)
})

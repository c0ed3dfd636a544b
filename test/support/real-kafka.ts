/**
 * A real Kafka broker for one test file, with what tests do to it.
 *
 *     describe.skipIf(!hasKafka('kafka-4'))('…', () => { … await RealKafka.start('kafka-4') … })
 */
import { join } from 'node:path'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import type { TopicPartition } from '../../src/model/topic-partition.ts'
import { serviceNamed } from '../system/services/catalogue.ts'
import { isFetched } from '../system/services/fetch-artifacts.ts'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import { eventually } from './eventually.ts'
import { produceBatches } from './produce-batches.ts'
import { encodeBatch, type TestBatch } from './record-batch.ts'
import { commandEndsWell, requireService } from './require-service.ts'

type KafkaName = 'kafka-4' | 'kafka-3'

const checkout = join(import.meta.dirname, '..', '..')
const places = userPlaces(checkout)
/** For what the broker answers before it has done it. */
const doneWithinMs = 30_000

/** Java, and the broker's jars in the cache: a test does not download them unasked. */
export const hasKafka = (name: KafkaName): boolean =>
  requireService(
    name,
    () => commandEndsWell('java', ['-version']) && isFetched(serviceNamed(name), places.cacheRoot),
  )

async function createTopic(admin: Admin, topic: string, numPartitions: number): Promise<void> {
  const topics = [{ topic, numPartitions, replicationFactor: 1 }]
  await admin.createTopics({ topics, waitForLeaders: false })
  await eventually(`every partition of ${topic} has a leader`, doneWithinMs, async () => {
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [topic] })
    const led = found[0]?.partitions.filter(({ leader }) => leader >= 0).length
    return led === numPartitions ? true : undefined
  })
}

async function deleteTopics(admin: Admin, topics: string[]): Promise<void> {
  await admin.deleteTopics({ topics })
  await eventually(`${topics.join(', ')} are gone`, doneWithinMs, async () => {
    const left = new Set(await admin.listTopics())
    return topics.some((topic) => left.has(topic)) ? undefined : true
  })
}

export class RealKafka {
  /** "host:port" of its plain listener. */
  readonly address: string
  readonly host: string
  readonly port: number
  readonly #harness: ServiceHarness
  readonly #name: KafkaName
  readonly #instance: string

  private constructor(
    harness: ServiceHarness,
    place: { name: KafkaName; instance: string; address: string },
  ) {
    this.#harness = harness
    this.#name = place.name
    this.#instance = place.instance
    this.address = place.address
    const [host = '', port = ''] = place.address.split(':')
    this.host = host
    this.port = Number(port)
  }

  /** A broker of its own, empty; those of test runs that died are removed first. */
  static async start(name: KafkaName): Promise<RealKafka> {
    const said: string[] = []
    const harness = new ServiceHarness({ ...places, say: (line) => said.push(line) })
    await harness.sweep()
    const instance = `test-${name}-${process.pid}`
    const { address } = await harness.up(name, { instance, ownerPid: process.pid })
    return new RealKafka(harness, { name, instance, address })
  }

  /** Ends when every partition has its leader. */
  createTopic(topic: string, partitionCount: number): Promise<void> {
    return this.#asAdmin((admin) => createTopic(admin, topic, partitionCount))
  }

  /** Ends when the broker does not know it any more. */
  deleteTopic(topic: string): Promise<void> {
    return this.#asAdmin((admin) => deleteTopics(admin, [topic]))
  }

  /** With nothing between the two requests. */
  recreateTopic(topic: string, partitionCount: number): Promise<void> {
    return this.#asAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      await createTopic(admin, topic, partitionCount)
    })
  }

  /** Ends when the broker does not know them any more. */
  async deleteAllTopics(): Promise<void> {
    await this.#asAdmin(async (admin) => {
      const all = await admin.listTopics()
      await deleteTopics(
        admin,
        all.filter((topic) => !topic.startsWith('__')),
      )
    })
  }

  append(at: TopicPartition, batch: TestBatch): Promise<void> {
    return produceBatches(this, at, encodeBatch(batch))
  }

  kill(): Promise<void> {
    return this.#harness.kill(this.#instance)
  }

  pause(): void {
    this.#harness.pause(this.#instance)
  }

  resume(): void {
    this.#harness.resume(this.#instance)
  }

  /** On the same data. @throws {Error} it came up elsewhere: clients would not find it. */
  async startAgain(): Promise<void> {
    const { address } = await this.#harness.up(this.#name, { instance: this.#instance })
    if (address !== this.address) throw new Error(`came up on ${address}, was on ${this.address}`)
  }

  /** Ends it and forgets its data. */
  close(): Promise<void> {
    return this.#harness.wipe(this.#instance)
  }

  async #asAdmin<T>(act: (admin: Admin) => Promise<T>): Promise<T> {
    const brokers = [this.address]
    const admin = new Kafka({ brokers, clientId: 'test', logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      return await act(admin)
    } finally {
      await admin.disconnect()
    }
  }
}

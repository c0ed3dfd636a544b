/**
 * A real Kafka broker for one test file, with what tests do to it.
 *
 *     describe.skipIf(!hasKafka('kafka-4'))('…', () => { … await RealKafka.start('kafka-4') … })
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel, type PartitionMetadata } from 'kafkajs'
import type { TopicId, TopicPartition } from '../../src/model/topic-partition.ts'
import { serviceNamed } from '../system/services/catalogue.ts'
import { artifactsFolder, isFetched } from '../system/services/fetch-artifacts.ts'
import { certificateFiles } from '../system/services/kafka-listeners.ts'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import { type Ports, portOf } from '../system/services/service-kind.ts'
import { eventually } from './eventually.ts'
import { ask, KafkajsClient } from './kafkajs/kafkajs-client.ts'
import { metadataRequest, parseMetadata } from './kafkajs/raw-requests.ts'
import { produceBatches } from './produce-batches.ts'
import { encodeBatch, type TestBatch } from './record-batch.ts'
import { commandEndsWell, requireNamedService, requireService } from './require-service.ts'

type KafkaName = 'kafka-4' | 'kafka-3' | 'kafka-4-three' | 'kafka-3-three'

const checkout = join(import.meta.dirname, '..', '..')
const places = userPlaces(checkout)
/** For what the broker answers before it has done it. */
const doneWithinMs = 30_000

/** Java, and the broker's jars in the cache: a test does not download them unasked. */
export const hasKafka = (name: KafkaName): boolean => requireService(name, () => isThere(name))

/** Three brokers at once, which take minutes: only where they are asked for by name. */
export const wantsKafka = (name: KafkaName): boolean =>
  requireNamedService(name, () => isThere(name))

const isThere = (name: KafkaName): boolean =>
  commandEndsWell('java', ['-version']) && isFetched(serviceNamed(name), places.cacheRoot)

/** The broker's own settings of the topic: "cleanup.policy". */
type TopicSettings = Readonly<Record<string, string>>

async function createTopic(
  admin: Admin,
  topic: string,
  numPartitions: number,
  settings: TopicSettings = {},
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  // -1: as many replicas as the broker has by default.
  const topics = [{ topic, numPartitions, replicationFactor: -1, configEntries }]
  await admin.createTopics({ topics, waitForLeaders: false })
  await partitionsAreLed(admin, topic, numPartitions)
}

function partitionsAreLed(admin: Admin, topic: string, count: number): Promise<true> {
  return eventually(`every partition of ${topic} has a leader`, doneWithinMs, async () => {
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [topic] })
    const led = found[0]?.partitions.filter(({ leader }) => leader >= 0).length
    return led === count ? true : undefined
  })
}

async function deleteTopics(admin: Admin, topics: string[]): Promise<void> {
  await admin.deleteTopics({ topics })
  await eventually(`${topics.join(', ')} are gone`, doneWithinMs, async () => {
    const left = new Set(await admin.listTopics())
    return topics.some((topic) => left.has(topic)) ? undefined : true
  })
}

interface OpenTransaction {
  /** One batch. */
  readonly send: (at: TopicPartition, values: readonly string[]) => Promise<void>
  readonly abort: () => Promise<void>
  readonly commit: () => Promise<void>
}

const processOf = (node: number | undefined): string | undefined =>
  node === undefined ? undefined : `broker-${node}`

export class RealKafka {
  /** "host:port" of its plain listener, of each node. */
  readonly addresses: readonly string[]
  /** Of the first node. */
  readonly address: string
  readonly host: string
  readonly port: number
  readonly #harness: ServiceHarness
  readonly #name: KafkaName
  readonly #instance: string
  readonly #ports: Ports

  private constructor(
    harness: ServiceHarness,
    place: { name: KafkaName; instance: string; address: string; ports: Ports },
  ) {
    this.#harness = harness
    this.#name = place.name
    this.#instance = place.instance
    this.#ports = place.ports
    this.addresses = place.address.split(',')
    this.address = this.addresses[0] ?? ''
    const [host = '', port = ''] = this.address.split(':')
    this.host = host
    this.port = Number(port)
  }

  /** A broker of its own, empty; those of test runs that died are removed first. */
  static async start(name: KafkaName): Promise<RealKafka> {
    const said: string[] = []
    const harness = new ServiceHarness({ ...places, say: (line) => said.push(line) })
    await harness.sweep()
    const instance = `test-${name}-${process.pid}`
    const { address, ports } = await harness.up(name, { instance, ownerPid: process.pid })
    return new RealKafka(harness, { name, instance, address, ports })
  }

  /** Where it listens: "sasl", or "sasl-2" of the second of several nodes. */
  portOf(listener: string): number {
    return portOf(this.#ports, listener)
  }

  /** What clients and brokers show to each other. */
  get certificates(): ReturnType<typeof certificateFiles> {
    return certificateFiles(join(places.runRoot, this.#instance))
  }

  /** Ends when every partition has its leader. */
  createTopic(topic: string, partitionCount: number, settings?: TopicSettings): Promise<void> {
    return this.asAdmin((admin) => createTopic(admin, topic, partitionCount, settings))
  }

  /** Ends when the broker does not know it any more. */
  deleteTopic(topic: string): Promise<void> {
    return this.asAdmin((admin) => deleteTopics(admin, [topic]))
  }

  /** With nothing between the two requests. Ends when the broker knows the new one. */
  async recreateTopic(topic: string, partitionCount: number): Promise<void> {
    const before = await this.#topicIdOf(topic)
    await this.asAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      await createTopic(admin, topic, partitionCount)
    })
    // By its name alone it is found while the broker still serves the old one.
    await eventually(`${topic} is another one`, doneWithinMs, async () => {
      const id = await this.#topicIdOf(topic)
      return id !== undefined && id !== before ? true : undefined
    })
  }

  /** Ends when each of the partitions, `count` with those of before, has its leader. */
  async addPartitions(topic: string, count: number): Promise<void> {
    await this.asAdmin(async (admin) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] })
      await partitionsAreLed(admin, topic, count)
    })
  }

  /** Ends when the broker does not know them any more. */
  async deleteAllTopics(): Promise<void> {
    await this.asAdmin(async (admin) => {
      const all = await admin.listTopics()
      await deleteTopics(
        admin,
        all.filter((topic) => !topic.startsWith('__')),
      )
    })
  }

  async partitionsOf(topic: string): Promise<PartitionMetadata[] | undefined> {
    const { topics } = await this.asAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
    return topics[0]?.partitions
  }

  /** One batch to whoever leads; waits for a new leader as long as that takes. */
  async send({ topic, partition }: TopicPartition, values: readonly string[]): Promise<void> {
    const retry = { retries: 40, initialRetryTime: 300, maxRetryTime: 1_000 }
    const producer = this.client().producer({ retry, allowAutoTopicCreation: false })
    await producer.connect()
    try {
      const messages = values.map((value) => ({ value, partition }))
      const answers = await producer.send({ topic, messages, acks: -1 })
      // kafkajs drops what is for a partition that its broker does not know, and says nothing.
      if (answers.length === 0) throw new Error(`"${topic}/${partition}" is not there`)
    } finally {
      await producer.disconnect()
    }
  }

  /** Makes another replica the leader, as a reassignment does; the old one goes on serving. */
  async moveLeader({ topic, partition }: TopicPartition, from: number): Promise<void> {
    const replicas = (await this.partitionsOf(topic))?.find(
      ({ partitionId }) => partitionId === partition,
    )?.replicas
    const turned = [...(replicas ?? []).filter((node) => node !== from), from]
    await this.asAdmin((admin) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition, replicas: turned }] }],
      }),
    )
    const words = ['--election-type', 'preferred', '--topic', topic, '--partition', `${partition}`]
    this.tool('org.apache.kafka.tools.LeaderElectionCommand', words)
  }

  /** A producer's transaction that is open. @param id names the producer. */
  async transact(id: string): Promise<OpenTransaction> {
    const options = { transactionalId: id, maxInFlightRequests: 1, idempotent: true }
    const producer = this.client().producer(options)
    await producer.connect()
    const transaction = await producer.transaction()
    const end = async (how: 'abort' | 'commit'): Promise<void> => {
      await transaction[how]()
      await producer.disconnect()
    }
    return {
      send: async ({ topic, partition }, values) => {
        const messages = values.map((value) => ({ value, partition }))
        await transaction.send({ topic, messages })
      },
      abort: () => end('abort'),
      commit: () => end('commit'),
    }
  }

  /** The main class of the Java producer of lines. */
  get producerClass(): string {
    const tools = this.#name.startsWith('kafka-3') ? 'kafka.tools' : 'org.apache.kafka.tools'
    return `${tools}.ConsoleProducer`
  }

  /** Runs one of the broker's own tools to its end. @returns what it printed. */
  tool(mainClass: string, words: readonly string[], input = ''): string {
    const jars = join(artifactsFolder(serviceNamed(this.#name), places.cacheRoot), '*')
    const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', jars, mainClass]
    const all = ['java', ...java, '--bootstrap-server', this.address, ...words]
    const { status, stdout, stderr } = spawnSync('nice', all, { encoding: 'utf8', input })
    if (status === 0) return stdout
    throw new Error(`${mainClass} ended with ${String(status)}:\n${stdout}${stderr}`)
  }

  append(at: TopicPartition, batch: TestBatch): Promise<void> {
    return produceBatches(this, at, encodeBatch(batch))
  }

  /** @param node one of several, from 1; all when absent. */
  kill(node?: number): Promise<void> {
    return this.#harness.kill(this.#instance, processOf(node))
  }

  pause(node?: number): Promise<void> {
    return this.#harness.pause(this.#instance, processOf(node))
  }

  resume(node?: number): void {
    this.#harness.resume(this.#instance, processOf(node))
  }

  /** On the same data. @throws {Error} it came up elsewhere: clients would not find it. */
  async startAgain(): Promise<void> {
    const { address } = await this.#harness.up(this.#name, { instance: this.#instance })
    const before = this.addresses.join(',')
    if (address !== before) throw new Error(`came up on ${address}, was on ${before}`)
  }

  async #topicIdOf(topic: string): Promise<TopicId | undefined> {
    const client = new KafkajsClient(this.addresses, 'test')
    try {
      const [nodeId = 1] = await client.nodeIds()
      const answer = await ask(await client.broker(nodeId), metadataRequest([topic]))
      return parseMetadata(answer).topics.get(topic)?.topicId
    } finally {
      client.close()
    }
  }

  /** Ends it and forgets its data. */
  close(): Promise<void> {
    return this.#harness.wipe(this.#instance)
  }

  client(): Kafka {
    const brokers = [...this.addresses]
    return new Kafka({ brokers, clientId: 'test', logLevel: logLevel.NOTHING })
  }

  /** Whatever an administrator does. */
  async asAdmin<T>(act: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.client().admin()
    await admin.connect()
    try {
      return await act(admin)
    } finally {
      await admin.disconnect()
    }
  }
}

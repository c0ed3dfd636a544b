/** The embedded broker and the Kafka adapter on it, as tests use them together. */
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import type { TopicPartition } from '../../src/model/topic-partition.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { abortTransaction } from './aborted-transaction.ts'
import { appendEmptyTransaction, type TransactionEnd } from './empty-transaction.ts'
import { produceBatches } from './produce-batches.ts'
import { encodeBatch, type TestBatch } from './record-batch.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** How often the metadata is looked at without a reason. */
export const refreshMs = { often: 200, rarely: 600_000 } as const

/** Options for tests: quick to notice what changes. */
export function sourceOptions(
  broker: { readonly host: string; readonly port: number },
  topics: readonly string[],
  more: Partial<KafkaSourceOptions> = {},
): KafkaSourceOptions {
  return {
    brokers: [`${broker.host}:${broker.port}`],
    group: 'g',
    topics,
    assignment: 'group',
    clientId: 'test',
    isolation: 'read_committed',
    sessionTimeoutMs: 3_000,
    rebalanceTimeoutMs: 5_000,
    fetch: { maxBytes: 1_048_576, partitionMaxBytes: 262_144, maxWaitMs: 100, minBytes: 1 },
    metadataRefreshMs: refreshMs.often,
    ...more,
  }
}

type BrokerSettings = Omit<Parameters<typeof startBroker>[0], 'directory'>

export class KafkaWorld {
  readonly broker: EmbeddedBroker
  readonly telemetry = new SimTelemetry()
  readonly #folder: AsyncDisposable

  private constructor(broker: EmbeddedBroker, folder: AsyncDisposable) {
    this.broker = broker
    this.#folder = folder
  }

  static async open(settings: BrokerSettings = {}): Promise<KafkaWorld> {
    const folder = await temporaryFolder()
    return new KafkaWorld(await startBroker({ ...settings, directory: folder.path }), folder)
  }

  source(topics: readonly string[], more: Partial<KafkaSourceOptions> = {}): Source {
    const options = sourceOptions(this.broker, topics, more)
    return openKafkaSource(options, new SystemClock(), this.telemetry)
  }

  /** What a contract of members asks of brokers. */
  consumerBrokers() {
    const { host, port } = this.broker
    return {
      host,
      port,
      createTopic: (topic: string, partitionCount: number) =>
        this.broker.createTopic(topic, partitionCount),
      append: (at: TopicPartition, batch: TestBatch) => this.append(at, batch),
    }
  }

  append(at: TopicPartition, batch: TestBatch): Promise<void> {
    return produceBatches(this.broker, at, encodeBatch(batch))
  }

  /** A transaction of another client, taken back. */
  appendAborted(at: TopicPartition, values: readonly string[]): Promise<void> {
    return abortTransaction(`${this.broker.host}:${this.broker.port}`, at, values)
  }

  /** A transaction of another client that sends nothing. */
  appendEmpty(at: TopicPartition, end: TransactionEnd): Promise<void> {
    return appendEmptyTransaction(`${this.broker.host}:${this.broker.port}`, at, end)
  }

  async close(): Promise<void> {
    await this.broker.close()
    await this.#folder[Symbol.asyncDispose]()
  }
}

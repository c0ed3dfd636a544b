/**
 * Writes records to Kafka for the demo, the examples and the benchmarks: idempotent, to partitions
 * that the caller names, in the caller's order.
 *
 * Source: `@platformatic/kafka`, class Producer.
 */

import { Fault } from '../../base/fault.ts'
import { Producer } from './library.ts'

export interface ProducedRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
  readonly timestampMs: number
}

export interface RecordProducerOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
}

export class RecordProducer {
  readonly #options: RecordProducerOptions
  readonly #producer: Producer<Buffer, Buffer, Buffer, Buffer>

  constructor(options: RecordProducerOptions) {
    this.#options = options
    this.#producer = new Producer({
      clientId: options.clientId,
      bootstrapBrokers: [...options.brokers],
      idempotent: true,
      retries: 20,
      retryDelay: 200,
    })
  }

  /**
   * Sends records and waits until all of them are acknowledged by all replicas.
   * @throws {Fault} KAFKA_UNREACHABLE
   */
  async send(records: readonly ProducedRecord[]): Promise<void> {
    if (records.length === 0) return
    try {
      await this.#producer.send({
        messages: records.map(({ topic, partition, key, value, timestampMs }) => ({
          topic,
          partition,
          ...(key === undefined ? {} : { key: Buffer.from(key) }),
          value: Buffer.from(value),
          timestamp: BigInt(timestampMs),
        })),
        acks: -1,
        compression: this.#options.compression,
      })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Fault('KAFKA_UNREACHABLE', { brokers: this.#options.brokers, reason }, { cause })
    }
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }
}

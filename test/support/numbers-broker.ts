/** A broker in a folder of its own, and one who produces numbers: for all tests of a file. */
import { join } from 'node:path'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { numberRecord } from './numbers.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const hourMs = 3_600_000

type Folder = Awaited<ReturnType<typeof temporaryFolder>>

interface SentNumber {
  readonly topic: string
  readonly partition: number
  readonly n: number
  readonly atMs: number
}

export class NumbersBroker {
  readonly broker: EmbeddedBroker
  readonly #folder: Folder
  readonly #producer: RecordProducer

  private constructor(folder: Folder, broker: EmbeddedBroker) {
    const brokers = [`127.0.0.1:${broker.port}`]
    this.#folder = folder
    this.broker = broker
    this.#producer = new RecordProducer({ brokers, clientId: 'numbers', compression: 'none' })
  }

  static async open(): Promise<NumbersBroker> {
    const folder = await temporaryFolder()
    return new NumbersBroker(folder, await startBroker({ directory: join(folder.path, 'broker') }))
  }

  /** A folder for one of the tests. */
  place(name: string): string {
    return join(this.#folder.path, name)
  }

  /** One event of the stream "numbers" within the hour after `atMs`. */
  async send({ topic, partition, n, atMs }: SentNumber): Promise<void> {
    const timestampMs = atMs + 600_000
    const value = numberRecord('numbers', n, timestampMs)
    await this.#producer.send([{ topic, partition, key: undefined, value, timestampMs }])
  }

  async close(): Promise<void> {
    await this.#producer.close()
    await this.broker.close()
    await this.#folder[Symbol.asyncDispose]()
  }
}

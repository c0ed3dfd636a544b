/** A daemon that ingests numbers from a real broker through a proxy, and the ledger of them. */
import { join } from 'node:path'
import { RecordProducer } from '../../../src/adapters/kafka/record-producer.ts'
import { duck, tableGlob } from '../../support/duck.ts'
import { eventually } from '../../support/eventually.ts'
import { numberRecord, writeNumbersConfig } from '../../support/numbers.ts'
import { LakewardProcess } from '../../support/processes.ts'
import type { RealKafka } from '../../support/real-kafka.ts'
import { FaultProxy } from '../services/fault-proxy.ts'

const boundMs = 90_000
const topic = 'numbers'
const worker = ['--worker-index', '0', '--worker-count', '1']
const partitionCount = 2

export interface ToldLine {
  readonly code: string
  readonly message: string
}

export interface FaultWorldOptions {
  readonly kafka: RealKafka
  readonly folder: string
  /** Keys of the section `kafka`, in flow style. */
  readonly keys?: (world: FaultWorld) => string
  readonly environment?: Readonly<Record<string, string>>
  /** Puts something between the proxy and the broker. @returns its port. */
  readonly between?: (world: FaultWorld) => Promise<number>
}

export class FaultWorld {
  readonly kafka: RealKafka
  readonly folder: string
  readonly #options: FaultWorldOptions
  #proxy: FaultProxy | undefined
  #daemon: LakewardProcess | undefined
  readonly #closing: (() => unknown)[] = []
  /** Every number below was produced, and acknowledged. */
  produced = 0
  /** Where the daemon finds the brokers; the proxy's when absent. */
  brokerPort: number | undefined
  environment: Readonly<Record<string, string>>

  constructor(options: FaultWorldOptions) {
    this.#options = options
    this.kafka = options.kafka
    this.folder = options.folder
    this.environment = options.environment ?? {}
  }

  get proxy(): FaultProxy {
    if (this.#proxy === undefined) throw new Error('the proxy is not open')
    return this.#proxy
  }

  get lake(): string {
    return join(this.folder, 'lake')
  }

  async open(): Promise<void> {
    await this.kafka.createTopic(topic, partitionCount)
    const port = (await this.#options.between?.(this)) ?? this.kafka.portOf('proxied')
    this.#proxy = await FaultProxy.open({ port }, this.kafka.portOf('proxy'))
  }

  onClose(act: () => unknown): void {
    this.#closing.push(act)
  }

  /** Starts a daemon, or another one after the last has ended. */
  async start(): Promise<void> {
    const keys = this.#options.keys?.(this)
    const config = await writeNumbersConfig(this.folder, {
      brokerPort: this.brokerPort ?? this.kafka.portOf('proxy'),
      assignment: 'static',
      topic,
      ...(keys === undefined ? {} : { kafka: keys }),
    })
    this.#daemon = new LakewardProcess(['run', '-c', config, ...worker], { env: this.environment })
    await this.#daemon.line('"event":"listening"')
  }

  /** @returns the exit code. */
  async stop(): Promise<number | null> {
    const ended = await this.#daemon?.stop()
    return ended ?? null
  }

  async close(): Promise<void> {
    await this.#daemon?.kill()
    await this.#proxy?.close()
    for (const act of this.#closing) await act()
    await this.kafka.deleteAllTopics()
  }

  /** Number n goes to partition n mod 2, in a batch for each, past any proxy. */
  async produce(count: number): Promise<void> {
    const brokers = [this.kafka.address]
    const producer = new RecordProducer({ brokers, clientId: 'ledger', compression: 'none' })
    const timestampMs = Date.now()
    const records = Array.from({ length: count }, (_, index) => {
      const n = this.produced + index
      const value = numberRecord('numbers', n, timestampMs)
      return { topic, partition: n % partitionCount, key: undefined, value, timestampMs }
    })
    await producer.send(records)
    await producer.close()
    this.produced += count
  }

  /** What the daemons told, oldest first. */
  told(): readonly ToldLine[] {
    return (this.#daemon?.stderr ?? []).flatMap((line): readonly ToldLine[] => {
      const told = JSON.parse(line.startsWith('{') ? line : '{}') as Partial<ToldLine>
      const { code, message } = told
      return code === undefined || message === undefined ? [] : [{ code, message }]
    })
  }

  /** Waits until exactly these are in the lake, each once. */
  async holds(wanted: (n: number) => boolean = () => true): Promise<void> {
    const numbers = Array.from({ length: this.produced }, (_, n) => n).filter(wanted)
    const found = await eventually(`${numbers.length} numbers in the lake`, boundMs, async () => {
      const rows = await duck(`SELECT n FROM ${tableGlob(this.lake, 'numbers')} ORDER BY n`)
      return rows.length >= numbers.length ? rows.map((row) => Number(row['n'])) : undefined
    })
    if (JSON.stringify(found) !== JSON.stringify(numbers)) {
      throw new Error(`the lake holds ${found.join(' ')}, the ledger ${numbers.join(' ')}`)
    }
  }
}

/** A daemon that ingests numbers from a real broker through a proxy, and the ledger of them. */
import { join } from 'node:path'
import { duck, tableGlob } from '../../support/duck.ts'
import { writeNumbersConfig } from '../../support/numbers.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'
import type { RealKafka } from '../../support/real-kafka.ts'
import { FaultProxy } from '../services/fault-proxy.ts'
import { sendNumbers, untilFound } from './ledger.ts'

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
  #config = ''
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
    // Brokers of several send clients on to each other, past any proxy.
    if (this.kafka.addresses.length > 1) return
    const port = (await this.#options.between?.(this)) ?? this.kafka.portOf('proxied')
    this.#proxy = await FaultProxy.open({ port }, this.kafka.portOf('proxy'))
  }

  onClose(act: () => unknown): void {
    this.#closing.push(act)
  }

  /** Starts a daemon, or another one after the last has ended. */
  async start(): Promise<void> {
    const keys = this.#options.keys?.(this)
    this.#config = await writeNumbersConfig(this.folder, {
      brokerPort: this.brokerPort ?? this.kafka.portOf('proxy'),
      assignment: 'static',
      topic,
      ...(keys === undefined ? {} : { kafka: keys }),
    })
    this.#daemon = new LakewardProcess(['run', '-c', this.#config, ...worker], {
      env: this.environment,
    })
    await this.#daemon.line('"event":"listening"')
  }

  /** The operator's word, while the daemon runs. */
  async accept(name: string): Promise<void> {
    const words = ['source', 'accept', name, '--why', 'the owner of the topic says so']
    const { code, stdout, stderr } = await lakeward([...words, '-c', this.#config])
    if (code !== 0) throw new Error(`accept ended with ${code}: ${stdout}${stderr}`)
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

  /** Past any proxy. @param partitions of the topic: numbers go to all of them in turn. */
  async produce(count: number, partitions = partitionCount): Promise<void> {
    const brokers = this.kafka.addresses
    const first = this.produced
    await sendNumbers({ brokers, topic, partitionCount: partitions, first, count })
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
  holds(wanted: (n: number) => boolean = () => true): Promise<void> {
    const numbers = Array.from({ length: this.produced }, (_, n) => n).filter(wanted)
    return untilFound(numbers, async () => {
      const rows = await duck(`SELECT n FROM ${tableGlob(this.lake, 'numbers')} ORDER BY n`)
      return rows.map((row) => Number(row['n']))
    })
  }
}

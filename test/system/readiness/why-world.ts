/** Daemons whose partitions wait, each for another reason, with names and times of one's own. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../../src/adapters/kafka/record-producer.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import { foldOf } from '../../support/commit-phase.ts'
import { eventually } from '../../support/eventually.ts'
import { numberRecord, numbersProto } from '../../support/numbers.ts'
import { hourMs } from '../../support/numbers-broker.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'
import { encodeRawEvent } from '../../support/raw-events.ts'
import { freePort } from '../services/free-ports.ts'

/** What a seed decides: names, times, numbers. None of them may decide what is told. */
export interface Drawn {
  readonly seed: number
  /** Start of the hour that is asked about. */
  readonly startMs: number
  /** The topic-partition that stays quiet, lags, or is broken. */
  readonly odd: 0 | 1
  /** Events that a batch has more than the one that is needed. */
  readonly more: number
}

/** @param nowMs of the machine: the hour must lie behind it by more than any `ready.delay` here. */
export function drawn(seed: number, nowMs: number): Drawn {
  const startMs = (Math.floor(nowMs / hourMs) - 24 - seed) * hourMs
  return { seed, startMs, odd: seed % 2 === 0 ? 0 : 1, more: seed }
}

interface WorldOptions {
  /** Of the stream's entry, in flow style: `ready: { rowsMin: 9 }`. */
  readonly streams: Readonly<Record<string, string>>
  readonly commitInterval?: string
  /** Entries of `ready.notify`, in flow style. */
  readonly notify?: string
}

const partitionCount = 2

/** A broker, a lake, one daemon, and streams of numbers, each with a topic of its own. */
export class WhyWorld {
  readonly drawn: Drawn
  readonly broker: EmbeddedBroker
  readonly lake: string
  readonly config: string
  /** Of the daemon's API, without a path. */
  readonly address: string
  #producer: RecordProducer
  #daemon: LakewardProcess | undefined
  #next = 0

  private constructor(drawnBy: Drawn, broker: EmbeddedBroker, folder: string, httpPort: number) {
    this.drawn = drawnBy
    this.broker = broker
    this.lake = join(folder, 'lake')
    this.config = join(folder, 'lakeward.yaml')
    this.address = `http://127.0.0.1:${httpPort}`
    this.#producer = this.#openProducer()
  }

  static async open(drawnBy: Drawn, folder: string, options: WorldOptions): Promise<WhyWorld> {
    const broker = await startBroker({ directory: join(folder, 'broker') })
    const world = new WhyWorld(drawnBy, broker, folder, await freePort())
    await mkdir(world.lake, { recursive: true })
    await writeFile(join(folder, 'number.proto'), numbersProto)
    await world.configure(options)
    for (const stream of Object.keys(options.streams)) {
      broker.createTopic(world.topicOf(stream), partitionCount)
    }
    return world
  }

  /** Writes the configuration; who runs has the one before until it is started again. */
  async configure(options: WorldOptions): Promise<void> {
    await writeFile(this.config, this.#configText(options))
  }

  /** The name of a stream, and of its topic, in this world. */
  nameOf(stream: string): string {
    return `${stream}_${this.drawn.seed}`
  }

  topicOf(stream: string): string {
    return `topic-of-${this.nameOf(stream)}`
  }

  #configText({ streams, commitInterval = '250ms', notify = '' }: WorldOptions): string {
    const entries = Object.entries(streams).map(([stream, more]) => {
      const named = more.replaceAll('<seed>', String(this.drawn.seed))
      const topic = named.includes('topics:') ? '' : `topic: ${this.topicOf(stream)}, `
      const schema = 'schema: { file: number.proto, message: test.Number }'
      const eventTime = 'eventTime: { outOfOrderness: 0s, pastMax: 3650d }'
      return `  - { name: ${this.nameOf(stream)}, ${topic}${schema}, ${eventTime}${named} }`
    })
    return `pipeline: test
kafka: { brokers: ["127.0.0.1:${this.broker.port}"], assignment: static }
lake: { url: "file:./lake" }
http: { listen: "${new URL(this.address).host}" }
commit: { interval: ${commitInterval} }
ready: { delay: 0s, idle: 1h, notify: [${notify}] }
streams:
${entries.join('\n')}
`
  }

  async run(): Promise<void> {
    await this.begin().line('"event":"started"')
  }

  /** Starts the daemon, which may refuse to. */
  begin(): LakewardProcess {
    const share = ['--worker-index', '0', '--worker-count', '1']
    this.#daemon = new LakewardProcess(['run', '-c', this.config, ...share])
    return this.#daemon
  }

  /** Runs another command on the configuration. */
  call(...words: readonly string[]): ReturnType<typeof lakeward> {
    return lakeward([...words, '-c', this.config])
  }

  /** Has the daemon drain. @returns its exit code. */
  stop(): Promise<number | null> {
    return this.#daemon?.stop() ?? Promise.resolve(null)
  }

  line(text: string): Promise<string> {
    return this.#daemon?.line(text) ?? Promise.reject(new Error('no daemon runs'))
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill()
    this.#daemon = undefined
  }

  async close(): Promise<void> {
    await this.kill()
    await this.#producer.close()
    await this.broker.close()
  }

  #openProducer(): RecordProducer {
    const brokers = [`127.0.0.1:${this.broker.port}`]
    return new RecordProducer({ brokers, clientId: 'why', compression: 'none' })
  }

  /** One that knows a topic that was made anew. */
  async renewProducer(): Promise<void> {
    await this.#producer.close()
    this.#producer = this.#openProducer()
  }

  /** Events of a stream to one topic-partition, `hours` after the hour that is asked about. */
  async send(stream: string, partition: number, hours: number, count = 1): Promise<void> {
    const timestampMs = this.drawn.startMs + hours * hourMs + 600_000
    await this.sendAt(stream, partition, timestampMs, count)
  }

  async sendAt(stream: string, partition: number, timestampMs: number, count = 1): Promise<void> {
    const topic = this.topicOf(stream)
    const records = Array.from({ length: count }, () => {
      const value = numberRecord(this.nameOf(stream), this.#next++, timestampMs)
      return { topic, partition, key: undefined, value, timestampMs }
    })
    await this.#producer.send(records)
  }

  /** An event of the hour whose payload is no message. */
  async sendBroken(stream: string, partition: number): Promise<void> {
    const timestampMs = this.drawn.startMs + 600_000
    const payload = Uint8Array.of(0xff)
    const fields = { stream: this.nameOf(stream), event_time_ms: timestampMs, payload }
    const value = encodeRawEvent(fields)
    const topic = this.topicOf(stream)
    await this.#producer.send([{ topic, partition, key: undefined, value, timestampMs }])
  }

  /** Both topic-partitions have brought the hour, and are two hours further. */
  async sendWhole(stream: string, count = 1): Promise<void> {
    await this.send(stream, 0, 0, count)
    for (let partition = 0; partition < partitionCount; partition++) {
      await this.send(stream, partition, 2)
    }
  }

  fold(): Promise<FoldState> {
    return foldOf(this.lake, 'test')
  }

  /** Where the log stands in a topic of ours. */
  async committed(stream: string, partition: number): Promise<bigint | undefined> {
    const positions = (await this.fold()).positions.get('lake')?.values() ?? []
    return [...positions].find(
      ({ source }) => source.topic === this.topicOf(stream) && source.partition === partition,
    )?.next
  }

  /** What the command prints, once it tells this rule. */
  async told(stream: string, rule: string, partition = this.hour): Promise<string> {
    const words = ['why', this.nameOf(stream), partition, '-c', this.config]
    let last = ''
    return await eventually(`it tells ${rule}`, 60_000, async () => {
      const { code, stdout, stderr } = await lakeward(words)
      expect(code, stderr).toBe(0)
      last = stdout
      return stdout.split('\n', 1)[0]?.endsWith(`, ${rule}`) ? stdout : undefined
    }).catch((error: unknown) => {
      throw new Error(`${stream}: no "${rule}", but:\n${last}`, { cause: error })
    })
  }

  /** The sentence of the daemon itself. */
  async asked(stream: string, partition = this.hour): Promise<string> {
    const path = `/api/v1/streams/${this.nameOf(stream)}/partitions/${partition}`
    const answer = await fetch(`${this.address}${path}`)
    return ((await answer.json()) as { why: { sentence: string } }).why.sentence
  }

  get hour(): string {
    return new Date(this.drawn.startMs).toISOString().slice(0, 13)
  }
}

/** Many streams on one topic, a daemon over them, and who produces and is told. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { WebhookReceiver } from '../../src/adapters/http/webhook-receiver.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { numberRecord, numbersProto } from '../../test/support/numbers.ts'
import { LakewardProcess } from '../../test/support/processes.ts'

export const hourMs = 3_600_000
export const partitionCount = 32
export const pipeline = 'bench'
const topic = 'bench.ready'
const secretVariable = 'LAKEWARD_BENCH_SECRET'
const secret = 'told to nobody'
const recordsAtOnce = 4_000
/** Within an hour, as the first event of each topic-partition. */
const withinHourMs = 60_000

export interface WorldOptions {
  readonly folder: string
  readonly streamCount: number
  /** Start of the first hour, in the past by more hours than are sent. */
  readonly startMs: number
  /** URL of one more webhook, which delays nobody. */
  readonly otherHook?: string
  readonly successFiles?: boolean
}

/** What a daemon said, with the moment at which it said it. */
interface Said {
  readonly event: string
  readonly time: string
  readonly entry?: number
  readonly id?: string
}

/** When something came to be, by wall clock. */
export interface Moments {
  /** By index of the entry: commits. */
  readonly committedMs: Map<number, number>
  /** By manifest id: in the log. */
  readonly announcedMs: Map<string, number>
  /** By manifest id: by webhook. */
  readonly receivedMs: Map<string, number>
}

interface Partitions {
  readonly first: number
  readonly next: number
}

export class ReadinessWorld {
  readonly lake: string
  readonly config: string
  readonly startMs: number
  readonly streams: readonly string[]
  readonly moments: Moments = {
    committedMs: new Map(),
    announcedMs: new Map(),
    receivedMs: new Map(),
  }
  readonly received: ReadyManifest[] = []
  readonly #broker: EmbeddedBroker
  readonly #producer: RecordProducer
  readonly #receiver: WebhookReceiver
  #daemon: LakewardProcess | undefined
  #next = 0

  private constructor(options: WorldOptions, broker: EmbeddedBroker) {
    const { folder, streamCount, startMs } = options
    this.lake = join(folder, 'lake')
    this.config = join(folder, 'lakeward.yaml')
    this.startMs = startMs
    this.streams = Array.from({ length: streamCount }, (_, at) => `s${String(at).padStart(4, '0')}`)
    this.#broker = broker
    const brokers = [`127.0.0.1:${broker.port}`]
    this.#producer = new RecordProducer({ brokers, clientId: 'bench', compression: 'none' })
    this.#receiver = new WebhookReceiver({
      secret,
      onManifest: (manifest) => {
        this.moments.receivedMs.set(manifest.id, Date.now())
        this.received.push(manifest)
      },
    })
  }

  static async open(options: WorldOptions): Promise<ReadinessWorld> {
    const { folder } = options
    await mkdir(join(folder, 'lake'), { recursive: true })
    await writeFile(join(folder, 'number.proto'), numbersProto)
    const broker = await startBroker({ directory: join(folder, 'broker') })
    broker.createTopic(topic, partitionCount)
    const world = new ReadinessWorld(options, broker)
    const hooks = [await world.#receiver.listen(), options.otherHook].flatMap((url) => url ?? [])
    await writeFile(world.config, world.#configText(hooks, options.successFiles === true))
    return world
  }

  #configText(hooks: readonly string[], successFiles: boolean): string {
    const targets = hooks.map(
      (url) => `{ webhook: { url: "${url}", secret: "env:${secretVariable}" } }`,
    )
    if (successFiles) targets.push('{ success-file: {} }')
    const entries = this.streams.map(
      (name) => `  - name: ${name}
    topic: ${topic}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: 0s, pastMax: 3650d }
    late: { policy: append, every: 1s }
`,
    )
    return `pipeline: ${pipeline}
kafka: { brokers: ["127.0.0.1:${this.#broker.port}"], assignment: static }
lake: { url: "file:./lake" }
http: { listen: "127.0.0.1:0" }
commit: { interval: 1s }
ready:
  delay: 0s
  idle: 1h
  notify: [${targets.join(', ')}]
streams:
${entries.join('')}`
  }

  /** @param environment of the process, besides. */
  async run(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const words = ['run', '-c', this.config, '--worker-index', '0', '--worker-count', '1']
    const env = { [secretVariable]: secret, ...environment }
    this.#daemon = new LakewardProcess(words, { env, onLine: (line) => this.#hear(line) })
    await this.#daemon.line('"event":"started"')
  }

  #hear(line: string): void {
    if (!line.startsWith('{')) return
    const { event, time, entry, id } = JSON.parse(line) as Said
    const atMs = Date.parse(time)
    if (event === 'committed' && entry !== undefined) this.moments.committedMs.set(entry, atMs)
    if (event === 'partition-announced' && id !== undefined) {
      this.moments.announcedMs.set(id, atMs)
    }
  }

  get pid(): number {
    return this.#daemon?.pid ?? -1
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill()
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop()
  }

  async close(): Promise<void> {
    await this.kill()
    await this.#producer.close()
    await this.#receiver.close()
    await this.#broker.close()
  }

  /** One event of each stream in each topic-partition, in the hour of this number. */
  async sendHour(hour: number): Promise<void> {
    await this.#send(hour, this.streams, { first: 0, next: partitionCount })
  }

  /** One late event of each of these streams. */
  async sendLate(hour: number, streams: readonly string[]): Promise<void> {
    await this.#send(hour, streams, { first: 0, next: 1 })
  }

  /** One event of each stream, all in one topic-partition: another with each turn. */
  async sendTrickle(hour: number, turn: number): Promise<void> {
    const first = turn % partitionCount
    await this.#send(hour, this.streams, { first, next: first + 1 })
  }

  async #send(hour: number, streams: readonly string[], partitions: Partitions): Promise<void> {
    const timestampMs = this.startMs + hour * hourMs + withinHourMs
    for (let partition = partitions.first; partition < partitions.next; partition++) {
      for (let first = 0; first < streams.length; first += recordsAtOnce) {
        const records = streams.slice(first, first + recordsAtOnce).map((stream) => {
          const value = numberRecord(stream, this.#next++, timestampMs)
          return { topic, partition, key: undefined, value, timestampMs }
        })
        await this.#producer.send(records)
      }
    }
  }

  /** Absolute paths of all files `_SUCCESS`. */
  async successFiles(): Promise<readonly string[]> {
    const names = await readdir(this.lake, { recursive: true })
    return names.filter((name) => name.endsWith('/_SUCCESS')).map((name) => join(this.lake, name))
  }
}

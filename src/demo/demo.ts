/**
 * The whole thing on embedded parts, in one process: a broker, a generator, the daemon, a receiver
 * of announcements. It says what it does, and can be started again on what it left.
 */
import { startBroker } from '../adapters/embedded/broker.ts'
import { WebhookReceiver } from '../adapters/http/webhook-receiver.ts'
import { RecordProducer } from '../adapters/kafka/record-producer.ts'
import { LocalLake } from '../adapters/local/local-lake.ts'
import { SystemClock } from '../adapters/local/system-clock.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import { present } from '../base/assert.ts'
import { type DurationMs, durationMs, type UnixMs, unixMs } from '../base/time.ts'
import { loadConfig } from '../daemon/config/load.ts'
import type { Daemon } from '../daemon/daemon.ts'
import { serveDaemon } from '../daemon/serve.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Clock } from '../ports/clock.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { Logger } from '../ports/telemetry.ts'
import { partitionAt } from '../protocol/calendar.ts'
import { manifestPathOf } from '../protocol/readiness-manifest.ts'
import { Chance } from './chance.ts'
import { type Difference, differencesOf, totalOf } from './compare.ts'
import { demoConfig } from './demo-config.ts'
import { readLedger, readProto, writeLedger, writeText } from './demo-folder.ts'
import { Generator, type Hold } from './generator.ts'
import { Ledger } from './ledger.ts'
import { ShopRecords, shopPartitionCount, shopTopic } from './shop-records.ts'
import { type ShopStream, ShopWorld } from './shop-world.ts'

export interface DemoOptions {
  /** Absolute path. */
  readonly folder: string
  readonly files: ConfigFiles
  readonly log: Logger
  /** End by itself after three announced hours of each stream. */
  readonly exitWhenReady: boolean
  /** End by itself after this span; undefined goes on until `signal`. */
  readonly spanMs: DurationMs | undefined
  readonly seed: number
  /** Keeps back the last events of the second hour on topic-partition 0 for this long. */
  readonly holdMs: DurationMs | undefined
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

export interface DemoResult {
  readonly produced: number
  readonly read: number
  readonly written: number
  readonly filtered: number
  readonly late: number
  readonly deadLettered: number
  /** Ids of the announcements of this run. */
  readonly ready: readonly string[]
  /** Absolute paths of their manifests. */
  readonly manifests: readonly string[]
  readonly lake: string
  readonly ledger: string
}

export interface DemoOutcome {
  readonly result: DemoResult
  /** Cells in which the log differs from what was produced. */
  readonly differences: readonly Difference[]
}

/** Runs a demo to its end. */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const demo = new Demo(options)
  try {
    await demo.begin()
    await demo.untilDone()
    return await demo.end()
  } finally {
    await demo.close()
  }
}

const hourMs = 3_600_000
/** Event time an hour of which passes in eight seconds. */
const speed = hourMs / 8_000
/** The first hour begins this long ago: enough for some runs on one folder, on any machine. */
const pastMs = 24 * hourMs
const hoursWanted = 3
/** Event time at the end of an hour that a hold keeps back. */
const heldSpanMs = 240_000
const lateEachHour = 2
const hours = { by: 'hour', timezone: 'UTC' } as const
const streams: readonly ShopStream[] = ['page_views', 'sessions', 'purchases']

/** What stands once everything is started. */
interface Started {
  readonly broker: Awaited<ReturnType<typeof startBroker>>
  readonly receiver: WebhookReceiver
  readonly producer: RecordProducer
  readonly daemon: Daemon
  readonly generator: Generator
  readonly ledger: Ledger
  readonly generating: Promise<void>
}

class Demo {
  readonly #options: DemoOptions
  readonly #folder: LocalLake
  readonly #clock: Clock = new SystemClock()
  readonly #manifests: ReadyManifest[] = []
  readonly #generatorStop = new AbortController()
  readonly #closers: (() => Promise<void>)[] = []
  #started: Started | undefined

  constructor(options: DemoOptions) {
    this.#options = options
    this.#folder = new LocalLake('file:.', options.folder)
  }

  async begin(): Promise<void> {
    const { folder, say, files, seed } = this.#options
    const earlier = await readLedger(this.#folder)
    const broker = await startBroker({ directory: `${folder}/broker` })
    this.#closers.push(() => broker.close())
    broker.createTopic(shopTopic, shopPartitionCount)
    say(
      `broker      127.0.0.1:${broker.port}, topic ${shopTopic}, ${shopPartitionCount} partitions`,
    )
    const receiver = await this.#openReceiver()
    await this.#writeConfig(broker.port, receiver.url)
    const daemon = await this.#startDaemon()
    say(`daemon      pipeline shop, a commit a second, lake ${folder}/lake`)
    const producer = new RecordProducer({
      brokers: [`127.0.0.1:${broker.port}`],
      clientId: 'shop',
      compression: 'zstd',
    })
    this.#closers.push(() => producer.close())
    const startMs = this.#startMs(earlier?.reachedMs)
    const chance = new Chance(seed + startMs / hourMs)
    const shop = await readProto(files, 'shop.proto')
    const rawEvent = await readProto(files, 'raw_event.proto')
    const records = new ShopRecords(chance, { shop, rawEvent })
    const world = new ShopWorld(chance, startMs)
    const ledger = new Ledger(earlier?.cells)
    const parts = { clock: this.#clock, chance, world, records, producer, ledger, startMs, speed }
    const generator = new Generator(parts, this.#holdFrom(startMs))
    await writeLedger(this.#folder, { closed: false, reachedMs: startMs, cells: ledger.cells() })
    say(`generator   a shop from ${new Date(startMs).toISOString()} on, an hour in eight seconds`)
    say('')
    const generating = generator.run(this.#generatorStop.signal)
    const { receiver: webhook } = receiver
    this.#started = { broker, receiver: webhook, producer, daemon, generator, ledger, generating }
  }

  /** Until the hours wanted are announced, the span is over, or somebody asks to stop. */
  async untilDone(): Promise<void> {
    const { signal, spanMs, exitWhenReady } = this.#options
    const { daemon, generating } = this.#here()
    const failed = Promise.race([daemon.failed, generating.then(() => undefined)])
    const beganMs = this.#clock.monotonicMs()
    while (!signal.aborted) {
      if (exitWhenReady && this.#hoursReady() >= hoursWanted) return
      if (spanMs !== undefined && this.#clock.monotonicMs() - beganMs >= spanMs) return
      await Promise.race([this.#clock.sleep(durationMs(100), signal), failed])
    }
  }

  /** Stops the generator, lets the daemon read to the end, and compares. */
  async end(): Promise<DemoOutcome> {
    const { daemon, generator, generating, ledger } = this.#here()
    const { say } = this.#options
    this.#generatorStop.abort()
    await generating
    const cells = ledger.cells()
    const { reachedMs } = generator
    const ledgerPath = await writeLedger(this.#folder, { closed: true, reachedMs, cells })
    say('')
    say(`generator stopped after ${ledger.producedCount} events; the daemon reads to the end`)
    await this.#untilRead()
    await daemon.stop()
    const fold = present(daemon.running, 'the daemon ran').log.state
    const differences = differencesOf(cells, fold)
    const total = totalOf(cells, fold)
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((all, count) => all + count, 0)
    const lake = `${this.#options.folder}/lake`
    const result = {
      produced: ledger.producedCount,
      read: total.read,
      written: total.written,
      filtered: sum(total.filtered),
      late: total.late,
      deadLettered: sum(total.deadLettered),
      ready: this.#manifests.map(({ id }) => id),
      manifests: this.#manifests.map((manifest) => `${lake}/${manifestPathOf(manifest)}`),
      lake: `file:${lake}`,
      ledger: ledgerPath,
    }
    return { result, differences }
  }

  async close(): Promise<void> {
    this.#generatorStop.abort()
    for (const close of this.#closers.reverse()) await close()
  }

  #here(): Started {
    return present(this.#started, 'the demo has begun')
  }

  async #openReceiver(): Promise<{ receiver: WebhookReceiver; url: string; secret: string }> {
    const secret = Buffer.from(new SystemRandom().bytes(16)).toString('hex')
    const receiver = new WebhookReceiver({ secret, onManifest: (it) => this.#onManifest(it) })
    const url = await receiver.listen()
    this.#closers.push(() => receiver.close())
    await writeText(this.#folder, 'webhook.secret', `${secret}\n`)
    this.#options.say(`receiver    ${url}, checks signatures`)
    return { receiver, url, secret }
  }

  async #writeConfig(brokerPort: number, webhookUrl: string): Promise<void> {
    const shop = await readProto(this.#options.files, 'shop.proto')
    await writeText(this.#folder, 'shop.proto', shop)
    await writeText(
      this.#folder,
      'lakeward.yaml',
      demoConfig({ brokerPort, webhookUrl, httpPort: 0 }),
    )
  }

  async #startDaemon(): Promise<Daemon> {
    const { folder, files, log, say } = this.#options
    const config = await loadConfig(`${folder}/lakeward.yaml`, files)
    const worker = { workerIndex: 0, workerCount: 1 }
    // The receiver is a new one at each start: what waits for the one before is given up.
    const options = { config, files, log, worker, link: undefined, dropsPending: true }
    const served = await serveDaemon(options)
    this.#closers.push(() => served.close())
    const { daemon, address } = served
    await daemon.start()
    say(`api         ${address ?? ''}/readyz, /metrics, /api/v1/streams`)
    return daemon
  }

  /**
   * The first run starts some hours ago. A later one goes on in the hour where the last one ended
   * if that hour is still under way, and in the next one otherwise: the log may have announced it.
   */
  #startMs(reachedMs: UnixMs | undefined): UnixMs {
    const nowMs = this.#clock.nowMs()
    if (reachedMs === undefined) return partitionAt(unixMs(nowMs - pastMs), hours).startMs
    const { nextMs } = partitionAt(reachedMs, hours)
    return nextMs <= nowMs ? nextMs : reachedMs
  }

  #holdFrom(startMs: UnixMs): Hold | undefined {
    const { holdMs, say } = this.#options
    if (holdMs === undefined) return undefined
    const hour = partitionAt(unixMs(startMs + hourMs), hours)
    const place = `of ${hour.path} on topic-partition ${shopTopic}/0`
    return {
      partition: 0,
      fromMs: unixMs(hour.nextMs - heldSpanMs),
      forMs: holdMs,
      onHeld: () => say(`held back   the last events ${place}, and all that follow there`),
      onReleased: (count) => say(`released    ${count} records ${place}`),
    }
  }

  #onManifest(manifest: ReadyManifest): void {
    const { say } = this.#options
    this.#manifests.push(manifest)
    const { stream, partitionPath, reason, rows, files, counts } = manifest
    const kept = `${rows} rows in ${files.length} files`
    const others = [
      ...Object.entries(counts.filtered).map(([why, count]) => `${count} filtered (${why})`),
      ...Object.entries(counts.deadLettered).map(([why, count]) => `${count} broken (${why})`),
    ]
    const rest = others.length === 0 ? '' : `, ${others.join(', ')}`
    say(`announced   ${stream} ${partitionPath} ${reason}: ${kept}${rest}`)
    const started = this.#started
    if (started === undefined || this.#generatorStop.signal.aborted) return
    const known = streams.find((name) => name === stream)
    const { dt = '', hour = '' } = manifest.partition
    const startMs = unixMs(Date.parse(`${dt}T${hour}:00:00Z`))
    if (known !== undefined && reason === 'complete') {
      started.generator.sendLate(known, partitionAt(startMs, hours), lateEachHour)
    }
  }

  /** How many hours every stream has announced in this run. */
  #hoursReady(): number {
    const ready = streams.map((name) => this.#manifests.filter(({ stream }) => stream === name))
    return Math.min(...ready.map(({ length }) => length))
  }

  /** Waits until everything that was produced is committed. */
  async #untilRead(): Promise<void> {
    const { daemon, broker } = this.#here()
    for (;;) {
      const { log } = present(daemon.running, 'the daemon runs')
      const positions = [...(log.state.positions.get('lake')?.values() ?? [])]
      const read = positions.filter(({ source, next }) => {
        return next === broker.highWatermark(source.topic, source.partition)
      })
      if (read.length === shopPartitionCount) return
      await Promise.race([this.#clock.sleep(durationMs(100)), daemon.failed])
    }
  }
}

/**
 * Daemons of one pipeline in a world that fails: brokers, lake and clock are simulated, the daemon
 * is the real one. Everything that happens is drawn from one seed.
 */

import { present } from '../../src/base/assert.ts'
import { durationMs } from '../../src/base/time.ts'
import { loadConfig } from '../../src/daemon/config/load.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import { deadLetterSchema } from '../support/lane-world.ts'
import { MemoryConfigFiles } from '../unit/daemon/memory-config-files.ts'
import { SimClock } from './clock.ts'
import {
  outOfOrdernessMs,
  Producer,
  partitionCount,
  schema,
  streams,
  topic,
} from './daemon-events.ts'
import { Life, slowSource, stackOf, type Weather } from './daemon-outside.ts'
import { SimLake, type SimStore } from './lake.ts'
import { SimRandom } from './random.ts'
import { SimKafka, type SimSource } from './source.ts'
import { SimTelemetry } from './telemetry.ts'

export const pipeline = 'sim'
export const readyDelayMs = 5_000
export const readyIdleMs = 15_000

const daemonsAtOnce = 2

const yaml = `pipeline: ${pipeline}
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
commit: { interval: 10s }
memory: { buffers: 16MiB }
ready: { delay: 5s, idle: 15s }
streams:
${streams
  .map(
    (name) => `  - name: ${name}
    topic: ${topic}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: ${outOfOrdernessMs}ms, pastMax: 3650d }
    columns: [_topic, _partition, _offset, _index]
    etl: [ { filter: { where: "text <> 'skip'", reason: skipped } } ]
`,
  )
  .join('')}`

let config: Promise<ResolvedConfig> | undefined

/** The configuration of all daemons, `ready` as below. */
export function loadedConfig(): Promise<ResolvedConfig> {
  const files = new MemoryConfigFiles({ 'lakeward.yaml': yaml, 'number.proto': schema })
  config ??= loadConfig('lakeward.yaml', files)
  return config
}

/** What happened in a run, so that a suite can see that its runs did something. */
export interface Seen {
  kills: number
  stops: number
  thefts: number
  expiries: number
  outages: number
  lakeFaults: number
  unreachable: number
}

/** A process: everything of it ends at once when it is killed. */
interface Process {
  readonly daemon: Daemon
  readonly lake: SimLake
  readonly source: SimSource
  readonly life: Life
  readonly telemetry: SimTelemetry
  /** It has joined the group. */
  isMember: boolean
}

export class World implements Weather {
  readonly seed: number
  readonly clock = new SimClock()
  readonly store: SimStore = new Map()
  readonly kafka = new SimKafka()
  readonly producer: Producer
  readonly seen: Seen = {
    kills: 0,
    stops: 0,
    thefts: 0,
    expiries: 0,
    outages: 0,
    lakeFaults: 0,
    unreachable: 0,
  }
  /** What no daemon may ever do. */
  readonly violations: string[] = []
  readonly random: SimRandom
  readonly #processes: Process[] = []
  /** Whose partitions others have, and who do not know it yet. */
  readonly #robbed = new Set<Process>()
  /** Faults are drawn only while it is true. */
  isWild = true

  constructor(seed: number) {
    this.seed = seed
    this.random = new SimRandom(seed)
    this.producer = new Producer(this.kafka, this.clock, new SimRandom(seed ^ 0x5eed))
    this.kafka.createTopic(topic, partitionCount)
  }

  get processes(): readonly Process[] {
    return this.#processes
  }

  /** Lives through `steps` draws of fate, then lets everything settle. */
  run(steps: number): Promise<void> {
    return this.clock.run(this.#run(steps))
  }

  async #run(steps: number): Promise<void> {
    for (let n = 0; n < daemonsAtOnce; n++) await this.#begin()
    for (let step = 0; step < steps; step++) {
      await this.#pass(this.random.below(5_000))
      for (let n = this.random.below(4); n > 0; n--) this.producer.produce()
      await this.#fate()
    }
    this.isWild = false
    for (const { lake } of this.#processes) lake.fault = undefined
    await this.#settle()
    for (const { daemon } of this.#processes) await daemon.stop()
  }

  async #fate(): Promise<void> {
    const chance = this.random.fraction()
    if (chance < 0.07) await this.#kill()
    else if (chance < 0.11) await this.#stop()
    else if (chance < 0.18) this.#steal()
    else if (chance < 0.23) this.#expire()
    else if (chance < 0.29) this.#outage()
  }

  #any(): Process {
    return present(this.#processes[this.random.below(this.#processes.length)], 'a process')
  }

  async #kill(): Promise<void> {
    this.seen.kills++
    const { life, lake, source } = this.#remove(this.#any())
    life.end()
    lake.alive = false
    void this.kafka.leave(source)
    if (this.random.fraction() < 0.5) await this.#pass(this.random.below(30_000))
    await this.#begin()
  }

  /** A drain, beside which everything else goes on. */
  async #stop(): Promise<void> {
    this.seen.stops++
    const stopped = this.#remove(this.#any())
    const done = stopped.daemon.stop().catch((error: unknown) => {
      this.violations.push(`stop failed: ${String(error)}`)
    })
    if (this.random.fraction() < 0.5) await done
    await this.#begin()
  }

  /** The group takes partitions away from one who does not notice for a while. */
  #steal(): void {
    const robbed = this.#any()
    const { source } = robbed
    if (this.#robbed.has(robbed) || !robbed.isMember) return
    this.seen.thefts++
    this.#robbed.add(robbed)
    void this.kafka.leave(source)
    void this.#pass(this.random.below(60_000)).then(() => {
      this.#robbed.delete(robbed)
      if (!this.#processes.includes(robbed)) return
      source.lose()
      void this.kafka.join(source)
    })
  }

  #expire(): void {
    const expired = this.#any()
    if (this.#robbed.has(expired) || !expired.isMember) return
    this.seen.expiries++
    void this.kafka.expire(expired.source)
  }

  /** One process loses sight of the lake. */
  #outage(): void {
    this.seen.outages++
    const { lake, life } = this.#any()
    outages.add(lake)
    void this.#pass(this.random.below(90_000)).then(() => {
      outages.delete(lake)
      if (life.alive) lake.fault = undefined
    })
  }

  #remove(process: Process): Process {
    this.#processes.splice(this.#processes.indexOf(process), 1)
    return process
  }

  async #begin(): Promise<void> {
    const resolved = await loadedConfig()
    const life = new Life(this.clock)
    const lake = this.#lake()
    const telemetry = new SimTelemetry()
    const source = this.kafka.source([topic])
    const daemon = new Daemon(resolved, {
      lake,
      clock: life,
      random: new SimRandom(this.random.below(2 ** 31)),
      telemetry,
      source: slowSource(source, life, this),
      notifiers: [],
      modules: new Map(),
      deadLetterSchema: deadLetterSchema(),
    })
    const process = { daemon, lake, source, life, telemetry, isMember: false }
    this.#processes.push(process)
    const fail = (error: unknown): void => {
      if (life.alive) this.violations.push(`a daemon failed: ${stackOf(error)}`)
    }
    daemon.failed.catch(fail)
    const joined = (): void => {
      process.isMember = true
    }
    daemon.start().then(joined).catch(fail)
  }

  #lake(): SimLake {
    const random = this.random
    const lake: SimLake = new SimLake({
      clock: this.clock,
      store: this.store,
      latencyMs: () => {
        if (!this.isWild) return 0
        lake.fault = undefined
        const fails = outages.has(lake) || random.fraction() < 0.02
        if (fails) {
          const moments = ['before-effect', 'after-effect', 'lands-late'] as const
          const moment = present(moments[random.below(3)], 'a moment')
          lake.fault = { failAt: 1, moment, lasting: 'forever' }
          this.seen.lakeFaults++
        }
        return random.fraction() < 0.03 ? random.below(15_000) : random.below(40)
      },
    })
    lake.landsAfterDeath = () => random.fraction() < 0.5
    return lake
  }

  #pass(spanMs: number): Promise<void> {
    return this.clock.sleep(durationMs(spanMs))
  }

  /** Until all is committed, published and announced, or for half an hour at most. */
  async #settle(): Promise<void> {
    for (let tries = 0; tries < 180 && this.violations.length === 0; tries++) {
      await this.#pass(10_000)
      if (this.#isSettled()) return
    }
    const health = this.#processes.map(({ daemon }) => daemon.health().reasons.join('; ') || 'fine')
    this.violations.push(`not settled: ${this.#left()}; daemons: ${health.join(' | ')}`)
  }

  #left(): string {
    const state = this.#processes[0]?.daemon.running?.log.state
    if (state === undefined) return 'no daemon runs'
    const left: string[] = []
    const positions = [...(state.positions.get('lake')?.values() ?? [])]
    for (let partition = 0; partition < partitionCount; partition++) {
      const end = this.kafka.log({ topic, partition })?.end
      const next = positions.find(({ source }) => source.partition === partition)?.next
      if ((next as bigint | undefined) !== end) left.push(`${partition}: ${next} of ${end}`)
    }
    for (const [name, stream] of state.streams) {
      if (name.startsWith('_')) continue
      for (const { partition, place, files } of stream.partitions.values()) {
        if (place === 'open' && files.length > 0) left.push(`${name} ${partition.path} is open`)
      }
    }
    if (state.unpublished.size > 1) left.push(`${state.unpublished.size} commits unpublished`)
    return left.join(', ')
  }

  #isSettled(): boolean {
    return this.#left() === ''
  }
}

const outages = new WeakSet<SimLake>()

/**
 * Daemons of one pipeline in a world that fails: brokers, lake, receivers and clocks are simulated,
 * the daemon is the real one. Everything that happens is drawn from one seed.
 */
import { present } from '../../src/base/assert.ts'
import { durationMs } from '../../src/base/time.ts'
import { entryPath } from '../../src/protocol/log-paths.ts'
import { SimClock } from './clock.ts'
import { Producer, topic } from './daemon-events.ts'
import { stackOf } from './daemon-outside.ts'
import { makeProcess, type ProcessWorld, pipeline, type SimProcess } from './daemon-process.ts'
import { type FateKind, type FaultKind, type Plan, planOf } from './plan.ts'
import { SimRandom } from './random.ts'
import { Receiver } from './receiver.ts'
import { RecordedStore } from './recorded-store.ts'
import { SimKafka } from './source.ts'
import { leftToDo } from './unsettled.ts'

/** Where simulated time begins: 2026-11-20T00:00:00.000Z. */
const startMs = Date.UTC(2026, 10, 20)
/** A run that needs more goes round in circles. */
const firingsMax = 200_000
const sessionTimeoutMs = 10_000
const webhookFailuresMax = 3
const settleRoundMs = 5_000
/** Half an hour until all is committed, published, announced and delivered. */
const settleRoundsMax = 360

export class World implements ProcessWorld {
  readonly pipeline = pipeline
  readonly plan: Plan
  readonly clock = new SimClock(startMs, firingsMax)
  readonly store = new RecordedStore()
  readonly kafka = new SimKafka()
  readonly receiver = new Receiver(() => this.store.setCount)
  readonly producer: Producer
  /** How often each fault happened. */
  readonly seen = new Map<FaultKind, number>()
  readonly logged = new Map<string, number>()
  /** What no daemon may ever do. */
  readonly violations: string[] = []
  readonly random: SimRandom
  readonly #processes: SimProcess[] = []
  /** Whose partitions others have, and who do not know it yet. */
  readonly #robbed = new Set<SimProcess>()
  readonly #fates: Readonly<Record<FateKind, () => Promise<void> | void>> = {
    kill: () => this.#kill(),
    drain: () => this.#drain(),
    zombie: () => this.#rob('zombie', this.#any()),
    theft: () => this.#rob('theft', this.#any()),
    expiry: () => this.#expire(),
    rebalance: () => this.#rebalance(),
    outage: () => this.#outage(),
    'clock-jump': () => this.#jump(),
    redelivery: () => this.#redeliver(),
    'faulty-writer': () => this.#putAgain(),
  }
  /** Faults are drawn only while it is true. */
  isWild = true

  constructor(seed: number) {
    this.random = new SimRandom(seed)
    this.plan = planOf(this.random)
    const { partitionCount } = this.plan
    this.producer = new Producer(this.kafka, this.clock, new SimRandom(seed ^ 0x5eed), {
      partitionCount,
      strikes: (kind, probability) => this.strikes(kind, probability),
    })
    this.kafka.createTopic(topic, partitionCount)
  }

  /** Lives through the plan, then lets everything settle. */
  run(): Promise<void> {
    return this.clock.run(this.#run())
  }

  strikes(kind: FaultKind, probability: number): boolean {
    if (!this.#mayStrike(kind) || !this.plan.faults.has(kind)) return false
    if (this.random.fraction() >= probability) return false
    this.#count(kind)
    return true
  }

  /** Most announcements come when all settles: their receivers fail then, a few times. */
  #mayStrike(kind: FaultKind): boolean {
    if (kind === 'webhook-request-lost' || kind === 'webhook-answer-lost') {
      return (this.seen.get(kind) ?? 0) < webhookFailuresMax
    }
    return this.isWild
  }

  onDoom(process: SimProcess): void {
    if (!this.#processes.includes(process)) return
    this.#end(process)
    void this.#begin()
  }

  async #run(): Promise<void> {
    for (let n = 0; n < this.plan.daemonCount; n++) await this.#begin()
    const { fates, stepCount } = this.plan
    for (let step = 0; step < stepCount; step++) {
      await this.#pass(this.random.below(8_000))
      for (let n = this.random.below(4); n > 0; n--) this.producer.produce()
      const fate = fates[this.random.below(fates.length + 2)]
      if (fate !== undefined) await this.#fates[fate]()
    }
    if (this.producer.events.length === 0) this.producer.produce()
    this.isWild = false
    for (const process of this.#processes) process.doomedIn = undefined
    await this.#settle()
    for (const { daemon } of this.#processes) await daemon.stop()
  }

  #any(): SimProcess {
    return present(this.#processes[this.random.below(this.#processes.length)], 'a process')
  }

  /** Between two calls, or in the midst of one. */
  async #kill(): Promise<void> {
    this.#count('kill')
    const process = this.#any()
    if (this.random.fraction() < 0.7) {
      process.doomedIn ??= 1 + this.random.below(30)
      return
    }
    this.#end(process)
    if (this.random.fraction() < 0.5) await this.#pass(this.random.below(30_000))
    await this.#begin()
  }

  #end(process: SimProcess): void {
    const { life, lake, source } = this.#remove(process)
    life.end()
    lake.alive = false
    void this.kafka.leave(source)
    if (this.random.fraction() < 0.5) return
    // What was on its way lands when its process is long gone.
    void this.#pass(this.random.below(60_000)).then(() => lake.settle())
  }

  async #drain(): Promise<void> {
    this.#count('drain')
    const stopped = this.#remove(this.#any())
    stopped.doomedIn = undefined
    stopped.life.resume()
    const done = stopped.daemon.stop().catch((error: unknown) => {
      this.violations.push(`stop failed: ${String(error)}`)
    })
    if (this.random.fraction() < 0.5) await done
    await this.#begin()
  }

  /** The group gives its partitions to others; a zombie sleeps through that, a victim works on. */
  #rob(kind: 'zombie' | 'theft', robbed: SimProcess): void {
    const { source, life } = robbed
    if (this.#robbed.has(robbed) || !robbed.isMember) return
    this.#count(kind)
    this.#robbed.add(robbed)
    const unseenMs = this.random.below(60_000)
    if (kind === 'zombie') life.pause()
    else void this.kafka.leave(source)
    const wake = async (): Promise<void> => {
      if (kind === 'zombie') {
        await this.#pass(sessionTimeoutMs)
        void this.kafka.leave(source)
      }
      await this.#pass(unseenMs)
      life.resume()
      // It goes on with what it was about, until the brokers tell it.
      if (kind === 'zombie') await this.#pass(this.random.below(3_000))
      this.#robbed.delete(robbed)
      if (!this.#processes.includes(robbed)) return
      source.lose()
      void this.kafka.join(source)
    }
    void wake()
  }

  #expire(): void {
    const expired = this.#any()
    if (this.#robbed.has(expired) || !expired.isMember) return
    this.#count('expiry')
    void this.kafka.expire(expired.source)
  }

  /** One process more, or a drained one less. */
  async #rebalance(): Promise<void> {
    this.#count('rebalance')
    if (this.#processes.length < 3) return this.#begin()
    const stopped = this.#remove(this.#any())
    stopped.doomedIn = undefined
    stopped.life.resume()
    void stopped.daemon.stop()
  }

  #outage(): void {
    this.#count('outage')
    const process = this.#any()
    process.isCutOff = true
    void this.#pass(this.random.below(150_000)).then(() => {
      process.isCutOff = false
    })
  }

  #jump(): void {
    this.#count('clock-jump')
    this.#any().life.jump(this.random.below(7_200_000) - 3_600_000)
  }

  #redeliver(): void {
    this.#count('redelivery')
    this.#any().source.rewind(BigInt(1 + this.random.below(10)))
  }

  /** Somebody puts an entry of the log once more, at its end: it is void for everybody. */
  #putAgain(): void {
    const heads: Uint8Array[] = []
    for (;;) {
      const body = this.store.get(entryPath(pipeline, heads.length))?.body
      if (body === undefined) break
      heads.push(body)
    }
    const head = heads[this.random.below(heads.length)]
    // What was delivered may be said again, and evidence relies on nothing: such entries hold.
    if (head === undefined || /"delivered"|"ranges":\[\]/.test(Buffer.from(head).toString())) return
    this.#count('faulty-writer')
    const modifiedMs = this.clock.nowMs()
    this.store.set(entryPath(pipeline, heads.length), { body: head, modifiedMs })
  }

  #remove(process: SimProcess): SimProcess {
    this.#processes.splice(this.#processes.indexOf(process), 1)
    return process
  }

  async #begin(): Promise<void> {
    const process = await makeProcess(this)
    const { daemon, life } = process
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

  #pass(spanMs: number): Promise<void> {
    return this.clock.sleep(durationMs(spanMs))
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < settleRoundsMax && this.violations.length === 0; round++) {
      await this.#pass(settleRoundMs)
      if (this.#left() === '') return
    }
    if (this.violations.length > 0) return
    const health = this.#processes.map(({ daemon }) => daemon.health().reasons.join('; ') || 'fine')
    this.violations.push(`not settled: ${this.#left()}; daemons: ${health.join(' | ')}`)
  }

  #left(): string {
    const state = this.#processes[0]?.daemon.running?.log.state
    return leftToDo(this, state)
  }

  #count(kind: FaultKind): void {
    this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1)
  }
}

/**
 * Daemons of one pipeline in a world that fails: brokers, lake, receivers and clocks are simulated,
 * the daemon is the real one. Everything that happens is drawn from one seed.
 */
import { durationMs } from '../../src/base/time.ts'
import { SimClock } from './clock.ts'
import { lakeBehindMs, Producer, topic } from './daemon-events.ts'
import { stackOf } from './daemon-outside.ts'
import {
  makeProcess,
  metastoreTarget,
  pipeline,
  readyDelayMs,
  readyIdleMs,
  type SimProcess,
} from './daemon-process.ts'
import { Fates, type FateWorld } from './fates.ts'
import { LakeWeather } from './lake-weather.ts'
import { Metastore, type MetastoreWeather } from './metastore.ts'
import { Operator } from './operator.ts'
import { type FaultKind, type Plan, type PlanCut, planOf, uncut } from './plan.ts'
import { SimRandom } from './random.ts'
import { Receiver } from './receiver.ts'
import { RecordedStore } from './recorded-store.ts'
import { Repairs } from './repairs.ts'
import { type RecreatedTopic, SimKafka } from './source.ts'
import { leftToDo } from './unsettled.ts'

/** An hour of the lake's clock ends so long after it, and what the plan says. */
const hourEndMs = Date.UTC(2026, 10, 20)
const hourIsOverAtMs = hourEndMs + lakeBehindMs + readyDelayMs + 2 * readyIdleMs
/** A run that needs more goes round in circles. */
const firingsMax = 200_000
const webhookFailuresMax = 3
const metastoreTroublesMax = 3
const leasesMax = 3
const cleaningsMax = 3
const bucketTroublesMax = 4
const lateWhileListedMax = 2
const recordWhileAskedMax = 4
const lullMs = 10_000
const restartMs = 1_000
const quietStepMs = 2_500
const afterlifeSteps = 3
/** Until what concerns a log that has grown: what goes wrong no more has mostly been mended. */
const calmMs = 4_000
const settleRoundMs = 1_000
/**
 * An hour until all is committed, published, announced and delivered: a target that fails in each
 * way as often as it may is asked again each five minutes in the end.
 */
const settleRoundsMax = 3_600

export class World implements FateWorld {
  readonly pipeline = pipeline
  readonly plan: Plan
  readonly clock: SimClock
  readonly store = new RecordedStore()
  readonly kafka = new SimKafka()
  readonly receiver = new Receiver(() => this.store.setCount)
  readonly weather = new LakeWeather()
  /** Undefined where no world's daemon is configured to tell one. */
  readonly metastore: Metastore | undefined
  readonly producer: Producer
  /** The lake's clock when each topic-partition was made. */
  readonly addedAtMs: number[] = []
  /** What followed the topic that there was first. */
  recreated: RecreatedTopic | undefined
  readonly processes: SimProcess[] = []
  readonly stopping = new Set<SimProcess>()
  /** How often each fault happened. */
  readonly seen = new Map<FaultKind, number>()
  readonly logged = new Map<string, number>()
  /** What no daemon may ever do. */
  readonly violations: string[] = []
  readonly random: SimRandom
  /** Draws all that concerns a metastore, so that nothing else is drawn otherwise. */
  readonly #ofMetastore: SimRandom
  readonly #fates = new Fates(this)
  readonly #operator: Operator
  readonly #repairs: Repairs
  /** Faults are drawn only while it is true. */
  isWild = true
  /** All has settled, and who is left is drained. */
  #isEnding = false
  /** The lake's clock when all that was due had come. */
  settledAtMs = 0
  /** How much was set until then, as `store.firstSet` counts. */
  settledAtSet = 0

  constructor(seed: number, cut: PlanCut = uncut) {
    this.random = new SimRandom(seed)
    const outside = new SimRandom(seed ^ 0x0a7e)
    this.#ofMetastore = new SimRandom(seed ^ 0x4135)
    const chances = { random: this.random, outside, metastore: this.#ofMetastore }
    this.plan = planOf(chances, cut)
    const { partitionCount, pace, hourEndsInMs, leapMs } = this.plan
    this.clock = new SimClock(hourEndMs + lakeBehindMs - hourEndsInMs, firingsMax)
    this.producer = new Producer(this.kafka, this.clock, new SimRandom(seed ^ 0x5eed), {
      partitionCount: () => this.addedAtMs.length,
      pace,
      leapMs,
      strikes: (kind, probability) => this.strikes(kind, probability),
    })
    this.kafka.tears = () => this.strikes('fetch-torn', 0.8)
    this.kafka.tornAfter = (count) => 1 + this.random.below(count - 1)
    this.kafka.createTopic(topic, partitionCount)
    for (let n = 0; n < partitionCount; n++) this.addedAtMs.push(Number.NEGATIVE_INFINITY)
    const weather: MetastoreWeather = {
      clock: this.clock,
      random: this.#ofMetastore,
      strikes: (kind, probability) => this.strikes(kind, probability),
      setCount: () => this.store.setCount,
    }
    this.metastore = this.plan.metastore && new Metastore(weather)
    this.#operator = new Operator(this, outside)
    this.#repairs = new Repairs(this, outside)
  }

  get processCount(): number {
    return this.processes.length
  }

  /** Lives through the plan, then lets everything settle. */
  run(): Promise<void> {
    return this.clock.run(this.#run())
  }

  strikes(kind: FaultKind, probability: number): boolean {
    if (!this.#mayStrike(kind) || !this.plan.faults.has(kind)) return false
    const random = kind.startsWith('metastore-') ? this.#ofMetastore : this.random
    if (random.fraction() >= probability) return false
    this.count(kind)
    return true
  }

  /** Most announcements come when all settles: what concerns them happens then, a few times. */
  #mayStrike(kind: FaultKind): boolean {
    // A record that came now would be read by nobody.
    if (this.#isEnding) return false
    const seen = this.seen.get(kind) ?? 0
    if (kind === 'late-while-listed') return seen < lateWhileListedMax
    if (kind === 'record-while-asked') return seen < recordWhileAskedMax
    if (kind.startsWith('metastore-')) return seen < metastoreTroublesMax
    if (kind.startsWith('webhook-')) return seen < webhookFailuresMax
    if (kind.startsWith('s3-')) return seen < bucketTroublesMax
    // A writer that breaks again and again commits nothing at all.
    if (kind === 'cleaned-while-staged' && seen >= cleaningsMax) return false
    if (kind === 'lake-lease' && seen >= leasesMax) return false
    return this.isWild
  }

  append(partition: number): void {
    this.producer.produceOne(partition)
  }

  writeLate(folder: string): void {
    this.producer.produceInto(folder)
  }

  readonly recreateTopic = (): void => {
    this.recreated = this.kafka.recreateTopic(topic, this.producer.abortedBatch())
  }

  addPartition(): void {
    this.kafka.addPartition(topic)
    this.addedAtMs.push(this.clock.nowMs() - lakeBehindMs)
  }

  cleanBeside(): Promise<void> {
    return this.#operator.cleanBeside()
  }

  /** Paths that entries named which were lost. */
  get unreadableFiles(): ReadonlySet<string> {
    return this.#repairs.unreadableFiles
  }

  onUnread(): void {
    this.#operator.onUnread()
  }

  onRefused(told: string): void {
    if (!this.#operator.knows(told)) this.violations.push(told)
  }

  onDoom(process: SimProcess): void {
    if (!this.processes.includes(process)) return
    this.end(process)
    void this.begin()
  }

  async #run(): Promise<void> {
    for (let n = 0; n < this.plan.daemonCount; n++) await this.begin()
    const { stepCount, lullsIn, quietStarts } = this.plan
    this.isWild = false
    for (let step = 0; step < quietStarts; step++) {
      for (let n = 0; n < 3; n++) this.producer.produce()
      await this.pass(quietStepMs)
    }
    this.isWild = true
    for (let step = 0; step < stepCount; step++) {
      await this.pass(step === lullsIn ? lullMs : this.random.below(4_000))
      this.#operator.act(step)
      await this.#repairs.act(step)
      for (let n = this.random.below(7); n > 0; n--) this.producer.produce()
      // Between its end and its restart nobody is there to be struck.
      if (this.random.fraction() < 0.8 && this.processCount > 0) await this.#fates.strike()
    }
    if (this.producer.events.length === 0) this.producer.produce()
    this.isWild = false
    this.#calm()
    await this.pass(calmMs)
    await this.#fates.last()
    await this.#settle()
    if (this.plan.hasAfterlife && this.violations.length === 0) await this.#liveAgain()
    this.#isEnding = true
    for (const { daemon } of this.processes) await daemon.stop()
  }

  /** Whoever takes over knows what checkpoints say, and of most partitions nothing else. */
  async #liveAgain(): Promise<void> {
    await Promise.all(this.processes.map((process) => this.#endOf(process)))
    await this.begin()
    this.isWild = true
    for (let step = 0; step < afterlifeSteps; step++) {
      for (let n = this.random.below(4); n > 0; n--) this.producer.produce()
      await this.pass(this.random.below(4_000))
    }
    this.isWild = false
    this.#calm()
    await this.#fates.last()
    await this.#settle()
  }

  async #endOf(process: SimProcess): Promise<void> {
    if (this.random.fraction() < 0.5) await this.remove(process).daemon.stop()
    else this.end(process)
  }

  /** What still goes wrong ends, and often all but one process end with it. */
  #calm(): void {
    for (const process of this.processes) {
      Object.assign(process, { doom: undefined, isCutOff: false, losesPutAnswers: false })
    }
    if (this.random.fraction() < 0.5) return
    for (const process of this.processes.slice(1)) this.end(process)
  }

  readonly end = (process: SimProcess): void => {
    const { life, lake, source } = this.remove(process)
    life.end()
    lake.alive = false
    void this.kafka.leave(source)
    if (this.random.fraction() < 0.5) return
    // What was on its way lands when its process is long gone.
    void this.pass(this.random.below(30_000)).then(() => lake.settle())
  }

  readonly remove = (process: SimProcess): SimProcess => {
    const index = this.processes.indexOf(process)
    if (index >= 0) this.processes.splice(index, 1)
    return process
  }

  readonly begin = async (): Promise<void> => {
    const process = await makeProcess(this)
    const { daemon, life } = process
    this.processes.push(process)
    const fail = (error: unknown): void => {
      if (!life.alive) return
      if (this.#repairs.explains(error)) return this.#restart(process)
      this.violations.push(`a daemon failed: ${stackOf(error)}`)
    }
    daemon.failed.catch(fail)
    const joined = (): void => {
      process.isMember = true
    }
    daemon.start().then(joined).catch(fail)
  }

  /** As a supervisor does, unless all are stopped. */
  #restart(process: SimProcess): void {
    if (!this.processes.includes(process)) return
    this.end(process)
    if (!this.#repairs.isStopping) void this.pass(restartMs).then(() => this.begin())
  }

  readonly pass = (spanMs: number): Promise<void> => this.clock.sleep(durationMs(spanMs))

  readonly count = (kind: FaultKind): void => {
    this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1)
  }

  /** In some worlds once without the metastore: nothing but its own waits for it. */
  async #settle(): Promise<void> {
    const { metastore, plan } = this
    const isDown = plan.faults.has('metastore-down') && this.#ofMetastore.fraction() < 0.5
    if (metastore !== undefined && isDown) {
      this.count('metastore-down')
      metastore.isStopped = true
      await this.#settleBut(metastoreTarget)
      metastore.isStopped = false
    }
    await this.#settleBut(undefined)
  }

  /** @param silent target that takes no announcements. */
  async #settleBut(silent: string | undefined): Promise<void> {
    for (let round = 0; round < settleRoundsMax && this.violations.length === 0; round++) {
      await this.pass(settleRoundMs)
      if (this.#operator.isWanted) await this.#operator.accept()
      this.settledAtMs = this.clock.nowMs() - lakeBehindMs
      this.settledAtSet = this.store.setCount
      if (this.#left(silent) === '' && this.stopping.size === 0) return
      await this.#repairs.cutAgain()
    }
    if (this.violations.length > 0) return
    const health = this.processes.map(({ daemon }) => daemon.health().reasons.join('; ') || 'fine')
    this.violations.push(`not settled: ${this.#left(silent)}; daemons: ${health.join(' | ')}`)
  }

  #left(silent: string | undefined): string {
    const { clock, settledAtMs, plan } = this
    const hourIsOver = plan.pace === 'fast' || clock.nowMs() > hourIsOverAtMs
    if (!hourIsOver) return 'the hour is not over'
    const states = this.processes.flatMap(({ daemon }) => daemon.running?.log.state ?? [])
    // Another daemon may have put what the first one has not read yet.
    const newest = states.toSorted((a, b) => b.next - a.next)[0]
    return leftToDo(this, { lakeNowMs: settledAtMs, silent }, newest)
  }
}

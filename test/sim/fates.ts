/** What happens to processes and brokers of a world, at moments that it draws. */
import { present } from '../../src/base/assert.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import {
  type CheckpointName,
  entryPath,
  parseCheckpointPath,
} from '../../src/protocol/log-paths.ts'
import {
  foreignBody,
  hourly,
  lakeBehindMs,
  type Producer,
  strayBody,
  streams,
  topic,
} from './daemon-events.ts'
import { type ProcessWorld, pipeline, type SimProcess } from './daemon-process.ts'
import { type FaultyEntry, faultyEntries, type LogFacts, repeatedEntry } from './faulty-writer.ts'
import type { FateKind, FaultKind } from './plan.ts'
import type { RecordedStore } from './recorded-store.ts'

const sessionTimeoutMs = 5_000
const overtakingRoundsMax = 10
const overtakingRoundMs = 1_500
const overtakingMsMax = 45_000
const faultyEntriesMax = 12
/** By quotas of names and of space, and by permissions. */
const refusedOperations = [
  ['publish'],
  ['publish', 'stage'],
  ['publish', 'stage', 'putIfAbsent', 'remove'],
] as const

/** Calls in which a process is killed; undefined is any. */
const doomedOperations = [
  undefined,
  undefined,
  'publish',
  'publish',
  'putIfAbsent',
  'stage',
  'remove',
  'list',
] as const

export interface FateWorld extends ProcessWorld {
  readonly processes: readonly SimProcess[]
  readonly store: RecordedStore
  readonly producer: Producer
  /** In their drains. */
  readonly stopping: Set<SimProcess>
  readonly begin: () => Promise<void>
  /** Ends it in the midst of everything. */
  readonly end: (process: SimProcess) => void
  /** From now on it is not one of those that live on; it has its own end. */
  readonly remove: (process: SimProcess) => SimProcess
  readonly pass: (spanMs: number) => Promise<void>
  readonly count: (kind: FaultKind) => void
}

/** False when there is nobody now that it can happen to. */
type Fate = () => Promise<void | false> | void | false

export class Fates {
  readonly #world: FateWorld
  /** Whose partitions others have, and who do not know it yet. */
  readonly #robbed = new Set<SimProcess>()
  readonly #byKind: Readonly<Record<FateKind, Fate>> = {
    kill: () => this.#kill(),
    drain: () => this.#drain(),
    'kill-in-drain': () => this.#killInDrain(),
    zombie: () => this.#rob('zombie'),
    theft: () => this.#rob('theft'),
    expiry: () => this.#expire(),
    rebalance: () => this.#rebalance(),
    outage: () => this.#outage(),
    'put-answers-lost': () => this.#losePutAnswers(),
    'table-refuses': () => this.#refuseTable(),
    'clock-jump': () => this.#jump(),
    redelivery: () => this.#redeliver(),
    'leader-change': () => this.#changeLeader(),
    retention: () => this.#retain(),
    'old-entries-deleted': () => this.#deleteOldEntries(),
    'faulty-writer': () => (this.#chance(0.25) ? this.#putAgain() : this.#putFaulty()),
    'stray-file': () => this.#stray(),
  }
  #deck: FateKind[] = []

  constructor(world: FateWorld) {
    this.#world = world
  }

  /** One that can happen now: each once before any comes again. */
  async strike(): Promise<void> {
    const { plan, random } = this.#world
    if (this.#deck.length === 0) this.#deck = [...plan.fates]
    const left = [...this.#deck]
    while (left.length > 0) {
      const [kind] = left.splice(random.below(left.length), 1)
      if (kind === undefined || (await this.#byKind[kind]()) === false) continue
      this.#world.count(kind)
      this.#deck.splice(this.#deck.indexOf(kind), 1)
      return
    }
  }

  /** What needs a log that has grown comes when all has, as well. */
  async last(): Promise<void> {
    for (const kind of ['retention', 'old-entries-deleted', 'faulty-writer'] as const) {
      if (!this.#world.plan.fates.includes(kind)) continue
      if ((await this.#byKind[kind]()) !== false) this.#world.count(kind)
    }
  }

  #below(next: number): number {
    return this.#world.random.below(next)
  }

  #chance(probability: number): boolean {
    return this.#world.random.fraction() < probability
  }

  #any(): SimProcess {
    const { processes } = this.#world
    return present(processes[this.#below(processes.length)], 'a process')
  }

  /** One that has its partitions, as far as it knows and in truth. */
  #member(): SimProcess | undefined {
    const { processes } = this.#world
    const members = processes.filter((at) => at.isMember && !this.#robbed.has(at))
    return members[this.#below(members.length)]
  }

  #partition(): { readonly topic: string; readonly partition: number } {
    return { topic, partition: this.#below(this.#world.plan.partitionCount) }
  }

  /** Between two calls, or in the midst of one. */
  async #kill(): Promise<void> {
    const { begin, end, pass } = this.#world
    const process = this.#any()
    if (this.#chance(0.75)) return this.#doom(process)
    end(process)
    if (this.#chance(0.5)) await pass(this.#below(15_000))
    await begin()
  }

  #doom(process: SimProcess): void {
    const operation = doomedOperations[this.#below(doomedOperations.length)]
    const steps = operation === undefined ? 30 : operation === 'publish' ? 3 : 8
    process.doom ??= { operation, stepsLeft: 1 + this.#below(steps) }
  }

  async #drain(): Promise<void> {
    const done = this.#stop(this.#any())
    if (this.#chance(0.4)) await done
    await this.#world.begin()
  }

  #stop(process: SimProcess): Promise<void> {
    const { remove, violations, stopping } = this.#world
    const stopped = remove(process)
    stopped.doom = undefined
    stopped.life.resume()
    stopping.add(stopped)
    const failed = (error: unknown): void => void violations.push(`stop failed: ${String(error)}`)
    return stopped.daemon
      .stop()
      .catch(failed)
      .finally(() => stopping.delete(stopped))
  }

  async #killInDrain(): Promise<void> {
    const { begin, end, pass } = this.#world
    const process = this.#any()
    void this.#stop(process)
    await pass(this.#below(2_000))
    this.#world.stopping.delete(process)
    end(process)
    await begin()
  }

  /** The group gives its partitions to others; a zombie sleeps through that, a victim works on. */
  async #rob(kind: 'zombie' | 'theft'): Promise<void | false> {
    const robbed = this.#member()
    if (robbed === undefined) return false
    const { source, life } = robbed
    const { kafka, processes, pass, begin } = this.#world
    if (processes.length < 2) await begin()
    this.#robbed.add(robbed)
    const unseenMs = this.#below(20_000)
    void this.#goOnProducing()
    if (kind === 'zombie') life.pause()
    else void kafka.leave(source)
    const wake = async (): Promise<void> => {
      if (kind === 'zombie') {
        await pass(sessionTimeoutMs)
        void kafka.leave(source)
      }
      await pass(unseenMs)
      life.resume()
      // It goes on with what it was about, until the brokers tell it.
      if (kind === 'zombie') await pass(this.#below(3_000))
      this.#comeBack(robbed)
    }
    void wake()
  }

  /** What both the robbed and those who robbed it read. */
  async #goOnProducing(): Promise<void> {
    for (let n = 0; n < 3; n++) {
      await this.#world.pass(this.#below(2_500))
      if (this.#world.isWild) this.#world.producer.produce()
    }
  }

  #expire(): void | false {
    const expired = this.#member()
    if (expired === undefined) return false
    void this.#world.kafka.expire(expired.source)
  }

  /** One process more, or a drained one less. */
  async #rebalance(): Promise<void> {
    const { begin, processes } = this.#world
    if (processes.length < 3) return begin()
    void this.#stop(this.#any())
  }

  #outage(): void {
    const process = this.#any()
    process.isCutOff = true
    void this.#world.pass(this.#below(30_000)).then(() => {
      process.isCutOff = false
    })
  }

  /** Beyond the time that a drain may take, and often a drain begins in it. */
  async #losePutAnswers(): Promise<void | false> {
    const { pass, begin, producer } = this.#world
    const member = this.#member()
    if (member !== undefined && this.#chance(0.4)) return this.#overtake(member)
    const process = this.#any()
    process.losesPutAnswers = true
    const drains = this.#chance(0.5)
    void pass(drains ? 75_000 : this.#below(40_000)).then(() => {
      process.losesPutAnswers = false
    })
    if (!drains) return
    producer.produce()
    await pass(this.#below(4_000))
    if (!this.#world.processes.includes(process)) return
    const done = this.#stop(process)
    // Where nobody else is there to publish, all that is left of it is what stands on the lake.
    if (this.#chance(0.6)) await done
    await begin()
  }

  /**
   * When answers come again, a checkpoint stands above what it put, unpublished: others have its
   * partitions meanwhile, and go on from its entry.
   */
  async #overtake(process: SimProcess): Promise<void | false> {
    const { pass, begin, processes, weather, clock, kafka } = this.#world
    // Who joined later would wait for what is about to lose its answers.
    const hasOther = (): boolean => processes.some((at) => at !== process && at.isMember)
    if (processes.length < 2) await begin()
    await this.#produceUntil(hasOther)
    if (!hasOther()) return false
    const table = streams[this.#below(2)] ?? ''
    const untilMs = clock.monotonicMs() + overtakingMsMax
    weather.refuse({ table, operations: ['publish'], untilMs })
    Object.assign(process, { losesPutAnswers: true, puttingAt: undefined })
    await this.#produceUntil(() => process.puttingAt !== undefined)
    const { source, daemon, puttingAt = Number.NaN } = process
    this.#robbed.add(process)
    void kafka.leave(source)
    // Its index may go, and the one above: who reads on from its entry finds nothing then.
    const isBelow = (): boolean => (this.#checkpoints()[1]?.next ?? 0) > puttingAt + 1
    if (!Number.isNaN(puttingAt)) await this.#produceUntil(isBelow)
    this.#deleteOldEntries()
    process.losesPutAnswers = false
    const isAnswered = (): boolean => !((daemon.running?.log.state.next ?? 0) <= puttingAt)
    await this.#produceUntil(isAnswered)
    void pass(this.#below(5_000)).then(() => this.#comeBack(process))
  }

  /** Into each topic-partition, again and again. */
  async #produceUntil(isOver: () => boolean): Promise<void> {
    const { pass, producer, plan } = this.#world
    for (let round = 0; round < overtakingRoundsMax && !isOver(); round++) {
      for (let at = 0; at < plan.partitionCount; at++) producer.produceOne(at)
      await pass(overtakingRoundMs)
    }
  }

  /** The brokers tell it that its partitions are others'. */
  #comeBack(robbed: SimProcess): void {
    this.#robbed.delete(robbed)
    if (!this.#world.processes.includes(robbed)) return
    robbed.source.lose()
    void this.#world.kafka.join(robbed.source)
  }

  /** Some die while they wait for it. */
  #refuseTable(): void {
    const { pass, weather, clock, processes, end, begin } = this.#world
    const spanMs = 5_000 + this.#below(20_000)
    const operations = present(refusedOperations[this.#below(3)], 'what is refused')
    const table = streams[this.#below(2)] ?? ''
    weather.refuse({ table, operations, untilMs: clock.monotonicMs() + spanMs })
    if (this.#chance(0.4)) return
    const dying = this.#any()
    void pass(this.#below(spanMs)).then(() => {
      if (!processes.includes(dying) || !this.#world.isWild) return
      end(dying)
      void begin()
    })
  }

  #jump(): void {
    this.#any().life.jump(this.#below(7_200_000) - 3_600_000)
  }

  #redeliver(): void {
    this.#any().source.rewind(BigInt(1 + this.#below(10)))
  }

  #changeLeader(): void {
    const { kafka, pass } = this.#world
    const at = this.#partition()
    kafka.loseLeader(at)
    void pass(this.#below(8_000)).then(() => kafka.leads(at))
  }

  /** What the group has committed is in the lake: it may go. */
  #retain(): void | false {
    const { kafka } = this.#world
    const { clusterId } = kafka
    const { topicId, logs } = present(kafka.topic(topic), 'the topic')
    const gone = logs.flatMap(({ start }, partition) => {
      const at = { topic, partition }
      const next = kafka.committed.get(sourceKey({ ...at, clusterId, topicId })) ?? start
      return next > start ? [{ at, next }] : []
    })
    const [first] = gone
    if (first === undefined) return false
    kafka.truncate(first.at, first.next)
  }

  /** Those that stand, the newest first. */
  #checkpoints(): readonly CheckpointName[] {
    const paths = [...this.#world.store.keys()]
    return paths.flatMap((path) => parseCheckpointPath(path) ?? []).sort((a, b) => b.next - a.next)
  }

  /** As the protocol allows: below the second newest checkpoint. */
  #deleteOldEntries(): void | false {
    const { store } = this.#world
    const [, second, ...older] = this.#checkpoints()
    if (second === undefined || second.next === 0) return false
    for (const { path } of older) store.delete(path)
    for (let n = 0; n < second.next; n++) store.delete(entryPath(pipeline, n))
  }

  /** In the folder of the newest event: whoever announces it must put the file aside. */
  #stray(): void | false {
    const { store, clock, producer } = this.#world
    const event = producer.events.at(-1)
    if (event === undefined || event.stream === '_unknown') return false
    const writer = String(this.#below(10 ** 9)).padStart(16, '0')
    const { path } = partitionAt(event.eventMs, hourly)
    const modifiedMs = clock.nowMs() - lakeBehindMs
    const stray = `${event.stream}/${path}/${pipeline}-${writer}-0-0.parquet`
    store.set(stray, { body: strayBody, modifiedMs })
    // Beside it one of a pipeline whose name begins as ours does: nobody may touch it.
    const foreign = stray.replace(`/${pipeline}-`, `/${pipeline}2-`)
    store.set(foreign, { body: foreignBody, modifiedMs })
  }

  /** Somebody puts entries that rely on what is not so, each at the end of the log. */
  #putFaulty(): void | false {
    return this.#putAll(faultyEntries(this.#logFacts(), faultyEntriesMax))
  }

  /** Somebody puts an entry of the log once more, at its end, where it is void for everybody. */
  #putAgain(): void | false {
    // Daemons that trim take a body away with the first entry that is of it.
    const { keepMs } = this.#world.plan
    const again = repeatedEntry(this.#logFacts(), { inlineOnly: keepMs !== undefined })
    return this.#putAll(again === undefined ? [] : [again])
  }

  #logFacts(): LogFacts {
    const { store, random } = this.#world
    const read = (path: string): Uint8Array | undefined => store.firstHeld.get(path)?.body
    return { pipeline, random, read }
  }

  #putAll(made: readonly FaultyEntry[]): void | false {
    const { store, clock } = this.#world
    const modifiedMs = clock.nowMs() - lakeBehindMs
    for (const { index, head } of made) {
      store.set(entryPath(pipeline, index), { body: head, modifiedMs })
    }
    return made.length > 0 ? undefined : false
  }
}

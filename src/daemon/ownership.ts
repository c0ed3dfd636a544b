/**
 * Which topic-partitions are ours, from where each is read, and which of them stopped.
 *
 * Invariants:
 * - assignments and leavings are carried out one after the other, in the order they were told;
 * - what is given up is committed first: no row stays behind without its range;
 * - nobody waits for a broker or a lake that does not answer: what is not known yet is asked again
 *   later, for as long as it is ours.
 */
import { Fault, isFault } from '../base/fault.ts'
import { durationMs } from '../base/time.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import type { FoldState } from '../model/fold-state.ts'
import { type NextOffset, offset } from '../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  type TopicId,
  topicId,
  topicPartitionName,
} from '../model/topic-partition.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Random } from '../ports/random.ts'
import type { Source } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { LanePositions } from '../protocol/source-judgement.ts'
import { decideHeld, type HeldDecision, type HeldSource } from './held-source.ts'
import { resolveStartPositions, type StartPositions, type StartRule } from './start-positions.ts'

const firstPauseMs = 250
const pauseMsMax = 30_000

export interface OwnershipParts {
  readonly log: CommitLog
  readonly source: Source
  readonly positions: PositionTable
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly rule: StartRule
  /** Aborted when the process ends with work undone. */
  readonly signal: AbortSignal
  /** True while this one may not be read for want of memory. */
  readonly isPaused: (source: SourcePartition) => boolean
  /** Commits what accumulated, after what is under way. */
  readonly commitNow: () => Promise<void>
  /** Work that nobody waits for threw what cannot be tried again. */
  readonly onError: (error: unknown) => void
}

interface Refused {
  readonly source: SourcePartition
  readonly fault: Fault
}

export class Ownership {
  readonly #parts: OwnershipParts
  /** Told to be ours, and not taken back. */
  readonly #ours = new Set<SourceKey>()
  /** About to be given up: nothing more is taken in of these. */
  readonly #leaving = new Set<SourceKey>()
  readonly #refused = new Map<SourceKey, Refused>()
  /** What was asked for is gone; whether others have committed it is being asked of the log. */
  readonly #asked = new Map<SourceKey, Refused>()
  /** Reset epochs under which positions were set; of what is held and was ever begun. */
  readonly #epochs = new Map<SourceKey, number>()
  #topics: ReadonlySet<string> | undefined
  #goneTold: ReadonlySet<string> = new Set()
  #turn: Promise<unknown> = Promise.resolve()
  #failures = 0
  /** What kept us from finding out where to read from; undefined when all is well. */
  trouble: Fault | undefined

  constructor(parts: OwnershipParts) {
    this.#parts = parts
  }

  /** Topic-partitions that stopped until an operator says how to go on. */
  get refused(): ReadonlyMap<SourceKey, Refused> {
    return this.#refused
  }

  /** What the log reads and the brokers have no more; an operator may end it. */
  get gone(): readonly Refused[] {
    const { log, rule } = this.#parts
    const topics = this.#topics
    if (topics === undefined) return []
    return [...this.#positionsIn(log.state).values()].flatMap(({ source, next, ended }) => {
      const { topic, topicId } = source
      if (ended === true || topics.has(topic) || !selectsTopic(rule.topics, topic)) return []
      const facts = { topicPartition: topicPartitionName(source), topicId, next }
      return [{ source, fault: new Fault('KAFKA_TOPIC_GONE', facts) }]
    })
  }

  /** The topics that the brokers have. */
  onTopics(topics: ReadonlySet<string>): void {
    this.#topics = topics
    const names = new Set(this.gone.map(({ source }) => source.topic))
    const { log } = this.#parts.telemetry
    for (const topic of names) if (!this.#goneTold.has(topic)) log.error('topic gone', { topic })
    for (const topic of this.#goneTold) if (!names.has(topic)) log.info('topic back', { topic })
    this.#goneTold = names
  }

  isLeaving(source: SourcePartition): boolean {
    return this.#leaving.size > 0 && this.#leaving.has(sourceKey(source))
  }

  /** It stopped, or may have: nothing new is read of it. */
  isStopped(source: SourcePartition): boolean {
    const key = sourceKey(source)
    return this.#refused.has(key) || this.#asked.has(key)
  }

  /** These are ours: finds out from where each is read, and begins. */
  assign(sources: readonly SourcePartition[]): Promise<void> {
    for (const at of sources) this.#ours.add(sourceKey(at))
    return this.#inTurn(() => this.#assign(sources))
  }

  /** Commits what accumulated of these, then gives them up. */
  leave(sources: readonly SourcePartition[]): Promise<void> {
    for (const at of sources) {
      const key = sourceKey(at)
      this.#ours.delete(key)
      this.#leaving.add(key)
      // Now, not when it is given up: it may be ours again by then, and have stopped anew.
      this.#refused.delete(key)
      this.#asked.delete(key)
    }
    return this.#inTurn(() => this.#leave(sources))
  }

  /**
   * Stops a topic-partition until an operator says how to go on, unless nothing is missing.
   *
   * An answer may be taken after its topic-partition was assigned anew, by which the source asks
   * for it once more. And one that was taken for dead may have committed beyond where we are. Where
   * retention has deleted such records meanwhile, reading goes on from where we or the log are.
   */
  refuse(source: SourcePartition, fault: Fault): void {
    const { positions, source: reading, commitNow, onError } = this.#parts
    const next = positions.nextOf(source)
    if (next !== undefined && isOvertaken(fault, next)) {
      reading.seek(source, offset(next), positions.leaderEpochOf(source))
      return
    }
    if (!isFault(fault, 'KAFKA_OFFSET_OUT_OF_RANGE')) return this.#stop(source, fault)
    const asked = { source, fault }
    const key = sourceKey(source)
    this.#asked.set(key, asked)
    const judge = (): void => {
      if (this.#asked.get(key) !== asked) return
      this.#asked.delete(key)
      this.#stop(source, fault)
    }
    // It folds the log to its end, and starts over where others have committed: see `hasMoved`.
    commitNow().then(judge).catch(onError)
  }

  #stop(source: SourcePartition, fault: Fault): void {
    this.#refused.set(sourceKey(source), { source, fault })
    const { code, message, hint } = fault
    const fields = { topicPartition: topicPartitionName(source), code, message, hint }
    this.#parts.telemetry.log.error('topic-partition refused', fields)
  }

  /**
   * Sets every position as the log says; what accumulated was thrown away before.
   *
   * @throws {Fault} LAKE_…: no position is set then, and the call is to be repeated.
   */
  async restart(owned: readonly SourcePartition[]): Promise<void> {
    const { log, source, rule } = this.#parts
    const fold = await log.refresh()
    const read = new Set(owned.map(sourceKey))
    const decided = this.#held(owned).map((at) => ({ at, decision: this.#decide(fold, at) }))
    const held = decided.flatMap(({ at, decision }): readonly SourcePartition[] => {
      if (decision.kind === 'moved') return [decision.to]
      return decision.kind === 'stays' && read.has(sourceKey(at)) ? [at] : []
    })
    const found = await resolveStartPositions(log, source, held, rule)
    // Not before: who calls again after a fault must find what is held as it was.
    for (const { at, decision } of decided) this.#follow(at, decision)
    for (const at of held) this.#asked.delete(sourceKey(at))
    this.#take(held, found)
  }

  /**
   * True when an operator's word concerns what is held, or others have committed what was asked for
   * in vain: `restart` takes it up.
   */
  hasMoved(fold: FoldState): boolean {
    const held = this.#held(this.#parts.positions.sources())
    if (held.some((at) => this.#decide(fold, at).kind !== 'stays')) return true
    const positions = this.#positionsIn(fold)
    return [...this.#asked].some(([key, { fault }]) => {
      const next = positions.get(key)?.next
      return next !== undefined && isOvertaken(fault, next)
    })
  }

  /** What is read, and what stopped. */
  #held(owned: readonly SourcePartition[]): readonly SourcePartition[] {
    const read = new Set(owned.map(sourceKey))
    const stopped = [...this.#refused.values()].map(({ source }) => source)
    return [...owned, ...stopped.filter((at) => !read.has(sourceKey(at)))]
  }

  #heldOf(source: SourcePartition): HeldSource {
    const key = sourceKey(source)
    const refusal = this.#refused.get(key)
    const resetEpoch = this.#epochs.get(key)
    return { source, resetEpoch, refused: refusal !== undefined, brokerHas: anewOf(refusal) }
  }

  #positionsIn(fold: FoldState): LanePositions {
    return fold.positions.get(this.#parts.rule.lane) ?? new Map()
  }

  #decide(fold: FoldState, at: SourcePartition): HeldDecision {
    return decideHeld(this.#positionsIn(fold), this.#heldOf(at))
  }

  /** Holds what takes the place of `at`, if an operator said so. */
  #follow(at: SourcePartition, decision: HeldDecision): void {
    if (decision.kind === 'stays') return
    const key = sourceKey(at)
    const wasOurs = this.#ours.delete(key)
    this.#refused.delete(key)
    this.#epochs.delete(key)
    const fields = { topicPartition: topicPartitionName(at), kind: decision.kind }
    this.#parts.telemetry.log.info('topic-partition moved by an operator', fields)
    if (decision.kind === 'ended') return
    if (wasOurs) this.#ours.add(sourceKey(decision.to))
    if (!this.#parts.isPaused(decision.to)) this.#parts.source.resume([decision.to])
  }

  async #assign(sources: readonly SourcePartition[]): Promise<void> {
    const { positions, source } = this.#parts
    this.trouble = undefined
    const ours = sources.filter((at) => this.#ours.has(sourceKey(at)))
    for (const at of ours) {
      this.#asked.delete(sourceKey(at))
      const next = positions.nextOf(at)
      if (next !== undefined) source.seek(at, offset(next), positions.leaderEpochOf(at))
    }
    const fresh = ours.filter((at) => !positions.has(at))
    if (fresh.length > 0) this.#take(fresh, await this.#found(fresh))
  }

  async #leave(sources: readonly SourcePartition[]): Promise<void> {
    const { commitNow, positions } = this.#parts
    for (const at of sources) this.#leaving.add(sourceKey(at))
    await commitNow()
    for (const at of sources) {
      positions.drop(at)
      this.#epochs.delete(sourceKey(at))
      this.#leaving.delete(sourceKey(at))
    }
  }

  /** Where to read from; what may be asked again later is left unanswered. */
  async #found(sources: readonly SourcePartition[]): Promise<StartPositions> {
    const { log, source, rule, telemetry } = this.#parts
    try {
      const found = await resolveStartPositions(log, source, sources, rule)
      this.#failures = found.unanswered.length === 0 ? 0 : this.#failures + 1
      return found
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error
      this.#failures += 1
      this.trouble = error
      telemetry.log.warn('start positions not found yet', { code: error.code, error })
      return { from: new Map(), refused: new Map(), unanswered: sources }
    }
  }

  #take(sources: readonly SourcePartition[], found: StartPositions): void {
    const { positions, source, isPaused } = this.#parts
    for (const at of sources) {
      const key = sourceKey(at)
      // While it was being asked for, it was given up, or another topic took its name.
      if (!this.#ours.has(key)) continue
      const fault = found.refused.get(key)
      // What the source told of the topic since is newer than what we were assigned.
      if (fault !== undefined && anewOf(this.#refused.get(key)) === undefined) this.#stop(at, fault)
      if (fault !== undefined) source.pause([at])
      const start = found.from.get(key)
      if (start === undefined) continue
      positions.assign(at, start)
      this.#epochs.set(key, start.resetEpoch)
      if (this.#refused.has(key)) continue
      if (isPaused(at)) source.pause([at])
      source.seek(at, start.from, start.leaderEpoch)
    }
    if (found.unanswered.length > 0) this.#askLater(found.unanswered)
  }

  #askLater(sources: readonly SourcePartition[]): void {
    const { clock, random, signal, telemetry, onError } = this.#parts
    const names = sources.map(topicPartitionName)
    telemetry.log.warn('no start position yet', { topicPartitions: names })
    const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(this.#failures, 16))
    const pauseMs = durationMs(fullMs * (0.5 + random.fraction() / 2))
    const again = async (): Promise<void> => {
      await clock.sleep(pauseMs, signal)
      if (!signal.aborted) await this.#inTurn(() => this.#assign(sources))
    }
    again().catch(onError)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

/** What was asked for in vain lies below what was taken in, or committed. */
const isOvertaken = (fault: Fault, next: NextOffset): boolean =>
  isFault(fault, 'KAFKA_OFFSET_OUT_OF_RANGE') && fault.facts.asked < next

/** The id that a topic has which was made anew, by the word of the brokers. */
function anewOf(refusal: Refused | undefined): TopicId | undefined {
  if (refusal === undefined || !isFault(refusal.fault, 'KAFKA_TOPIC_RECREATED')) return undefined
  const { brokerHas } = refusal.fault.facts
  return brokerHas === refusal.source.topicId ? undefined : topicId(brokerHas)
}

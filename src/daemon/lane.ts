/**
 * One lane: what its reader, its stages and its commits share. Records come in by fetch answers,
 * leave as sealed commits; the commit loop says when.
 *
 * Invariants:
 * - what is taken in of a topic-partition continues exactly where the last taking ended;
 * - a seal happens only while the gate is held and no module has events in flight;
 * - after an error that nobody may try again nothing is taken in and nothing is sealed any more:
 *   rows whose range is not known to be right are never committed.
 */
import { Fault } from '../base/fault.ts'
import { durationMs } from '../base/time.ts'
import { type RetryContext, untilAnswered } from '../committer/retry.ts'
import { Troubles } from '../committer/troubles.ts'
import type { Exporter } from '../exporter/exporter.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import type { FoldedEvidence, FoldState } from '../model/fold-state.ts'
import { type NextOffset, type Offset, offset } from '../model/offset.ts'
import type { CommitOutcome, SealedCommit } from '../model/sealed-commit.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import type { UnknownFieldsOfStream } from '../model/unknown-field.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Random } from '../ports/random.ts'
import type { FetchedBatches, Source, SourceReader } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { remedyText } from '../protocol/source-judgement.ts'
import type { Intake } from '../source/intake.ts'
import { slicesOf } from '../source/slices.ts'
import type { AlignedStream } from './alignment.ts'
import { type MemoryBounds, sizesOf, sumOf, together } from './back-pressure.ts'
import type { CommitSteps } from './commit-loop.ts'
import { countCommit } from './commit-metrics.ts'
import { EvidenceDesk } from './evidence-desk.ts'
import { Gate } from './gate.ts'
import { inTurns } from './in-turns.ts'
import { LagBoard } from './lag-board.ts'
import { configVersionIn } from './own-config.ts'
import { Ownership } from './ownership.ts'
import { doneWithin } from './patience.ts'
import { ReadingPauses, readingOf } from './reading-pauses.ts'
import type { StartRule } from './start-positions.ts'
import { UnknownFieldBoard } from './unknown-field-board.ts'

export interface LaneParts {
  readonly log: CommitLog
  readonly source: Source
  readonly intake: Intake
  readonly exporter: Exporter
  readonly positions: PositionTable
  readonly modules: LaneModules
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly rule: StartRule
  /** Aborted when the process ends with work undone. */
  readonly signal: AbortSignal
  readonly memory: MemoryBounds
  readonly aligned: readonly AlignedStream[]
  /** Which leaders to ask for evidence of idleness, given what is owned. */
  readonly evidenceWanted: (
    fold: FoldState,
    owned: readonly SourcePartition[],
  ) => readonly SourcePartition[]
  readonly commit: (sealed: SealedCommit) => Promise<CommitOutcome>
  /** A commit was decided and published: somebody may announce now. */
  readonly onCommitted: () => void
  /** Commits before the interval is over. */
  readonly hurry: () => void
  /** Commits now, after what is under way. */
  readonly commitNow: () => Promise<void>
  /** The process must end: a bug, or what no trying again can mend. */
  readonly onFatal: (error: unknown) => void
}

/** Users' modules have events in flight between intake and exporter. */
interface LaneModules {
  /** Bytes of events handed to modules whose rows are not back yet, by stream. */
  inFlightByStream(): ReadonlyMap<string, number>
  /** Resolves when nothing is in flight. */
  drain(): Promise<void>
  discard(): void
}

/** Commit early when a hostile producer makes this many cells of counts. */
const cellsMax = 50_000

/** Of an answer, compressed: some tens of milliseconds of work until others have their turn. */
const sliceBytesWanted = 1_048_576

/** Kafka's own offsets are a hint: no commit waits longer for a group that does not answer. */
const hintMsMax = durationMs(3_000)

export class Lane implements SourceReader, CommitSteps {
  readonly #parts: LaneParts
  readonly #gate = new Gate()
  readonly #ownership: Ownership
  readonly #evidence: EvidenceDesk
  readonly #troubles = new Troubles()
  readonly #unknownFields: UnknownFieldBoard
  readonly #retry: RetryContext
  readonly #lag: LagBoard
  readonly #pauses: ReadingPauses
  #committing: ReadonlyMap<string, number> = new Map()
  #halted = false
  /** What the source said last when it could not go on by itself. */
  sourceTrouble: Fault | undefined

  constructor(parts: LaneParts) {
    const { clock, random, signal, commitNow } = parts
    this.#parts = parts
    this.#unknownFields = new UnknownFieldBoard(parts.telemetry.metrics)
    this.#lag = new LagBoard(parts.telemetry.metrics, () => parts.log.lakeNowMs())
    this.#retry = { clock, random, signal, troubles: this.#troubles }
    const isRefused = (at: SourcePartition): boolean => this.#ownership.isStopped(at)
    this.#evidence = new EvidenceDesk({ ...parts, isRefused })
    this.#ownership = new Ownership({
      ...parts,
      commitNow,
      isPaused: (at) => this.#pauses.isPaused(at),
      onError: (error) => this.halt(error),
    })
    this.#pauses = new ReadingPauses({
      ...readingOf(parts, (at) => this.#ownership.isLeaving(at)),
      bounds: parts.memory,
      held: () => ({ accumulating: this.#accumulating(), committing: this.#committing }),
      kernel: () => parts.exporter.kernelBytes,
      isRefused,
      hurry: () => parts.hurry(),
    })
  }

  /** What the lake says while it is asked again and again; undefined when all is well. */
  get trouble(): Fault | undefined {
    return this.#troubles.any
  }

  /** Why some of what is ours is not read yet. */
  get startTrouble(): Fault | undefined {
    return this.#ownership.trouble
  }

  /** Topic-partitions that stopped until an operator says how to go on. */
  get refused(): readonly { source: SourcePartition; fault: Fault }[] {
    return [...this.#ownership.refused.values(), ...this.#ownership.gone]
  }

  /** The same by name, with the reason and the way on. */
  get refusals(): ReadonlyMap<string, string> {
    return new Map(
      this.refused.map(({ source, fault }) => [topicPartitionName(source), remedyText(fault)]),
    )
  }

  /** Bytes held: accumulating, in modules, and in the commit under way. */
  get bufferedBytes(): number {
    return sumOf(this.#accumulating()) + sumOf(this.#committing)
  }

  get openWriterCount(): number {
    return this.#parts.exporter.openWriterCount
  }

  /** The same by stream, dead letters without one under a name of their own. */
  bufferedByStream(): ReadonlyMap<string, number> {
    return together(this.#accumulating(), this.#committing)
  }

  /** Who may hold how much, and whose reading pauses for it. */
  get memory(): MemoryBounds {
    return this.#parts.memory
  }

  isStreamPaused(stream: string): boolean {
    return this.#pauses.isStreamPaused(stream)
  }

  /** Topic-partitions that are paused, by name, with the reason. */
  get heldUp(): ReadonlyMap<string, string> {
    return this.#pauses.reasons()
  }

  /** Fields that the stream's schema does not know, of what was committed since the start. */
  unknownFields(stream: string): UnknownFieldsOfStream {
    return this.#unknownFields.of(stream)
  }

  /** High watermarks heard of with the newest fetch answers; they tell of lag. */
  get ends(): ReadonlyMap<SourceKey, FoldedEvidence> {
    return this.#lag.ends
  }

  /** Topic-partitions that are read now. */
  get owned(): ReadonlySet<SourceKey> {
    return new Set(this.#parts.positions.sources().map(sourceKey))
  }

  async onAssigned(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, Offset>> {
    this.#log('assigned', sources)
    await this.#guarded(() => this.#ownership.assign(sources))
    return new Map()
  }

  async onRevoked(sources: readonly SourcePartition[]): Promise<void> {
    this.#log('revoked', sources)
    await this.#guarded(() => this.#leave(sources))
  }

  /**
   * What accumulated of lost sources is still committed if the log lets it: when another writer has
   * gone on from there, the log discards it. Dropping it here alone could leave rows without range.
   */
  onLost(sources: readonly SourcePartition[]): void {
    this.#log('lost', sources)
    this.#guarded(() => this.#leave(sources)).catch((error: unknown) => this.halt(error))
  }

  onFetched(answer: readonly FetchedBatches[]): Promise<void> {
    return this.#guarded(() => this.#take(answer))
  }

  onRefused(source: SourcePartition, fault: Fault): void {
    this.#ownership.refuse(source, fault)
  }

  onTopics = (topics: ReadonlySet<string>): void => this.#ownership.onTopics(topics)

  /** Takes in and seals nothing any more, and has the process end. */
  halt(error: unknown): void {
    this.#halted = true
    const cutShort = this.#parts.signal.aborted && error instanceof Fault && error.retry !== 'never'
    if (!cutShort) this.#parts.onFatal(error)
  }

  onTrouble(fault: Fault | undefined): void {
    if (fault?.message !== this.sourceTrouble?.message) {
      const { log } = this.#parts.telemetry
      const { code, message, hint, retry } = fault ?? {}
      if (fault === undefined) log.info('source recovered', {})
      else if (retry === 'never') log.error('source stopped', { code, message, hint })
      else log.warn('source trouble', { code, message })
    }
    this.sourceTrouble = fault
  }

  async refresh(): Promise<FoldState> {
    const { log, exporter } = this.#parts
    const fold = await untilAnswered(this.#retry, () => log.readOn())
    exporter.onFold(fold)
    return fold
  }

  async seal(fold: FoldState): Promise<SealedCommit | undefined> {
    const { exporter, log, clock, modules, positions, rule, evidenceWanted } = this.#parts
    const configVersion = configVersionIn(fold, rule.config)
    const wanted = evidenceWanted(fold, positions.sources())
    const evidence = await this.#evidence.gather(this.#pauses.asking(wanted))
    const sealed = await this.#gate.whileHeld(async () => {
      await modules.drain()
      if (this.#halted) return undefined
      const facts = { configVersion, evidence, publishedHere: log.publishedHere }
      return inTurns(clock, exporter.sealing({ lakeNowMs: log.lakeNowMs(), ...facts }))
    })
    if (sealed === undefined) this.#pauses.adjust()
    return sealed
  }

  async commit(sealed: SealedCommit): Promise<CommitOutcome> {
    this.#committing = sizesOf(sealed)
    try {
      return await this.#parts.commit(sealed)
    } finally {
      this.#committing = new Map()
      this.#pauses.adjust()
    }
  }

  async committed(sealed: SealedCommit): Promise<void> {
    const { log, exporter, source, clock, telemetry } = this.#parts
    countCommit(telemetry.metrics, sealed)
    for (const unknown of sealed.unknownFields) this.#unknownFields.add(unknown)
    exporter.release(sealed)
    exporter.onFold(log.state)
    const next = new Map<SourceKey, NextOffset>()
    for (const range of sealed.ranges) next.set(sourceKey(range.source), range.next)
    this.#parts.onCommitted()
    await doneWithin(clock, hintMsMax, source.commitOffsets(next))
  }

  /** After the commit under way: what was read before somebody else's word is not lost by it. */
  async followLog(): Promise<void> {
    if (this.#ownership.hasMoved(this.#parts.log.state)) await this.startOver()
  }

  async startOver(): Promise<void> {
    const { log, exporter, modules, positions } = this.#parts
    await this.#gate.whileHeld(async () => {
      modules.discard()
      exporter.discard()
      const owned = positions.sources()
      positions.reset()
      await untilAnswered(this.#retry, () => this.#ownership.restart(owned))
      exporter.onFold(log.state)
    })
    this.#pauses.adjust()
  }

  /**
   * Takes in what continues a topic-partition where it ended. An answer that was held at the gate
   * while positions were set anew is out of date even where its offset fits by chance: the source
   * reads from there once more. What is paused in the midst of an answer is taken no further, or
   * the budget would be passed by all the rest of it: it is asked for again.
   */
  async #take(answer: readonly FetchedBatches[]): Promise<void> {
    const { positions, clock } = this.#parts
    const tenures = new Map(answer.map(({ source }) => [source, positions.tenureOf(source)]))
    const left = new Set<SourcePartition>()
    let isFirst = true
    for (const slice of slicesOf(answer, sliceBytesWanted)) {
      if (!isFirst) await clock.sleep(durationMs(0))
      isFirst = false
      while (!this.#gate.open) await this.#gate.passed()
      if (this.#halted) return
      const current = slice.filter(({ source }) => {
        const tenure = tenures.get(source)
        const holds = tenure !== undefined && positions.tenureOf(source) === tenure
        return holds && !this.#ownership.isLeaving(source) && !left.has(source)
      })
      for (const { source } of current) {
        if (!this.#pauses.isPaused(source) || left.has(source)) continue
        left.add(source)
        this.#seekNext(source)
      }
      this.#takeSlice(current.filter(({ source }) => !left.has(source)))
    }
  }

  #seekNext(at: SourcePartition): void {
    const { positions, source } = this.#parts
    const next = positions.nextOf(at)
    if (next !== undefined) source.seek(at, offset(next), positions.leaderEpochOf(at))
  }

  #takeSlice(current: readonly FetchedBatches[]): void {
    const { intake, exporter, clock, log, telemetry } = this.#parts
    exporter.onFold(log.state)
    const continuing = current.filter((part) => this.#continues(part))
    if (continuing.length === 0) return
    intake.take(continuing, clock.nowMs())
    const bytes = continuing.reduce((sum, { start, end }) => sum + end - start, 0)
    telemetry.metrics.count('lakeward_bytes_read_total', bytes)
    for (const part of continuing) this.#lag.tell(part)
    if (exporter.cellCount > cellsMax) this.#parts.hurry()
    this.#pauses.adjust()
  }

  /** True for what begins where the last taking ended; anything else is asked for again. */
  #continues({ source: at, fetchOffset }: FetchedBatches): boolean {
    const { positions, telemetry } = this.#parts
    const next = positions.nextOf(at)
    if (next === undefined || next === (fetchOffset as bigint)) return next !== undefined
    const topicPartition = topicPartitionName(at)
    telemetry.log.warn('answer out of turn', { topicPartition, next, fetchOffset })
    this.#seekNext(at)
    return false
  }

  async #leave(sources: readonly SourcePartition[]): Promise<void> {
    await this.#ownership.leave(sources)
    this.#lag.forget(sources)
    this.#pauses.forget(sources)
  }

  /** Does what a source asks for; an error ends the process, whoever called. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.#halted) return
    try {
      await work()
    } catch (error) {
      this.halt(error)
    }
  }

  /** What the next commit takes along, by stream. */
  #accumulating(): ReadonlyMap<string, number> {
    const { exporter, modules } = this.#parts
    return together(exporter.bufferedByStream(), modules.inFlightByStream())
  }

  #log(event: string, sources: readonly SourcePartition[]): void {
    const names = sources.map(topicPartitionName)
    this.#parts.telemetry.log.info(event, { topicPartitions: names })
  }
}

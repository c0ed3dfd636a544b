/**
 * One lane: what its reader, its stages and its commits share. Records come in by fetch answers,
 * leave as sealed commits; the commit loop says when.
 *
 * Invariants:
 * - what is taken in of a topic-partition continues exactly where the last taking ended;
 * - a seal happens only while the gate is held and no module has events in flight.
 */
import type { Fault } from '../base/fault.ts'
import { unixMs } from '../base/time.ts'
import type { Exporter } from '../exporter/exporter.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import type { FoldedEvidence, FoldState } from '../model/fold-state.ts'
import type { IdleEvidence } from '../model/log-entry.ts'
import { type NextOffset, type Offset, offset } from '../model/offset.ts'
import type { CommitOutcome, SealedCommit } from '../model/sealed-commit.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { FetchedBatches, Source, SourceReader } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Intake } from '../source/intake.ts'
import type { CommitSteps } from './commit-loop.ts'
import { countCommit } from './commit-metrics.ts'
import { Gate } from './gate.ts'
import { resolveStartPositions, type StartRule } from './start-positions.ts'

export interface LaneParts {
  readonly log: CommitLog
  readonly source: Source
  readonly intake: Intake
  readonly exporter: Exporter
  readonly positions: PositionTable
  readonly modules: LaneModules
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly rule: StartRule
  readonly bufferBytesMax: number
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
}

/** Users' modules have events in flight between intake and exporter. */
export interface LaneModules {
  /** Bytes of events handed to modules whose rows are not back yet. */
  readonly inFlightBytes: number
  /** Resolves when nothing is in flight. */
  drain(): Promise<void>
  /** Forgets what is in flight. */
  discard(): void
}

/** Commit early when a hostile producer makes this many cells of counts. */
const cellsMax = 50_000

export class Lane implements SourceReader, CommitSteps {
  readonly #parts: LaneParts
  readonly #gate = new Gate()
  readonly #refused = new Map<SourceKey, { source: SourcePartition; fault: Fault }>()
  /** About to be given up: nothing more is taken in of these. */
  readonly #leaving = new Set<SourceKey>()
  /** Assignments and leavings, one after the other. */
  #membership: Promise<unknown> = Promise.resolve()
  readonly #ends = new Map<SourceKey, FoldedEvidence>()
  #committingBytes = 0
  #paused = false
  /** What the source said last when it could not go on by itself. */
  sourceTrouble: Fault | undefined

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  /** Topic-partitions that stopped until an operator says how to go on. */
  get refused(): readonly { source: SourcePartition; fault: Fault }[] {
    return [...this.#refused.values()]
  }

  /** The same by topic-partition, with the reason. */
  get refusals(): ReadonlyMap<SourceKey, string> {
    return new Map([...this.#refused].map(([key, { fault }]) => [key, fault.message]))
  }

  /** Bytes held: accumulating, in modules, and in the commit under way. */
  get bufferedBytes(): number {
    const { exporter, modules } = this.#parts
    return exporter.bufferedBytes + modules.inFlightBytes + this.#committingBytes
  }

  get openWriterCount(): number {
    return this.#parts.exporter.openWriterCount
  }

  /** Bytes that accumulate, by stream. */
  bufferedByStream(): ReadonlyMap<string, number> {
    return this.#parts.exporter.bufferedByStream()
  }

  /** High watermarks heard of with the newest fetch answers; they tell of lag. */
  get ends(): ReadonlyMap<SourceKey, FoldedEvidence> {
    return this.#ends
  }

  /** Topic-partitions that are read now. */
  get owned(): ReadonlySet<SourceKey> {
    return new Set(this.#parts.positions.sources().map(sourceKey))
  }

  get paused(): boolean {
    return this.#paused
  }

  onAssigned(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, Offset>> {
    return this.#inTurn(() => this.#assign(sources))
  }

  onRevoked(sources: readonly SourcePartition[]): Promise<void> {
    this.#log('revoked', sources)
    return this.#inTurn(() => this.#leave(sources))
  }

  /**
   * What accumulated of lost sources is still committed if the log lets it: when another writer has
   * gone on from there, the log discards it. Dropping it here alone could leave rows without range.
   */
  onLost(sources: readonly SourcePartition[]): void {
    this.#log('lost', sources)
    this.#inTurn(() => this.#leave(sources)).catch((error: unknown) => {
      this.#parts.telemetry.log.error('leaving failed', { error: String(error) })
    })
  }

  async onFetched(answer: readonly FetchedBatches[]): Promise<void> {
    while (!this.#gate.open) await this.#gate.passed()
    const { intake, positions, exporter, clock, log, telemetry } = this.#parts
    exporter.onFold(log.state)
    const continuing = answer.filter(
      ({ source, fetchOffset }) =>
        !this.#leaving.has(sourceKey(source)) &&
        positions.nextOf(source) === (fetchOffset as bigint),
    )
    if (continuing.length === 0) return
    intake.take(continuing, clock.nowMs())
    for (const { source, nextOffset, highWatermark } of continuing) {
      const labels = { topic: source.topic, partition: String(source.partition) }
      const lag = Number(highWatermark - nextOffset)
      telemetry.metrics.gauge('lakeward_lag_records', lag, labels)
      this.#ends.set(sourceKey(source), { source, highWatermark, askedAtMs: log.lakeNowMs() })
    }
    this.#pushBack()
  }

  onRefused(source: SourcePartition, fault: Fault): void {
    this.#refused.set(sourceKey(source), { source, fault })
    const topicPartition = topicPartitionName(source)
    const { code, message, hint } = fault
    this.#parts.telemetry.log.error('topic-partition refused', {
      topicPartition,
      code,
      message,
      hint,
    })
  }

  onTrouble(fault: Fault | undefined): void {
    if (fault?.message !== this.sourceTrouble?.message) {
      const { log } = this.#parts.telemetry
      if (fault === undefined) log.info('source recovered', {})
      else log.warn('source trouble', { code: fault.code, message: fault.message })
    }
    this.sourceTrouble = fault
  }

  async refresh(): Promise<FoldState> {
    const fold = await this.#parts.log.refresh()
    this.#parts.exporter.onFold(fold)
    return fold
  }

  async seal(fold: FoldState): Promise<SealedCommit | undefined> {
    const evidence = await this.#gatherEvidence(fold)
    const { exporter, log, modules } = this.#parts
    return this.#gate.whileHeld(async () => {
      await modules.drain()
      const configVersion = fold.config.version
      return exporter.seal({ lakeNowMs: log.lakeNowMs(), configVersion, evidence })
    })
  }

  async commit(sealed: SealedCommit): Promise<CommitOutcome> {
    this.#committingBytes = sealed.files.reduce((sum, file) => sum + file.sizeBytes, 0)
    try {
      return await this.#parts.commit(sealed)
    } finally {
      this.#committingBytes = 0
      this.#pushBack()
    }
  }

  async committed(sealed: SealedCommit): Promise<void> {
    const { log, exporter, source, telemetry } = this.#parts
    countCommit(telemetry.metrics, sealed)
    exporter.onFold(log.state)
    const next = new Map<SourceKey, NextOffset>()
    for (const range of sealed.ranges) next.set(sourceKey(range.source), range.next)
    await source.commitOffsets(next)
    this.#parts.onCommitted()
  }

  async startOver(): Promise<void> {
    const { log, exporter, modules, positions, source, rule } = this.#parts
    await this.#gate.whileHeld(async () => {
      modules.discard()
      exporter.discard()
      exporter.onFold(await log.refresh())
      const owned = positions.sources()
      positions.reset()
      const { from, refused } = await resolveStartPositions(log, source, owned, rule)
      for (const at of owned) {
        const fault = refused.get(sourceKey(at))
        if (fault !== undefined) this.onRefused(at, fault)
        const start = from.get(sourceKey(at))
        if (start === undefined) continue
        positions.assign(at, start.from, start.leaderEpoch)
        source.seek(at, start.from, start.leaderEpoch)
      }
    })
    this.#pushBack()
  }

  async #assign(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, Offset>> {
    const { log, source, positions, rule } = this.#parts
    const isNew = (at: SourcePartition): boolean => !positions.has(at)
    const { from, refused } = await resolveStartPositions(log, source, sources.filter(isNew), rule)
    for (const at of sources.filter(isNew)) {
      const fault = refused.get(sourceKey(at))
      if (fault !== undefined) this.onRefused(at, fault)
      const start = from.get(sourceKey(at))
      if (start === undefined) continue
      positions.assign(at, start.from, start.leaderEpoch)
    }
    if (this.#paused) source.pause(sources)
    this.#log('assigned', sources)
    for (const at of sources) {
      const next = positions.nextOf(at)
      if (next !== undefined) source.seek(at, offset(next), positions.leaderEpochOf(at))
    }
    return new Map()
  }

  /** Commits what accumulated, then gives these up: no row stays behind without its range. */
  async #leave(sources: readonly SourcePartition[]): Promise<void> {
    const { commitNow, positions } = this.#parts
    for (const at of sources) this.#leaving.add(sourceKey(at))
    await commitNow()
    for (const at of sources) {
      positions.drop(at)
      this.#refused.delete(sourceKey(at))
      this.#leaving.delete(sourceKey(at))
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#membership.then(work)
    this.#membership = done.catch(() => {})
    return done
  }

  /** Asks leaders for their ends where a partition is due and waits for them. */
  async #gatherEvidence(fold: FoldState): Promise<readonly IdleEvidence[]> {
    const { evidenceWanted, positions, source, log, telemetry } = this.#parts
    const wanted = evidenceWanted(fold, positions.sources())
    if (wanted.length === 0) return []
    const askedAtMs = unixMs(log.lakeNowMs())
    try {
      const ends = await source.highWatermarks(wanted)
      return wanted.flatMap((at): readonly IdleEvidence[] => {
        const highWatermark = ends.get(sourceKey(at))
        return highWatermark === undefined ? [] : [{ source: at, highWatermark, askedAtMs }]
      })
    } catch (error) {
      telemetry.log.warn('no evidence of idleness', { error: String(error) })
      return []
    }
  }

  /** Memory is bounded: half of the budget hurries the commit, all of it pauses the reading. */
  #pushBack(): void {
    const { exporter, positions, source, bufferBytesMax, hurry } = this.#parts
    const held = this.bufferedBytes
    if (held - this.#committingBytes > bufferBytesMax / 2 || exporter.cellCount > cellsMax) hurry()
    if (held > bufferBytesMax && !this.#paused) {
      this.#paused = true
      source.pause(positions.sources())
    } else if (this.#paused && held < bufferBytesMax / 2) {
      this.#paused = false
      source.resume(positions.sources().filter((at) => !this.#refused.has(sourceKey(at))))
    }
  }

  #log(event: string, sources: readonly SourcePartition[]): void {
    const names = sources.map(topicPartitionName)
    this.#parts.telemetry.log.info(event, { topicPartitions: names })
  }
}

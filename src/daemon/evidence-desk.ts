/**
 * Asks leaders for their ends, so that quiet topic-partitions hold no announcement back.
 *
 * Invariants:
 * - no commit waits longer than `waitMs` for brokers; an answer that comes later goes into the next
 *   commit, with the time at which it was asked for;
 * - an end of another log than was read proves nothing: one below what was read before, one at it
 *   where reading has stopped, and one of a leader whose log parts from what was read, asked by the
 *   epoch it was read under. Who has just started finds that out before its first fetch does.
 */
import { durationMs } from '../base/time.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import type { IdleEvidence } from '../model/log-entry.ts'
import { type NextOffset, nextOffset } from '../model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Source } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { doneWithin } from './patience.ts'

const waitMs = durationMs(3_000)

/** What was read when the question was asked. */
interface ReadSoFar {
  readonly source: SourcePartition
  readonly next: NextOffset
  /** Of the record before `next`; -1 where it is not known, and nothing can be compared. */
  readonly leaderEpoch: number
}

export interface EvidenceDeskParts {
  readonly log: CommitLog
  readonly source: Source
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly positions: Pick<PositionTable, 'nextOf' | 'leaderEpochOf'>
  /** True for what stopped until an operator says how to go on. */
  readonly isRefused: (source: SourcePartition) => boolean
}

export class EvidenceDesk {
  readonly #parts: EvidenceDeskParts
  /** The question under way. */
  #asking: Promise<void> | undefined
  #answers: readonly IdleEvidence[] = []

  constructor(parts: EvidenceDeskParts) {
    this.#parts = parts
  }

  /** Answers for those of `wanted` that came since the last call, or come soon. */
  async gather(wanted: readonly SourcePartition[]): Promise<readonly IdleEvidence[]> {
    if (wanted.length === 0) return []
    const late = this.#take(wanted)
    if (late.length > 0) return late
    this.#asking ??= this.#ask(wanted).finally(() => {
      this.#asking = undefined
    })
    await doneWithin(this.#parts.clock, waitMs, this.#asking)
    return this.#take(wanted)
  }

  /** Hands each answer over once. */
  #take(wanted: readonly SourcePartition[]): readonly IdleEvidence[] {
    const keys = new Set(wanted.map(sourceKey))
    const answers = this.#answers.filter(({ source }) => keys.has(sourceKey(source)))
    this.#answers = []
    return answers
  }

  async #ask(wanted: readonly SourcePartition[]): Promise<void> {
    const { source, log, telemetry, positions, isRefused } = this.#parts
    const askedAtMs = log.lakeNowMs()
    const read = wanted.map((at): ReadSoFar => {
      const next = positions.nextOf(at) ?? nextOffset(0n)
      return { source: at, next, leaderEpoch: positions.leaderEpochOf(at) }
    })
    try {
      const ends = await source.highWatermarks(wanted)
      // Behind the ends: a leader that parted before it gave one is found out.
      const parted = await this.#parted(read)
      this.#answers = read.flatMap(({ source: at, next }): readonly IdleEvidence[] => {
        const highWatermark = ends.get(sourceKey(at))
        if (highWatermark === undefined || parted.has(sourceKey(at))) return []
        const isOther = highWatermark < next || (highWatermark === next && isRefused(at))
        return isOther ? [] : [{ source: at, highWatermark, askedAtMs }]
      })
    } catch (error) {
      telemetry.log.warn('no evidence of idleness', { error: String(error) })
    }
  }

  /** Those of which the leader does not say that its log holds what was read. */
  async #parted(read: readonly ReadSoFar[]): Promise<ReadonlySet<SourceKey>> {
    const asked = read.filter(({ leaderEpoch }) => leaderEpoch !== -1)
    if (asked.length === 0) return new Set()
    const found = await this.#parts.source.epochEnds(asked)
    const parted = asked.filter(({ source, leaderEpoch, next }) => {
      const end = found.get(sourceKey(source))
      return end === undefined || end.leaderEpoch < leaderEpoch || end.next < next
    })
    return new Set(parted.map(({ source }) => sourceKey(source)))
  }
}

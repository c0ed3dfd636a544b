/**
 * Asks leaders for their ends, so that quiet topic-partitions hold no announcement back.
 *
 * Invariants:
 * - no commit waits longer than `waitMs` for brokers; an answer that comes later goes into the next
 *   commit, with the time at which it was asked for;
 * - an end below what was read before is of another log than was read: it proves nothing, and nor
 *   does one at it where reading has stopped.
 */
import { durationMs } from '../base/time.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import type { IdleEvidence } from '../model/log-entry.ts'
import { type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Source } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { doneWithin } from './patience.ts'

const waitMs = durationMs(3_000)

export interface EvidenceDeskParts {
  readonly log: CommitLog
  readonly source: Source
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly positions: Pick<PositionTable, 'nextOf'>
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
    const read = new Map(wanted.map((at) => [sourceKey(at), positions.nextOf(at) ?? 0n]))
    try {
      const ends = await source.highWatermarks(wanted)
      this.#answers = wanted.flatMap((at): readonly IdleEvidence[] => {
        const highWatermark = ends.get(sourceKey(at))
        if (highWatermark === undefined) return []
        const next = read.get(sourceKey(at)) ?? 0n
        const isOther = highWatermark < next || (highWatermark === next && isRefused(at))
        return isOther ? [] : [{ source: at, highWatermark, askedAtMs }]
      })
    } catch (error) {
      telemetry.log.warn('no evidence of idleness', { error: String(error) })
    }
  }
}

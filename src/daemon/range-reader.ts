/**
 * Reads ranges of topic-partitions once more through the stages of the service, each to its end and
 * no further.
 *
 * Invariant: what is taken in of a topic-partition continues exactly where the last taking ended.
 */
import { Fault } from '../base/fault.ts'
import { durationMs } from '../base/time.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import type { AppendRange } from '../model/log-entry.ts'
import { type Offset, offset } from '../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { FetchedBatches, Source, SourceReader } from '../ports/source.ts'
import { cutRange } from '../source/cut-range.ts'
import type { Intake } from '../source/intake.ts'
import { slicesOf } from '../source/slices.ts'

/** As in the lane: some tens of milliseconds of work. */
const sliceBytesWanted = 1_048_576

export interface RangeReaderParts {
  readonly ranges: readonly AppendRange[]
  readonly source: Source
  readonly intake: Intake
  readonly positions: PositionTable
  readonly clock: Clock
  /** Waits for what modules have in hand. */
  readonly drain: () => Promise<void>
}

/** One reading; `done` tells when all ranges are taken in. */
export class RangeReader implements SourceReader {
  readonly #parts: RangeReaderParts
  readonly #ranges: ReadonlyMap<SourceKey, AppendRange>
  readonly #done = Promise.withResolvers<void>()
  #over = false

  constructor(parts: RangeReaderParts) {
    const { ranges, positions } = parts
    this.#parts = parts
    this.#ranges = new Map(ranges.map((range) => [sourceKey(range.source), range]))
    for (const { source, first, resetEpoch = 0 } of ranges) {
      positions.assign(source, { from: first, leaderEpoch: -1, resetEpoch })
    }
    this.#done.promise.catch(() => {})
    this.#endIfRead()
  }

  /**
   * Rejects with what makes reading on impossible.
   *
   * @throws {Fault} `KAFKA_…`: the records are not what they were, or not there.
   */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** What the stages throw, or somebody who ends the reading. */
  fail(error: unknown): void {
    this.#over = true
    this.#done.reject(error)
  }

  async onAssigned(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, Offset>> {
    const { positions } = this.#parts
    const wanted = sources.filter((at) => this.#left(at) > 0n)
    return new Map(wanted.map((at) => [sourceKey(at), offset(positions.nextOf(at) ?? 0n)] as const))
  }

  async onRevoked(): Promise<void> {}

  onLost(): void {}

  async onFetched(answer: readonly FetchedBatches[]): Promise<void> {
    try {
      await this.#take(answer)
    } catch (error) {
      this.fail(error)
    }
  }

  onRefused(source: SourcePartition, fault: Fault): void {
    if (this.#ranges.has(sourceKey(source))) this.fail(fault)
  }

  /** Brokers that do not answer are asked again until whoever waits gives up. */
  onTrouble(): void {}

  async #take(answer: readonly FetchedBatches[]): Promise<void> {
    const { intake, clock, drain } = this.#parts
    for (const slice of slicesOf(this.#wanted(answer), sliceBytesWanted)) {
      if (this.#over) return
      // Another broker's answer may have come while this one waited its turn.
      const current = slice.filter((part) => this.#continues(part))
      intake.take(current, clock.nowMs())
      await clock.sleep(durationMs(0))
    }
    await drain()
    this.#endIfRead()
  }

  /** The parts of what is still to be read, cut where it ends. */
  #wanted(answer: readonly FetchedBatches[]): readonly FetchedBatches[] {
    return answer.flatMap((part) => {
      const range = this.#ranges.get(sourceKey(part.source))
      if (range === undefined || this.#left(part.source) === 0n) return []
      const cut = cutRange(part, range.next)
      if (cut !== undefined) return [cut]
      const topicPartition = topicPartitionName(part.source)
      throw new Fault('KAFKA_BATCHES_REWRITTEN', { topicPartition, next: range.next })
    })
  }

  #continues({ source: at, fetchOffset }: FetchedBatches): boolean {
    const { positions, source } = this.#parts
    const next = positions.nextOf(at)
    if (next === undefined || BigInt(next) === BigInt(fetchOffset)) return next !== undefined
    source.seek(at, offset(next))
    return false
  }

  /** Offsets that are still to be read; none of what is not asked for. */
  #left(at: SourcePartition): bigint {
    const range = this.#ranges.get(sourceKey(at))
    return range === undefined ? 0n : range.next - (this.#parts.positions.nextOf(at) ?? 0n)
  }

  #endIfRead(): void {
    const { ranges, source } = this.#parts
    const read = ranges.filter((range) => this.#left(range.source) === 0n)
    source.pause(read.map((range) => range.source))
    if (read.length < ranges.length) return
    this.#over = true
    this.#done.resolve()
  }
}

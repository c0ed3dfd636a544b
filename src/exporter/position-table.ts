/**
 * How far each topic-partition has been read, and what the commit that accumulates covers of it.
 *
 * Invariants: `first <= next`; what one seal hands over ends where the next one begins.
 */
import { assert, present } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import type { AppendRange, StreamProgress } from '../model/log-entry.ts'
import { type NextOffset, nextOffset, type Offset, offset } from '../model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'

interface Position {
  readonly source: SourcePartition
  first: NextOffset
  next: NextOffset
  leaderEpoch: number
  readonly resetEpoch: number
  /** Highest event time seen in the commit that accumulates, by stream index; NaN for none. */
  readonly eventMsMax: Float64Array
}

/** Where reading begins, and what the log says of that offset. */
interface Begin {
  readonly from: Offset
  readonly leaderEpoch: number
  readonly resetEpoch: number
}

export interface ProgressedStream {
  readonly name: string
  readonly outOfOrdernessMs: number
}

export class PositionTable {
  readonly #lane: string
  readonly #streams: readonly ProgressedStream[]
  readonly #positions = new Map<SourceKey, Position>()

  constructor(lane: string, streams: readonly ProgressedStream[]) {
    this.#lane = lane
    this.#streams = streams
  }

  /** From here on this topic-partition is read from `from`. */
  assign(source: SourcePartition, { from, leaderEpoch, resetEpoch }: Begin): void {
    const at = nextOffset(from)
    const eventMsMax = new Float64Array(this.#streams.length).fill(Number.NaN)
    const range = { source, first: at, next: at, leaderEpoch, resetEpoch }
    this.#positions.set(sourceKey(source), { ...range, eventMsMax })
  }

  /** This topic-partition is no longer ours; nothing of it may have accumulated. */
  drop(source: SourcePartition): void {
    const position = this.#positions.get(sourceKey(source))
    const sealed = position === undefined || position.first === position.next
    assert(sealed, 'rows of a dropped topic-partition are not left without their range')
    this.#positions.delete(sourceKey(source))
  }

  /** Forgets all: what accumulated was thrown away, and is read again. */
  reset(): void {
    this.#positions.clear()
  }

  has(source: SourcePartition): boolean {
    return this.#positions.has(sourceKey(source))
  }

  sources(): readonly SourcePartition[] {
    return [...this.#positions.values()].map(({ source }) => source)
  }

  /** Stands for the time since this topic-partition was assigned last: another one each time. */
  tenureOf(source: SourcePartition): object | undefined {
    return this.#positions.get(sourceKey(source))
  }

  nextOf(source: SourcePartition): NextOffset | undefined {
    return this.#positions.get(sourceKey(source))?.next
  }

  /** Leader epoch of the record before the next one; -1 when it is not known. */
  leaderEpochOf(source: SourcePartition): number {
    return this.#positions.get(sourceKey(source))?.leaderEpoch ?? -1
  }

  /** Records below `next` have been taken in. */
  advance(source: SourcePartition, next: NextOffset, leaderEpoch: number): void {
    const position = present(this.#positions.get(sourceKey(source)), 'position of a read source')
    assert(next >= position.next, 'a position never goes back')
    position.next = next
    position.leaderEpoch = leaderEpoch
  }

  /** Highest event times by stream index, for the hot loop to raise. */
  eventMsMax(source: SourcePartition): Float64Array {
    return present(this.#positions.get(sourceKey(source)), 'position of a read source').eventMsMax
  }

  /** True when no record was taken in since the last seal. */
  get idle(): boolean {
    return [...this.#positions.values()].every(({ first, next }) => first === next)
  }

  /** Hands over what was covered since the last seal. */
  seal(): { ranges: readonly AppendRange[]; progress: readonly StreamProgress[] } {
    const moved = [...this.#positions.values()].filter(({ first, next }) => first !== next)
    const ranges = moved.map((position) => this.#rangeOf(position))
    const progress = moved.flatMap((position) => this.#progressOf(position))
    for (const position of moved) {
      position.first = position.next
      position.eventMsMax.fill(Number.NaN)
    }
    return { ranges, progress }
  }

  #rangeOf({ source, first, next, leaderEpoch, resetEpoch }: Position): AppendRange {
    const range = { expected: first, first: offset(first), next, leaderEpoch }
    const epoch = resetEpoch === 0 ? {} : { resetEpoch }
    return { lane: this.#lane, source, ...range, ...epoch }
  }

  #progressOf({ source, eventMsMax }: Position): readonly StreamProgress[] {
    return this.#streams.flatMap(({ name, outOfOrdernessMs }, index) => {
      const max = eventMsMax[index] ?? Number.NaN
      if (Number.isNaN(max)) return []
      const eventWatermarkMs: UnixMs = unixMs(max - outOfOrdernessMs)
      return [{ stream: name, source, eventWatermarkMs }]
    })
  }
}

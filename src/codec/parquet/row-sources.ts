/**
 * Where a file's rows come from, and whether they stand in that order: for key-values of the file
 * and the sort order of its row groups.
 *
 * Both are seen in the rows themselves, never concluded from how they came: rows of several loads,
 * topics, or modules need not be in the order of offsets.
 */
import type { IdentityColumn, RowBatch } from '../../model/row-batch.ts'

/** Offsets of rows of one topic-partition lie in `[first, next)`; not each of them has a row. */
export interface SourceRange {
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
}

/**
 * - `offsets`: one topic-partition, rows by offset and index.
 * - `partitions`: one topic, rows by partition, offset and index.
 * - `none`: neither.
 */
export type RowOrder = 'offsets' | 'partitions' | 'none'

const orderColumns = {
  offsets: ['_offset', '_index'],
  partitions: ['_partition', '_offset', '_index'],
  none: [],
} as const satisfies Record<RowOrder, readonly IdentityColumn[]>

/** Columns by which rows of this order are sorted, ascending, the first one first. */
export const sortColumns = (order: RowOrder): readonly IdentityColumn[] => orderColumns[order]

/** Ranges as they stand in a file's key-values: JSON, offsets as text. */
export const offsetsText = (ranges: readonly SourceRange[]): string =>
  JSON.stringify(
    ranges.map((range) => ({ ...range, first: `${range.first}`, next: `${range.next}` })),
  )

/** Place of a row in its topic; of an offset the upper and the lower word. */
interface Place {
  partition: number
  high: number
  low: number
  index: number
}

export class RowSources {
  readonly #ranges = new Map<string, Map<number, { first: bigint; last: bigint }>>()
  /** Of the row group's last row; a partition of -1 before the first. */
  readonly #last: Place = { partition: -1, high: 0, low: 0, index: 0 }
  #topic = ''
  #order: RowOrder = 'offsets'

  /** Takes rows; refused ones too, which widen ranges and never mend an order. */
  add(batch: RowBatch): void {
    if (batch.count === 0) return
    if (batch.topic === '') this.#order = 'none'
    else this.#addRows(batch)
  }

  #addRows(batch: RowBatch): void {
    if (this.#last.partition >= 0 && batch.topic !== this.#topic) this.#order = 'none'
    this.#topic = batch.topic
    const words = new Int32Array(batch.offsets.buffer, batch.offsets.byteOffset, batch.count * 2)
    for (let first = 0; first < batch.count; ) first = this.#addRun(batch, words, first)
  }

  /** Order of the rows since the last call. */
  takeOrder(): RowOrder {
    const order = this.#last.partition < 0 ? 'none' : this.#order
    this.#last.partition = -1
    this.#order = 'offsets'
    return order
  }

  /** By topic and partition. */
  get ranges(): readonly SourceRange[] {
    return [...this.#ranges]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([topic, partitions]) =>
        [...partitions]
          .toSorted(([one], [other]) => one - other)
          .map(([partition, { first, last }]) => ({ topic, partition, first, next: last + 1n })),
      )
  }

  /** The longest run of ascending rows of one partition. @returns where the next one begins. */
  #addRun(batch: RowBatch, words: Int32Array, first: number): number {
    const { partitions, indexes, count } = batch
    const partition = partitions[first] ?? 0
    let high = words[2 * first + 1] ?? 0
    let low = (words[2 * first] ?? 0) >>> 0
    let index = indexes[first] ?? 0
    this.#follow({ partition, high, low, index })
    let next = first + 1
    for (; next < count; next++) {
      const nextHigh = words[2 * next + 1] ?? 0
      const nextLow = (words[2 * next] ?? 0) >>> 0
      const nextIndex = indexes[next] ?? 0
      const isAbove =
        nextHigh > high ||
        (nextHigh === high && (nextLow > low || (nextLow === low && nextIndex >= index)))
      if (!isAbove || partitions[next] !== partition) break
      high = nextHigh
      low = nextLow
      index = nextIndex
    }
    Object.assign(this.#last, { partition, high, low, index })
    this.#widen(partition, batch.offsets[first] ?? 0n, batch.offsets[next - 1] ?? 0n)
    return next
  }

  /** Whether a run's first row may stand behind the last row before it. */
  #follow(row: Place): void {
    const { partition, high, low, index } = this.#last
    if (partition < 0) return
    const steps = [row.partition - partition, row.high - high, row.low - low, row.index - index]
    const step = steps.find((difference) => difference !== 0) ?? 0
    if (step < 0) this.#order = 'none'
    else if (row.partition !== partition && this.#order === 'offsets') this.#order = 'partitions'
  }

  #widen(partition: number, first: bigint, last: bigint): void {
    let partitions = this.#ranges.get(this.#topic)
    if (partitions === undefined) {
      partitions = new Map()
      this.#ranges.set(this.#topic, partitions)
    }
    const range = partitions.get(partition)
    if (range === undefined) partitions.set(partition, { first, last })
    else {
      if (first < range.first) range.first = first
      if (last > range.last) range.last = last
    }
  }
}

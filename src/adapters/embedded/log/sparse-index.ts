/**
 * Where batches lie in one segment: one entry per `intervalBytes`, kept in memory, rebuilt on open.
 *
 * Invariants: entries ascend in offset and position; an entry's `maxTimestampMs` covers every batch
 * from its own up to the next entry's.
 */
export interface IndexEntry {
  readonly firstOffset: bigint
  readonly positionBytes: number
  maxTimestampMs: bigint
}

const intervalBytes = 4096

export class SparseIndex {
  readonly #entries: IndexEntry[] = []
  #maxTimestampMs = -1n

  /** The largest timestamp of the segment, -1 when it is empty. */
  get maxTimestampMs(): bigint {
    return this.#maxTimestampMs
  }

  get entryCount(): number {
    return this.#entries.length
  }

  /** Takes note of the batch at `positionBytes`. Batches come in order. */
  add(batch: IndexEntry): void {
    if (batch.maxTimestampMs > this.#maxTimestampMs) this.#maxTimestampMs = batch.maxTimestampMs
    const newest = this.#entries.at(-1)
    if (newest === undefined || batch.positionBytes - newest.positionBytes >= intervalBytes) {
      this.#entries.push({ ...batch })
    } else if (batch.maxTimestampMs > newest.maxTimestampMs) {
      newest.maxTimestampMs = batch.maxTimestampMs
    }
  }

  /** @returns a position at or before the batch that contains `offset`. */
  positionBefore(offset: bigint): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.#entries[middle]
      if (entry !== undefined && entry.firstOffset <= offset) low = middle + 1
      else high = middle
    }
    return this.#entries[low - 1]?.positionBytes ?? 0
  }

  /** @returns a position at or before the first batch that reaches `timestampMs`. */
  positionAtTime(timestampMs: bigint): number | undefined {
    return this.#entries.find((entry) => entry.maxTimestampMs >= timestampMs)?.positionBytes
  }
}

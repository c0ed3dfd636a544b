/**
 * Which transactions of one partition are open, and which were aborted where.
 *
 * Invariants: the last stable offset is the first offset of the oldest open transaction, or the
 * high watermark; an aborted transaction is listed for every fetch that touches its range.
 *
 * Source: KIP-98, "Discussion on Unavailable Partitions / Last Stable Offset".
 */
import type { BatchHeader } from './batch-header.ts'
import { controlKind } from './control-batch.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
  /** Offset of the abort marker, inclusive: the marker belongs to the transaction. */
  readonly markerOffset: bigint
}

export class TransactionIndex {
  readonly #openFrom = new Map<bigint, bigint>()
  #aborted: AbortedTransaction[] = []

  /** Takes note of a batch that stands in the log. */
  observe(header: BatchHeader, batch: Buffer): void {
    if (!header.transactional) return
    const { producerId, firstOffset } = header
    if (!header.control) {
      if (!this.#openFrom.has(producerId)) this.#openFrom.set(producerId, firstOffset)
      return
    }
    const openFrom = this.#openFrom.get(producerId)
    this.#openFrom.delete(producerId)
    if (openFrom !== undefined && controlKind(batch) === 'abort') {
      this.#aborted.push({ producerId, firstOffset: openFrom, markerOffset: firstOffset })
    }
  }

  /** @returns the end of what a `read_committed` reader may see, exclusive. */
  lastStableOffset(highWatermark: bigint): bigint {
    let stable = highWatermark
    for (const openFrom of this.#openFrom.values()) if (openFrom < stable) stable = openFrom
    return stable
  }

  /** Aborted transactions that have a record in [first, next), ordered by their markers. */
  abortedIn(range: {
    readonly first: bigint
    readonly next: bigint
  }): readonly AbortedTransaction[] {
    return this.#aborted.filter(
      (aborted) => aborted.markerOffset >= range.first && aborted.firstOffset < range.next,
    )
  }

  /** Forgets what lies wholly below the log's start. */
  trim(logStartOffset: bigint): void {
    this.#aborted = this.#aborted.filter((aborted) => aborted.markerOffset >= logStartOffset)
  }
}

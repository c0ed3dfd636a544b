/**
 * Which batches of an answer must not be delivered: transaction markers, and under read_committed
 * the batches of transactions that were taken back.
 *
 * Invariant: an answer is judged by its own list of aborted transactions alone. The broker lists
 * every aborted transaction that overlaps the answer, also one that began before it or whose marker
 * comes in a later answer.
 *
 * A producer's transactions follow each other: its batches are skipped from the aborted one's first
 * offset until its next abort marker.
 *
 * Source: KIP-98, "Consumer"; control record key: version int16 · type int16 (0 abort, 1 commit).
 */
import type { AbortedTransaction } from './fetch-answer.ts'
import type { BatchBytes, BatchFacts } from './record-batch.ts'

const abortMarker = 0

/** @returns the start of each batch to skip, ascending. */
export function skippedBatches(
  part: BatchBytes,
  batches: readonly BatchFacts[],
  aborted: readonly AbortedTransaction[],
): readonly number[] {
  const waiting = [...aborted].sort((a, b) => Number(a.first - b.first))
  const aborting = new Set<bigint>()
  const skipped: number[] = []
  for (const batch of batches) {
    while (waiting[0] !== undefined && waiting[0].first < batch.nextOffset) {
      aborting.add(waiting[0].producerId)
      waiting.shift()
    }
    if (batch.control) {
      if (markerOf(part, batch) === abortMarker) aborting.delete(batch.producerId)
      skipped.push(batch.start)
    } else if (batch.transactional && aborting.has(batch.producerId)) skipped.push(batch.start)
  }
  return skipped
}

/** The type of a marker: its only record's key. Markers are never compressed. */
function markerOf({ bytes }: BatchBytes, batch: BatchFacts): number {
  // Length, attributes, timestamp and offset delta of the first record, then the key's length.
  let at = pastVarint(bytes, batch.recordsStart) + 1
  at = pastVarint(bytes, pastVarint(bytes, at))
  const key = pastVarint(bytes, at)
  return ((bytes[key + 2] ?? 0) << 8) | (bytes[key + 3] ?? 0)
}

function pastVarint(bytes: Uint8Array, start: number): number {
  let at = start
  while ((bytes[at] ?? 0) > 127) at++
  return at + 1
}

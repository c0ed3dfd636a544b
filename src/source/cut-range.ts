/** Cuts a fetch answer where a range of offsets ends, between record batches. */
import { readBatch } from '../codec/kafka/record-batch.ts'
import type { NextOffset } from '../model/offset.ts'
import type { FetchedBatches } from '../ports/source.ts'

/**
 * What of one topic-partition's part lies below `next`.
 *
 * A commit ends between batches. A batch that lies on both sides of where one ended is another than
 * the one that was read then: its records cannot be told apart by whole batches.
 *
 * @returns undefined where a batch lies on both sides.
 * @throws {Fault} `KAFKA_…`: a batch is not what it must be.
 */
export function cutRange(part: FetchedBatches, next: NextOffset): FetchedBatches | undefined {
  for (let at = part.start; at < part.end; ) {
    const batch = readBatch(part, at)
    if (BigInt(batch.baseOffset) >= BigInt(next)) return endedAt(part, at, next)
    if (batch.nextOffset > next) return undefined
    at = batch.end
  }
  return part.nextOffset > next ? endedAt(part, part.end, next) : part
}

const endedAt = (part: FetchedBatches, end: number, nextOffset: NextOffset): FetchedBatches => ({
  ...part,
  end,
  nextOffset,
  skippedBatches: part.skippedBatches.filter((at) => at < end),
})

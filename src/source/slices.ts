/**
 * Cuts a fetch answer into slices between record batches, so that others get their turn before all
 * of it is taken: an answer of many mebibytes takes tenths of a second.
 */
import { Fault } from '../base/fault.ts'
import { type BatchFacts, readBatch } from '../codec/kafka/record-batch.ts'
import { offset } from '../model/offset.ts'
import type { FetchedBatches } from '../ports/source.ts'

/**
 * @param sizeBytesWanted a slice ends with the batch that reaches it.
 * @returns slices that are the answer, one after the other.
 */
export function* slicesOf(
  answer: readonly FetchedBatches[],
  sizeBytesWanted: number,
): Generator<readonly FetchedBatches[]> {
  let slice: FetchedBatches[] = []
  let sizeBytes = 0
  for (const part of answer) {
    for (const piece of piecesOf(part, sizeBytesWanted)) {
      slice.push(piece)
      sizeBytes += piece.end - piece.start
      if (sizeBytes < sizeBytesWanted) continue
      yield slice
      slice = []
      sizeBytes = 0
    }
  }
  if (slice.length > 0) yield slice
}

/** Each begins with the offset behind the one before, as if it had been asked for. */
function* piecesOf(part: FetchedBatches, sizeBytesWanted: number): Generator<FetchedBatches> {
  let rest = part
  for (let at = part.start; at < part.end; ) {
    const batch = batchAt(part, at)
    // What cannot be read is for the reader to refuse, who knows what came before it.
    if (batch === undefined) break
    at = batch.end
    if (at - rest.start < sizeBytesWanted || at >= part.end) continue
    const { nextOffset, leaderEpoch } = batch
    yield within({ ...rest, end: at, nextOffset, leaderEpoch })
    rest = { ...rest, start: at, fetchOffset: offset(nextOffset) }
  }
  yield within(rest)
}

function batchAt(part: FetchedBatches, at: number): BatchFacts | undefined {
  try {
    return readBatch(part, at)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

function within(piece: FetchedBatches): FetchedBatches {
  const { start, end, skippedBatches } = piece
  if (skippedBatches.length === 0) return piece
  return { ...piece, skippedBatches: skippedBatches.filter((at) => at >= start && at < end) }
}

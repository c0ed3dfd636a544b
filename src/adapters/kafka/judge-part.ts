/**
 * What one partition's part of a fetch answer means. Pure: the fetcher gathers facts and obeys.
 */
import { Fault } from '../../base/fault.ts'
import type { FetchedPartition } from '../../codec/kafka/fetch-answer.ts'
import { type BatchWalk, walkBatches } from '../../codec/kafka/record-batch.ts'
import { skippedBatches } from '../../codec/kafka/skipped-batches.ts'
import type { Offset } from '../../model/offset.ts'
import { type SourcePartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { FetchedBatches } from '../../ports/source.ts'

export interface PartFacts {
  readonly source: SourcePartition
  /** The offset that was asked for. */
  readonly fetchOffset: Offset
  readonly bytes: Uint8Array
  readonly part: FetchedPartition
  readonly isolation: 'read_committed' | 'read_uncommitted'
}

export type PartDecision =
  | { readonly kind: 'empty' }
  | { readonly kind: 'failed'; readonly errorCode: number }
  /** Another replica is nearer to us; there are no records in this answer. */
  | { readonly kind: 'go-to'; readonly nodeId: number }
  | { readonly kind: 'refused'; readonly fault: Fault }
  /** Bytes, but no whole batch among them. */
  | { readonly kind: 'cut' }
  /** Batches to deliver; `fault` stops the partition behind them. */
  | {
      readonly kind: 'batches'
      readonly fetched: FetchedBatches
      readonly fault: Fault | undefined
    }

export function judgePart(facts: PartFacts): PartDecision {
  const { source, part, fetchOffset } = facts
  if (part.errorCode !== 0) return { kind: 'failed', errorCode: part.errorCode }
  if (part.diverged !== undefined) {
    const { leaderEpoch, next } = part.diverged
    const where = { topicPartition: topicPartitionName(source), asked: fetchOffset }
    return {
      kind: 'refused',
      fault: new Fault('KAFKA_LOG_DIVERGED', { ...where, leaderEpoch, next }),
    }
  }
  if (part.start === part.end) {
    const { preferredReplica } = part
    return preferredReplica >= 0 ? { kind: 'go-to', nodeId: preferredReplica } : { kind: 'empty' }
  }
  const span = { source, bytes: facts.bytes, start: part.start, end: part.end }
  const walk = walkBatches(span)
  const fetched = fetchedOf(facts, walk)
  if (fetched !== undefined) return { kind: 'batches', fetched, fault: walk.fault }
  return walk.fault === undefined ? { kind: 'cut' } : { kind: 'refused', fault: walk.fault }
}

function fetchedOf(facts: PartFacts, { batches, end }: BatchWalk): FetchedBatches | undefined {
  const last = batches.at(-1)
  if (last === undefined) return undefined
  const { source, bytes, part, fetchOffset, isolation } = facts
  const span = { source, bytes, start: part.start, end }
  const aborted = isolation === 'read_committed' ? part.abortedTransactions : []
  return {
    ...span,
    fetchOffset,
    nextOffset: last.nextOffset,
    highWatermark: part.highWatermark,
    leaderEpoch: last.leaderEpoch,
    skippedBatches: skippedBatches(span, batches, aborted),
  }
}

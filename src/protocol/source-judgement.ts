/**
 * Whether what the brokers have is what the log read before, and where to go on if it is not.
 *
 * Invariants:
 * - a topic is its id within its cluster; a name alone says nothing;
 * - what cannot be told apart is told as such: no offset is ever guessed.
 *
 * Source: docs/adr/0009-reset-epochs.md; KIP-101, KIP-320 (ends of leader epochs).
 */
import { Fault } from '../base/fault.ts'
import type { FoldedPosition, FoldState } from '../model/fold-state.ts'
import { type NextOffset, nextOffset, type Offset, offset } from '../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import type { EpochEnd } from '../ports/source.ts'

/** Where the log stands on each topic-partition of a lane. */
export type LanePositions = ReadonlyMap<SourceKey, FoldedPosition>

/** Where to read on, the leader epoch of the record before (-1: not known), the reset epoch. */
export interface StartPosition {
  readonly from: Offset
  readonly leaderEpoch: number
  readonly resetEpoch: number
}

/** What the log says of where to read one topic-partition from. */
export type StartDecision =
  | { readonly kind: 'known'; readonly start: StartPosition }
  | { readonly kind: 'new-topic' }
  | { readonly kind: 'added-partition' }
  | { readonly kind: 'refused'; readonly fault: Fault }

/** What to do about one topic-partition that the brokers have. */
export function decideStart(positions: LanePositions, source: SourcePartition): StartDecision {
  const known = positions.get(sourceKey(source))
  const before = readUnder(positions, source.topic)[0]?.source
  if (known !== undefined && (known.ended !== true || before === undefined)) {
    const { next, leaderEpoch, resetEpoch = 0 } = known
    return { kind: 'known', start: { from: offset(next), leaderEpoch, resetEpoch } }
  }
  if (before === undefined) return { kind: 'new-topic' }
  const topicPartition = topicPartitionName(source)
  if (before.clusterId !== source.clusterId) {
    const ids = { logHas: before.clusterId, brokerHas: source.clusterId }
    const fault = new Fault('KAFKA_CLUSTER_CHANGED', { topicPartition, ...ids })
    return { kind: 'refused', fault }
  }
  if (before.topicId !== source.topicId) {
    const ids = { logHas: before.topicId, brokerHas: source.topicId }
    const fault = new Fault('KAFKA_TOPIC_RECREATED', { topicPartition, ...ids })
    return { kind: 'refused', fault }
  }
  return { kind: 'added-partition' }
}

/** What is read under the name of a topic: of one id, since what ended is left out. */
export const readUnder = (positions: LanePositions, topic: string): readonly FoldedPosition[] =>
  [...positions.values()].filter((at) => at.source.topic === topic && at.ended !== true)

/**
 * False when an operator moved something between two folds: what was known of event time and of
 * idleness was known of the reading before, and nothing is announced by it any more.
 */
export const isSameReading = (fold: FoldState, before: FoldState): boolean =>
  fold.positions === before.positions ||
  [...before.positions].every(([lane, ofLane]) =>
    [...ofLane].every(([key, { resetEpoch, ended }]) => {
      const known = fold.positions.get(lane)?.get(key)
      return known?.resetEpoch === resetEpoch && known?.ended === ended
    }),
  )

/** What the brokers say of one topic-partition, asked now; undefined where no leader answered. */
export interface BrokerPart {
  readonly source: SourcePartition
  /** First offset that can still be read. */
  readonly earliest: Offset | undefined
  readonly end: NextOffset | undefined
  /** Where the leader's log of the last record's epoch ends. */
  readonly epochEnd: EpochEnd | undefined
}

export type SourceJudgement =
  /** The log goes on there. */
  | { readonly kind: 'fits'; readonly position: FoldedPosition; readonly lagRecords: bigint }
  /** The log does not know it; it will be begun by whoever reads it. */
  | { readonly kind: 'new' }
  | { readonly kind: 'silent' }
  /** Another topic id or cluster under the name. */
  | { readonly kind: 'another'; readonly fault: Fault }
  /** Records are gone; `readOn` is undefined where nothing says from where the logs agree. */
  | {
      readonly kind: 'lost'
      readonly position: FoldedPosition
      readonly fault: Fault
      readonly readOn: NextOffset | undefined
    }

export function judgeSource(positions: LanePositions, part: BrokerPart): SourceJudgement {
  const decision = decideStart(positions, part.source)
  if (decision.kind === 'refused') return { kind: 'another', fault: decision.fault }
  const position = positions.get(sourceKey(part.source))
  return position === undefined ? { kind: 'new' } : judgeRange(position, part)
}

/** Whether the brokers still have the records from a position on, after the ones before it. */
export function judgeRange(position: FoldedPosition, part: BrokerPart): SourceJudgement {
  const { earliest, end, epochEnd } = part
  if (earliest === undefined || end === undefined) return { kind: 'silent' }
  const { next, leaderEpoch } = position
  const where = { topicPartition: topicPartitionName(part.source), asked: next }
  if (next < earliest) {
    const fault = new Fault('KAFKA_OFFSET_OUT_OF_RANGE', { ...where, earliest, latest: end })
    return { kind: 'lost', position, fault, readOn: nextOffset(earliest) }
  }
  const parted = epochEnd !== undefined && leaderEpoch !== -1
  if (parted && (epochEnd.next < next || epochEnd.leaderEpoch < leaderEpoch)) {
    const fault = new Fault('KAFKA_LOG_DIVERGED', { ...where, ...epochEnd })
    // Of another epoch (-1: the leader knows none) its end says nothing of ours: both logs may hold
    // other records from before it.
    const isOurs = epochEnd.leaderEpoch === leaderEpoch
    const readOn = isOurs ? laterOf(epochEnd.next, nextOffset(earliest)) : undefined
    return { kind: 'lost', position, fault, readOn }
  }
  if (next > end) {
    const fault = new Fault('KAFKA_OFFSET_OUT_OF_RANGE', { ...where, earliest, latest: end })
    return { kind: 'lost', position, fault, readOn: undefined }
  }
  return { kind: 'fits', position, lagRecords: end - next }
}

const laterOf = (a: NextOffset, b: NextOffset): NextOffset => (a > b ? a : b)

/** A refusal for people: what happened, with both values, and what to do. No final stop. */
export const remedyText = ({ message, hint }: Fault): string =>
  `${message}. ${hint.replace(/\.$/, '')}`

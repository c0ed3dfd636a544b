import { type SourcePartition, sourceKey, type TopicId } from '../model/topic-partition.ts'
import { decideStart, type LanePositions, readUnder } from '../protocol/source-judgement.ts'

/** A topic-partition that a worker reads, or that stopped while it was its to read. */
export interface HeldSource {
  readonly source: SourcePartition
  /** Of the position it was begun at; undefined where it never was. */
  readonly resetEpoch: number | undefined
  readonly refused: boolean
  /** The brokers said that the topic has this id by now; undefined where they said nothing. */
  readonly brokerHas?: TopicId | undefined
}

export type HeldDecision =
  /** No operator said anything of it since. */
  | { readonly kind: 'stays' }
  /** It is read on elsewhere: at another offset, or under another topic id. */
  | { readonly kind: 'moved'; readonly to: SourcePartition }
  /** The topic has no such partition any more. */
  | { readonly kind: 'ended' }

/** What an operator's word in the log makes of a topic-partition that is held. */
export function decideHeld(positions: LanePositions, held: HeldSource): HeldDecision {
  const { source, resetEpoch, refused, brokerHas } = held
  const known = positions.get(sourceKey(source))
  if (known?.ended === true) {
    const successor = readUnder(positions, source.topic).find(
      (at) => at.source.partition === source.partition,
    )
    if (successor !== undefined) return { kind: 'moved', to: successor.source }
    return resetEpoch === undefined ? { kind: 'stays' } : { kind: 'ended' }
  }
  if (known === undefined && brokerHas !== undefined) {
    // Never begun, it has no end in the log: nobody has to accept what follows it.
    const living = readUnder(positions, source.topic)
    const isOther = living.some((at) => at.source.topicId !== brokerHas)
    return isOther ? { kind: 'stays' } : { kind: 'moved', to: { ...source, topicId: brokerHas } }
  }
  const moved =
    resetEpoch === undefined
      ? refused && decideStart(positions, source).kind !== 'refused'
      : (known?.resetEpoch ?? 0) !== resetEpoch
  return moved ? { kind: 'moved', to: source } : { kind: 'stays' }
}

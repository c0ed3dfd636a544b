import { type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import { decideStart, type LanePositions, readUnder } from '../protocol/source-judgement.ts'

/** A topic-partition that a worker reads, or that stopped while it was its to read. */
export interface HeldSource {
  readonly source: SourcePartition
  /** Of the position it was begun at; undefined where it never was. */
  readonly resetEpoch: number | undefined
  readonly refused: boolean
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
  const { source, resetEpoch, refused } = held
  const known = positions.get(sourceKey(source))
  if (known === undefined ? isEnded(positions, source) : known.ended === true) {
    const successor = readUnder(positions, source.topic).find(
      (at) => at.source.partition === source.partition,
    )
    if (successor !== undefined) return { kind: 'moved', to: successor.source }
    return resetEpoch === undefined ? { kind: 'stays' } : { kind: 'ended' }
  }
  const moved =
    resetEpoch === undefined
      ? refused && decideStart(positions, source).kind !== 'refused'
      : (known?.resetEpoch ?? 0) !== resetEpoch
  return moved ? { kind: 'moved', to: source } : { kind: 'stays' }
}

/** An operator accepted another topic of the name while this one was never begun. */
const isEnded = (positions: LanePositions, { clusterId, topicId }: SourcePartition): boolean =>
  [...positions.values()].some(
    ({ source, ended }) =>
      ended === true && source.topicId === topicId && source.clusterId === clusterId,
  )

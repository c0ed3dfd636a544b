/** What the brokers say of every topic-partition, for judging where the log stands on it. */
import type { FoldedPosition } from '../model/fold-state.ts'
import { type NextOffset, type Offset } from '../model/offset.ts'
import { type SourceKey, sourceKey } from '../model/topic-partition.ts'
import type { MetadataAnswer, Source } from '../ports/source.ts'
import type { BrokerPart, LanePositions } from '../protocol/source-judgement.ts'

export interface BrokerParts {
  readonly metadata: MetadataAnswer
  readonly starts: ReadonlyMap<SourceKey, Offset>
  readonly ends: ReadonlyMap<SourceKey, NextOffset>
  readonly parts: readonly BrokerPart[]
}

/** @param positions whose leader epochs are asked about. */
export async function askParts(source: Source, positions: LanePositions): Promise<BrokerParts> {
  const metadata = await source.metadata()
  const starts = await source.offsetsAt(metadata.sources, 'earliest')
  const ends = await source.highWatermarks(metadata.sources)
  const known = metadata.sources.flatMap((at): readonly FoldedPosition[] => {
    const position = positions.get(sourceKey(at))
    return position === undefined || position.leaderEpoch === -1 ? [] : [position]
  })
  const epochs = known.length === 0 ? new Map() : await source.epochEnds(known)
  const parts = metadata.sources.map((at): BrokerPart => {
    const key = sourceKey(at)
    const range = { earliest: starts.get(key), end: ends.get(key) }
    return { source: at, ...range, epochEnd: epochs.get(key) }
  })
  return { metadata, starts, ends, parts }
}

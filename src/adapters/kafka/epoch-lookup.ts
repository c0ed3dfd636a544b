/**
 * Where leaders' logs of given epochs end, asked now.
 *
 * Invariant: as for offsets: what is not known for the topic of that id is left out.
 *
 * Source: KIP-101, KIP-320 (OffsetForLeaderEpoch).
 */

import { nextOffset } from '../../model/offset.ts'
import { type SourceKey, sourceKey } from '../../model/topic-partition.ts'
import type { EpochEnd, EpochQuestion } from '../../ports/source.ts'
import { type ClusterFacts, leaderOf, partitionKey } from './cluster-facts.ts'
import { errorCode } from './error-code.ts'
import type { LookupParts } from './offset-lookup.ts'
import { backoffMs } from './wake.ts'

const triesMax = 4

/** @throws {Error} no broker answers for the metadata. */
export async function lookUpEpochEnds(
  parts: LookupParts,
  asked: readonly EpochQuestion[],
): Promise<ReadonlyMap<SourceKey, EpochEnd>> {
  const found = new Map<SourceKey, EpochEnd>()
  const answered = new Set<SourceKey>()
  let left = asked
  for (let tries = 1; left.length > 0 && tries <= triesMax; tries++) {
    if (tries > 1) await parts.clock.sleep(backoffMs(tries))
    const cluster = await parts.cluster()
    const byNode = Map.groupBy(left, ({ source }) => leaderOf(cluster, source)?.leaderId ?? -1)
    const asks = [...byNode].map(async ([nodeId, ofNode]) => {
      for (const [key, end] of await askNode({ parts, cluster, nodeId }, ofNode)) {
        answered.add(key)
        if (end.leaderEpoch >= 0) found.set(key, end)
      }
    })
    // A broker that does not answer leaves its partitions for the next try.
    await Promise.allSettled(asks)
    left = left.filter(({ source }) => !answered.has(sourceKey(source)))
  }
  return found
}

interface Node {
  readonly parts: LookupParts
  readonly cluster: ClusterFacts
  readonly nodeId: number
}

async function askNode(
  { parts, cluster, nodeId }: Node,
  asked: readonly EpochQuestion[],
): Promise<readonly (readonly [SourceKey, EpochEnd])[]> {
  const at = cluster.brokers.get(nodeId)
  if (at === undefined) return []
  const sources = new Map(asked.map(({ source }) => [partitionKey(source), source]))
  const asks = asked.map(({ source, leaderEpoch }) => {
    const { topic, partition } = source
    const currentEpoch = leaderOf(cluster, source)?.leaderEpoch ?? -1
    return { topic, partition, leaderEpoch, currentEpoch }
  })
  const answers = await parts.control.epochEnds(at, asks)
  return answers.flatMap((answer): readonly (readonly [SourceKey, EpochEnd])[] => {
    const source = sources.get(partitionKey(answer))
    if (source === undefined || answer.errorCode !== errorCode.none) return []
    const { leaderEpoch, endOffset } = answer
    const known = endOffset >= 0n ? leaderEpoch : -1
    return [[sourceKey(source), { leaderEpoch: known, next: nextOffset(endOffset) }]]
  })
}

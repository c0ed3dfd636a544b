/**
 * Offsets of many topic-partitions, asked of their leaders now.
 *
 * Invariant: an offset is returned only when the leader gave it for the topic of that id;
 * whatever is not known is left out. Unknown blocks, it is never guessed.
 */

import { type Offset, offset } from '../../model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { OffsetPosition } from '../../ports/source.ts'
import type { Control } from './client-library.ts'
import { type ClusterFacts, leaderOf, partitionKey } from './cluster-facts.ts'
import type { OffsetAsk } from './control-plane.ts'
import { errorCode } from './error-code.ts'
import { backoffMs } from './wake.ts'

const triesMax = 4
const latest = -1n
const earliest = -2n

export interface LookupParts {
  readonly control: Control
  readonly clock: Clock
  /** Topics and leaders as they are now. */
  readonly cluster: () => Promise<ClusterFacts>
}

interface Routed {
  readonly source: SourcePartition
  readonly nodeId: number
  readonly leaderEpoch: number
}

/**
 * First offset at or after the position; a time past the last record gives the end of the log.
 * Tries leaders that moved a few times.
 *
 * @throws {Error} no broker answers for the metadata.
 */
export async function lookUpOffsets(
  parts: LookupParts,
  sources: readonly SourcePartition[],
  position: OffsetPosition,
): Promise<ReadonlyMap<SourceKey, Offset>> {
  const found = new Map<SourceKey, Offset>()
  let left = sources
  for (let tries = 1; left.length > 0 && tries <= triesMax; tries++) {
    if (tries > 1) await parts.clock.sleep(backoffMs(tries))
    const cluster = await parts.cluster()
    await askLeaders({ parts, cluster, position, found }, left)
    left = left.filter((source) => !found.has(sourceKey(source)))
  }
  return found
}

interface Round {
  readonly parts: LookupParts
  readonly cluster: ClusterFacts
  readonly position: OffsetPosition
  readonly found: Map<SourceKey, Offset>
}

async function askLeaders(round: Round, sources: readonly SourcePartition[]): Promise<void> {
  const routed = sources.flatMap((source): readonly Routed[] => {
    const leader = leaderOf(round.cluster, source)
    if (leader === undefined) return []
    return [{ source, nodeId: leader.leaderId, leaderEpoch: leader.leaderEpoch }]
  })
  const byNode = Map.groupBy(routed, ({ nodeId }) => nodeId)
  const asks = [...byNode].map(([nodeId, ofNode]) => askNode(round, nodeId, ofNode))
  // A broker that does not answer leaves its partitions for the next try.
  await Promise.allSettled(asks)
}

async function askNode(round: Round, nodeId: number, routed: readonly Routed[]): Promise<void> {
  const { parts, cluster, position, found } = round
  const at = cluster.brokers.get(nodeId)
  if (at === undefined) return
  const sources = new Map(routed.map(({ source }) => [partitionKey(source), source]))
  const answers = await parts.control.listOffsets(at, asksOf(routed, timestampOf(position)))
  const past: Routed[] = []
  for (const answer of answers) {
    const source = sources.get(partitionKey(answer))
    if (source === undefined || answer.errorCode !== errorCode.none) continue
    if (answer.offset >= 0n) found.set(sourceKey(source), offset(answer.offset))
    else past.push(...routed.filter((one) => one.source === source))
  }
  // No record at or after the time: the next one will be.
  if (past.length > 0) await askNode({ ...round, position: 'latest' }, nodeId, past)
}

const asksOf = (routed: readonly Routed[], timestamp: bigint): readonly OffsetAsk[] =>
  routed.map(({ source: { topic, partition }, leaderEpoch }) => {
    return { topic, partition, leaderEpoch, timestamp }
  })

function timestampOf(position: OffsetPosition): bigint {
  if (position === 'earliest') return earliest
  return position === 'latest' ? latest : BigInt(position)
}

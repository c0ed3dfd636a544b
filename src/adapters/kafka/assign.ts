/**
 * Who reads what: balanced, sticky, cooperative. Pure; run by the group's leader.
 *
 * Invariants:
 * - Loads are observed bytes a second: of two members that want the same topics they differ by no
 *   more than `startsAboveShare` of the average member's, or than the fuller one's lightest
 *   partition. Where nobody observed anything, counts differ by one at most.
 * - A partition that is read moves only when balance needs it.
 * - A partition is given to a member only when nobody else still claims it: a moving one is held
 *   back in this round; its owner lets go of it, joins again, and the next round gives it.
 * - The result depends on the facts alone, not on their order.
 *
 * Source: KIP-54 (sticky), KIP-429 (cooperative), docs/adr/0023-observed-loads.md.
 */
import type { PartitionLoad } from '../../codec/kafka/group-protocol.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { selectsTopic } from '../../model/topic-selection.ts'
import { partitionKey } from './cluster-facts.ts'
import { type Weights, weighPartitions } from './partition-weights.ts'

export interface MemberFacts {
  readonly memberId: string
  /** Names and patterns. */
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  readonly generationId: number
  /** What it observed; absent or empty of members of older versions. */
  readonly loads?: readonly PartitionLoad[]
}

/** Partitions of each topic that exists. */
export type PartitionCounts = ReadonlyMap<string, number>

interface Share {
  readonly member: MemberFacts
  readonly wants: (topic: string) => boolean
  readonly partitions: Map<string, TopicPartition>
  /** What its partitions weigh together. */
  load: number
}

/** Loads that differ by no more than this part of the average member's are left as they are. */
export const startsAboveShare = 0.2
/** What is balanced once is balanced down to this, so that it does not move again soon. */
const endsBelowShare = 0.1

/** What one round deals out by; shares grow while it does. */
interface Round {
  readonly shares: readonly Share[]
  readonly claims: ReadonlyMap<string, MemberFacts>
  readonly weights: Weights
}

/** @returns each member's partitions, by member id. */
export function assignPartitions(
  members: readonly MemberFacts[],
  counts: PartitionCounts,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const claims = claimsOf(sorted, counts)
  const all = allOf(counts)
  const weights = weighPartitions(all, sorted, (at) => claims.get(partitionKey(at)))
  const shares = sorted.map((member): Share => {
    const wants = (topic: string): boolean => selectsTopic(member.topics, topic)
    return { member, wants, partitions: new Map(), load: 0 }
  })
  const round = { shares, claims, weights }
  giveClaimed(round)
  giveFree(round, all)
  balance(round)
  return new Map(shares.map((share) => [share.member.memberId, granted(share, claims)]))
}

/** Every partition that there is, by topic and number. */
const allOf = (counts: PartitionCounts): TopicPartition[] =>
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    )

/** Who owns each partition now. Of two claims the newer generation's holds. */
function claimsOf(
  members: readonly MemberFacts[],
  counts: PartitionCounts,
): ReadonlyMap<string, MemberFacts> {
  const claims = new Map<string, MemberFacts>()
  for (const member of members) {
    for (const at of member.owned) {
      if (at.partition >= (counts.get(at.topic) ?? 0)) continue
      const other = claims.get(partitionKey(at))
      if (other === undefined || other.generationId < member.generationId) {
        claims.set(partitionKey(at), member)
      }
    }
  }
  return claims
}

function giveClaimed({ shares, claims, weights }: Round): void {
  for (const share of shares) {
    for (const at of share.member.owned) {
      const isMine = claims.get(partitionKey(at)) === share.member && share.wants(at.topic)
      if (isMine && !share.partitions.has(partitionKey(at))) give(share, at, weights)
    }
  }
}

/** Gives what nobody holds, the heaviest first, to whoever has least, of all and of the topic. */
function giveFree(round: Round, all: readonly TopicPartition[]): void {
  const { shares, claims, weights } = round
  const free = all.filter((at) => {
    const owner = claims.get(partitionKey(at))
    return owner === undefined || !selectsTopic(owner.topics, at.topic)
  })
  for (const at of free.sort((a, b) => weights.of(b) - weights.of(a))) {
    const taker = least(
      shares.filter(({ wants }) => wants(at.topic)),
      at.topic,
    )
    if (taker !== undefined) give(taker, at, weights)
  }
}

function give(share: Share, at: TopicPartition, weights: Weights): void {
  share.partitions.set(partitionKey(at), at)
  share.load += weights.of(at)
}

const countOf = ({ partitions }: Share, topic: string): number => {
  let count = 0
  for (const at of partitions.values()) if (at.topic === topic) count++
  return count
}

function least(takers: readonly Share[], topic: string): Share | undefined {
  const lowest = Math.min(...takers.map(({ load }) => load))
  const even = takers.filter(({ load }) => load === lowest)
  return even.reduce<Share | undefined>(
    (best, share) =>
      best === undefined || countOf(share, topic) < countOf(best, topic) ? share : best,
    undefined,
  )
}

/** Moves partitions while two members are far from each other; then until all are close. */
function balance(round: Round): void {
  const { shares, weights } = round
  const averageLoad = shares.reduce((sum, { load }) => sum + load, 0) / shares.length
  const [above, below] = weights.isObserved ? [startsAboveShare, endsBelowShare] : [0, 0]
  if (!moveOne(round, averageLoad * above)) return
  while (moveOne(round, averageLoad * below)) {}
}

/**
 * Moves one partition from a fuller member to an emptier one. Ends: each move makes the loads' sum
 * of squares smaller.
 *
 * @param gapMin between two members whose loads differ by no more nothing moves.
 * @returns false: no move helps.
 */
function moveOne({ shares, weights }: Round, gapMin: number): boolean {
  const byLoad = [...shares].sort((a, b) => a.load - b.load)
  for (const taker of byLoad) {
    for (const giver of byLoad.toReversed()) {
      const gap = giver.load - taker.load
      if (gap <= gapMin) break
      const movable = [...giver.partitions.values()].filter(({ topic }) => taker.wants(topic))
      const at = closestToHalf(movable, gap, weights)
      if (at === undefined) continue
      giver.partitions.delete(partitionKey(at))
      giver.load -= weights.of(at)
      give(taker, at, weights)
      return true
    }
  }
  return false
}

/** The one whose move leaves the smallest gap; undefined when none leaves a smaller one. */
function closestToHalf(
  movable: readonly TopicPartition[],
  gap: number,
  weights: Weights,
): TopicPartition | undefined {
  let best: TopicPartition | undefined
  let left = gap
  for (const at of movable) {
    const leaves = Math.abs(gap - 2 * weights.of(at))
    const isAsGood = best !== undefined && leaves === left
    if (leaves >= left && !isAsGood) continue
    best = at
    left = leaves
  }
  return best
}

/** What a member may read in this round: not what another one still claims. */
function granted(
  { member, partitions }: Share,
  claims: ReadonlyMap<string, MemberFacts>,
): readonly TopicPartition[] {
  return [...partitions.values()].filter((at) => {
    const owner = claims.get(partitionKey(at))
    return owner === undefined || owner === member
  })
}

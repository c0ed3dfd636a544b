/**
 * Who reads what: balanced, sticky, cooperative. Pure; run by the group's leader.
 *
 * Invariants:
 * - Counts of members that want the same topics differ by one at most.
 * - A partition moves only when balance needs it.
 * - A partition is given to a member only when nobody else still claims it: a moving one is held
 *   back in this round; its owner lets go of it, joins again, and the next round gives it.
 * - The result depends on the facts alone, not on their order.
 *
 * Source: KIP-54 (sticky), KIP-429 (cooperative).
 */
import type { TopicPartition } from '../../model/topic-partition.ts'
import { selectsTopic } from '../../model/topic-selection.ts'
import { partitionKey } from './cluster-facts.ts'

export interface MemberFacts {
  readonly memberId: string
  /** Names and patterns. */
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  readonly generationId: number
}

/** Partitions of each topic that exists. */
export type PartitionCounts = ReadonlyMap<string, number>

interface Share {
  readonly member: MemberFacts
  readonly wants: (topic: string) => boolean
  readonly partitions: Map<string, TopicPartition>
}

/** @returns each member's partitions, by member id. */
export function assignPartitions(
  members: readonly MemberFacts[],
  counts: PartitionCounts,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const claims = claimsOf(sorted, counts)
  const shares = sorted.map((member): Share => {
    const wants = (topic: string): boolean => selectsTopic(member.topics, topic)
    return { member, wants, partitions: new Map() }
  })
  giveClaimed(shares, claims)
  giveFree(shares, counts, claims)
  while (moveOne(shares)) {}
  return new Map(shares.map((share) => [share.member.memberId, granted(share, claims)]))
}

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

function giveClaimed(shares: readonly Share[], claims: ReadonlyMap<string, MemberFacts>): void {
  for (const { member, wants, partitions } of shares) {
    for (const at of member.owned) {
      const key = partitionKey(at)
      if (claims.get(key) === member && wants(at.topic)) partitions.set(key, at)
    }
  }
}

/** Gives what nobody holds to whoever has least, of all and then of the topic. */
function giveFree(
  shares: readonly Share[],
  counts: PartitionCounts,
  claims: ReadonlyMap<string, MemberFacts>,
): void {
  for (const [topic, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const takers = shares.filter(({ wants }) => wants(topic))
    for (let partition = 0; partition < count && takers.length > 0; partition++) {
      const at = { topic, partition }
      const owner = claims.get(partitionKey(at))
      if (owner !== undefined && selectsTopic(owner.topics, topic)) continue
      least(takers, topic)?.partitions.set(partitionKey(at), at)
    }
  }
}

const countOf = ({ partitions }: Share, topic: string): number => {
  let count = 0
  for (const at of partitions.values()) if (at.topic === topic) count++
  return count
}

function least(takers: readonly Share[], topic: string): Share | undefined {
  const fewest = Math.min(...takers.map(({ partitions }) => partitions.size))
  const even = takers.filter(({ partitions }) => partitions.size === fewest)
  return even.reduce<Share | undefined>(
    (best, share) =>
      best === undefined || countOf(share, topic) < countOf(best, topic) ? share : best,
    undefined,
  )
}

/** Moves one partition from a fuller member to an emptier one. @returns false: all is balanced. */
function moveOne(shares: readonly Share[]): boolean {
  const byCount = [...shares].sort((a, b) => a.partitions.size - b.partitions.size)
  for (const taker of byCount) {
    for (const giver of byCount.toReversed()) {
      if (giver.partitions.size - taker.partitions.size < 2) break
      const at = [...giver.partitions.values()].findLast(({ topic }) => taker.wants(topic))
      if (at === undefined) continue
      giver.partitions.delete(partitionKey(at))
      taker.partitions.set(partitionKey(at), at)
      return true
    }
  }
  return false
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

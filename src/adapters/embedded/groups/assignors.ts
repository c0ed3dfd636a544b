/** The server-side assignors of KIP-848: who shall own what, given who subscribes to what. Pure. */
import { present } from '../../../base/assert.ts'
import type { Topic } from '../store/topic-store.ts'
import { allPartitions, type PartitionKey } from './partition-set.ts'

export interface Subscriber {
  readonly memberId: string
  /** Existing topics the member subscribes to. */
  readonly topics: readonly Topic[]
  /** What it was to own before; kept as far as balance allows. */
  readonly before: ReadonlySet<PartitionKey>
}

/** Member id → partitions. Every partition of a subscribed topic has exactly one owner. */
export type Target = ReadonlyMap<string, ReadonlySet<PartitionKey>>

export const assignors: Readonly<Record<string, (members: readonly Subscriber[]) => Target>> = {
  uniform: assignUniform,
  range: assignRange,
}

interface Share {
  readonly memberId: string
  readonly eligible: ReadonlySet<PartitionKey>
  readonly owned: Set<PartitionKey>
}

/** Shares that differ by one at most where subscriptions allow, moving as little as possible. */
function assignUniform(members: readonly Subscriber[]): Target {
  const taken = new Set<PartitionKey>()
  const shares = members.map(({ memberId, topics, before }): Share => {
    const eligible = new Set(topics.flatMap(allPartitions))
    const owned = new Set([...before].filter((key) => eligible.has(key) && !taken.has(key)))
    for (const key of owned) taken.add(key)
    return { memberId, eligible, owned }
  })
  const everything = new Set(shares.flatMap(({ eligible }) => [...eligible]))
  for (const key of everything) {
    if (!taken.has(key)) leastLoaded(shares, key)?.owned.add(key)
  }
  while (moveOne(shares)) {
    // Each move narrows the spread of loads, so this ends.
  }
  return new Map(shares.map(({ memberId, owned }) => [memberId, owned]))
}

function leastLoaded(shares: readonly Share[], key: PartitionKey): Share | undefined {
  const able = shares.filter(({ eligible }) => eligible.has(key))
  return able.reduce<Share | undefined>(
    (least, share) => (least === undefined || share.owned.size < least.owned.size ? share : least),
    undefined,
  )
}

/** Moves one partition from a larger share to one at least two smaller, if any such pair is. */
function moveOne(shares: readonly Share[]): boolean {
  const byLoad = [...shares].sort((a, b) => b.owned.size - a.owned.size)
  for (const from of byLoad) {
    for (const key of [...from.owned].reverse()) {
      const to = leastLoaded(shares, key)
      if (to === undefined || to.owned.size + 2 > from.owned.size) continue
      from.owned.delete(key)
      to.owned.add(key)
      return true
    }
  }
  return false
}

/** Per topic, contiguous runs of partitions in the order of member ids. */
function assignRange(members: readonly Subscriber[]): Target {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const target = new Map(sorted.map(({ memberId }) => [memberId, new Set<PartitionKey>()]))
  const topics = new Set(sorted.flatMap((member) => member.topics))
  for (const topic of topics) {
    const subscribers = sorted.filter((member) => member.topics.includes(topic))
    const keys = allPartitions(topic)
    for (const [index, { memberId }] of subscribers.entries()) {
      const first = Math.ceil((index * keys.length) / subscribers.length)
      const next = Math.ceil(((index + 1) * keys.length) / subscribers.length)
      const owned = present(target.get(memberId), 'every member has a set')
      for (const key of keys.slice(first, next)) owned.add(key)
    }
  }
  return target
}

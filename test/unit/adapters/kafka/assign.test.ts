import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  assignPartitions,
  type MemberFacts,
  type PartitionCounts,
} from '../../../../src/adapters/kafka/assign.ts'
import type { TopicPartition } from '../../../../src/model/topic-partition.ts'

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
const member = (
  memberId: string,
  topics: readonly string[],
  owned: readonly TopicPartition[] = [],
  generationId = 1,
): MemberFacts => ({ memberId, topics, owned, generationId })

/** Rounds of the cooperative protocol until nothing is given up any more. */
function settle(members: readonly MemberFacts[], counts: PartitionCounts): readonly MemberFacts[] {
  let now = members
  for (let round = 0; round < 5; round++) {
    const shares = assignPartitions(now, counts)
    const next = now.map((one) => ({ ...one, owned: shares.get(one.memberId) ?? [] }))
    const same = next.every((one, index) => {
      const before = now[index]?.owned.map(nameOf).sort()
      return JSON.stringify(one.owned.map(nameOf).sort()) === JSON.stringify(before)
    })
    now = next
    if (same) return now
  }
  throw new Error('the assignment does not settle')
}

const all = (counts: PartitionCounts): string[] =>
  [...counts].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => `${topic}/${partition}`),
  )

test('a third member gets its share while the others keep theirs, in two rounds', () => {
  const counts = new Map([['t', 6]])
  const own = (...partitions: number[]) =>
    partitions.map((partition) => ({ topic: 't', partition }))
  const members = [
    member('a', ['t'], own(0, 1, 2)),
    member('b', ['t'], own(3, 4, 5)),
    member('c', ['t'], [], -1),
  ]
  const first = assignPartitions(members, counts)
  expect([...first.values()].map((share) => share.length)).toEqual([2, 2, 0])
  const settled = settle(members, counts)
  expect(settled.map((one) => one.owned.length)).toEqual([2, 2, 2])
  const kept = settled[0]?.owned.filter(({ partition }) => partition < 3).length
  expect(kept).toBe(2)
})

test('a pattern wants each topic that it selects, and no other', () => {
  const counts = new Map([
    ['growth.a', 2],
    ['growth.b', 2],
    ['growthless', 1],
  ])
  const members = ['a', 'b'].map((id) => member(id, ['growth\\..*'], [], -1))
  const settled = settle(members, counts)
  const given = settled.flatMap(({ owned }) => owned.map(nameOf)).sort()
  expect(given).toEqual(['growth.a/0', 'growth.a/1', 'growth.b/0', 'growth.b/1'])
  expect(settled.map(({ owned }) => owned.length)).toEqual([2, 2])
})

test('the claim of an older generation is void', () => {
  const claim = [{ topic: 't', partition: 0 }]
  const members = [member('zombie', ['t'], claim, 3), member('owner', ['t'], claim, 7)]
  const shares = assignPartitions(members, new Map([['t', 1]]))
  expect(shares.get('owner')).toEqual(claim)
  expect(shares.get('zombie')).toEqual([])
})

test('small topics are spread over the members too', () => {
  const counts = new Map(['a', 'b', 'c', 'd'].map((topic) => [topic, 1]))
  const members = ['1', '2'].map((id) => member(id, [...counts.keys()]))
  expect([...assignPartitions(members, counts).values()].map(({ length }) => length)).toEqual([
    2, 2,
  ])
})

test('a topic that a member no longer wants goes to one that does', () => {
  const claim = [{ topic: 'old', partition: 0 }]
  const members = [member('a', ['new'], claim), member('b', ['old', 'new'])]
  const counts = new Map([
    ['old', 1],
    ['new', 1],
  ])
  const settled = settle(members, counts)
  expect(settled[1]?.owned.map(nameOf)).toContain('old/0')
})

const groups = fc.record({
  counts: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 12 })),
  size: fc.integer({ min: 1, max: 6 }),
  claims: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(15), fc.nat(5), fc.nat(3))),
})

test('every partition has one owner, shares are even, and order does not matter', () => {
  fc.assert(
    fc.property(groups, ({ counts: drawn, size, claims }) => {
      const counts = new Map(Object.entries(drawn))
      const members = Array.from({ length: size }, (_, index) => {
        const mine = claims.filter(([, , owner]) => owner % size === index)
        const owned = mine.map(([topic, partition]) => ({ topic, partition }))
        const unique = [...new Map(owned.map((at) => [nameOf(at), at])).values()]
        return member(`m${index}`, ['a', 'b', 'c'], unique, mine[0]?.[3] ?? -1)
      })
      expect(assignPartitions(members.toReversed(), counts)).toEqual(
        assignPartitions(members, counts),
      )
      const granted = [...assignPartitions(members, counts).values()].flat().map(nameOf)
      expect(new Set(granted).size).toBe(granted.length)
      const settled = settle(
        members.map((one) => ({ ...one, generationId: 1 })),
        counts,
      )
      expect(settled.flatMap(({ owned }) => owned.map(nameOf)).sort()).toEqual(all(counts).sort())
      const sizes = settled.map(({ owned }) => owned.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }),
    { numRuns: 200 },
  )
})

test('a balanced group is left alone', () => {
  fc.assert(
    fc.property(groups, ({ counts: drawn, size }) => {
      const counts = new Map(Object.entries(drawn))
      const members = Array.from({ length: size }, (_, index) =>
        member(`m${index}`, ['a', 'b', 'c']),
      )
      const settled = settle(members, counts)
      const again = assignPartitions(settled, counts)
      for (const one of settled) {
        expect(again.get(one.memberId)?.map(nameOf).sort()).toEqual(one.owned.map(nameOf).sort())
      }
    }),
    { numRuns: 100 },
  )
})

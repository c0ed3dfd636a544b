/** Laws of dealing out by observed bytes. Those by count are in `assign.test.ts`. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  assignPartitions,
  type MemberFacts,
  type PartitionCounts,
  startsAboveShare,
} from '../../../../src/adapters/kafka/assign.ts'
import { weighPartitions } from '../../../../src/adapters/kafka/partition-weights.ts'
import { bytesPerSecondMax } from '../../../../src/codec/kafka/group-protocol.ts'
import type { TopicPartition } from '../../../../src/model/topic-partition.ts'

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
const namesOf = (all: readonly TopicPartition[]): readonly string[] => all.map(nameOf).sort()

/** Bytes per second as they are; what is missing nobody observes. */
type Truth = ReadonlyMap<string, number>

interface World {
  readonly counts: PartitionCounts
  readonly truth: Truth
  readonly members: readonly MemberFacts[]
}

const telling = (member: MemberFacts, owned: readonly TopicPartition[], truth: Truth) => {
  const known = new Map((member.loads ?? []).map((load) => [nameOf(load), load]))
  for (const at of owned) {
    const bytesPerSecond = truth.get(nameOf(at))
    if (bytesPerSecond !== undefined) known.set(nameOf(at), { ...at, bytesPerSecond })
  }
  return [...known.values()]
}

/** Everybody joins with what it observed, and takes what it is given. */
function roundOf({ counts, truth, members }: World): readonly MemberFacts[] {
  const told = members.map((one) => ({ ...one, loads: telling(one, one.owned, truth) }))
  const shares = assignPartitions(told, counts)
  return told.map((one) => ({ ...one, owned: shares.get(one.memberId) ?? [], generationId: 2 }))
}

const roundsMax = 8

/** Rounds until nobody gives anything up. @returns the members, and every round before. */
function settle(world: World): { now: readonly MemberFacts[]; rounds: World[] } {
  const rounds = [world]
  for (let members = world.members; rounds.length <= roundsMax; ) {
    const next = roundOf({ ...world, members })
    const same = next.every((one, index) => {
      const before = members[index]?.owned ?? []
      return namesOf(one.owned).join() === namesOf(before).join()
    })
    if (same) return { now: next, rounds }
    members = next
    rounds.push({ ...world, members })
  }
  throw new Error(`the assignment does not settle in ${roundsMax} rounds`)
}

const topics = ['a', 'b', 'c']
const worlds = fc
  .record({
    counts: fc.dictionary(fc.constantFrom(...topics), fc.integer({ min: 0, max: 12 })),
    size: fc.integer({ min: 1, max: 6 }),
    loads: fc.array(
      fc.oneof(
        fc.nat(20),
        fc.nat(1_000_000),
        fc.constant(bytesPerSecondMax),
        // Not observed.
        fc.constant(undefined),
      ),
      { minLength: 36, maxLength: 36 },
    ),
    claims: fc.array(fc.tuple(fc.constantFrom(...topics), fc.nat(15), fc.nat(5)), {
      maxLength: 40,
    }),
  })
  .map(({ counts: drawn, size, loads, claims }): World => {
    const counts = new Map(Object.entries(drawn))
    const truth = new Map(
      topics.flatMap((topic, index) =>
        Array.from({ length: 12 }, (_, partition) => {
          const load = loads[index * 12 + partition]
          return load === undefined ? [] : ([[`${topic}/${partition}`, load]] as const)
        }).flat(),
      ),
    )
    const members = Array.from({ length: size }, (_, index): MemberFacts => {
      const mine = claims.filter(([, , owner]) => owner % size === index)
      const owned = mine.map(([topic, partition]) => ({ topic, partition }))
      const unique = [...new Map(owned.map((at) => [nameOf(at), at])).values()]
      return { memberId: `m${index}`, topics, owned: unique, generationId: 1 }
    })
    return { counts, truth, members }
  })

const all = (counts: PartitionCounts): TopicPartition[] =>
  [...counts].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  )

/** What each member carries, and its lightest partition. */
function carried(members: readonly MemberFacts[], counts: PartitionCounts) {
  const ownerOf = (at: TopicPartition) =>
    members.find(({ owned }) => owned.some((mine) => nameOf(mine) === nameOf(at)))
  const weights = weighPartitions(all(counts), members, ownerOf)
  return members.map(({ owned }) => {
    const each = owned.map(weights.of)
    return { load: each.reduce((sum, weight) => sum + weight, 0), lightest: Math.min(...each) }
  })
}

test('every partition has one reader in the end, and in no round two', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const { now, rounds } = settle(world)
      expect(namesOf(now.flatMap(({ owned }) => owned))).toEqual(namesOf(all(world.counts)))
      // The first one is drawn: there several may claim the same.
      for (const { members } of rounds.slice(1)) {
        const read = members.flatMap(({ owned }) => owned.map(nameOf))
        expect(new Set(read).size).toBe(read.length)
      }
    }),
    { numRuns: 300 },
  )
})

test('members of different topics read what they want, each partition once, and settle', () => {
  const wishes = fc.array(fc.subarray(topics, { minLength: 1 }), { minLength: 6, maxLength: 6 })
  fc.assert(
    fc.property(worlds, wishes, (world, wanted) => {
      const members = world.members.map((one, index) => ({ ...one, topics: wanted[index] ?? [] }))
      const { now } = settle({ ...world, members })
      const everybody = new Set(members.flatMap((one) => one.topics))
      const read = all(world.counts).filter(({ topic }) => everybody.has(topic))
      expect(namesOf(now.flatMap(({ owned }) => owned))).toEqual(namesOf(read))
      for (const one of now) {
        expect(one.owned.filter(({ topic }) => !one.topics.includes(topic))).toEqual([])
      }
    }),
    { numRuns: 300 },
  )
})

test('a partition is given to nobody in the round in which another one reads it', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      for (const { members } of settle(world).rounds) {
        const next = roundOf({ ...world, members })
        for (const one of next) {
          const others = members.filter(({ memberId }) => memberId !== one.memberId)
          const taken = new Set(others.flatMap(({ owned }) => owned.map(nameOf)))
          const before = new Set(
            members.find((m) => m.memberId === one.memberId)?.owned.map(nameOf),
          )
          const added = one.owned.map(nameOf).filter((name) => !before.has(name))
          expect(added.filter((name) => taken.has(name))).toEqual([])
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('loads lie within the bound, or the fuller one has nothing that is light enough', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const { now } = settle(world)
      const each = carried(now, world.counts)
      const average = each.reduce((sum, { load }) => sum + load, 0) / each.length
      const observed = now.some(({ loads = [] }) => loads.length > 0)
      const bound = observed ? average * startsAboveShare : 1
      const least = Math.min(...each.map(({ load }) => load))
      for (const { load, lightest } of each) {
        expect(load - least).toBeLessThanOrEqual(Math.max(bound, lightest))
      }
    }),
    { numRuns: 300 },
  )
})

test('nothing moves when nothing changed, nor when loads changed within the bound', () => {
  const shaken = fc.tuple(
    worlds,
    fc.array(fc.integer({ min: 80, max: 120 }), { minLength: 36, maxLength: 36 }),
  )
  let stayed = 0
  fc.assert(
    fc.property(shaken, ([world, percents]) => {
      const { now } = settle(world)
      expect(roundOf({ ...world, members: now }).map(({ owned }) => namesOf(owned))).toEqual(
        now.map(({ owned }) => namesOf(owned)),
      )
      const changed = [...world.truth].map(
        ([name, load], index) =>
          [name, Math.round((load * (percents[index] ?? 100)) / 100)] as const,
      )
      const truth = new Map(
        changed.map(([name, load]) => [name, Math.min(load, bytesPerSecondMax)]),
      )
      const told = now.map((one) => ({ ...one, loads: telling(one, one.owned, truth) }))
      const loads = carried(told, world.counts).map(({ load }) => load)
      const average = loads.reduce((sum, load) => sum + load, 0) / loads.length
      if (Math.max(...loads) - Math.min(...loads) > average * startsAboveShare) return
      stayed++
      const next = roundOf({ ...world, truth, members: now })
      expect(next.map(({ owned }) => namesOf(owned))).toEqual(
        now.map(({ owned }) => namesOf(owned)),
      )
    }),
    { numRuns: 300 },
  )
  expect(stayed).toBeGreaterThan(30)
})

test('the result does not depend on the order in which members or loads are told', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const told = world.members.map((one) => {
        return { ...one, loads: telling(one, one.owned, world.truth) }
      })
      const turned = told.toReversed().map((one) => ({ ...one, loads: one.loads.toReversed() }))
      expect(assignPartitions(turned, world.counts)).toEqual(assignPartitions(told, world.counts))
    }),
    { numRuns: 200 },
  )
})

const own = (topic: string, ...partitions: number[]): TopicPartition[] =>
  partitions.map((partition) => ({ topic, partition }))

/** @param loads bytes per second of "t", by partition. */
const member = (
  memberId: string,
  owned: readonly TopicPartition[],
  loads: Readonly<Record<number, number>> = {},
): MemberFacts => ({
  memberId,
  topics: ['t'],
  owned,
  generationId: 1,
  loads: Object.entries(loads).map(([partition, bytesPerSecond]) => {
    return { topic: 't', partition: Number(partition), bytesPerSecond }
  }),
})

test('a hot partition is left alone with its reader, the quiet ones go to the other', () => {
  const counts = new Map([['t', 6]])
  const truth = new Map([
    ['t/0', 5_000_000],
    ...[1, 2, 3, 4, 5].map((n) => [`t/${n}`, 10] as const),
  ])
  const members = [member('a', own('t', 0, 1, 2)), member('b', own('t', 3, 4, 5))]
  const { now } = settle({ counts, truth, members })
  expect(now.map(({ owned }) => namesOf(owned))).toEqual([
    ['t/0'],
    ['t/1', 't/2', 't/3', 't/4', 't/5'],
  ])
})

test('what nobody reads is dealt out the heaviest first: it fits better', () => {
  const told = { 0: 3_000, 1: 2_000, 2: 2_000, 3: 1_000 }
  const shares = assignPartitions([member('a', [], told), member('b', [])], new Map([['t', 4]]))
  expect([...shares.values()].map(namesOf)).toEqual([
    ['t/0', 't/3'],
    ['t/1', 't/2'],
  ])
})

test('a partition between two readers weighs what its last one tells of it', () => {
  const counts = new Map([['t', 5]])
  const shares = (lastTold: Readonly<Record<number, number>>) => {
    const last = member('a', own('t', 1), { ...lastTold, 1: 9_000 })
    return assignPartitions([last, member('b', own('t', 2), { 2: 9_000 })], counts)
  }
  // Nobody reads 0, 3 and 4: "a" gave them up.
  const told = shares({ 0: 4_000, 3: 0, 4: 0 })
  expect([...told.values()].map(namesOf)).toEqual([
    ['t/0', 't/1'],
    ['t/2', 't/3', 't/4'],
  ])
  const untold = shares({})
  expect([...untold.values()].map(namesOf)).toEqual([
    ['t/0', 't/1', 't/4'],
    ['t/2', 't/3'],
  ])
})

test('the word of the reader counts more than that of who read it before', () => {
  const at = { topic: 't', partition: 0 }
  const before = { loads: [{ ...at, bytesPerSecond: 900 }] }
  const reader = { loads: [{ ...at, bytesPerSecond: 8 }] }
  for (const members of [
    [before, reader],
    [reader, before],
  ]) {
    const weights = weighPartitions([at], members, () => reader)
    expect(weights.of(at)).toBe(8 + 1)
  }
})

test('a member of an older version counts as average, and is balanced with the others', () => {
  const counts = new Map([['t', 8]])
  const { loads: _, ...old } = member('old', own('t', 0, 1, 2, 3))
  const loads = { 4: 1_000, 5: 1_000, 6: 1_000, 7: 1_000 }
  const even = assignPartitions([old, member('new', own('t', 4, 5, 6, 7), loads)], counts)
  expect(even.get('old')?.length).toBe(4)
  const joined = { ...old, owned: own('t', 0, 1, 2, 3, 4, 5) }
  const fuller = assignPartitions([joined, member('new', own('t', 6, 7), loads)], counts)
  expect(fuller.get('old')?.length).toBe(4)
})

import { expect, test } from 'vitest'
import { decideReady } from '../../../src/protocol/readiness.ts'
import { sourcesOf, wantedTopics } from '../../../src/protocol/readiness-facts.ts'
import { appEvents, factsOf, sourceNamed } from '../../support/readiness-world.ts'
import { announced, now, rowsOf, rules, shard, twoShards } from '../../support/two-shards.ts'

test('a partition of a pattern waits for each topic that it selects, also one that is new', () => {
  const log = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
  const streams = [{ ...appEvents, topics: ['ev.*'] }]
  const both = [shard(0), shard(1)]
  const asked = (sources: typeof both) =>
    factsOf(log, now, { streams, metadata: { sources, missingTopics: [], askedAtMs: now } })
  expect(announced(asked(both))).toHaveLength(1)
  expect(announced(asked([...both, sourceNamed('other', 0)]))).toHaveLength(1)
  expect(rules(asked([...both, sourceNamed('events-2', 0)]))).toEqual(['unassigned'])
})

test('a partition of a pattern waits for a topic that the log reads and the brokers have no more', () => {
  const both = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
  const third = { source: sourceNamed('events-2', 0), progress: rowsOf('2026-11-20T14:05:00Z') }
  const log = { ...both, sources: [...(both.sources ?? []), third] }
  const streams = [{ ...appEvents, topics: ['ev.*'] }]
  const metadata = { sources: [shard(0), shard(1)], missingTopics: [], askedAtMs: now }
  const facts = factsOf(log, now, { streams, metadata })
  expect(decideReady(facts).blocks).toMatchObject([{ rule: 'topic-missing', detail: 'events-2' }])
  const none = { ...metadata, sources: [] }
  const empty = factsOf({ ...both, sources: [] }, now, { streams, metadata: none })
  expect(decideReady(empty).blocks).toMatchObject([{ rule: 'topic-missing', detail: 'ev.*' }])
})

test('what the log has ended is not in the set, and nobody knows a set of a lane without positions', () => {
  const log = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
  const facts = factsOf(log, now, { metadata: undefined })
  const positions = facts.fold.positions.get(facts.lane) ?? new Map()
  const [first, second] = [...positions.entries()]
  if (first === undefined || second === undefined) throw new Error('two are read')
  const ended = new Map([first, [second[0], { ...second[1], ended: true }]])
  const fold = { ...facts.fold, positions: new Map([[facts.lane, ended]]) }
  expect(sourcesOf({ ...facts, fold }, appEvents)).toEqual([shard(0)])
  const other = { ...facts, lane: 'another' }
  expect(sourcesOf(other, appEvents)).toEqual([])
  expect(wantedTopics(other, { ...appEvents, topics: ['ev.*'] })).toEqual(['ev.*'])
  expect(rules(other)).toEqual(['metadata'])
})

test('a partition waits for each topic of its stream, whichever is named first', () => {
  const of = (topic: string, iso: string) => ({
    source: sourceNamed(topic, 0),
    progress: rowsOf(iso),
  })
  for (const topics of [
    ['events', 'more'],
    ['more', 'events'],
  ]) {
    const streams = [{ ...appEvents, topics }]
    const told = (iso: string) => {
      const log = {
        ...twoShards({}),
        sources: [of('events', '2026-11-20T14:05:00Z'), of('more', iso)],
      }
      return announced(factsOf(log, now, { streams }))
    }
    expect(told('2026-11-20T14:04:59.999Z'), topics.join(' ')).toEqual([])
    expect(told('2026-11-20T14:05:00Z')).toHaveLength(1)
  }
})

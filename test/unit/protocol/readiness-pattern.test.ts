import { expect, test } from 'vitest'
import { decideReady } from '../../../src/protocol/readiness.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import {
  appEvents,
  at,
  dataFile,
  factsOf,
  hourOf,
  type PlantedLog,
  type PlantedSource,
  sourceNamed,
} from '../../support/readiness-world.ts'

const shard = (index: number) => sourceNamed('events', index)
const thirteen = hourOf('2026-11-20T13')
const file = dataFile(thirteen, 'growth-aaaaaaaaaaaaaaaa-1-0', 120)
const rowsOf = (iso: string) => ({ app_events: { watermark: at(iso), rowsAt: at(iso) } })
const now = at('2026-11-20T14:16:00Z')

/** Two topic-partitions; the first has passed 13h by its watermark. */
const twoShards = (second: Partial<PlantedSource>): PlantedLog => ({
  sources: [
    { source: shard(0), progress: rowsOf('2026-11-20T14:05:00Z') },
    { source: shard(1), ...second },
  ],
  partitions: { app_events: [{ partition: thirteen, files: [file] }] },
})

const announced = (facts: ReadinessFacts): string[] => {
  const decision = decideReady(facts)
  if (decision.kind === 'wait') return []
  return decision.announcements.map(({ stream, partition, manifest }) =>
    [stream, partition.path.slice(8), manifest.reason].join(' '),
  )
}
const rules = (facts: ReadinessFacts) => decideReady(facts).blocks.map(({ rule }) => rule)

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

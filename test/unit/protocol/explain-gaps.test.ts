import { expect, test } from 'vitest'
import type { FoldedStream } from '../../../src/model/fold-state.ts'
import { explainPartition } from '../../../src/protocol/explain.ts'
import type { ReadinessFacts, ReadyStream } from '../../../src/protocol/readiness-facts.ts'
import { appEvents, at, factsOf, hourOf, type PlantedLog } from '../../support/readiness-world.ts'
import { file, now, rowsOf, shard, thirteen, twoShards } from '../../support/two-shards.ts'

const longAgo = hourOf('2013-05-01T07')
const between = hourOf('2020-01-01T00')
const beside = { partition: between }
const passed = { progress: rowsOf('2026-11-20T14:10:00Z') }
const why = (facts: ReadinessFacts, partition = between, stream: ReadyStream = appEvents) =>
  explainPartition(facts, stream, partition)

/** Rows of 2013 and of 13h. */
const withGap = (second: Parameters<typeof twoShards>[0]): PlantedLog => ({
  ...twoShards(second),
  partitions: {
    app_events: [
      { partition: longAgo, files: [file] },
      { partition: thirteen, files: [file] },
    ],
  },
})

test('an hour in a gap that will be skipped is told with its range, and what that waits for', () => {
  const found = why(factsOf(withGap(passed), now))
  expect(found).toMatchObject({ state: 'not-begun', rule: 'no-rows', topicPartition: undefined })
  expect(found.sentence).toBe(
    'It has no rows: 118829 hours from 2013-05-01T08:00:00.000Z up to 2026-11-20T13:00:00.000Z, ' +
      'longer than ready.emptyRunMax (744), are not announced but told as one range with ' +
      '2026-11-20T13 (due): Every topic-partition has passed it: the next round announces it.',
  )
  const unread = why(factsOf(withGap({ unmovedSince: at('2026-11-20T12:00:00Z') }), now))
  expect(unread.rule).toBe('no-rows')
  expect(unread.sentence).toMatch(/2026-11-20T13 \(unassigned\): Topic-partition "events\/1"/)
})

test('an hour of a short gap is not told so', () => {
  const log = withGap(passed)
  const short = { ...appEvents, emptyRunMax: 1 }
  const rows = [hourOf('2026-11-20T11'), thirteen].map((partition) => ({
    partition,
    files: [file],
  }))
  const facts = factsOf({ ...log, partitions: { app_events: rows } }, now)
  expect(why(facts, hourOf('2026-11-20T12'), short).rule).toBe('due')
})

test('an hour beyond what event time is known of has no rows', () => {
  const old = { app_events: { watermark: at('2013-05-01T09:00:00Z'), rowsAt: now } }
  const held = { partition: longAgo, files: [file] }
  const sources = [{ source: shard(0), progress: old }]
  const found = why(factsOf({ sources, partitions: { app_events: [held] } }, now))
  expect(found.rule).toBe('no-rows')
  expect(found.sentence).toContain('is not known to have passed it')
})

test('an hour in a gap that was told says by which entry, with events that left no row or not', () => {
  const skip = { firstMs: longAgo.nextMs, nextMs: thirteen.startMs, partitionCount: 1 }
  const facts = factsOf({ ...withGap(passed), announcedNext: { app_events: thirteen.nextMs } }, now)
  const known = facts.fold.streams.get(appEvents.name)
  const withSkips = (change: Partial<FoldedStream>): ReadinessFacts => {
    const skipped = [{ ...skip, emptyRunMax: 1, entry: 41 }]
    const stream = { ...known, skipped, ...change } as FoldedStream
    return { ...facts, fold: { ...facts.fold, streams: new Map([[appEvents.name, stream]]) } }
  }
  const told = why(withSkips({}))
  expect(told).toMatchObject({ state: 'not-begun', rule: 'skipped' })
  expect(told.sentence).toBe(
    'It has no rows and is not announced: 1 hour from 2013-05-01T08:00:00.000Z up to ' +
      '2026-11-20T13:00:00.000Z, longer than ready.emptyRunMax (1), were told as one range by log ' +
      'entry 41. Rows that still come are late.',
  )
  const rowless = factsOf({ partitions: { app_events: [beside] } }, now)
  const held = rowless.fold.streams.get(appEvents.name)?.partitions
  expect(why(withSkips(held ? { partitions: held } : {})).rule).toBe('skipped')
  const late = factsOf({ partitions: { app_events: [{ ...beside, files: [file] }] } }, now)
  const came = late.fold.streams.get(appEvents.name)?.partitions
  expect(why(withSkips(came ? { partitions: came } : {})).rule).toBe('due')
})

import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import type { FoldedClosed, FoldedStream } from '../../../src/model/fold-state.ts'
import { candidatesOf } from '../../../src/protocol/readiness-candidates.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import {
  appEvents,
  at,
  countsOf,
  dataFile,
  factsOf,
  hourOf,
  type PlantedLog,
} from '../../support/readiness-world.ts'
import { file, shard, thirteen } from '../../support/two-shards.ts'

const now = at('2026-11-20T16:10:00Z')
const sixteen = at('2026-11-20T16:00:00Z')
const hours = (facts: ReadinessFacts): readonly number[] =>
  [...candidatesOf(facts, appEvents)].map(({ partition }) => Number(partition.path.slice(-2)))

/** A topic-partition that was read since eleven, on which another stream had rows. */
const shared = (topic = 'events'): PlantedLog => ({
  sources: [
    {
      source: { ...shard(0), topic },
      since: at('2026-11-20T11:00:00Z'),
      moved: now,
      progress: { other: { watermark: sixteen, rowsAt: now } },
    },
  ],
  partitions: { other: [{ partition: thirteen, files: [file] }] },
  configuredAt: at('2026-11-20T10:30:00Z'),
})

/** The same, with streams changed as they may be. */
const withStream = (facts: ReadinessFacts, name: string, change: Partial<FoldedStream>) => {
  const known = facts.fold.streams.get(name)
  if (known === undefined) throw new Error(`the log knows ${name}`)
  const streams = new Map([...facts.fold.streams, [name, { ...known, ...change }]])
  return { ...facts, fold: { ...facts.fold, streams } }
}

const closed = (hour: string): FoldedClosed => ({
  firstMs: hourOf(hour).startMs,
  nextMs: hourOf(hour).nextMs,
  partitionCount: 1,
  fileCount: 1,
  rowCount: 1,
  counts: countsOf(1),
  checksum: 'c',
})

describe('a stream without rows begins', () => {
  test('with the first rows that another stream of its topics has', () => {
    expect(hours(factsOf(shared(), now))).toEqual([13, 14, 15])
  })

  test('where it was configured, if its topics were read before', () => {
    const late = { ...shared(), configuredAt: at('2026-11-20T14:00:00Z') }
    expect(hours(factsOf(late, now))).toEqual([14, 15])
  })

  test('with the first rows all the same, if it was configured before they were read', () => {
    const log = { ...shared(), configuredAt: at('2026-11-20T14:00:00Z') }
    const sources = (log.sources ?? []).map((one) => ({ ...one, since: now }))
    expect(hours(factsOf({ ...log, sources }, now))).toEqual([13, 14, 15])
  })

  test('where it was configured, if all others are on other topics, or have no rows', () => {
    const configuredAt = at('2026-11-20T14:00:00Z')
    const own = { source: shard(0), since: at('2026-11-20T11:00:00Z') }
    const stranger = { ...shared('strangers'), configuredAt }
    const sources = [...(stranger.sources ?? []), own]
    expect(hours(factsOf({ ...stranger, sources }, now))).toEqual([14, 15])
    const rowless = { ...shared(), configuredAt, partitions: { other: [{ partition: thirteen }] } }
    expect(hours(factsOf(rowless, now))).toEqual([14, 15])
  })

  test('with the earliest of what is there, and of what was closed', () => {
    const twelve = hourOf('2026-11-20T12')
    const early = { partition: twelve, files: [dataFile(twelve, 'early', 1)] }
    const two = {
      ...shared(),
      partitions: { other: [{ partition: thirteen, files: [file] }, early] },
    }
    expect(hours(factsOf(two, now))[0]).toBe(12)
    const turned = { other: [early, { partition: thirteen, files: [file] }] }
    expect(hours(factsOf({ ...shared(), partitions: turned }, now))[0]).toBe(12)
    const facts = factsOf(shared(), now)
    expect(hours(withStream(facts, 'other', { closed: closed('2026-11-20T11') }))[0]).toBe(11)
    expect(hours(withStream(facts, 'other', { closed: closed('2026-11-20T14') }))[0]).toBe(13)
    const both = factsOf({ ...shared(), announcedNext: { more: unixMs(0) } }, now)
    const first = withStream(both, 'more', {
      closed: closed('2026-11-20T12'),
      progress: both.fold.streams.get('other')?.progress ?? new Map(),
    })
    expect(hours(first)[0]).toBe(12)
  })

  test('nowhere, while neither a row nor its configuration is known', () => {
    const facts = factsOf({ sources: [{ source: shard(0) }] }, now)
    const config = { ...facts.fold.config, streams: [] }
    expect(hours({ ...facts, fold: { ...facts.fold, config } })).toEqual([])
  })
})

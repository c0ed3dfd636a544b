import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { commitIdOf } from '../../../src/model/ids.ts'
import { announcementsMax, decideReady } from '../../../src/protocol/readiness.ts'
import {
  appEvents,
  at,
  countsOf,
  factsOf,
  hour,
  hourOf,
  type PlantedLog,
  writerA,
} from '../../support/readiness-world.ts'
import {
  announced,
  file,
  now,
  rowsOf,
  rules,
  shard,
  thirteen,
  twoShards,
} from '../../support/two-shards.ts'

describe('a partition with rows', () => {
  test('is announced when every topic-partition passed its end and delay', () => {
    const log = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
    expect(announced(factsOf(log, now))).toEqual(['app_events 11-20/hour=13 complete'])
  })

  test('waits while one topic-partition is a millisecond short of the delay', () => {
    const log = twoShards({ progress: rowsOf('2026-11-20T14:04:59.999Z') })
    expect(announced(factsOf(log, now))).toEqual([])
    expect(rules(factsOf(log, at('2026-11-20T14:14:00Z')))).toEqual(['delay'])
  })

  test('waits for a topic-partition that the log has never seen', () => {
    const log = twoShards({})
    const known: PlantedLog = { ...log, sources: log.sources?.slice(0, 1) ?? [] }
    const facts = factsOf(known, now, {
      metadata: { sources: [shard(0), shard(1)], missingTopics: [], askedAtMs: now },
    })
    expect(announced(facts)).toEqual([])
    expect(rules(facts)).toEqual(['unassigned'])
  })

  test('waits for a set of topic-partitions asked after its end and delay', () => {
    const log = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
    const sources = [shard(0), shard(1)]
    const asked = (iso: string) =>
      factsOf(log, now, { metadata: { sources, missingTopics: [], askedAtMs: at(iso) } })
    expect(rules(asked('2026-11-20T14:04:59.999Z'))).toEqual(['metadata'])
    expect(announced(asked('2026-11-20T14:05:00Z'))).toHaveLength(1)
    expect(rules(factsOf(log, now, { metadata: undefined }))).toEqual(['metadata'])
  })

  test('waits for a topic of its stream that does not exist', () => {
    const log = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
    const sources = [shard(0), shard(1)]
    const streams = [{ ...appEvents, topics: ['events', 'more'] }]
    const metadata = { sources, missingTopics: ['more'], askedAtMs: now }
    expect(rules(factsOf(log, now, { streams, metadata }))).toEqual(['topic-missing'])
    expect(rules(factsOf(log, now, { metadata: { ...metadata, sources: [] } }))).toEqual([
      'topic-missing',
    ])
  })

  test('waits for its files to be published', () => {
    const commitId = commitIdOf(writerA, 1)
    const unpublished = [{ commitId, entry: 4, stagedAtMs: now, files: [file] }]
    const log = { ...twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') }), unpublished }
    expect(rules(factsOf(log, now))).toEqual(['unpublished'])
    expect(announced(factsOf(log, now, { publishedHere: new Set([commitId]) }))).toHaveLength(1)
    const other = [{ commitId, entry: 4, stagedAtMs: now, files: [] }]
    expect(announced(factsOf({ ...log, unpublished: other }, now))).toHaveLength(1)
  })

  test('waits until its end and delay are over by the time of the lake', () => {
    const log = twoShards({ progress: rowsOf('2026-11-20T14:30:00Z') })
    expect(rules(factsOf(log, at('2026-11-20T14:04:59Z')))).toEqual(['delay'])
  })

  test('relies on the version it was seen at', () => {
    const decision = decideReady(
      factsOf(twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') }), now),
    )
    expect(decision.kind === 'announce' && decision.announcements[0]).toMatchObject({
      stream: 'app_events',
      partition: thirteen,
      version: commitIdOf(writerA, 1),
      targets: ['webhook:hook'],
    })
  })

  test('goes before a later one, which waits with it', () => {
    const fourteen = hourOf('2026-11-20T14')
    const log: PlantedLog = {
      sources: [{ source: shard(0), progress: rowsOf('2026-11-20T15:30:00Z') }],
      partitions: {
        app_events: [{ partition: fourteen }, { partition: thirteen, files: [file] }],
      },
      unpublished: [{ commitId: commitIdOf(writerA, 1), entry: 4, stagedAtMs: now, files: [file] }],
    }
    const facts = factsOf(log, at('2026-11-20T16:00:00Z'))
    expect(announced(facts)).toEqual([])
    expect(decideReady(facts).blocks[0]?.partition).toEqual(thirteen)
  })

  test('that lies before an announced one, by a race, is announced after all', () => {
    const log = {
      ...twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') }),
      announcedNext: { app_events: at('2026-11-20T14:00:00Z') },
    }
    expect(announced(factsOf(log, now))).toEqual(['app_events 11-20/hour=13 complete'])
  })
})

describe('idleness', () => {
  const caughtUp = { next: 50n, since: at('2026-11-20T09:00:00Z') }
  const proof = (iso: string, end = 50n) => ({ evidence: { end, asked: at(iso) } })

  test('is proven by an end asked after delay and idle that is committed', () => {
    const log = twoShards({ ...caughtUp, ...proof('2026-11-20T14:15:00Z') })
    expect(announced(factsOf(log, now))).toEqual(['app_events 11-20/hour=13 complete'])
    const decision = decideReady(factsOf(log, now))
    const manifest = decision.kind === 'announce' ? decision.announcements[0]?.manifest : undefined
    expect(manifest?.sources.map(({ evidence }) => evidence)).toEqual(['watermark', 'caught-up'])
    expect(manifest?.eventWatermark).toBeNull()
  })

  test('is not proven by an end asked before delay and idle are over', () => {
    const log = twoShards({ ...caughtUp, ...proof('2026-11-20T14:14:59.999Z') })
    expect(rules(factsOf(log, now))).toEqual(['idle-without-proof'])
  })

  test('is not proven while records below the end are not committed', () => {
    const log = twoShards({ ...caughtUp, ...proof('2026-11-20T14:15:00Z', 51n), moved: now })
    expect(rules(factsOf(log, now))).toEqual(['lagging'])
  })

  test('is not proven while the stream had rows within the idle span before the question', () => {
    const rows = {
      app_events: { watermark: at('2026-11-20T13:10:00Z'), rowsAt: at('2026-11-20T14:05:01Z') },
    }
    const log = twoShards({ ...caughtUp, ...proof('2026-11-20T14:15:00Z'), progress: rows })
    expect(rules(factsOf(log, now))).toEqual(['idle-without-proof'])
    const later = twoShards({ ...caughtUp, ...proof('2026-11-20T14:15:01Z'), progress: rows })
    expect(announced(factsOf(later, now))).toHaveLength(1)
  })

  test('of a topic-partition that is new to the log counts from then on', () => {
    const since = at('2026-11-20T14:06:00Z')
    const log = twoShards({ ...caughtUp, since, ...proof('2026-11-20T14:15:00Z') })
    expect(rules(factsOf(log, now))).toEqual(['idle-without-proof'])
  })

  test('of one topic-partition says nothing of another', () => {
    const log: PlantedLog = {
      sources: [
        { source: shard(0), ...caughtUp, ...proof('2026-11-20T14:15:00Z') },
        { source: shard(1), ...caughtUp },
      ],
      partitions: { app_events: [{ partition: thirteen, files: [file] }] },
    }
    expect(rules(factsOf(log, now))).toEqual(['idle-without-proof'])
  })
})

describe('partitions without rows', () => {
  const onlyShard = (watermark: string, more: Partial<PlantedLog> = {}): PlantedLog => ({
    sources: [{ source: shard(0), progress: rowsOf(watermark) }],
    ...more,
  })

  test('between partitions with rows are announced as empty, in order', () => {
    const partitions = {
      app_events: [{ partition: thirteen, files: [file] }, { partition: hourOf('2026-11-20T16') }],
    }
    const facts = factsOf(
      onlyShard('2026-11-20T16:20:00Z', { partitions }),
      at('2026-11-20T16:30:00Z'),
    )
    expect(announced(facts)).toEqual([
      'app_events 11-20/hour=13 complete',
      'app_events 11-20/hour=14 empty',
      'app_events 11-20/hour=15 empty',
    ])
  })

  test('rely on the log knowing nothing of them, and have zero counts', () => {
    const partitions = { app_events: [{ partition: thirteen, place: 'announced' as const }] }
    const announcedNext = { app_events: thirteen.nextMs }
    const log = onlyShard('2026-11-20T15:20:00Z', { partitions, announcedNext })
    const decision = decideReady(factsOf(log, at('2026-11-20T15:30:00Z')))
    expect(decision.kind === 'announce' && decision.announcements).toMatchObject([
      {
        version: undefined,
        manifest: { reason: 'empty', rows: 0, revision: 1, counts: { read: 0 } },
      },
    ])
  })

  test('do not fill a gap of more than 744 hours', () => {
    const longAgo = hourOf('2013-05-01T07')
    const partitions = {
      app_events: [
        { partition: longAgo, files: [file] },
        { partition: thirteen, files: [file] },
      ],
    }
    const facts = factsOf(onlyShard('2026-11-20T14:05:00Z', { partitions }), now)
    expect(announced(facts)).toEqual([
      'app_events 05-01/hour=07 complete',
      'app_events 11-20/hour=13 complete',
    ])
  })

  test('of a gap of 744 hours are announced, 200 at a time', () => {
    const first = hourOf('2026-10-01T00')
    const last = hourOf('2026-11-01T01')
    expect(last.startMs - first.nextMs).toBe(744 * hour)
    const partitions = {
      app_events: [
        { partition: first, files: [file] },
        { partition: last, files: [file] },
      ],
    }
    const facts = factsOf(onlyShard('2026-11-01T02:05:00Z', { partitions }), now)
    expect(announced(facts)).toHaveLength(announcementsMax)
    expect(announced(facts).at(-1)).toBe('app_events 10-09/hour=07 empty')
  })

  test('of a stream that never had rows begin with the first partition of its topic', () => {
    const idle = { ...appEvents, name: 'idle', table: 'ods_idle' }
    const source = {
      source: shard(0),
      next: 50n,
      progress: rowsOf('2026-11-20T14:05:00Z'),
      evidence: { end: 50n, asked: now },
    }
    const partitions = {
      app_events: [{ partition: thirteen, place: 'announced' as const, files: [file] }],
    }
    const announcedNext = { app_events: thirteen.nextMs }
    const facts = factsOf({ sources: [source], partitions, announcedNext }, now, {
      streams: [appEvents, idle],
    })
    expect(announced(facts)).toEqual(['idle 11-20/hour=13 empty'])
  })

  test('of a topic without any rows begin with the time of the configuration', () => {
    const log: PlantedLog = {
      sources: [
        {
          source: shard(0),
          next: 0n,
          since: at('2026-11-20T12:30:00Z'),
          evidence: { end: 0n, asked: now },
        },
      ],
      configuredAt: at('2026-11-20T12:20:00Z'),
    }
    expect(announced(factsOf(log, now))).toEqual([
      'app_events 11-20/hour=12 empty',
      'app_events 11-20/hour=13 empty',
    ])
  })

  test('do not follow data of long ago up to today on the quiet of the topic alone', () => {
    const longAgo = hourOf('2013-12-31T23')
    const log: PlantedLog = {
      sources: [
        {
          source: shard(0),
          next: 9n,
          progress: { app_events: { watermark: longAgo.startMs, rowsAt: unixMs(now - hour) } },
          evidence: { end: 9n, asked: now },
        },
      ],
      partitions: { app_events: [{ partition: longAgo, files: [file] }] },
    }
    expect(announced(factsOf(log, now))).toEqual(['app_events 12-31/hour=23 complete'])
    const after: PlantedLog = {
      ...log,
      partitions: {
        app_events: [
          { partition: longAgo, place: 'announced', decidedAt: new Date(now).toISOString() },
        ],
      },
      announcedNext: { app_events: longAgo.nextMs },
    }
    expect(decideReady(factsOf(after, now))).toEqual({ kind: 'wait', blocks: [] })
  })

  test('go on after the daemons were down for longer than the window', () => {
    const log: PlantedLog = {
      sources: [
        {
          source: shard(0),
          next: 9n,
          progress: rowsOf('2026-11-10T12:59:00Z'),
          evidence: { end: 9n, asked: now },
        },
      ],
      partitions: {
        app_events: [
          {
            partition: hourOf('2026-11-10T12'),
            place: 'announced',
            decidedAt: '2026-11-10T13:15:00.000Z',
          },
        ],
      },
      announcedNext: { app_events: at('2026-11-10T13:00:00Z') },
    }
    expect(announced(factsOf(log, now))[0]).toBe('app_events 11-10/hour=13 empty')
  })

  test('of a stream behind by more than 744 hours begin again near event time', () => {
    const log: PlantedLog = {
      sources: [
        {
          source: shard(0),
          next: 9n,
          topicWatermark: at('2026-11-20T14:05:00Z'),
          evidence: { end: 9n, asked: now },
        },
      ],
      partitions: {
        app_events: [
          {
            partition: hourOf('2013-01-01T12'),
            place: 'announced',
            decidedAt: '2026-11-20T13:15:00.000Z',
          },
        ],
      },
      announcedNext: { app_events: at('2013-01-01T13:00:00Z') },
    }
    const facts = factsOf(log, now)
    expect(announced(facts)[0]).toBe('app_events 11-18/hour=14 empty')
    expect(announced(facts).at(-1)).toBe('app_events 11-20/hour=13 empty')
  })

  test('that had events but no row are empty, with their counts', () => {
    const counts = { ...countsOf(0), read: 7, filtered: { 'no-country': 7 } }
    const partitions = { app_events: [{ partition: thirteen, counts }] }
    const decision = decideReady(factsOf(onlyShard('2026-11-20T14:05:00Z', { partitions }), now))
    expect(decision.kind === 'announce' && decision.announcements[0]?.manifest).toMatchObject({
      reason: 'empty',
      counts: { read: 7, filtered: { 'no-country': 7 } },
    })
  })
})

test('one entry takes the due partitions of all streams', () => {
  const second = { ...appEvents, name: 'pages', table: 'ods_pages' }
  const both = {
    ...rowsOf('2026-11-20T14:05:00Z'),
    pages: rowsOf('2026-11-20T14:05:00Z').app_events,
  }
  const log: PlantedLog = {
    sources: [{ source: shard(0), progress: both }],
    partitions: {
      app_events: [{ partition: thirteen, files: [file] }],
      pages: [{ partition: thirteen, files: [file] }],
    },
  }
  const facts = factsOf(log, now, { streams: [appEvents, second] })
  expect(announced(facts)).toHaveLength(2)
})

test('where more is due than an entry takes, the stream that is furthest behind goes first', () => {
  const pages = { ...appEvents, name: 'pages', table: 'ods_pages' }
  const newest = '2026-11-01T02:05:00Z'
  const both = { ...rowsOf(newest), pages: rowsOf(newest).app_events }
  const hours = [hourOf('2026-10-01T00'), hourOf('2026-11-01T01')]
  const partitions = hours.map((partition) => ({ partition, files: [file] }))
  const log: PlantedLog = {
    sources: [{ source: shard(0), progress: both }],
    partitions: { app_events: partitions, pages: partitions },
  }
  const streams = [appEvents, pages]
  const streamsTold = (announcedNext: PlantedLog['announcedNext'] = {}): readonly string[] => {
    const told = announced(factsOf({ ...log, announcedNext }, now, { streams }))
    return [...new Set(told.map((line) => line.split(' ', 1)[0] ?? ''))]
  }
  expect(streamsTold()).toEqual(['app_events'])
  expect(streamsTold({ app_events: unixMs(hourOf('2026-10-01T01').nextMs) })).toEqual(['pages'])
  expect(streamsTold({ pages: unixMs(hourOf('2026-10-01T01').nextMs) })).toEqual(['app_events'])
})

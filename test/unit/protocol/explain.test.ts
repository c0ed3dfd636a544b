import { describe, expect, test } from 'vitest'
import { commitIdOf } from '../../../src/model/ids.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { explainPartition, heldUpIn } from '../../../src/protocol/explain.ts'
import { blockRules } from '../../../src/protocol/readiness-blocks.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import {
  appEvents,
  at,
  dataFile,
  factsOf,
  hourOf,
  type PlantedLog,
  type PlantedSource,
  writerA,
  writerB,
} from '../../support/readiness-world.ts'
import { file, now, shard, thirteen } from '../../support/two-shards.ts'

const rows = (watermark: string, rowsAt = watermark) => ({
  app_events: { watermark: at(watermark), rowsAt: at(rowsAt) },
})

/** 13h, which `events/0` has passed; `events/1` is as planted. */
const planted = (second: Partial<PlantedSource>, more: Partial<PlantedLog> = {}): PlantedLog => ({
  sources: [
    { source: shard(0), progress: rows('2026-11-20T14:10:00Z') },
    { source: shard(1), writer: writerB, ...second },
  ],
  partitions: { app_events: [{ partition: thirteen, files: [file] }] },
  ...more,
})
const why = (facts: ReadinessFacts, partition = thirteen) =>
  explainPartition(facts, appEvents, partition)
const endsOf = (index: number, end: bigint) =>
  new Map([
    [
      sourceKey(shard(index)),
      { source: shard(index), highWatermark: nextOffset(end), askedAtMs: now },
    ],
  ])

describe('five causes give five rules', () => {
  const behind = {
    next: 100n,
    moved: at('2026-11-20T14:15:00Z'),
    progress: rows('2026-11-20T13:30:00Z', '2026-11-20T14:15:00Z'),
  }

  test('a lagging topic-partition', () => {
    const facts = factsOf(planted(behind), now, { ends: endsOf(1, 140n) })
    expect(why(facts)).toEqual({
      state: 'open',
      rule: 'lagging',
      topicPartition: 'events/1',
      writer: writerB,
      lastOffset: 99n,
      endOffset: 140n,
      lagRecords: 40n,
      eventTimeMs: at('2026-11-20T13:30:00Z'),
      sinceMs: at('2026-11-20T14:05:00Z'),
      release: 'a commit up to offset 140, or of event time 2026-11-20T14:05:00.000Z before',
      sentence:
        'Topic-partition "events/1" has 40 records that are not committed; ' +
        'its last commit was at 2026-11-20T14:15:00.000Z.',
    })
  })

  test('a lagging topic-partition that waits for memory', () => {
    const heldUp = new Map([['events/1', 'stream "a" holds 9 bytes, limits.buffers is 8B']])
    const facts = { ...factsOf(planted(behind), now, { ends: endsOf(1, 140n) }), heldUp }
    const { rule, sentence } = why(facts)
    expect(rule).toBe('lagging')
    expect(sentence).toBe(
      'Topic-partition "events/1" has 40 records that are not committed; ' +
        'its last commit was at 2026-11-20T14:15:00.000Z; ' +
        'its reading is paused: stream "a" holds 9 bytes, limits.buffers is 8B.',
    )
    expect(heldUpIn(sentence)).toBe(heldUp.get('events/1'))
    expect(why({ ...facts, heldUp: new Map([['events/0', 'full']]) }).sentence).not.toMatch(
      /paused/,
    )
  })

  test('idle without proof', () => {
    const quiet = {
      next: 100n,
      moved: at('2026-11-20T14:09:00Z'),
      progress: rows('2026-11-20T13:30:00Z', '2026-11-20T14:09:00Z'),
    }
    expect(why(factsOf(planted(quiet), now, { ends: endsOf(1, 100n) }))).toMatchObject({
      state: 'open',
      rule: 'idle-without-proof',
      topicPartition: 'events/1',
      lagRecords: 0n,
      sinceMs: at('2026-11-20T14:09:00Z'),
      sentence:
        'Topic-partition "events/1" has brought no rows since 2026-11-20T14:09:00.000Z; it counts ' +
        'as idle with a proof asked at or after 2026-11-20T14:19:00.000Z (ready.idle is 10m).',
    })
  })

  test('unassigned, though records wait', () => {
    const stopped = { ...behind, moved: at('2026-11-20T13:31:00Z') }
    const facts = factsOf(planted(stopped), now, { ends: endsOf(1, 140n) })
    expect(why(facts)).toMatchObject({
      rule: 'unassigned',
      topicPartition: 'events/1',
      writer: writerB,
      lagRecords: 40n,
      sinceMs: at('2026-11-20T13:31:00Z'),
    })
    const ours = { ...facts, assigned: new Set([sourceKey(shard(1))]) }
    expect(why(ours).rule).toBe('lagging')
  })

  test('unassigned from the beginning', () => {
    const known = planted({})
    const facts = factsOf({ ...known, sources: known.sources?.slice(0, 1) ?? [] }, now, {
      metadata: { sources: [shard(0), shard(1)], missingTopics: [], askedAtMs: now },
    })
    expect(why(facts)).toMatchObject({
      rule: 'unassigned',
      topicPartition: 'events/1',
      writer: undefined,
      lastOffset: undefined,
      sinceMs: at('2026-11-20T14:05:00Z'),
      sentence: 'Topic-partition "events/1" has never been read: no writer has it.',
    })
  })

  test('a lake that refuses, by what the daemon says', () => {
    const lakeTrouble = { sinceMs: at('2026-11-20T13:50:00Z'), reason: 'no space left' }
    expect(why(factsOf(planted(behind), now, { lakeTrouble }))).toMatchObject({
      rule: 'lake-refuses',
      topicPartition: undefined,
      sinceMs: at('2026-11-20T13:50:00Z'),
      sentence: 'The lake refuses writes since 2026-11-20T13:50:00.000Z: no space left.',
    })
  })

  test('a lake that refuses, by the log: its writer goes on and the file stays unpublished', () => {
    const commit = {
      commitId: commitIdOf(writerA, 1),
      entry: 4,
      stagedAtMs: at('2026-11-20T14:00:00Z'),
      files: [file],
    }
    const passed = { progress: rows('2026-11-20T14:10:00Z') }
    const lastEntry = (iso: string) => ({ unpublished: [commit], writers: { [writerA]: at(iso) } })
    const refused = planted(passed, lastEntry('2026-11-20T14:15:00Z'))
    expect(why(factsOf(refused, now))).toMatchObject({
      rule: 'lake-refuses',
      sinceMs: at('2026-11-20T14:00:00Z'),
    })
    expect(why(factsOf(planted(passed, lastEntry('2026-11-20T14:01:00Z')), now)).rule).toBe(
      'unpublished',
    )
  })

  test('a delay that is not over', () => {
    const within = { moved: now, progress: rows('2026-11-20T14:03:00Z', '2026-11-20T14:15:30Z') }
    expect(why(factsOf(planted(within), now, { ends: endsOf(1, 140n) }))).toMatchObject({
      state: 'open',
      rule: 'delay',
      topicPartition: 'events/1',
      sinceMs: at('2026-11-20T14:00:00Z'),
      sentence:
        'Event time of "events/1" is at 2026-11-20T14:03:00.000Z; ' +
        'its end plus ready.delay is 2026-11-20T14:05:00.000Z.',
    })
    expect(why(factsOf(planted(within), at('2026-11-20T14:04:00Z')))).toMatchObject({
      rule: 'delay',
      topicPartition: undefined,
      sentence: 'Its end plus ready.delay is at 2026-11-20T14:05:00.000Z.',
    })
  })
})

describe('a topic-partition of which the log knows no more than its start position', () => {
  const start = at('2026-11-20T14:10:00Z')
  const unmoved = { unmovedSince: start, next: 100n }
  const inTime = at('2026-11-20T14:12:05Z')
  const silent = at('2026-11-20T14:12:06Z')

  test('has no reader after two commit intervals and 5 s, long before it could be proven idle', () => {
    expect(why(factsOf(planted(unmoved), silent, { ends: endsOf(1, 100n) }))).toEqual({
      state: 'open',
      rule: 'unassigned',
      topicPartition: 'events/1',
      endOffset: 100n,
      lagRecords: 0n,
      sinceMs: start,
      sentence: 'Topic-partition "events/1" has never been read: no writer has it.',
      release: 'a daemon or worker that reads it',
    })
    expect(why(factsOf(planted(unmoved), inTime)).rule).toBe('idle-without-proof')
  })

  test('has no reader either where records wait for one', () => {
    const lag = { ends: endsOf(1, 140n) }
    expect(why(factsOf(planted(unmoved), silent, lag))).toMatchObject({
      rule: 'unassigned',
      lagRecords: 40n,
      lastOffset: undefined,
      sinceMs: start,
    })
    expect(why(factsOf(planted(unmoved), inTime, lag))).toMatchObject({
      rule: 'lagging',
      writer: undefined,
      lastOffset: undefined,
      sentence:
        'Topic-partition "events/1" has 40 records that are not committed; ' +
        'it has had no commit yet.',
    })
  })

  test('is told though another one lags, which somebody reads', () => {
    const lagging = {
      source: shard(0),
      moved: silent,
      progress: rows('2026-11-20T13:30:00Z', '2026-11-20T14:12:00Z'),
    }
    const sources = [lagging, { source: shard(1), ...unmoved }]
    const facts = factsOf(planted(unmoved, { sources }), silent, { ends: endsOf(0, 140n) })
    expect(why(facts)).toMatchObject({ rule: 'unassigned', topicPartition: 'events/1' })
  })

  test('is not told before its reader owes a sign: after the end and delay', () => {
    const early = { ...unmoved, unmovedSince: at('2026-11-20T10:00:00Z') }
    const passed = planted(early)
    expect(why(factsOf(passed, at('2026-11-20T14:07:05Z'))).rule).toBe('idle-without-proof')
    expect(why(factsOf(passed, at('2026-11-20T14:07:06Z')))).toMatchObject({
      rule: 'unassigned',
      sinceMs: at('2026-11-20T10:00:00Z'),
    })
  })

  test('has a reader where this process is it', () => {
    const facts = factsOf(planted(unmoved), silent, { assigned: new Set([sourceKey(shard(1))]) })
    expect(why(facts).rule).toBe('idle-without-proof')
    const other = { ...facts, assigned: new Set([sourceKey(shard(0))]) }
    expect(why(other).rule).toBe('unassigned')
  })

  test('has one where somebody told of its leader, until the proof of idleness stays away', () => {
    const evidence = { end: 100n, asked: at('2026-11-20T14:10:30Z') }
    const shown = planted({ ...unmoved, evidence })
    expect(why(factsOf(shown, at('2026-11-20T14:22:05Z')))).toMatchObject({
      rule: 'idle-without-proof',
      sinceMs: start,
    })
    expect(why(factsOf(shown, at('2026-11-20T14:22:06Z')))).toMatchObject({
      rule: 'unassigned',
      sinceMs: evidence.asked,
      sentence:
        'Topic-partition "events/1" has no writer: the log has had no sign of one ' +
        'since 2026-11-20T14:10:30.000Z.',
    })
  })

  test.each([
    ['at the time of the start, on a coarse clock', { since: start, moved: start }],
    ['without leader epochs', { unmovedSince: start, moved: at('2026-11-20T14:10:01Z') }],
  ])('is another one where records were committed %s', (_, moved) => {
    expect(why(factsOf(planted({ ...moved, next: 100n }), silent))).toMatchObject({
      rule: 'idle-without-proof',
      writer: writerB,
      lastOffset: 99n,
    })
  })
})

describe('other answers', () => {
  const passed = { progress: rows('2026-11-20T14:10:00Z') }
  const held = { partition: thirteen, files: [file] }
  const done = { ...held, place: 'announced', decidedAt: '2026-11-20T14:06:00.000Z' } as const
  const announced: Partial<PlantedLog> = {
    partitions: { app_events: [done] },
    announcedNext: { app_events: thirteen.nextMs },
  }

  test('an announced partition says when, which revision and how many rows', () => {
    expect(why(factsOf(planted(passed, announced), now))).toMatchObject({
      state: 'announced',
      rule: 'announced',
      sinceMs: at('2026-11-20T14:06:00Z'),
      sentence: 'It was announced at 2026-11-20T14:06:00.000Z: revision 1, 120 rows, log entry 7.',
    })
  })

  test('a complete one is due', () => {
    expect(why(factsOf(planted(passed), now))).toMatchObject({ state: 'due', rule: 'due' })
  })

  test('a complete one behind a blocked one names that', () => {
    const twelve = hourOf('2026-11-20T12')
    const early = dataFile(twelve, 'growth-aaaaaaaaaaaaaaaa-1-1', 3)
    const log = planted(passed, {
      partitions: {
        app_events: [
          { partition: twelve, files: [early] },
          { partition: thirteen, files: [file] },
        ],
      },
      unpublished: [
        { commitId: commitIdOf(writerA, 1), entry: 4, stagedAtMs: now, files: [early] },
      ],
    })
    const found = why(factsOf(log, now))
    expect(found).toMatchObject({ state: 'open', rule: 'earlier-partition' })
    expect(found.sentence).toContain('2026-11-20T12 goes first and waits (unpublished)')
  })

  test('an hour to come is not begun, the hour that runs is open', () => {
    const facts = factsOf(planted(passed), now)
    expect(why(facts, hourOf('2026-11-20T15'))).toMatchObject({
      state: 'not-begun',
      rule: 'future',
    })
    expect(why(facts, hourOf('2026-11-20T14'))).toMatchObject({ state: 'open', rule: 'delay' })
  })

  test('an hour before the first, and one that was passed over, are not begun', () => {
    expect(why(factsOf(planted(passed), now), hourOf('2026-11-20T11'))).toMatchObject({
      state: 'not-begun',
      rule: 'before-first',
      sentence: 'The stream begins with 2026-11-20T13.',
    })
    expect(why(factsOf(planted(passed, announced), now), hourOf('2026-11-20T11'))).toMatchObject({
      state: 'not-begun',
      rule: 'passed-over',
    })
  })

  test('an hour in a gap that is too long is said to have no rows', () => {
    const longAgo = hourOf('2013-05-01T07')
    const log = planted(passed, {
      partitions: {
        app_events: [
          { partition: longAgo, files: [file] },
          { partition: thirteen, files: [file] },
        ],
      },
    })
    expect(why(factsOf(log, now), hourOf('2020-01-01T00'))).toMatchObject({
      state: 'not-begun',
      rule: 'no-rows',
    })
  })

  test('a missing topic and brokers that were not asked have their own rules', () => {
    const missing = { sources: [shard(0), shard(1)], missingTopics: ['events'], askedAtMs: now }
    expect(why(factsOf(planted(passed), now, { metadata: missing }))).toMatchObject({
      rule: 'topic-missing',
      sentence: expect.stringContaining('"events" does not exist'),
    })
    expect(why(factsOf(planted(passed), now, { metadata: undefined }))).toMatchObject({
      rule: 'metadata',
    })
  })

  test('a topic-partition that stopped says why, rather than that it lags', () => {
    const behind = {
      moved: at('2026-11-20T14:15:00Z'),
      progress: rows('2026-11-20T13:30:00Z', '2026-11-20T14:15:00Z'),
    }
    const refused = new Map([['events/1', 'its topic was made anew']])
    const facts = factsOf(planted(behind), now, { refused, ends: endsOf(1, 140n) })
    expect(why(facts)).toMatchObject({
      rule: 'refused',
      topicPartition: 'events/1',
      sentence:
        'Topic-partition "events/1" has stopped since 2026-11-20T14:15:00.000Z: ' +
        'its topic was made anew.',
    })
    expect(why({ ...facts, fold: factsOf(planted(passed), now).fold }).rule).toBe('due')
  })

  test('a file of another size is told with both, and how to cut one back that is too long', () => {
    const partitions = { app_events: [held] }
    const { path, sizeBytes } = file
    const found = (foundBytes: number | undefined, steppedOver: readonly number[] = []) => {
      const filesMissing = new Map([[path, foundBytes]])
      const facts = factsOf(planted(passed, { partitions }), now, { filesMissing })
      return why({ ...facts, fold: { ...facts.fold, steppedOver } }).sentence
    }
    expect(found(undefined)).toContain('is in the log but not on the lake.')
    expect(found(1, [7])).toMatch(new RegExp(`1 bytes on the lake and ${sizeBytes} in the log\\.$`))
    expect(found(sizeBytes + 1)).not.toContain('log void')
    expect(found(sizeBytes + 1, [7, 9])).toContain('"lakeward log void 7,9" once more')
  })

  test('every rule has a name of its own', () => {
    expect(new Set(blockRules).size).toBe(blockRules.length)
  })
})

import { describe, expect, test } from 'vitest'
import { commitIdOf } from '../../../src/model/ids.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { explainPartition, heldUpIn } from '../../../src/protocol/explain.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import {
  appEvents,
  at,
  countsOf,
  factsOf,
  hourOf,
  type PlantedLog,
  writerA,
} from '../../support/readiness-world.ts'
import { file, now, rowsOf, shard, thirteen, twoShards } from '../../support/two-shards.ts'

const passed = { progress: rowsOf('2026-11-20T14:10:00Z') }
const planted = (more: Partial<PlantedLog> = {}): PlantedLog => ({ ...twoShards(passed), ...more })
const why = (facts: ReadinessFacts, partition = thirteen) =>
  explainPartition(facts, appEvents, partition)
const endsOf = (index: number, end: bigint) => {
  const source = shard(index)
  const asked = { source, highWatermark: nextOffset(end), askedAtMs: now }
  return new Map([[sourceKey(source), asked]])
}

describe('what else there is to say', () => {
  test('a file that its table refused is told by its path', () => {
    const path = '_lakeward/growth/spill/ods_app_events/dt=2026-11-20/hour=13/a.parquet'
    const spilled = { ...file, path }
    const partitions = { app_events: [{ partition: thirteen, files: [spilled] }] }
    const found = why(factsOf(planted({ partitions }), now))
    expect(found).toMatchObject({ rule: 'spilled' })
    expect(found.sentence).toContain(path)
    expect(heldUpIn(found.sentence)).toBeUndefined()
  })

  test('what its stream waits for besides is told with both values', () => {
    const none = { rowsMin: undefined, deadLettersMax: undefined, after: [] }
    const sentence = (conditions: object, more: Partial<PlantedLog> = {}): string => {
      const stream = { ...appEvents, conditions: { ...none, ...conditions } }
      const facts = factsOf(planted(more), now, { streams: [stream] })
      return explainPartition(facts, stream, thirteen).sentence
    }
    expect(sentence({ rowsMin: 121 })).toBe(
      'It is complete, and has 120 rows, ready.rowsMin is 121.',
    )
    const counts = { ...countsOf(120), read: 122, deadLettered: { 'decode-truncated': 2 } }
    const partitions = { app_events: [{ partition: thirteen, files: [file], counts }] }
    expect(sentence({ deadLettersMax: 1 }, { partitions })).toBe(
      'It is complete, and has 2 dead letters, ready.deadLettersMax is 1.',
    )
    expect(sentence({ after: ['users'] })).toBe(
      'It is complete, and waits for stream "users" (ready.after).',
    )
  })

  test('an hour that was closed, or lies beyond what is announced, is not said to be announced', () => {
    const log = planted({ partitions: {}, announcedNext: { app_events: thirteen.nextMs } })
    const facts = factsOf(log, now)
    expect(why(facts)).toMatchObject({ state: 'not-begun', rule: 'passed-over' })
    expect(why(facts, hourOf('2026-11-20T14'))).toMatchObject({ state: 'open', rule: 'delay' })
    const stream = facts.fold.streams.get('app_events')
    if (stream === undefined) throw new Error('the stream is there')
    const { startMs: firstMs, nextMs } = thirteen
    const sums = { partitionCount: 1, fileCount: 1, rowCount: 1, counts: countsOf(1) }
    const closed = { firstMs, nextMs, ...sums, checksum: 'c' }
    const streams = new Map([['app_events', { ...stream, closed }]])
    const found = why({ ...facts, fold: { ...facts.fold, streams } })
    expect(found.sentence).toContain('or was closed long after its announcement')
  })

  test('a topic-partition without position lags by all that is there, and may have stopped', () => {
    const unread = planted({ sources: [{ source: shard(0), ...passed }] })
    const sources = [shard(0), shard(1)]
    const metadata = { sources, missingTopics: [], askedAtMs: now }
    const facts = factsOf(unread, now, { metadata, ends: endsOf(1, 140n) })
    expect(why(facts)).toMatchObject({ rule: 'unassigned', lagRecords: 140n })
    const refused = new Map([['events/1', 'its topic was made anew']])
    const dueMs = at('2026-11-20T14:05:00Z')
    expect(why({ ...facts, refused })).toMatchObject({ rule: 'refused', sinceMs: dueMs })
  })

  test('a merged file that may still stand holds its partition back, and no other', () => {
    const { stream, partitionPath, path, stagedPath } = file
    const removal = { stream, partitionPath, path: `${path}.old`, stagedPath }
    const commit = { commitId: commitIdOf(writerA, 1), entry: 4, stagedAtMs: now, files: [] }
    const withRemoval = (changes: object) =>
      factsOf(
        planted({ unpublished: [{ ...commit, removals: [{ ...removal, ...changes }] }] }),
        now,
      )
    expect(why(withRemoval({}))).toMatchObject({ rule: 'unpublished' })
    expect(why(withRemoval({}))['sentence']).toContain(`${path}.old`)
    expect(why(withRemoval({ stream: 'other' }))).toMatchObject({ rule: 'due' })
  })
})

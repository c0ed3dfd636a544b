import { describe, expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import type { FoldedPartition, FoldedStream } from '../../../src/model/fold-state.ts'
import { commitIdOf } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import {
  divertedStream,
  divertedTable,
  inputStreamOf,
  isDiverted,
  logTimeOf,
  revisionDueMs,
  rowFateOf,
} from '../../../src/protocol/late.ts'
import { namedFiles, sampleManifest } from '../../support/log-samples.ts'
import { at, countsOf, dataFile, hourOf, minute, writerA } from '../../support/readiness-world.ts'

const thirteen = hourOf('2026-11-20T13')
const fourteen = hourOf('2026-11-20T14')
const closeAfterMs = durationMs(10 * minute)
const decidedAt = '2026-11-20T14:05:00.000Z'
const one = dataFile(thirteen, 'one', 10)
const two = dataFile(thirteen, 'two', 3)

const announced = (changes: Partial<FoldedPartition> = {}): FoldedPartition => ({
  table: one.table,
  partition: thirteen,
  place: 'announced',
  version: commitIdOf(writerA, 1),
  files: [one],
  counts: countsOf(10),
  revision: 1,
  manifest: { ...sampleManifest(13), ...namedFiles([one]), decidedAt, logEntry: 3 },
  ...changes,
})

const streamWith = (folded: FoldedPartition | undefined, closed = false): FoldedStream => ({
  progress: new Map(),
  partitions: new Map(folded === undefined ? [] : [[thirteen.path, folded]]),
  announcedNextMs: thirteen.nextMs,
  ...(closed && {
    closed: {
      firstMs: thirteen.startMs,
      nextMs: thirteen.nextMs,
      partitionCount: 1,
      fileCount: 1,
      rowCount: 1,
      counts: countsOf(1),
      checksum: 'c',
    },
  }),
})

describe('rows of a partition', () => {
  const rule = (policy: 'append' | 'divert' | 'dead-letter') => ({ policy, closeAfterMs })
  const stream = streamWith(announced())
  const soon = at('2026-11-20T14:14:59Z')

  test('that is not announced are in time, whatever the policy', () => {
    expect(rowFateOf(undefined, thirteen, rule('divert'), undefined)).toBe('in-time')
    expect(rowFateOf(stream, fourteen, rule('append'), soon)).toBe('in-time')
  })

  test.each(['append', 'divert', 'dead-letter'] as const)(
    'that is announced, or was passed over, go by the policy: %s',
    (policy) => {
      expect(rowFateOf(stream, thirteen, rule(policy), soon)).toBe(policy)
      expect(rowFateOf(stream, hourOf('2026-11-20T12'), rule(policy), soon)).toBe(policy)
    },
  )

  test('that is closed are diverted where they were appended before', () => {
    const closed = streamWith(undefined, true)
    expect(rowFateOf(closed, thirteen, rule('append'), soon)).toBe('divert')
    expect(rowFateOf(closed, thirteen, rule('dead-letter'), soon)).toBe('dead-letter')
  })

  test('are diverted once closeAfter is over by the log, counted from revision 1', () => {
    const over = at('2026-11-20T14:15:00Z')
    expect(rowFateOf(stream, thirteen, rule('append'), over)).toBe('divert')
    const manifest = announced().manifest
    if (manifest === undefined) throw new Error('the sample is announced')
    const second = announced({
      revision: 2,
      manifest: { ...manifest, revision: 2, decidedAt: '2026-11-20T14:10:00.000Z' },
      firstAnnouncedAtMs: at(decidedAt),
    })
    expect(rowFateOf(streamWith(second), thirteen, rule('append'), over)).toBe('divert')
    expect(rowFateOf(streamWith(second), thirteen, rule('append'), soon)).toBe('append')
  })
})

test('the time of a log is that of its newest entry', () => {
  expect(logTimeOf(emptyFold())).toBeUndefined()
  const writer = { counterNext: 1, publishedNext: 0, unpublished: [], discardedCount: 0 }
  const writers = new Map(
    [3, 7, 5].map((n) => [`${n}` as never, { ...writer, lastEntryAtMs: unixMs(n) }]),
  )
  expect(logTimeOf({ ...emptyFold(), writers })).toBe(7)
})

test('a revision is due after the span, where files came that none names', () => {
  const every = durationMs(5 * minute)
  expect(revisionDueMs(announced(), every)).toBeUndefined()
  expect(revisionDueMs(announced({ files: [one, two] }), every)).toBe(at('2026-11-20T14:10:00Z'))
  expect(revisionDueMs(announced({ manifest: undefined }), every)).toBeUndefined()
})

test('the stream of diverted rows tells whose they are', () => {
  expect(inputStreamOf(divertedStream('app_events'))).toBe('app_events')
  expect(inputStreamOf('app_events')).toBe('app_events')
  expect([divertedStream('x'), 'x', '_dead_letters'].map(isDiverted)).toEqual([true, false, false])
})

test('diverted rows have a table of their own', () => {
  expect(divertedTable('ods_app_events')).toBe('ods_app_events_late')
})

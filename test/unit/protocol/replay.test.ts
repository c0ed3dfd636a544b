/** Late letters that are taken in again, as the fold sees it. */
import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import { zeroCounts } from '../../../src/model/counts.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import { deadLetterStream } from '../../../src/model/dead-letter.ts'
import { zeroChecksum } from '../../../src/model/fold-state.ts'
import type { CommitId } from '../../../src/model/ids.ts'
import { type LakePartition, partitionPath } from '../../../src/model/lake-partition.ts'
import type { LetterReplay, ReplayedLetters } from '../../../src/model/letter-replay.ts'
import type { AppendBody, AppendEntry, LogEntry } from '../../../src/model/log-entry.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { decideStaging } from '../../../src/protocol/garbage.ts'
import { planRefill } from '../../../src/protocol/refill-plan.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import { letterDays, replaysOf, standingDays, takeable } from '../../../src/protocol/replay.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  sampleFile,
  sampleHour,
  sampleRange,
  sampleSource,
  stream,
} from '../../support/log-samples.ts'
import { announced, hour, swapCommit, writerCommit } from '../../support/swap-samples.ts'

const dayOf = (date: string): LakePartition => {
  const startMs = Date.parse(`${date}T00:00:00Z`)
  const [from, next] = [unixMs(startMs), unixMs(startMs + 24 * 3_600_000)]
  return { path: partitionPath(`dt=${date}`), startMs: from, nextMs: next }
}
const day = dayOf('2026-11-20')
const earlier = sampleHour(11)

const lettersFile = (commitId: CommitId): DataFile => {
  const path = `growth_dead_letters/${day.path}/growth-${commitId}-1.parquet`
  const at = { stream: deadLetterStream, table: 'growth_dead_letters', partitionPath: day.path }
  return { ...sampleFile(commitId, 13), ...at, path, rowCount: 5 }
}
const lateCell = (partition: LakePartition, late: number) => ({
  stream,
  partition,
  counts: { ...zeroCounts, read: late, late },
})

/** Three late events of the announced hour, and two of one that was passed over. */
const letters = writerCommit(4)
const dead: readonly LogEntry[] = [
  ...announced,
  appendEntry(letters, {
    ranges: [sampleRange(0, 20, 25)],
    places: [{ stream: deadLetterStream, partition: day }],
    body: {
      files: [lettersFile(letters)],
      counts: [lateCell(hour, 3), lateCell(earlier, 2)],
    },
  }),
]

const unit: ReplayedLetters = {
  day: day.path,
  commitId: letters,
  stream,
  cells: [
    { partition: hour, count: 3 },
    { partition: earlier, count: 2 },
  ],
}

interface Changes {
  readonly replay?: LetterReplay
  readonly body?: Partial<AppendBody>
}

/** By the operator: four rows, one of them of the hour passed over, and one event filtered. */
function replayBy(counter: number, changes: Changes = {}): AppendEntry {
  const commitId = swapCommit(counter)
  const rows = { ...zeroCounts, read: 3, written: 3, lateAppended: 3 }
  const others = { read: 2, written: 1, filtered: { 'no-country': 1 }, lateAppended: 1 }
  return appendEntry(commitId, {
    places: [
      { stream, partition: hour, late: true },
      { stream, partition: earlier, late: true },
    ],
    replay: changes.replay ?? { why: 'to be whole', letters: [unit] },
    body: {
      files: [sampleFile(commitId, 13, 8), sampleFile(commitId, 11, 9)],
      counts: [
        { stream, partition: hour, counts: rows },
        { stream, partition: earlier, counts: { ...zeroCounts, ...others } },
      ],
      ...changes.body,
    },
  })
}

const state = foldAll(dead)
const replayed = foldAll([...dead, replayBy(0)])
const countsIn = (folded: typeof state, { path }: LakePartition) =>
  folded.streams.get(stream)?.partitions.get(path)?.counts

describe('a replay', () => {
  test('moves its events from late to what became of them; all were read before', () => {
    expect(brokenReliance(state, replayBy(0))).toBeUndefined()
    expect(countsIn(state, hour)).toMatchObject({ late: 3 })
    const before = countsIn(state, hour)
    expect(countsIn(replayed, hour)).toEqual({
      ...before,
      late: 0,
      written: (before?.written ?? 0) + 3,
      lateAppended: 3,
    })
    expect(countsIn(replayed, earlier)).toEqual({
      ...zeroCounts,
      read: 2,
      written: 1,
      lateAppended: 1,
      filtered: { 'no-country': 1 },
    })
    expect(replayed.streams.get(stream)?.partitions.get(hour.path)?.files).toHaveLength(3)
  })

  test('is noted in the day of its letters, and a checkpoint keeps that', () => {
    const days = [...(replayed.streams.get(deadLetterStream)?.partitions.values() ?? [])]
    const note = { commitId: letters, stream, count: 5, entry: dead.length }
    expect([...replaysOf(days).values()]).toEqual([note])
    const path = 'checkpoints/1'
    const again = parseCheckpoint(encodeCheckpoint(replayed), path)
    expect(again.streams.get(deadLetterStream)?.partitions.get(day.path)?.replayed).toEqual([note])
  })

  test('given twice is void, whoever gives it, also after other letters came', () => {
    const both = brokenReliance(replayed, replayBy(1))
    expect(both).toMatchObject({
      reason: 'range-moved',
      because: expect.stringContaining(`were taken in by entry ${dead.length}`),
    })
    const more = writerCommit(5)
    const later = foldAll([
      ...dead,
      replayBy(0),
      appendEntry(more, {
        ranges: [sampleRange(0, 25, 30)],
        places: [{ stream: deadLetterStream, partition: day }],
        body: { files: [lettersFile(more)], counts: [lateCell(hour, 3), lateCell(earlier, 2)] },
      }),
    ])
    expect(brokenReliance(later, replayBy(1))).toMatchObject({ reason: 'range-moved' })
    const other = { why: 'again', letters: [{ ...unit, commitId: more }] }
    const second = replayBy(1, { replay: other })
    expect(brokenReliance(later, second)).toBeUndefined()
    expect(takeable(later, [unit, { ...unit, commitId: more }])).toHaveLength(1)
  })

  test('given again is void, also where a swap put other files in the place of the letters', () => {
    const [taken] = [lettersFile(letters)]
    const version = replayed.streams.get(deadLetterStream)?.partitions.get(day.path)?.version
    const refill: LogEntry = {
      kind: 'swap',
      ...entryBase(swapCommit(1), { publishedNext: 1 }),
      why: 'refill',
      reason: 'the disk is gone',
      stream: deadLetterStream,
      partition: day,
      place: 'open',
      version,
      inputs: [taken.path],
      restored: [],
      location: `growth_dead_letters/${day.path}`,
      lostRowCount: 0,
      body: { files: [{ ...taken, path: taken.path.replace('-1.', '-9.') }] },
    }
    expect(brokenReliance(replayed, refill)).toBeUndefined()
    const after = foldAll([...dead, replayBy(0), refill])
    const days = letterDays(after)
    expect(days[0]?.files[0]?.path).not.toBe(taken.path)
    expect(brokenReliance(after, replayBy(2))).toMatchObject({ reason: 'range-moved' })
    expect(takeable(after, [unit])).toEqual([])
  })

  test('of a day that is closed, or that nobody knows, is void', () => {
    const unknown = { ...unit, day: dayOf('2026-11-19').path }
    const entry = replayBy(0, { replay: { why: 'why', letters: [unknown] } })
    expect(brokenReliance(state, entry)).toMatchObject({
      reason: 'place-changed',
      because: expect.stringContaining('dt=2026-11-19 is closed'),
    })
    expect(takeable(state, [unknown])).toEqual([])
  })

  const source = sampleSource(0)
  test.each<readonly [string, Changes, string]>([
    ['gives no reason', { replay: { why: ' ', letters: [unit] } }, 'gives no reason'],
    ['takes nothing', { replay: { why: 'w', letters: [] } }, 'takes 0 letters in and counts 5'],
    ['takes a unit twice', { replay: { why: 'w', letters: [unit, unit] } }, 'stand twice'],
    [
      'takes none of a cell',
      { replay: { why: 'w', letters: [{ ...unit, cells: [{ partition: hour, count: 0 }] }] } },
      'takes none of the letters',
    ],
    ['counts less', { body: { counts: [] } }, 'takes 5 letters in and counts 0 events'],
    [
      'moves a watermark',
      { body: { progress: [{ stream, source, eventWatermarkMs: unixMs(1) }] } },
      'moves positions or watermarks',
    ],
    [
      'brings evidence',
      { body: { evidence: [{ source, highWatermark: nextOffset(9n), askedAtMs: unixMs(1) }] } },
      'moves positions or watermarks',
    ],
    [
      'takes more than is counted late',
      { replay: { why: 'w', letters: [{ ...unit, cells: [{ partition: hour, count: 5 }] }] } },
      '3 late events are counted, it takes 5',
    ],
    [
      'takes of where nothing is counted',
      {
        replay: {
          why: 'w',
          letters: [{ ...unit, cells: [{ partition: sampleHour(20), count: 5 }] }],
        },
      },
      '0 late events are counted, it takes 5',
    ],
    [
      'takes of a stream that nothing is known of',
      { replay: { why: 'w', letters: [{ ...unit, stream: 'other' }] } },
      '0 late events are counted, it takes 3',
    ],
  ])('that %s is malformed', (_name, changes, because) => {
    const found = brokenReliance(state, replayBy(0, changes))
    expect(found).toMatchObject({ reason: 'malformed', because: expect.stringContaining(because) })
  })

  test('with ranges is malformed', () => {
    const entry = { ...replayBy(0), ranges: [sampleRange(0, 25, 30)] }
    expect(brokenReliance(state, entry)).toMatchObject({ reason: 'malformed' })
  })

  test('is not made again from Kafka when its files are lost', () => {
    const entry = replayBy(0)
    const plan = planRefill(7, { index: 7, entry, below: state }, '')
    expect(plan).toMatchObject({ because: expect.stringContaining('entry 7 is a replay') })
  })
})

describe('letters of a partition that is closed', () => {
  const closing = (counter: number, partition: LakePartition, of: string): LogEntry => ({
    kind: 'closed-late',
    ...entryBase(swapCommit(counter)),
    closings: [
      {
        stream: of,
        partition,
        version: state.streams.get(of)?.partitions.get(partition.path)?.version ?? letters,
        list: { path: 'p', sizeBytes: 1, sha256: 'a'.repeat(64), previous: zeroChecksum },
      },
    ],
  })
  const told = appendEntry(writerCommit(5), { publishedNext: 5 })
  const closed = foldAll([...dead, told, closing(1, hour, stream)])
  /** As late rows of what is closed: beside the table, and counted as late still. */
  const beside = (counter: number, taken: ReplayedLetters): AppendEntry => {
    const late = taken.cells.reduce((sum, { count }) => sum + count, 0)
    return appendEntry(swapCommit(counter), {
      replay: { why: 'why', letters: [taken] },
      body: { counts: [lateCell(hour, late)] },
    })
  }

  test('are counted as late of it still', () => {
    expect(closed.streams.get(stream)?.closed?.counts.late).toBe(5)
    expect(brokenReliance(closed, beside(2, unit))).toBeUndefined()
    const after = foldAll([...dead, told, closing(1, hour, stream), beside(2, unit)])
    expect(after.streams.get(stream)?.closed?.counts.late).toBe(5)
    const more = { ...unit, cells: [{ partition: hour, count: 6 }] }
    expect(brokenReliance(closed, beside(2, more))).toMatchObject({ reason: 'malformed' })
    const open = { ...unit, cells: [{ partition: sampleHour(20), count: 1 }] }
    expect(brokenReliance(closed, beside(2, open))).toMatchObject({ reason: 'malformed' })
  })

  test('cannot be closed with a list from before the replay: their day has another version', () => {
    const stale = closing(3, day, deadLetterStream)
    expect(brokenReliance(foldAll([...dead, told]), stale)).toBeUndefined()
    expect(brokenReliance(foldAll([...dead, told, replayBy(0)]), stale)).toMatchObject({
      reason: 'place-changed',
    })
  })
})

describe('days of letters', () => {
  const dayBefore = dayOf('2026-11-19')
  const inDay = (counter: number, at: LakePartition): LogEntry => {
    const commitId = writerCommit(counter)
    const file = { ...lettersFile(commitId), partitionPath: at.path }
    return appendEntry(commitId, {
      publishedNext: counter,
      places: [{ stream: deadLetterStream, partition: at }],
      body: { files: [file], counts: [lateCell(hour, 1)] },
    })
  }
  const told = (counter: number): LogEntry =>
    appendEntry(writerCommit(counter), { publishedNext: counter })

  test('are told from the oldest on', () => {
    const both = foldAll([...dead, inDay(5, dayBefore)])
    expect(letterDays(both).map(({ partition }) => partition.path)).toEqual([
      dayBefore.path,
      day.path,
    ])
    expect([...standingDays(both)]).toEqual([dayBefore.path, day.path])
    expect([letterDays(foldAll([])), ...standingDays(foldAll([]))]).toEqual([[]])
  })

  test('that are closed stay so for replays, also where other letters open them anew', () => {
    const entries = [...dead, inDay(5, dayBefore), told(6), replayBy(0), told(7)]
    const before = foldAll(entries)
    const version = before.streams.get(deadLetterStream)?.partitions.get(day.path)?.version
    const close: LogEntry = {
      kind: 'closed-late',
      ...entryBase(swapCommit(1), { publishedNext: 1 }),
      closings: [
        {
          stream: deadLetterStream,
          partition: day,
          version: version ?? letters,
          list: { path: 'p', sizeBytes: 1, sha256: 'a'.repeat(64), previous: zeroChecksum },
        },
      ],
    }
    const tellsReplay = appendEntry(swapCommit(2), { publishedNext: 2 })
    const anew = foldAll([...entries, tellsReplay, close, inDay(8, day)])
    expect(anew.streams.get(deadLetterStream)?.closed?.partitionCount).toBe(1)
    expect(letterDays(anew)).toHaveLength(2)
    expect([...standingDays(anew)]).toEqual([])
    expect(brokenReliance(anew, replayBy(3))).toMatchObject({
      because: expect.stringContaining('is closed'),
    })
  })
})

describe('staging for a replay', () => {
  const staged = swapCommit(7)
  const journal = { pipeline: 'growth', commitId: staged, ranges: [], letters: [unit] }

  test('is kept while its letters can be taken in, and garbage once they were', () => {
    expect(decideStaging(state, staged, journal)).toEqual({ kind: 'keep', because: 'undecided' })
    expect(decideStaging(replayed, staged, journal)).toEqual({ kind: 'garbage' })
  })

  test('is garbage once the day of its letters is closed', () => {
    const gone = { ...journal, letters: [{ ...unit, day: dayOf('2026-11-18').path }] }
    expect(decideStaging(state, staged, gone)).toEqual({ kind: 'garbage' })
  })
})

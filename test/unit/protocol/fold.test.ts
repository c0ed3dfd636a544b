import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { type FoldState, voidsKeptMax } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../../src/protocol/fold.ts'
import {
  appendEntry,
  configEntry,
  entryBase,
  lane,
  namedFiles,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  sampleSource,
  startRange,
  stream,
  table,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const other = writerId('b'.repeat(32))
const id = (counter: number, of = writer): ReturnType<typeof commitIdOf> => commitIdOf(of, counter)
const key = sourceKey(sampleSource(0))
const place = (hour: number): { stream: string; partition: ReturnType<typeof sampleHour> } => ({
  stream,
  partition: sampleHour(hour),
})

const foldAll = (entries: readonly LogEntry[], from = emptyFold()): FoldState =>
  entries.reduce((state, entry) => {
    const step = foldEntry(state, state.next, entry, headChecksumOf(Buffer.from(entry.commitId)))
    expect(step.verdict).toEqual({ kind: 'decided' })
    return step.state
  }, from)

const start = appendEntry(id(0), { ranges: [startRange(0, 5)] })
const withRows = (counter: number, first: number, next: number, hour = 13): LogEntry =>
  appendEntry(id(counter), {
    ranges: [sampleRange(0, first, next)],
    places: [place(hour)],
    body: {
      files: [sampleFile(id(counter), hour)],
      counts: [sampleCell(hour, next - first)],
      progress: [
        { stream, source: sampleSource(0), eventWatermarkMs: unixMs(1_000 * (20 - counter)) },
      ],
    },
  })
const partitionOf = (
  state: FoldState,
  hour: number,
): ReturnType<NonNullable<ReturnType<FoldState['streams']['get']>>['partitions']['get']> =>
  state.streams.get(stream)?.partitions.get(sampleHour(hour).path)

describe('an append', () => {
  test('moves its topic-partition and keeps since when it is known', () => {
    const state = foldAll([start, withRows(1, 5, 9)])
    expect(state.positions.get(lane)?.get(key)).toEqual({
      source: sampleSource(0),
      next: 9n,
      leaderEpoch: 4,
      commitId: id(1),
      sinceMs: entryBase(id(0)).stagedAtMs,
      movedAtMs: entryBase(id(1)).stagedAtMs,
      eventWatermarkMs: 19_000,
    })
  })

  test('of no records moves nothing but leaves its leader epoch as it was', () => {
    const idle = { ...sampleRange(0, 9, 9), leaderEpoch: -1 }
    const state = foldAll([start, withRows(1, 5, 9), appendEntry(id(2), { ranges: [idle] })])
    expect(state.positions.get(lane)?.get(key)).toMatchObject({
      leaderEpoch: 4,
      movedAtMs: entryBase(id(1)).stagedAtMs,
    })
  })

  test('adds its files and counts to its partitions, whose version it becomes', () => {
    const state = foldAll([start, withRows(1, 5, 9), withRows(2, 9, 10)])
    expect(partitionOf(state, 13)).toEqual({
      table,
      partition: sampleHour(13),
      place: 'open',
      version: id(2),
      files: [sampleFile(id(1), 13), sampleFile(id(2), 13)],
      counts: {
        read: 9,
        written: 5,
        filtered: { 'no-country': 2 },
        late: 0,
        deadLettered: { 'decode-truncated': 2 },
        lateAppended: 0,
      },
      revision: 0,
      manifest: undefined,
    })
  })

  test('never lowers a watermark, and says when rows came last', () => {
    const state = foldAll([start, withRows(1, 5, 9), withRows(2, 9, 10)])
    expect(state.streams.get(stream)?.progress.get(key)).toEqual({
      source: sampleSource(0),
      eventWatermarkMs: 19_000,
      rowsAtMs: entryBase(id(2)).stagedAtMs,
    })
  })

  test('keeps the evidence that was asked for last', () => {
    const asked = (counter: number, highWatermark: bigint, askedAtMs: number): LogEntry =>
      appendEntry(id(counter), {
        body: {
          evidence: [
            {
              source: sampleSource(0),
              highWatermark: nextOffset(highWatermark),
              askedAtMs: unixMs(askedAtMs),
            },
          ],
        },
      })
    const state = foldAll([asked(0, 7n, 1_000), asked(1, 9n, 3_000), asked(2, 8n, 2_000)])
    expect(state.evidence.get(key)).toMatchObject({ highWatermark: 9n, askedAtMs: 3_000 })
  })

  test('with counts only opens the partition they belong to, under the stream’s table', () => {
    const counts = [sampleCell(14, 0), { ...sampleCell(14, 0), stream: '_unknown' }]
    const state = foldAll([
      configEntry(id(0), 0),
      appendEntry(id(1), { configVersion: 1, body: { counts } }),
    ])
    expect(partitionOf(state, 14)).toMatchObject({ table, files: [], place: 'open' })
    const unknown = state.streams.get('_unknown')?.partitions.get(sampleHour(14).path)
    expect(unknown).toMatchObject({ table: '', counts: { read: 2 } })
  })
})

describe('an announcement', () => {
  const told = { ...sampleManifest(13), ...namedFiles([sampleFile(id(1), 13)]) }
  const ready = (counter: number, hour: number, targets: readonly string[]): LogEntry => ({
    kind: 'ready',
    ...entryBase(id(counter)),
    announcements: [{ ...place(hour), version: id(1), manifest: told, targets }],
  })
  const announced = foldAll([start, withRows(1, 5, 9), ready(2, 13, ['webhook', 'success-file'])])

  test('closes the partition, and names its own place in the log', () => {
    expect(partitionOf(announced, 13)).toMatchObject({
      place: 'announced',
      version: id(2),
      revision: 1,
      manifest: { ...told, logEntry: 2 },
      files: [sampleFile(id(1), 13)],
    })
    expect(announced.streams.get(stream)?.announcedNextMs).toBe(sampleHour(13).nextMs)
  })

  test('waits for each of its targets, and is gone when all have acknowledged', () => {
    expect(announced.undelivered).toEqual([
      {
        entry: 2,
        decidedAtMs: entryBase(id(2)).stagedAtMs,
        manifest: { ...told, logEntry: 2 },
        targets: ['webhook', 'success-file'],
      },
    ])
    const delivered = (counter: number, target: string): LogEntry => ({
      kind: 'delivered',
      ...entryBase(id(counter)),
      deliveries: [{ stream, partitionPath: sampleHour(13).path, revision: 1, target }],
    })
    const half = foldAll([delivered(3, 'webhook')], announced)
    expect(half.undelivered.map(({ targets }) => targets)).toEqual([['success-file']])
    // Two daemons may acknowledge one delivery: the second changes nothing.
    const again = foldAll([delivered(4, 'webhook')], half)
    expect(again.undelivered).toEqual(half.undelivered)
    expect(foldAll([delivered(5, 'success-file')], again).undelivered).toEqual([])
  })

  test('that nobody is to be told of waits for nobody', () => {
    const state = foldAll([start, withRows(1, 5, 9), ready(2, 13, [])])
    expect(state.undelivered).toEqual([])
  })

  test('is not changed by counts of rows that came too late', () => {
    const late = appendEntry(id(3), { body: { counts: [sampleCell(13, 0)] } })
    const state = foldAll([late], announced)
    expect(partitionOf(state, 13)).toMatchObject({
      version: id(2),
      counts: { read: 8 },
      manifest: { counts: { read: 12 } },
    })
  })

  test('of an hour before does not move the bound of what is late back', () => {
    const earlier: LogEntry = {
      kind: 'ready',
      ...entryBase(id(3)),
      announcements: [
        { ...place(9), version: undefined, manifest: sampleManifest(9), targets: [] },
      ],
    }
    const state = foldAll([earlier], announced)
    expect(state.streams.get(stream)?.announcedNextMs).toBe(sampleHour(13).nextMs)
  })
})

describe('what is published', () => {
  const two = foldAll([start, withRows(1, 5, 9), withRows(2, 9, 12)])

  test('is told by its writer’s later entries, and by nobody’s own', () => {
    expect([...two.unpublished.keys()].sort()).toEqual([id(1), id(2)])
    const told = foldAll([appendEntry(id(3), { publishedNext: 2 })], two)
    expect([...told.unpublished.keys()]).toEqual([id(2)])
    expect(told.writers.get(writer)).toMatchObject({ publishedNext: 2, unpublished: [id(2)] })
    const byOther = foldAll([appendEntry(id(9, other), { publishedNext: 9 })], two)
    expect(byOther.unpublished.size).toBe(2)
  })

  test('a commit that comes later under a lower counter is not covered by an earlier claim', () => {
    const claim = foldAll([start, appendEntry(id(7), { publishedNext: 7 })])
    const state = foldAll([withRows(1, 5, 9)], claim)
    expect([...state.unpublished.keys()]).toEqual([id(1)])
    expect(foldAll([appendEntry(id(8), { publishedNext: 8 })], state).unpublished.size).toBe(0)
  })

  test('of a dead writer is told by name, by whoever finished it', () => {
    const state = foldAll([appendEntry(id(0, other), { published: [id(1), id(77)] })], two)
    expect([...state.unpublished.keys()]).toEqual([id(2)])
    expect(state.writers.get(writer)?.unpublished).toEqual([id(2)])
  })

  test('is not taken from a void entry', () => {
    const wrong = appendEntry(id(3), { configVersion: 9, publishedNext: 3, published: [id(1)] })
    const { state, verdict } = foldEntry(two, two.next, wrong, '')
    expect(verdict.kind).toBe('void')
    expect(state.unpublished.size).toBe(2)
    expect(state.writers.get(writer)).toMatchObject({ publishedNext: 0, counterNext: 4 })
  })
})

test('void entries are counted all, and the newest are remembered', () => {
  let state = emptyFold()
  for (let counter = 0; counter < voidsKeptMax + 20; counter++) {
    const wrong = appendEntry(id(counter), { configVersion: 9 })
    state = foldEntry(state, state.next, wrong, '').state
  }
  expect(state.voidCount).toBe(voidsKeptMax + 20)
  expect(state.voids).toHaveLength(voidsKeptMax)
  expect(state.voids[0]).toEqual({
    entry: 20,
    commitId: id(20),
    because: 'config-changed: made under version 9, in force is 0',
  })
})

test('the checksum tells histories of other heads or another order apart', () => {
  const fold = (...heads: string[]): string =>
    heads.reduce((state, head) => foldEntry(state, state.next, start, head).state, emptyFold())
      .checksum
  const all = [fold('a'), fold('b'), fold('a', 'b'), fold('b', 'a'), fold('a', 'a')]
  expect(new Set(all).size).toBe(all.length)
})

test('an append does not look at the files that its partition holds already', () => {
  const state = foldAll([start, withRows(1, 5, 9)])
  const before = partitionOf(state, 13)
  if (before === undefined) throw new Error('the sample opens a partition')
  const whole = before.files
  Object.defineProperty(before, 'files', {
    get: () => expect.fail('a fold at the cost of the state'),
  })
  const after = foldAll([withRows(2, 9, 12)], state)
  expect(partitionOf(after, 13)?.files).toEqual([...whole, sampleFile(id(2), 13)])
})

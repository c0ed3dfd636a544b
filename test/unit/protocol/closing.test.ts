import { describe, expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import type { ClosedLateEntry, Closing } from '../../../src/model/close-entry.ts'
import { addCounts } from '../../../src/model/counts.ts'
import { type FoldState, zeroChecksum } from '../../../src/model/fold-state.ts'
import { type CommitId, commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { LogEntry, ReadyEntry } from '../../../src/model/log-entry.ts'
import { planClosing } from '../../../src/protocol/close-plan.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { withPartitionBack } from '../../../src/protocol/fold-closed.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  namedFiles,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  stream,
  table,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const id = (counter: number): CommitId => commitIdOf(writer, counter)
const place = (hour: number, name = stream) => ({ stream: name, partition: sampleHour(hour) })

const written = (counter: number, hour: number): LogEntry =>
  appendEntry(id(counter), {
    places: [place(hour)],
    body: { files: [sampleFile(id(counter), hour)], counts: [sampleCell(hour, 10)] },
  })
const announced = (counter: number, hour: number, version: CommitId): ReadyEntry => {
  const files = namedFiles([sampleFile(version, hour)])
  const manifest = { ...sampleManifest(hour), ...files }
  const announcement = { ...place(hour), version, manifest, targets: [] }
  return { kind: 'ready', ...entryBase(id(counter)), announcements: [announcement] }
}
const closing = (hour: number, version: CommitId, changes: Partial<Closing['list']> = {}) => {
  const sha256 = String(hour % 10).repeat(64)
  const list = { path: `closed/${hour}`, sizeBytes: 1, sha256, previous: zeroChecksum, ...changes }
  return { ...place(hour), version, list }
}
const closed = (counter: number, ...closings: readonly Closing[]): ClosedLateEntry => ({
  kind: 'closed-late',
  ...entryBase(id(counter), { publishedNext: 2 }),
  closings,
})
const after = (state: FoldState, ...entries: readonly LogEntry[]): FoldState =>
  entries.reduce((below, entry) => foldEntry(below, below.next, entry, '').state, state)
const why = (state: FoldState, entry: LogEntry) => brokenReliance(state, entry)?.because

/** Hours 12 and 13 with a file each, told as published and announced. */
const ready = foldAll([
  written(0, 12),
  written(1, 13),
  appendEntry(id(2), { publishedNext: 2 }),
  announced(3, 12, id(0)),
  announced(4, 13, id(1)),
])

test('the sample log stands as it says', () => {
  expect([ready.next, ready.voidCount]).toEqual([5, 0])
})

describe('a closing relies on', () => {
  test('standing once in its entry', () => {
    const twice = closed(5, closing(12, id(3)), closing(12, id(3)))
    expect(why(ready, twice)).toMatch(/is closed twice/)
    expect(why(ready, closed(5, closing(12, id(3))))).toBeUndefined()
  })

  test('an announcement, but for streams of our own', () => {
    const open = after(ready, written(5, 14))
    expect(why(open, closed(6, closing(14, id(5))))).toMatch(/is not announced/)
    const letters = place(14, '_dead_letters')
    const own = appendEntry(id(5), { places: [letters] })
    const list = closing(14, id(5)).list
    const state = after(ready, own)
    expect(why(state, closed(6, { ...letters, version: id(5), list }))).toBeUndefined()
  })

  test('every live file being named', () => {
    const late = { ...place(13), late: true } as const
    const file = sampleFile(id(5), 13, 7)
    const state = after(ready, appendEntry(id(5), { places: [late], body: { files: [file] } }))
    expect(why(state, closed(6, closing(13, id(5))))).toMatch(/revision 1 names not/)
  })

  test('the newest list of its stream', () => {
    const other = closing(12, id(3), { previous: '7'.repeat(64) })
    expect(why(ready, closed(5, other))).toMatch(/follows list 7777.*, the newest is 0000/)
    const both = closed(5, closing(12, id(3)), closing(13, id(4), { previous: '2'.repeat(64) }))
    expect(why(ready, both)).toBeUndefined()
  })
})

describe('a partition that was closed', () => {
  const state = after(ready, closed(5, closing(13, id(4))))
  const streamOf = (of: FoldState) => of.streams.get(stream)

  test('leaves the state with its sums', () => {
    expect(streamOf(state)?.partitions.has(sampleHour(13).path)).toBe(false)
    expect(streamOf(state)?.closed).toMatchObject({
      firstMs: sampleHour(13).startMs,
      nextMs: sampleHour(13).nextMs,
      partitionCount: 1,
      fileCount: 1,
      rowCount: 10,
      checksum: '3'.repeat(64),
    })
  })

  test('is never announced again, and takes no late rows', () => {
    expect(why(state, announced(6, 13, id(1)))).toMatch(/version none/)
    const unknown = { ...announced(6, 11, id(1)).announcements[0], version: undefined }
    const entry = { ...announced(6, 11, id(1)), announcements: [unknown] } as ReadyEntry
    expect(why(state, entry)).toMatch(/is closed/)
    const late = { ...place(11), late: true } as const
    expect(why(state, appendEntry(id(6), { places: [late] }))).toMatch(/is closed/)
  })

  test('counts events that come for it without rows, and leaves other counts alone', () => {
    const cell = { ...sampleCell(13, 0), counts: sampleCell(13, 0).counts }
    const counted = after(state, appendEntry(id(6), { body: { counts: [cell] } }))
    const before = streamOf(state)?.closed?.counts
    expect(streamOf(counted)?.closed?.counts).toEqual(before && addCounts(before, cell.counts))
    const later = after(state, appendEntry(id(6), { body: { counts: [sampleCell(15, 0)] } }))
    expect(streamOf(later)?.closed?.counts).toEqual(before)
    expect(streamOf(later)?.partitions.get(sampleHour(15).path)?.counts.read).toBe(2)
  })

  test('takes open partitions without rows before it along, and no later ones', () => {
    const counts = [sampleCell(11, 0), sampleCell(15, 0)]
    const with11 = after(ready, appendEntry(id(5), { body: { counts } }))
    const rowless = after(with11, closed(6, closing(13, id(4))))
    expect([...(streamOf(rowless)?.partitions.keys() ?? [])]).toEqual([
      sampleHour(12).path,
      sampleHour(15).path,
    ])
    expect(streamOf(rowless)?.closed?.counts.read).toBe(12 + 2)
  })

  test('keeps the writers that put something within a week, or have something to publish', () => {
    const weekMs = 7 * 24 * 3_600_000
    const old = commitIdOf(writerId('b'.repeat(32)), 0)
    const busy = commitIdOf(writerId('c'.repeat(32)), 0)
    const early = { stagedAtMs: unixMs(sampleHour(0).startMs - weekMs) }
    const silent = appendEntry(old, early)
    const files = [sampleFile(busy, 14)]
    const unpublished = appendEntry(busy, { ...early, places: [place(14)], body: { files } })
    const left = after(ready, silent, unpublished, closed(5, closing(13, id(4))))
    expect(new Set([...left.writers.keys()].map((key) => key[0]))).toEqual(new Set(['a', 'c']))
  })

  test('comes back for readers who found its list', () => {
    const folded = streamOf(ready)?.partitions.get(sampleHour(13).path)
    if (folded === undefined) throw new Error('it was there')
    const back = withPartitionBack(state, stream, folded)
    expect(streamOf(back)?.partitions.get(sampleHour(13).path)).toBe(folded)
    expect(withPartitionBack(state, 'another', folded)).toBe(state)
  })
})

describe('what is to be closed', () => {
  const closable = (state: FoldState, closingsMax = 9) =>
    planClosing({
      state,
      nowMs: sampleHour(99).startMs,
      closeAfterMs: () => durationMs(0),
      closingsMax,
    }).map((one) => `${one.stream} ${one.folded.partition.path.slice(-2)}`)

  test('comes by stream and start, as many as wanted', () => {
    const letters = ['_b', '_a'].map((name) => place(14, name))
    const files = letters.map((one) => ({ ...sampleFile(id(5), 14), stream: one.stream, table }))
    const state = after(
      ready,
      appendEntry(id(5), { places: letters, body: { files } }),
      appendEntry(id(6), { publishedNext: 6 }),
    )
    const all = ['_a 14', '_b 14', `${stream} 12`, `${stream} 13`]
    expect(closable(state)).toEqual(all)
    expect(closable(state, 2)).toEqual(all.slice(0, 2))
  })

  test('is nothing that was never announced, or has files that no revision names', () => {
    const late = { ...place(13), late: true } as const
    const file = sampleFile(id(5), 13, 7)
    const more = [
      appendEntry(id(5), { places: [late], body: { files: [file] } }),
      written(6, 14),
      appendEntry(id(7), { publishedNext: 7 }),
    ]
    expect(closable(after(ready, ...more))).toEqual([`${stream} 12`])
  })
})

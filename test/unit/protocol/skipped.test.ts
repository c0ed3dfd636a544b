import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import type { FoldedStream } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { Announcement, ReadyEntry } from '../../../src/model/log-entry.ts'
import type { SkippedRange } from '../../../src/model/ready-manifest.ts'
import { emptyFold, foldEntry } from '../../../src/protocol/fold.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import { isInGap, skippedAt, skippedRangeOf, withSkip } from '../../../src/protocol/skipped.ts'
import {
  configEntry,
  entryBase,
  foldAll,
  sampleHour,
  sampleManifest,
  stream,
} from '../../support/log-samples.ts'

const id = (counter: number) => commitIdOf(writerId('a'.repeat(32)), counter)
const isoOf = (hour: number): string => new Date(sampleHour(hour).startMs).toISOString()
const gap = (first: number, next: number): SkippedRange => ({
  first: isoOf(first),
  next: isoOf(next),
  partitions: next - first,
  emptyRunMax: 2,
})

function announcement(hour: number, skipped?: SkippedRange, revision = 1): Announcement {
  const manifest = { ...sampleManifest(hour, revision), files: [], ...(skipped && { skipped }) }
  return { stream, partition: sampleHour(hour), version: undefined, manifest, targets: [] }
}
const ready = (counter: number, ...announcements: Announcement[]): ReadyEntry => {
  return { kind: 'ready', ...entryBase(id(counter)), announcements }
}
/** 12h is announced. */
const state = foldAll([configEntry(id(0), 0), ready(1, announcement(12))])
const why = (...announcements: Announcement[]): string | undefined =>
  brokenReliance(state, ready(2, ...announcements))?.because

describe('a skipped range relies on', () => {
  test('beginning where its stream has come to', () => {
    expect(why(announcement(20, gap(13, 20)))).toBeUndefined()
    expect(why(announcement(20))).toBeUndefined()
    expect(why(announcement(20, gap(12, 20)))).toMatch(/place-changed: .*announced is all up to/)
    expect(why(announcement(20, gap(14, 20)))).toMatch(/announced is all up to 2026-11-20T13/)
  })

  test('what the same entry announces before it', () => {
    expect(why(announcement(13), announcement(20, gap(14, 20)))).toBeUndefined()
    expect(why(announcement(13), announcement(20, gap(13, 20)))).toMatch(/up to 2026-11-20T14/)
    const other = { ...announcement(13), stream: 'other' }
    expect(why(other, announcement(20, gap(13, 20)))).toBeUndefined()
  })

  test('nothing that is announced, where that is nothing', () => {
    const first = ready(0, announcement(20, gap(3, 20)))
    expect(brokenReliance(emptyFold(), first)).toBeUndefined()
  })

  test('ending with its partition, and having a length', () => {
    expect(why(announcement(20, gap(13, 19)))).toMatch(/malformed: .*skips .* up to/)
    expect(why(announcement(20, gap(21, 20)))).toMatch(/malformed/)
    expect(why(announcement(20, { ...gap(13, 20), first: 'long ago' }))).toMatch(/malformed/)
    expect(why(announcement(20, { ...gap(13, 20), next: 'soon' }))).toMatch(/malformed/)
  })

  test('being repeated by later revisions, and by them alone', () => {
    const told = announcement(20, gap(13, 20))
    const { state: after } = foldEntry(state, state.next, ready(2, told), '')
    const folded = after.streams.get(stream)?.partitions.get(sampleHour(20).path)
    const file = { path: 'late.parquet' } as never
    const late = { ...folded, files: [file], version: id(3) } as never
    const known = after.streams.get(stream)
    const partitions = new Map([[sampleHour(20).path, late]])
    const streams = new Map([[stream, { ...known, partitions } as FoldedStream]])
    const revise = (skipped?: SkippedRange) => {
      const { manifest, ...rest } = announcement(20, skipped, 2)
      const named = { ...manifest, files: [file], added: ['late.parquet'] }
      const entry = ready(4, { ...rest, version: id(3), manifest: named })
      return brokenReliance({ ...after, streams }, entry)?.because
    }
    expect(revise(gap(13, 20))).toBeUndefined()
    expect(revise()).toMatch(/malformed: .*skips something else than revision 1/)
    expect(revise(gap(14, 20))).toMatch(/skips something else/)
    const untold = {
      ...known,
      partitions: new Map([[sampleHour(20).path, { ...(late as object), manifest: undefined }]]),
    }
    const without = { ...after, streams: new Map([[stream, untold as never]]) }
    const entry = ready(4, { ...announcement(20, gap(13, 20), 2), version: id(3) })
    expect(brokenReliance(without, entry)).toBeDefined()
  })
})

describe('a stream remembers', () => {
  const none: FoldedStream = {
    progress: new Map(),
    partitions: new Map(),
    announcedNextMs: undefined,
  }

  test('nothing where nothing was skipped', () => {
    expect(withSkip(none, announcement(13), 7)).toEqual({})
  })

  test('the newest gaps, each with its entry, and none a second time', () => {
    let folded = none
    for (let n = 0; n < 40; n++) {
      folded = { ...folded, ...withSkip(folded, announcement(2 * n + 1, gap(2 * n, 2 * n + 1)), n) }
    }
    expect(folded.skipped).toHaveLength(32)
    expect([folded.skipped?.[0]?.entry, folded.skipped?.at(-1)?.entry]).toEqual([8, 39])
    expect(withSkip(folded, announcement(79, gap(78, 79), 2), 41)).toEqual({
      skipped: folded.skipped,
    })
  })

  test('which hours lie in one, but for those that got rows', () => {
    const skipped = [{ ...gapMs(13, 20), partitionCount: 7, emptyRunMax: 2, entry: 9 }]
    const known = { ...none, skipped }
    for (const hour of [13, 19]) expect(skippedAt(known, sampleHour(hour))).toBe(skipped[0])
    for (const hour of [12, 20]) expect(skippedAt(known, sampleHour(hour))).toBeUndefined()
    expect(skippedAt(undefined, sampleHour(13))).toBeUndefined()
    expect(skippedAt(none, sampleHour(13))).toBeUndefined()
    const at = (files: readonly object[]) => {
      const partitions = new Map([[sampleHour(13).path, { files } as never]])
      return skippedAt({ ...known, partitions }, sampleHour(13))
    }
    expect(at([])).toBe(skipped[0])
    expect(at([{}])).toBeUndefined()
  })
})

const gapMs = (first: number, next: number) => ({
  firstMs: sampleHour(first).startMs,
  nextMs: sampleHour(next).startMs,
})

test('a gap is counted in hours or days, and in at least one', () => {
  const count = (by: 'hour' | 'day', next: number) =>
    skippedRangeOf(gapMs(0, next), { scheme: { by, timezone: 'UTC' }, emptyRunMax: 3 })
  expect(count('hour', 50)).toEqual({ ...gap(0, 50), partitions: 50, emptyRunMax: 3 })
  expect(count('day', 49).partitions).toBe(2)
  expect(count('day', 1).partitions).toBe(1)
})

test('a partition lies in a gap with all of itself or not', () => {
  const half = { startMs: sampleHour(13).startMs, nextMs: unixMs(sampleHour(14).nextMs) }
  expect(isInGap(gapMs(13, 14), half)).toBe(false)
  expect(isInGap(gapMs(13, 15), half)).toBe(true)
})

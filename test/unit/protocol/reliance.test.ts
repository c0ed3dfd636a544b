import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import { clusterId, topicId } from '../../../src/model/topic-partition.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import {
  appendEntry,
  configEntry,
  entryBase,
  foldAll,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const id = (counter: number): ReturnType<typeof commitIdOf> => commitIdOf(writer, counter)
const place = (hour: number): { stream: string; partition: ReturnType<typeof sampleHour> } => ({
  stream,
  partition: sampleHour(hour),
})

const written = appendEntry(id(2), {
  ranges: [sampleRange(0, 5, 9)],
  places: [place(13)],
  configVersion: 1,
  body: { files: [sampleFile(id(2), 13)], counts: [sampleCell(13, 10)] },
})
const announced: LogEntry = {
  kind: 'ready',
  ...entryBase(id(3)),
  announcements: [
    {
      ...place(12),
      version: undefined,
      manifest: { ...sampleManifest(12), files: [] },
      targets: ['webhook'],
    },
  ],
}
/** Version 1 in force, topic-partition 0 at 9, hour 12 announced, hour 13 open. */
const state = foldAll([
  configEntry(id(0), 0),
  appendEntry(id(1), { ranges: [startRange(0, 5)], configVersion: 1 }),
  written,
  announced,
])
const why = (entry: LogEntry): string | undefined => brokenReliance(state, entry)?.because
const append = (changes: Parameters<typeof appendEntry>[1]): LogEntry =>
  appendEntry(id(4), { configVersion: 1, ...changes })

test('the sample log stands as it says', () => {
  expect([state.next, state.voidCount]).toEqual([4, 0])
})

describe('an append relies on', () => {
  test('nothing else than what it names', () => {
    expect(why(append({}))).toBeUndefined()
    expect(why(append({ ranges: [sampleRange(0, 9, 9), startRange(1, 7)] }))).toBeUndefined()
  })

  test('the next offset of each range', () => {
    expect(why(append({ ranges: [sampleRange(0, 5, 9)] }))).toMatch(/expected 5, the log has 9/)
    expect(why(append({ ranges: [sampleRange(0, 10, 12)] }))).toMatch(/expected 10, the log has 9/)
    expect(why(append({ ranges: [startRange(0, 9)] }))).toMatch(/no position, the log has 9/)
    expect(why(append({ ranges: [sampleRange(1, 0, 3)] }))).toMatch(/expected 0, the log has none/)
    const otherLane = { ...sampleRange(0, 9, 12), lane: 'slow' }
    expect(why(append({ ranges: [otherLane] }))).toMatch(/the log has none/)
    const broken = append({ ranges: [sampleRange(0, 9, 12), sampleRange(1, 0, 3)] })
    expect(brokenReliance(state, broken)?.reason).toBe('range-moved')
  })

  test('a start position under the id that the log reads the topic by', () => {
    const start = startRange(1, 0)
    const anew = { ...start.source, topicId: topicId('another') }
    expect(why(append({ ranges: [{ ...start, source: anew }] }))).toMatch(
      /is begun under topic id "another", the log reads /,
    )
    const elsewhere = { ...start.source, clusterId: clusterId('another') }
    expect(why(append({ ranges: [{ ...start, source: elsewhere }] }))).toMatch(/is begun under/)
    const other = { ...anew, topic: 'other' }
    expect(why(append({ ranges: [{ ...start, source: other }] }))).toBeUndefined()
    expect(why(append({ ranges: [{ ...start, source: anew, lane: 'slow' }] }))).toBeUndefined()
  })

  test('ranges that neither overlap, nor leave a gap, nor run backwards', () => {
    const gap = { ...sampleRange(0, 9, 12), first: offset(10n) }
    expect(why(append({ ranges: [gap] }))).toMatch(/begins at 10, it must begin at 9/)
    const overlap = { ...sampleRange(0, 9, 12), first: offset(8n) }
    expect(why(append({ ranges: [overlap] }))).toMatch(/begins at 8, it must begin at 9/)
    const backwards = { ...sampleRange(0, 9, 12), next: nextOffset(8n) }
    expect(why(append({ ranges: [backwards] }))).toMatch(/malformed: .*\[9, 8\)/)
    const unread = { ...startRange(1, 7), next: nextOffset(9n) }
    expect(why(append({ ranges: [unread] }))).toMatch(/begins at 7, it must begin at 9/)
    const negative = startRange(1, -1)
    expect(why(append({ ranges: [negative] }))).toMatch(/malformed/)
    const twice = [sampleRange(0, 9, 12), sampleRange(0, 9, 10)]
    expect(why(append({ ranges: twice }))).toMatch(/"growth.events\/0" stands twice/)
  })

  test('open places', () => {
    expect(why(append({ places: [place(13), place(14)] }))).toBeUndefined()
    expect(why(append({ places: [place(12)] }))).toMatch(/place-changed: .*hour=12 is announced/)
    // Never seen, and still too late: an hour after it is announced.
    expect(why(append({ places: [place(11)] }))).toMatch(/place-changed: .*hour=11 ends at/)
    const inOtherStream = { ...place(11), stream: 'purchases' }
    expect(why(append({ places: [inOtherStream] }))).toBeUndefined()
    const empty = { stream, partition: { ...sampleHour(20), nextMs: sampleHour(20).startMs } }
    expect(why(append({ places: [empty] }))).toMatch(/has no length/)
  })

  test('the configuration in force', () => {
    expect(why(append({ configVersion: 2 }))).toBe(
      'config-changed: made under version 2, in force is 1',
    )
  })

  test('counts that add up, and files that lie in its places', () => {
    const cell = sampleCell(14, 10)
    const counts = [{ ...cell, counts: { ...cell.counts, read: 10 } }]
    expect(why(append({ body: { counts } }))).toMatch(/malformed: .*10 events/)
    const files = [sampleFile(id(4), 14)]
    expect(why(append({ places: [place(13)], body: { files } }))).toMatch(/is in no place/)
  })

  test('a commit id of its own writer', () => {
    const forged = { ...append({}), writerId: writerId('b'.repeat(32)) }
    expect(why(forged)).toMatch(/malformed: .* is not of writer/)
  })
})

describe('an announcement relies on', () => {
  const ready = (hour: number, version: ReturnType<typeof id> | undefined): LogEntry => ({
    kind: 'ready',
    ...entryBase(id(5)),
    announcements: [{ ...place(hour), version, manifest: sampleManifest(hour), targets: [] }],
  })

  test('the version of its partition', () => {
    expect(why(ready(13, id(2)))).toBeUndefined()
    expect(why(ready(13, undefined))).toMatch(/has version .*-2, the entry names none/)
    expect(why(ready(13, id(1)))).toMatch(/has version .*-2, the entry names .*-1/)
    expect(why(ready(14, undefined))).toBeUndefined()
  })

  test('that it was not announced before, in the log or in the same entry', () => {
    expect(why(ready(12, id(3)))).toMatch(/is announced/)
    const once = ready(13, id(2))
    if (once.kind !== 'ready') throw new Error('the sample is an announcement')
    const twice = { ...once, announcements: [...once.announcements, ...once.announcements] }
    expect(why(twice)).toMatch(/announced twice/)
  })

  test('counts that came after it was made: rows that were only filtered change the version too', () => {
    const counted = append({ body: { counts: [sampleCell(13, 0)] } })
    const { state: after } = foldEntry(state, state.next, counted, '')
    expect(brokenReliance(after, ready(13, id(2)))?.reason).toBe('place-changed')
  })

  test('the next revision', () => {
    const manifest = sampleManifest(13, 2)
    const second: LogEntry = {
      kind: 'ready',
      ...entryBase(id(5)),
      announcements: [{ ...place(13), version: id(2), manifest, targets: [] }],
    }
    expect(why(second)).toMatch(/has revision 2, its next is 1/)
  })
})

test('a delivery relies on the announcement it acknowledges', () => {
  const delivered = (hour: number, revision: number): LogEntry => ({
    kind: 'delivered',
    ...entryBase(id(5)),
    deliveries: [{ stream, partitionPath: sampleHour(hour).path, revision, target: 'webhook' }],
  })
  expect(why(delivered(12, 1))).toBeUndefined()
  expect(why(delivered(12, 2))).toMatch(/has revision 1, delivered was 2/)
  expect(why(delivered(13, 1))).toMatch(/has revision 0, delivered was 1/)
})

test('a configuration relies on the version it was made from', () => {
  expect(why(configEntry(id(5), 1))).toBeUndefined()
  expect(why(configEntry(id(5), 0))).toMatch(/made from version 0, in force is 1/)
  expect(why({ ...configEntry(id(5), 1), version: 5 })).toMatch(/version 5 follows 1/)
})

test('time in an entry decides nothing', () => {
  const ranges = [sampleRange(0, 9, 12)]
  expect(why(append({ ranges, stagedAtMs: unixMs(0) }))).toBeUndefined()
  expect(why(append({ ranges, stagedAtMs: unixMs(2 ** 50) }))).toBeUndefined()
})

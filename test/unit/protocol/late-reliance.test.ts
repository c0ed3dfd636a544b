import { describe, expect, test } from 'vitest'
import type { DataFile } from '../../../src/model/data-file.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { withoutUnpublished, withUnpublished } from '../../../src/protocol/fold-swap.ts'
import {
  appendEntry,
  entryBase,
  namedFiles,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleSource,
  startRange,
  stream,
} from '../../support/log-samples.ts'
import {
  home,
  hour,
  mergeOf,
  outputOf,
  ready,
  why,
  writerCommit,
} from '../../support/swap-samples.ts'

const late = { stream, partition: hour, late: true } as const
const lateFile: DataFile = sampleFile(writerCommit(5), 13, 7)
const cell = (written: number, lateAppended: number) => {
  const { counts, ...at } = sampleCell(13, written)
  return { ...at, counts: { ...counts, lateAppended } }
}
const append = (lateAppended: number, place: { stream: string; partition: typeof hour } = late) =>
  appendEntry(writerCommit(5), {
    places: [place],
    body: { files: [lateFile], counts: [cell(3, lateAppended)] },
  })
const after = (...entries: readonly LogEntry[]): FoldState =>
  entries.reduce((state, entry) => foldEntry(state, state.next, entry, '').state, ready)

describe('counts of an append', () => {
  test('say of a late place that all of its rows are late, and of another that none is', () => {
    expect(why(ready, append(3))).toBeUndefined()
    expect(why(ready, append(2))).toMatch(/3 events written, 2 of them late, all can be/)
    const fourteen = { ...sampleCell(14, 3) }
    const counts = [{ ...fourteen, counts: { ...fourteen.counts, lateAppended: 3 } }]
    const places = [{ stream, partition: sampleHour(14) }]
    const open = appendEntry(writerCommit(5), { places, body: { counts } })
    expect(why(ready, open)).toMatch(/3 events written, 3 of them late, none can be/)
  })
})

describe('a later revision', () => {
  const [first, second] = ready.streams.get(stream)?.partitions.get(hour.path)?.files ?? []
  const files = [first, second, lateFile].filter((file) => file !== undefined)
  const revision = (changes: object): LogEntry => {
    const before = namedFiles(files.slice(0, 2))
    const told = { ...sampleManifest(13, 2), ...namedFiles(files, before), ...changes }
    const announcement = { stream, partition: hour, version: writerCommit(5), manifest: told }
    const announcements = [{ ...announcement, targets: [] }]
    return { kind: 'ready', ...entryBase(writerCommit(6)), announcements }
  }

  test('adds what came since, and nothing else', () => {
    const state = after(append(3))
    expect(why(state, revision({}))).toBeUndefined()
    expect(why(state, revision({ added: [] }))).toMatch(/adds 0 files, 1 came since revision 1/)
    expect(why(state, revision({ added: [first?.path] }))).toMatch(/adds 1 files/)
    expect(why(state, revision({ removed: [first?.path] }))).toBeDefined()
  })
})

describe('a move after the announcement', () => {
  const moveOf = (inputs: readonly string[], why_ = 'move' as const) =>
    mergeOf(1, {
      why: why_,
      place: 'announced',
      version: writerCommit(5),
      inputs,
      body: { files: [outputOf(1, home, 10)] },
    })

  test('may take late files that nobody was told of, and leaves the others', () => {
    const state = after(append(3))
    expect(why(state, moveOf([lateFile.path]))).toBeUndefined()
    const folded = after(append(3), moveOf([lateFile.path]))
    const paths = folded.streams
      .get(stream)
      ?.partitions.get(hour.path)
      ?.files.map(({ path }) => path)
    expect(paths).toHaveLength(3)
    expect(paths).not.toContain(lateFile.path)
  })

  test('may not take one of those that were announced', () => {
    const [told] = ready.streams.get(stream)?.partitions.get(hour.path)?.files ?? []
    expect(why(after(append(3)), moveOf([told?.path ?? '']))).toMatch(/announced, and lies in/)
  })
})

test('a watermark is that of every lane that reads the topic-partition, and of no other', () => {
  const source = sampleSource(0)
  const slow = { ...startRange(1, 0), lane: 'slow' }
  const eventWatermarkMs = sampleHour(14).startMs
  const told = appendEntry(writerCommit(6), {
    body: { progress: [{ stream, source, eventWatermarkMs }] },
  })
  const { positions } = after(appendEntry(writerCommit(5), { ranges: [slow] }), told)
  const marks = (lane: string) =>
    [...(positions.get(lane)?.values() ?? [])].map((at) => at.eventWatermarkMs)
  expect(marks('lake')).toEqual([eventWatermarkMs])
  expect(marks('slow')).toEqual([undefined])
})

test('a commit of a writer that the state does not know is remembered and forgotten all the same', () => {
  const commitId = writerCommit(9)
  const commit = { commitId, entry: 9, stagedAtMs: hour.startMs, files: [lateFile] }
  const state = withUnpublished({ ...ready, writers: new Map() }, commit)
  expect(state.unpublished.get(commitId)).toEqual(commit)
  expect(withoutUnpublished(state, commitId).unpublished.has(commitId)).toBe(false)
  expect(withoutUnpublished(state, writerCommit(8))).toBe(state)
})

import { describe, expect, test } from 'vitest'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import type { FoldedPartition, FoldState } from '../../../src/model/fold-state.ts'
import { partitionPath } from '../../../src/model/lake-partition.ts'
import type { ForgetEntry } from '../../../src/model/repair-entry.ts'
import type { SwapEntry } from '../../../src/model/swap-entry.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { foldForgottenFiles, foldSwap } from '../../../src/protocol/fold-swap.ts'
import { locationOf } from '../../../src/protocol/partition-place.ts'
import { appendEntry, foldAll, sampleCell, stream } from '../../support/log-samples.ts'
import {
  announced,
  away,
  begun,
  forgetOf,
  home,
  hour,
  mergeOf,
  one,
  open,
  outputOf,
  ready,
  readyOf,
  replaced,
  replaceOf,
  swapCommit,
  told,
  two,
  undoOf,
  why,
  writerCommit,
} from '../../support/swap-samples.ts'

const partitionIn = (state: FoldState): FoldedPartition => {
  const found = state.streams.get(stream)?.partitions.get(hour.path)
  if (found === undefined) throw new Error('the partition is there')
  return found
}
const liveIn = (state: FoldState): readonly string[] =>
  partitionIn(state).files.map(({ path }) => path)
const removedIn = (state: FoldState): readonly string[] =>
  (partitionIn(state).removed ?? []).map(({ file }) => file.path)
const written = (state: FoldState): string => Buffer.from(encodeCheckpoint(state)).toString('hex')
describe('before the announcement', () => {
  test('a merge puts one file in the place of two, which are given up', () => {
    const state = foldAll([...begun, told, mergeOf(0)])
    expect(liveIn(state)).toEqual([outputOf(0, home).path])
    expect(partitionIn(state)).toMatchObject({ version: swapCommit(0), revision: 0 })
    expect(partitionIn(state)).not.toHaveProperty('removed')
    const deeds = state.unpublished.get(swapCommit(0))
    expect(deeds?.files.map(({ path }) => path)).toEqual([outputOf(0, home).path])
    expect(deeds?.removals?.map(({ path }) => path)).toEqual([one.path, two.path])
  })

  test('what was merged away needs no publishing, the rest of its commit does', () => {
    const some = mergeOf(0, {
      inputs: [one.path],
      body: { files: [outputOf(0, home, 10)] },
    })
    const state = foldAll([...begun, some])
    expect(state.unpublished.get(writerCommit(1))?.files).toEqual([two])
    const all = foldAll([...begun, mergeOf(0)])
    expect(all.unpublished.has(writerCommit(1))).toBe(false)
    expect([...all.unpublished.keys()]).toEqual([swapCommit(0)])
  })

  test('a second merge of one input is void', () => {
    const state = foldAll([...begun, told, mergeOf(0)])
    expect(why(state, mergeOf(1))).toMatch(/place-changed: .* is not live/)
  })

  test('a merge is done when its writer says so, and waits for nothing after', () => {
    const state = foldAll([
      ...begun,
      told,
      mergeOf(0),
      appendEntry(swapCommit(1), { publishedNext: 1 }),
    ])
    expect(state.unpublished.size).toBe(0)
  })

  test.each([
    ['rows that a merge loses', { body: { files: [outputOf(0, home, 19)] } }, /20 rows gives 19/],
    ['rows lost by a merge', { lostRowCount: 1 }, /merge loses 1 rows/],
    ['an input twice', { inputs: [one.path, one.path] }, /each must stand once/],
    ['no input', { inputs: [] }, /0 inputs/],
    ['an undo', { why: 'undo', restored: [one.path], body: { files: [] } }, /undo of what is open/],
    ['an undo of nothing', { why: 'undo' }, /undo brings back 0 files/],
    ['files that come back', { restored: [one.path] }, /merge brings back 1/],
    ['nothing in their place', { body: { files: [] } }, /nothing comes out/],
    ['another location', { location: away(0) }, /open, and lies in/],
    ['a file elsewhere', { body: { files: [outputOf(0, away(0))] } }, /is no new file of/],
    ['a live file', { body: { files: [{ ...one, rowCount: 20 }] } }, /is no new file of/],
    [
      'one file twice',
      { body: { files: [outputOf(0, home, 10), outputOf(0, home, 10)] } },
      /is no new file of/,
    ],
    [
      'a file of another stream',
      { body: { files: [{ ...outputOf(0, home), stream: 'x' }] } },
      /is no new file of/,
    ],
    [
      'a file of another table',
      { body: { files: [{ ...outputOf(0, home), table: 'x' }] } },
      /is no new file of/,
    ],
    [
      'a file of another hour',
      { body: { files: [{ ...outputOf(0, home), partitionPath: partitionPath('x') }] } },
      /is no new file of/,
    ],
    ['an announced place', { place: 'announced' }, /is open, not announced/],
    ['an unknown stream', { stream: 'x' }, /is not there, not open/],
  ] satisfies [string, Partial<SwapEntry>, RegExp][])('%s is void', (_, changes, reason) => {
    expect(why(open, mergeOf(0, changes))).toMatch(reason)
  })

  test('a refill may bring in less than was lost, if it says how much', () => {
    const lost = mergeOf(0, { why: 'refill', lostRowCount: 20, body: { files: [] } })
    const state = foldAll([...begun, lost])
    expect(liveIn(state)).toEqual([])
    expect(state.unpublished.get(swapCommit(0))?.removals).toHaveLength(2)
    const body = { files: [outputOf(0, home, 15)] }
    expect(why(open, mergeOf(0, { why: 'refill', lostRowCount: 5, body }))).toBeUndefined()
    expect(why(open, mergeOf(0, { why: 'refill', lostRowCount: 4, body }))).toMatch(/gives 19/)
  })
})

describe('after the announcement', () => {
  test('a swap takes every live file elsewhere, and keeps what it took', () => {
    expect(liveIn(replaced)).toEqual([outputOf(0, away(0)).path])
    expect(removedIn(replaced)).toEqual([one.path, two.path])
    expect(locationOf(partitionIn(replaced))).toBe(away(0))
    expect(replaced.unpublished.get(swapCommit(0))).not.toHaveProperty('removals')
    expect(written(parseCheckpoint(encodeCheckpoint(replaced), 'x'))).toBe(written(replaced))
  })

  test.each([
    ['a part of the files', { inputs: [one.path] }, /2 files are live, it takes 1/],
    ['the old location', { location: home }, /announced, and lies in/],
    ['an old version', { version: writerCommit(1) }, /has version .*-3, the entry names .*-1/],
    ['no version', { version: undefined }, /the entry names none/],
  ] satisfies [string, Partial<SwapEntry>, RegExp][])('%s is void', (_, changes, reason) => {
    expect(why(ready, { ...replaceOf(0, writerCommit(3)), ...changes })).toMatch(reason)
  })

  test('it waits while a live file is not announced', () => {
    const again = { ...replaceOf(1, swapCommit(0)), inputs: [outputOf(0, away(0)).path] }
    expect(why(replaced, again)).toMatch(/a live file is not announced/)
    const next = readyOf(4, swapCommit(0), { files: [outputOf(0, away(0))], revision: 2 })
    const state = foldAll([...announced, replaceOf(0, writerCommit(3)), next])
    expect(why(state, { ...again, version: writerCommit(4) })).toBeUndefined()
    expect(partitionIn(state)).toMatchObject({ revision: 2, location: away(0) })
  })

  test('the next revision names the live files, once, over the version it was made on', () => {
    const files = [outputOf(0, away(0))]
    expect(why(ready, readyOf(4, writerCommit(3), { revision: 2 }))).toMatch(/is announced/)
    expect(why(replaced, readyOf(4, swapCommit(0), { files, revision: 2 }))).toBeUndefined()
    expect(why(replaced, readyOf(4, writerCommit(3), { files, revision: 2 }))).toMatch(
      /has version/,
    )
    expect(why(replaced, readyOf(4, swapCommit(0), { files, revision: 3 }))).toMatch(/next is 2/)
    const other = [{ ...one, path: 'x' }]
    expect(why(replaced, readyOf(4, swapCommit(0), { files: other, revision: 2 }))).toMatch(
      /does not name the live files/,
    )
    const none = readyOf(4, swapCommit(0), { files: [], revision: 2 })
    expect(why(replaced, none)).toMatch(/does not name the live files/)
  })

  test('rows that were only counted leave the swap as it is', () => {
    const counted = appendEntry(writerCommit(5), { body: { counts: [sampleCell(13, 0)] } })
    const { state } = foldEntry(replaced, replaced.next, counted, '')
    expect(removedIn(state)).toEqual(removedIn(replaced))
    expect(partitionIn(state)).toMatchObject({ location: away(0), version: swapCommit(0) })
  })
})

describe('an undo', () => {
  const known = appendEntry(swapCommit(1), { publishedNext: 1 })
  const published = foldAll([...announced, replaceOf(0, writerCommit(3)), known])

  test('brings back what the newest swap took, to where it was', () => {
    expect(why(published, undoOf(2, 0))).toBeUndefined()
    const { state } = foldEntry(published, published.next, undoOf(2, 0), '')
    expect(liveIn(state)).toEqual([one.path, two.path])
    expect(removedIn(state)).toEqual([outputOf(0, away(0)).path])
    expect(partitionIn(state)).not.toHaveProperty('location')
    expect(why(state, { ...undoOf(3, 0), version: swapCommit(2) })).toMatch(/is not live/)
    const back = { inputs: [one.path, two.path], restored: [outputOf(0, away(0)).path] }
    const redo = { ...undoOf(3, 0), version: swapCommit(2), ...back, location: away(0) }
    expect(why(state, redo)).toMatch(/nothing can be taken back/)
  })

  test('of an output that nobody knows as published is void', () => {
    expect(why(replaced, undoOf(2, 0))).toMatch(/is not known as published/)
    const elsewhere = appendEntry(writerCommit(5), {
      ranges: [],
      places: [{ stream: 'other', partition: hour }],
      body: { files: [{ ...one, stream: 'other', path: 'other/file.parquet' }] },
    })
    const { state } = foldEntry(published, published.next, elsewhere, '')
    expect(state.unpublished.size).toBe(1)
    expect(why(state, undoOf(2, 0))).toBeUndefined()
  })

  test('of another swap, or to another place, is void', () => {
    expect(why(published, { ...undoOf(2, 0), restored: [one.path] })).toMatch(/another swap/)
    const other = { ...undoOf(2, 0), location: away(7) }
    expect(why(published, other)).toMatch(/another swap is the newest/)
  })

  test('of what was forgotten is void, and what is live cannot be forgotten', () => {
    const forget = forgetOf(swapCommit(0), one.path)
    expect(why(published, forgetOf(swapCommit(0), outputOf(0, away(0)).path))).toMatch(
      /is not swapped out/,
    )
    expect(why(published, forgetOf(writerCommit(3), one.path))).toMatch(/has version/)
    const nowhere = { ...forget, files: [{ ...forget.files[0], stream: 'x' }] } as ForgetEntry
    expect(why(published, nowhere)).toMatch(/has version none/)
    expect(why(published, forget)).toBeUndefined()
    const { state } = foldEntry(published, published.next, forget, '')
    expect(removedIn(state)).toEqual([two.path])
    expect(why(state, undoOf(2, 0))).toMatch(/forgotten: .* is forgotten/)
    const removals = state.unpublished.get(swapCommit(8))?.removals
    expect(removals?.map(({ path }) => path)).toEqual([one.path])
  })
})

describe('effects without a judgement, as a model plays them', () => {
  test('over what the log does not know nothing changes', () => {
    const nowhere = mergeOf(0, { stream: 'x' })
    expect(foldSwap(open, open.next, nowhere)).toBe(open)
    const [files] = forgetOf(swapCommit(0), one.path).files
    if (files === undefined) throw new Error('the sample has files')
    const forget = { ...forgetOf(swapCommit(0)), files: [{ ...files, stream: 'x' }] }
    expect(foldForgottenFiles(open, open.next, forget)).toEqual(open)
    expect(written(foldForgottenFiles(open, 9, forgetOf(swapCommit(0), one.path)))).toBe(
      written(open),
    )
  })

  test('an unpublished commit with something to delete stays until that is told', () => {
    const merged = foldAll([...begun, told, mergeOf(0)])
    const again = mergeOf(1, {
      inputs: [outputOf(0, home).path],
      body: { files: [outputOf(1, home)] },
    })
    const { state } = foldEntry(merged, merged.next, again, '')
    expect(state.unpublished.get(swapCommit(0))).toMatchObject({ files: [], removals: [{}, {}] })
  })
})

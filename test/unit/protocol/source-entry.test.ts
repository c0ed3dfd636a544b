import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import type { FoldedPosition, FoldState } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { LogEntry, SourceEntry, SourceMove } from '../../../src/model/log-entry.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey, topicId } from '../../../src/model/topic-partition.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import { isSameReading } from '../../../src/protocol/source-judgement.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  lane,
  sampleHour,
  sampleRange,
  sampleSource,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const id = (counter: number): ReturnType<typeof commitIdOf> => commitIdOf(writer, counter)
const at = (offset: number) => nextOffset(BigInt(offset))
const renewed = { ...sampleSource(0), topicId: topicId('made-anew') }

const move = (changes: Partial<SourceMove> = {}): SourceMove => ({
  lane,
  source: sampleSource(0),
  expected: at(9),
  resetEpoch: 0,
  next: at(3),
  cause: 'it holds 0 up to 3',
  ...changes,
})

/** What is read of the topic before, ended. */
const ended: readonly [SourceMove, SourceMove] = [
  move({ next: undefined }),
  move({ source: sampleSource(1), expected: at(0), next: undefined }),
]

const moving = (
  moves: readonly SourceMove[],
  { counter = 3, why = 'asked for' }: { counter?: number; why?: string } = {},
): SourceEntry => ({
  kind: 'source',
  ...entryBase(id(counter)),
  action: 'reset',
  why,
  moves,
})

const progress = { stream, source: sampleSource(0), eventWatermarkMs: sampleHour(13).startMs }
const evidence = { source: sampleSource(0), highWatermark: at(9), askedAtMs: unixMs(5) }
const before: readonly LogEntry[] = [
  appendEntry(id(1), { ranges: [startRange(0, 5), startRange(1, 0)] }),
  appendEntry(id(2), {
    ranges: [sampleRange(0, 5, 9)],
    body: { progress: [progress], evidence: [evidence] },
  }),
]
const state = foldAll(before)
const why = (entry: LogEntry, over: FoldState = state) => brokenReliance(over, entry)?.because
const positionOf = (over: FoldState, source = sampleSource(0)): FoldedPosition | undefined =>
  over.positions.get(lane)?.get(sourceKey(source))

describe('an operator’s move relies on', () => {
  test('the offset and the reset epoch that he saw', () => {
    expect(why(moving([move()]))).toBeUndefined()
    expect(why(moving([move({ expected: at(8) })]))).toMatch(/expected 8, the log has 9/)
    expect(why(moving([move({ resetEpoch: 1 })]))).toMatch(/expected reset epoch 1, the log has 0/)
    const again = foldAll([...before, moving([move({ next: at(9) })])])
    expect(why(moving([move()]), again)).toMatch(/expected reset epoch 0, the log has 1/)
    expect(brokenReliance(again, moving([move()]))?.reason).toBe('range-moved')
  })

  test('nothing being known of what it begins', () => {
    const begun = move({ source: renewed, expected: undefined, next: at(0) })
    expect(why(moving([...ended, begun]))).toBeUndefined()
    expect(why(moving([{ ...begun, source: sampleSource(0) }]))).toMatch(/the log has 9/)
  })

  test('no other id being read under the name but those that it ends', () => {
    const begun = move({ source: renewed, expected: undefined, next: at(0) })
    const [zero] = ended
    // Somebody began the other topic-partition of the topic before while the operator looked.
    expect(why(moving([zero, begun]))).toMatch(
      /range-moved: .*is read under topic id "made-anew", "growth.events\/1" under /,
    )
    expect(why(moving([begun]))).toMatch(/is read under topic id "made-anew"/)
    const elsewhere = { ...begun, source: { ...renewed, topic: 'other' } }
    expect(why(moving([elsewhere]))).toBeUndefined()
    expect(why(moving([{ ...begun, lane: 'slow' }]))).toBeUndefined()
    expect(why(moving(ended))).toBeUndefined()
  })

  test('a reason, and on being one move of each topic-partition that is read', () => {
    expect(why(moving([move()], { why: ' ' }))).toMatch(/malformed: it gives no reason/)
    expect(why(moving([]))).toMatch(/malformed: it moves nothing/)
    expect(why(moving([move(), move()]))).toMatch(/malformed: .* stands twice/)
    expect(why(moving([move({ next: at(-1) })]))).toMatch(/malformed: .* next -1/)
    const unknown = move({ source: renewed, expected: undefined, next: undefined })
    expect(why(moving([unknown]))).toMatch(/malformed: .* is not read/)
    const over = foldAll([...before, moving([move({ next: undefined })])])
    expect(why(moving([move({ next: undefined })]), over)).toMatch(/malformed: .* is not read/)
  })
})

describe('after a move', () => {
  const moved = foldAll([...before, moving([move()])])

  test('reading goes on in a new epoch, with nothing known of event time', () => {
    expect(moved.voidCount).toBe(0)
    const movedAtMs = moving([]).stagedAtMs
    expect(positionOf(moved)).toEqual({
      source: sampleSource(0),
      next: 3n,
      leaderEpoch: -1,
      commitId: id(3),
      sinceMs: movedAtMs,
      movedAtMs,
      eventWatermarkMs: undefined,
      resetEpoch: 1,
    })
    expect(moved.streams.get(stream)?.progress.size).toBe(0)
    expect([...moved.evidence]).toEqual([])
    expect(positionOf(moved, sampleSource(1))).toEqual(positionOf(state, sampleSource(1)))
  })

  test('a commit of the former epoch is void, be its offsets right by chance', () => {
    const zombie = appendEntry(id(9), { ranges: [sampleRange(0, 3, 5)] })
    expect(why(zombie, moved)).toMatch(/range-moved: .*expected reset epoch 0, the log has 1/)
    const own = appendEntry(id(9), { ranges: [{ ...sampleRange(0, 3, 5), resetEpoch: 1 }] })
    expect(why(own, moved)).toBeUndefined()
    const on = foldAll([...before, moving([move()]), own])
    expect(positionOf(on)).toMatchObject({ next: 5n, resetEpoch: 1 })
  })

  test('to where it stands the epoch of the record before is still known', () => {
    const held = foldAll([...before, moving([move({ next: at(9) })])])
    expect(positionOf(held)).toMatchObject({ next: 9n, leaderEpoch: 4, resetEpoch: 1 })
  })
})

describe('what an operator ended', () => {
  const begun = move({ source: renewed, expected: undefined, next: at(0) })
  const over = foldAll([...before, moving([...ended, begun])])

  test('stays known, so that what was read of it before may still be committed', () => {
    expect(positionOf(over)).toMatchObject({ next: 9n, ended: true })
    expect(positionOf(over, renewed)).not.toHaveProperty('resetEpoch')
    const late = appendEntry(id(9), { ranges: [sampleRange(0, 9, 12)] })
    expect(why(late, over)).toBeUndefined()
    const after = foldAll([...before, moving([...ended, begun]), late])
    expect(positionOf(after)).toMatchObject({ next: 12n, ended: true })
    expect(why(appendEntry(id(9), { ranges: [startRange(0, 9)] }), over)).toMatch(/no position/)
  })

  test('is read again by another move, in another epoch', () => {
    const left = move({ source: renewed, expected: at(0), next: undefined })
    const back = moving([left, move({ next: at(9) })], { counter: 4 })
    expect(why(moving([move({ next: at(9) })]), over)).toMatch(/is read under topic id/)
    expect(why(back, over)).toBeUndefined()
    const again = foldAll([...before, moving([...ended, begun]), back])
    expect(positionOf(again)).toMatchObject({ next: 9n, resetEpoch: 1 })
    expect(positionOf(again)).not.toHaveProperty('ended')
  })
})

test('what is known of a reading is so until an operator moves any of it', () => {
  const more = foldAll([...before, appendEntry(id(3), { ranges: [sampleRange(0, 9, 12)] })])
  expect(isSameReading(state, state)).toBe(true)
  expect(isSameReading(more, state)).toBe(true)
  const moved = foldAll([...before, moving([move()])])
  expect([isSameReading(moved, state), isSameReading(moved, moved)]).toEqual([false, true])
  const ended = foldAll([...before, moving([move({ next: undefined })])])
  expect(isSameReading(ended, state)).toBe(false)
  expect(isSameReading(emptyFold(), state), 'what is not known was not moved').toBe(true)
  expect(isSameReading(state, emptyFold())).toBe(true)
})

import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import { ReadingPauses } from '../../../src/daemon/reading-pauses.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import type { SourcePartition } from '../../../src/model/topic-partition.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { sourceAt } from '../../support/lane-world.ts'

/** Two topic-partitions of one stream, with what is held and how far each is set by hand. */
function openPauses() {
  const sources = [sourceAt(0), sourceAt(1)]
  const state = { heldBytes: 0, eventMs: [0, 0], nowMs: 0 }
  const calls: string[] = []
  const note = (word: string) => (some: readonly SourcePartition[]) =>
    void calls.push(...some.map(({ partition }) => `${word} ${partition}`))
  const pauses = new ReadingPauses({
    aligned: [
      {
        name: 's',
        topics: ['events'],
        maxSkewMs: durationMs(10),
        idleMs: durationMs(60),
        index: 0,
      },
    ],
    sources: () => sources,
    eventMsMax: ({ partition }) => Float64Array.of(state.eventMs[partition] ?? Number.NaN),
    tenureOf: ({ partition }) => sources[partition],
    committedEnd: () => ({ next: nextOffset(0n), evidence: undefined }),
    lakeNowMs: () => unixMs(state.nowMs),
    isRefused: () => false,
    pause: note('pause'),
    resume: note('resume'),
    telemetry: new SimTelemetry(),
    bounds: { bytesMax: 100, streams: new Map([['s', { topics: ['events'], bytesMax: 100 }]]) },
    held: () => ({ accumulating: new Map([['s', state.heldBytes]]), committing: new Map() }),
    kernel: () => ({ builders: 0, shared: 0, free: 0 }),
    hurry: () => {},
  })
  return {
    pauses,
    adjust: (change: Partial<typeof state>): readonly string[] => {
      Object.assign(state, change)
      pauses.adjust()
      return calls.splice(0)
    },
  }
}

test('who is ahead is not read again because memory is free', () => {
  const { pauses, adjust } = openPauses()
  expect(adjust({ eventMs: [0, 20] })).toEqual(['pause 1'])
  adjust({ heldBytes: 101 })
  expect(adjust({ heldBytes: 0 })).toEqual(['resume 0'])
  expect(pauses.isPaused(sourceAt(1))).toBe(true)
  expect(adjust({ eventMs: [18, 20] })).toEqual(['resume 1'])
})

test('who has come near is not read again while memory is full', () => {
  const { pauses, adjust } = openPauses()
  adjust({ eventMs: [0, 20], heldBytes: 101 })
  expect(adjust({ eventMs: [18, 20] })).toEqual([])
  expect(pauses.isPaused(sourceAt(1))).toBe(true)
  expect([...pauses.reasons()]).toHaveLength(2)
  expect(adjust({ heldBytes: 0 })).toEqual(['resume 0', 'resume 1'])
})

test('who holds the others and is quiet is asked for its end, by its reader alone', () => {
  const { pauses, adjust } = openPauses()
  const none = { eventMs: [Number.NaN, Number.NaN] }
  adjust({ eventMs: [0, 20] })
  adjust({ ...none, nowMs: 59 })
  expect(pauses.asking([])).toEqual([])
  adjust({ ...none, nowMs: 60 })
  expect(pauses.asking([])).toEqual([sourceAt(0)])
  expect(pauses.asking([sourceAt(1)])).toHaveLength(2)
  pauses.forget([sourceAt(0)])
  expect(pauses.asking([])).toEqual([])
})

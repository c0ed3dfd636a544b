import { expect, test } from 'vitest'
import { checkSkipped } from '../../../src/audit/check-skipped.ts'
import type { LogWalk } from '../../../src/audit/walk-log.ts'
import { unixMs } from '../../../src/base/time.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { sampleHour, sampleManifest, stream } from '../../support/log-samples.ts'

const skipped = {
  first: '2026-11-20T13:00:00.000Z',
  next: '2026-11-20T20:00:00.000Z',
  partitions: 7,
  emptyRunMax: 2,
}
const manifest = (revision = 1) => ({ ...sampleManifest(20, revision), logEntry: 9, skipped })

/** The log below the announcement, where all up to `reached` is announced. */
function below(reached: number, hours: readonly number[] = [], next = 0): LogWalk {
  const partitions = new Map(
    hours.map((hour) => [
      sampleHour(hour).path,
      { partition: sampleHour(hour), files: [{}], manifest: { skipped } },
    ]),
  )
  const announcedNextMs = unixMs(sampleHour(reached).startMs)
  const streams = new Map([[stream, { progress: new Map(), partitions, announcedNextMs }]])
  const state = { ...emptyFold(), streams }
  return { base: { ...emptyFold(), next }, state } as unknown as LogWalk
}
const stateOf = (walk: LogWalk, revision = 1) => {
  const { state, findings } = checkSkipped(manifest(revision), skipped, walk)
  return [state, ...findings]
}

test('a gap is as it is told where nothing of it had rows or was announced', () => {
  expect(stateOf(below(13, [12, 20]))).toEqual(['ok'])
  expect(stateOf(below(12))).toEqual(['ok'])
})

test('rows in it, and what was announced of it, are found', () => {
  expect(stateOf(below(13, [15]))).toEqual([
    'failed',
    expect.stringMatching(/skips dt=2026-11-20\/hour=15, which has 1 file$/),
  ])
  expect(stateOf(below(15))).toEqual([
    'failed',
    expect.stringMatching(/announced was all up to 2026-11-20T15/),
  ])
})

test('a later revision tells the gap of the one before, whatever came to it since', () => {
  expect(stateOf(below(21, [15, 20]), 2)).toEqual(['ok'])
  expect(stateOf(below(21, [15]), 2)).toEqual([
    'failed',
    expect.stringMatching(/skips something else than revision 1$/),
  ])
})

test('it cannot be checked where the entries below it are deleted', () => {
  expect(stateOf(below(13, [], 10))).toEqual(['not-checkable'])
})

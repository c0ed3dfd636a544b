import { describe, expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import { checkpointName } from '../../../src/protocol/log-paths.ts'
import {
  planTrim,
  type StandingCheckpoint,
  type TrimPlan,
} from '../../../src/protocol/trim-plan.ts'

const checkpoint = (next: number, putAtMs: number): StandingCheckpoint => ({
  ...checkpointName('growth', next, 'a'.repeat(64)),
  putAtMs: unixMs(putAtMs),
})

/** Checkpoints every ten entries, one put each second. */
const standing = (...nexts: readonly number[]): readonly StandingCheckpoint[] =>
  nexts.map((next) => checkpoint(next, next * 100))

const plan = (checkpoints: readonly StandingCheckpoint[], nowMs: number, keepMs = 0): TrimPlan =>
  planTrim({ checkpoints, nowMs: unixMs(nowMs), keepMs: durationMs(keepMs), sparseEvery: 100 })

const nextsOf = ({ checkpoints }: TrimPlan): readonly number[] =>
  checkpoints.map(({ next }) => next)

describe('trimming', () => {
  test('deletes nothing before two checkpoints stand', () => {
    expect(plan([], 1e9)).toEqual({ base: undefined, checkpoints: [] })
    expect(plan(standing(10), 1e9)).toEqual({ base: undefined, checkpoints: [] })
    const twice = [checkpoint(10, 0), { ...checkpoint(10, 0), path: 'of another history' }]
    expect(plan(twice, 1e9)).toEqual({ base: undefined, checkpoints: [] })
  })

  test('stays below the older of the newest two: the newest may be unreadable', () => {
    expect(plan(standing(10, 20), 1e9).base?.next).toBe(10)
    expect(plan(standing(10, 20, 30), 1e9).base?.next).toBe(20)
  })

  test('keeps entries for as long as is asked for after a checkpoint was made over them', () => {
    const checkpoints = standing(10, 20, 30, 40)
    expect(plan(checkpoints, 6_999, 5_000).base?.next).toBe(10)
    expect(plan(checkpoints, 7_000, 5_000).base?.next).toBe(20)
    expect(plan(checkpoints, 5_999, 5_000).base).toBeUndefined()
  })

  test('keeps of older checkpoints the base and one a span', () => {
    const nexts = Array.from({ length: 30 }, (_, at) => (at + 1) * 10)
    expect(nextsOf(plan(standing(...nexts), 1e9))).toEqual(nexts.slice(0, -2))
    const left = nextsOf(plan(standing(...nexts), 8_000, 5_000))
    const kept = nexts.filter((next) => !left.includes(next))
    expect(kept).toEqual([30, 100, 200, 290, 300])
  })
})

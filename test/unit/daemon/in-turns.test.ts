import { expect, test } from 'vitest'
import { type DurationMs, monotonicMs, unixMs } from '../../../src/base/time.ts'
import { inTurns } from '../../../src/daemon/in-turns.ts'
import type { Clock } from '../../../src/ports/clock.ts'

/** A clock that stands while others have their turn, and notes when that was. */
function world() {
  let nowMs = 0
  const turns: number[] = []
  const clock: Clock = {
    nowMs: () => unixMs(0),
    monotonicMs: () => monotonicMs(nowMs),
    sleep: async (span: DurationMs) => {
      expect(span).toBe(0)
      turns.push(nowMs)
    },
  }
  const work = (ms: number): void => {
    nowMs += ms
  }
  return { clock, work, turns }
}

test('others have their turn between two steps once ten milliseconds were worked', async () => {
  const { clock, work, turns } = world()
  function* steps(): Generator<void, string> {
    for (const ms of [4, 4, 4, 30, 1, 8]) {
      work(ms)
      yield
    }
    work(100)
    return 'done'
  }
  expect(await inTurns(clock, steps())).toBe('done')
  expect(turns).toEqual([12, 42])
})

test('what the work throws is thrown, and no step follows', async () => {
  const { clock, work, turns } = world()
  function* steps(): Generator<void, never> {
    work(20)
    yield
    throw new Error('no')
  }
  await expect(inTurns(clock, steps())).rejects.toThrow('no')
  expect(turns).toEqual([20])
})

import { expect, test } from 'vitest'
import { durationMs, monotonicMs } from '../../../src/base/time.ts'
import { nextCommitMs, raceOverMs } from '../../../src/protocol/commit-times.ts'

const minute = 60_000

const next = (nowMs: number, fraction = 0, intervalMs = minute): number =>
  nextCommitMs({
    nowMs: monotonicMs(nowMs),
    placeMs: monotonicMs(30_000),
    intervalMs: durationMs(intervalMs),
    fraction,
  })

test('a writer that was started commits first at its place', () => {
  expect(next(0)).toBe(30_000)
})

test('whole intervals later it commits again, wherever in the interval the last one began', () => {
  for (const beganMs of [29_999.9, 30_000, 30_001, 31_999, 60_000, 87_999]) {
    expect(next(beganMs), `began at ${beganMs}`).toBe(90_000)
  }
})

test('what would be due within the spread of the last commit is due an interval later', () => {
  expect(next(88_001)).toBe(150_000)
})

test('chance moves a commit by two seconds at most, and by a tenth of a short interval', () => {
  expect(next(31_000, 0.999)).toBeCloseTo(90_000 + 1_998)
  expect(next(30_000, 0.5, 1_000)).toBe(31_050)
})

test('two commits in a row are never an interval and twice the spread apart', () => {
  for (let beganMs = 30_000; beganMs < 150_000; beganMs += 701) {
    const gapMs = next(beganMs, 0.999_999) - beganMs
    expect(gapMs).toBeGreaterThan(2_000)
    expect(gapMs).toBeLessThan(minute + 4_000)
  }
})

test('two that met part at once; many draw from a span that grows up to two seconds', () => {
  const spans = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map((lost) => raceOverMs(lost, 0.5))
  expect(spans).toEqual([0, 0, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000])
})

import { expect, test } from 'vitest'
import { gapOf } from '../../../bench/rebalance/gaps.ts'

const before = { firstMs: 0, nextMs: 5_000 }
const judged = { firstMs: 5_000, nextMs: 8_000 }

test('the median is of the time before, the longest gap of the time that is judged', () => {
  const arrivals = [0, 1_000, 2_000, 2_900, 4_500, 5_600, 6_000, 7_900]
  expect(gapOf(arrivals, before, judged)).toEqual({ medianMs: 1_000, longestMs: 1_900 })
})

test('a gap counts that began before, and one that has not ended when the time does', () => {
  const steady = [0, 1_000, 2_000, 3_000]
  expect(gapOf([...steady, 6_500, 7_500], before, judged)).toMatchObject({ longestMs: 3_500 })
  expect(gapOf([...steady, 5_000], before, judged)).toMatchObject({ longestMs: 3_000 })
  expect(gapOf(steady, before, judged)).toMatchObject({ longestMs: 5_000 })
})

test('who had fewer than two answers before has no median', () => {
  expect(gapOf([1_000, 6_000], before, judged)).toBeUndefined()
  expect(gapOf([], before, judged)).toBeUndefined()
})

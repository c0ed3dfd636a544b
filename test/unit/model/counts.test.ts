import { expect, test } from 'vitest'
import { addCounts, type Counts, countsAddUp, zeroCounts } from '../../../src/model/counts.ts'

const some: Counts = {
  read: 6,
  written: 1,
  filtered: { 'no-country': 2 },
  late: 1,
  deadLettered: { 'decode-truncated': 2 },
  lateAppended: 0,
}

test('counts add up when every event has one fate', () => {
  expect(countsAddUp(zeroCounts)).toBe(true)
  expect(countsAddUp(some)).toBe(true)
  expect(countsAddUp({ ...some, read: 7 })).toBe(false)
  expect(countsAddUp({ ...some, late: 0 })).toBe(false)
})

test('sums keep every reason', () => {
  const other: Counts = { ...zeroCounts, read: 1, filtered: { 'etl-empty': 1 } }
  expect(addCounts(some, other)).toEqual({
    ...some,
    read: 7,
    filtered: { 'no-country': 2, 'etl-empty': 1 },
  })
})

test('counts that do not add up are not added', () => {
  expect(() => addCounts(some, { ...some, read: 9 })).toThrow('add up')
})

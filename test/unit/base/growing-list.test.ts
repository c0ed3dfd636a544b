import { expect, test } from 'vitest'
import { GrowingList } from '../../../src/base/growing-list.ts'

test('two lists that grow from one do not see each other', () => {
  const base = GrowingList.of([1, 2])
  const left = base.with([3])
  const right = base.with([4, 5])
  expect(base.toArray()).toEqual([1, 2])
  expect(left.toArray()).toEqual([1, 2, 3])
  expect(right.toArray()).toEqual([1, 2, 4, 5])
  expect([base.length, left.length, right.length]).toEqual([2, 3, 4])
})

test('an array that was handed out does not grow with the list', () => {
  const list = GrowingList.of([1])
  const handedOut = list.toArray()
  list.with([2])
  expect(handedOut).toEqual([1])
  expect(list.toArray()).toBe(handedOut)
})

import { expect, test } from 'vitest'
import { unknownFieldsText, waitingText } from '../../../src/cli/stream-view.ts'

const field = (number: number, count: number) => ({ message: 'shop.Order', number, count })

test('unknown fields are told by message, number and count, the rest in one sum', () => {
  const fields = [field(7, 90), field(8, 20), field(9, 3), field(10, 2), field(11, 1)]
  expect(unknownFieldsText({ fields, otherCount: 4 })).toBe(
    'shop.Order 7 (90 times), shop.Order 8 (20 times), shop.Order 9 (3 times), ' +
      'shop.Order 10 (2 times), others (5 times)',
  )
  expect(unknownFieldsText({ fields: [field(7, 1)], otherCount: 0 })).toBe('shop.Order 7 (once)')
})

test('where nothing was counted, or nobody answers, nothing is told', () => {
  expect(unknownFieldsText({ fields: [], otherCount: 0 })).toBeUndefined()
  expect(unknownFieldsText(undefined)).toBeUndefined()
})

test('a stream whose reading waits for memory is told with what it holds and its share', () => {
  const memory = { heldBytes: 17 * 1_048_576, bytesMax: 16 * 1_048_576, paused: true }
  expect(waitingText(memory)).toBe(
    'paused for want of memory: 17.0 MiB held, its share is 16.0 MiB',
  )
  expect(waitingText({ ...memory, paused: false })).toBeUndefined()
  expect(waitingText(undefined)).toBeUndefined()
})

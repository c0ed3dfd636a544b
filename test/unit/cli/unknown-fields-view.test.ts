import { expect, test } from 'vitest'
import { unknownFieldsText } from '../../../src/cli/unknown-fields-view.ts'

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

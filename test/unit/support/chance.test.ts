import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seed } from '../../support/chance.ts'

test('every property test draws the cases of one seed', () => {
  const drawn = (): readonly number[] => fc.sample(fc.integer(), 20)
  expect(fc.readConfigureGlobal().seed).toBe(seed)
  expect(drawn()).toEqual(drawn())
  expect(drawn()).not.toEqual(fc.sample(fc.integer(), { numRuns: 20, seed: seed + 1 }))
})

import { expect, test } from 'vitest'
import { faultPage, isTold } from '../../../system/faults/fault-case.ts'
import { faultSections } from '../../../system/faults/sections.ts'

test('docs/faults.md is what the tests say', async () => {
  for (const { rows } of faultSections) expect(rows.length).toBeGreaterThan(2)
  await expect(faultPage(faultSections)).toMatchFileSnapshot('../../../../docs/faults.md')
})

test('what is told is compared whole, but for what is of the moment', () => {
  expect(isTold('no "a": 5 up to 9', 'no "…": 5 up to …')).toBe(true)
  expect(isTold('no "a": 6 up to 9', 'no "…": 5 up to …')).toBe(false)
  expect(isTold('no "a": 5 up to 9 or so', 'no "…": 5 up to 9')).toBe(false)
  expect(isTold('x.y', 'x?y')).toBe(false)
})

import { expect, test } from 'vitest'
import { BatchScratch } from '../../../src/exporter/batch-scratch.ts'

test('arrays have room for what is asked, and are made again only for more', () => {
  const scratch = new BatchScratch()
  const first = scratch.take(100)
  expect(scratch.take(40)).toBe(first)
  const second = scratch.take(101)
  expect(second).not.toBe(first)
  for (const array of Object.values(second)) expect(array.length).toBe(200)
  expect(scratch.take(1_000).starts.length).toBe(1_000)
})

import { expect, test } from 'vitest'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import type { FetchedBatches } from '../../../src/ports/source.ts'
import { cutRange } from '../../../src/source/cut-range.ts'
import { sampleSource } from '../../support/log-samples.ts'
import { encodeBatch } from '../../support/record-batch.ts'

const records = (count: number) => Array.from({ length: count }, () => ({ value: 'x' }))

/** Batches [10, 13), [13, 15), [20, 24), the middle one not to be delivered. */
function answer(): FetchedBatches {
  const batches = [
    encodeBatch({ baseOffset: 10n, records: records(3) }),
    encodeBatch({ baseOffset: 13n, records: records(2) }),
    encodeBatch({ baseOffset: 20n, records: records(4) }),
  ]
  const bytes = Buffer.concat(batches)
  return {
    source: sampleSource(0),
    bytes,
    start: 0,
    end: bytes.length,
    fetchOffset: offset(10n),
    nextOffset: nextOffset(24n),
    highWatermark: nextOffset(24n),
    leaderEpoch: 0,
    skippedBatches: [batches[0]?.length ?? 0],
  }
}

const cutAt = (next: bigint) => {
  const part = answer()
  const cut = cutRange(part, nextOffset(next))
  return cut && { ...cut, bytes: undefined, end: cut.end / part.bytes.length }
}

test('an answer that ends before the range is left as it is', () => {
  const part = answer()
  expect(cutRange(part, nextOffset(24n))).toBe(part)
  expect(cutRange(part, nextOffset(99n))).toBe(part)
})

test.each([
  [15n, 1],
  // Offsets that nobody wrote belong to the range: it is read to its end all the same.
  [18n, 1],
  [13n, 0],
  [10n, 0],
])('it ends between batches at %s', (next, skipped) => {
  const cut = cutAt(next)
  expect(cut).toMatchObject({ nextOffset: next, fetchOffset: 10n })
  expect(cut?.end).toBeLessThan(1)
  expect(cut?.skippedBatches).toHaveLength(skipped)
})

test('gaps behind the last batch are cut as well', () => {
  const part = { ...answer(), nextOffset: nextOffset(30n) }
  const cut = cutRange(part, nextOffset(26n))
  expect(cut).toMatchObject({ end: part.end, nextOffset: 26n })
})

test.each([11n, 14n, 22n])('a batch that lies on both sides of %s is no answer', (next) => {
  expect(cutAt(next)).toBeUndefined()
})

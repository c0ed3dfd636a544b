import { expect, test } from 'vitest'
import type { AbortedTransaction } from '../../../../src/codec/kafka/fetch-answer.ts'
import { walkBatches } from '../../../../src/codec/kafka/record-batch.ts'
import { skippedBatches } from '../../../../src/codec/kafka/skipped-batches.ts'
import { offset } from '../../../../src/model/offset.ts'
import { anySource } from '../../../support/read-batches.ts'
import { encodeBatch, encodeMarker } from '../../../support/record-batch.ts'

/** Steps of a log: "d1" data of producer 1 in a transaction, "p" plain, "a1"/"c1" its marker. */
function logOf(steps: string): Buffer[] {
  return steps.split(' ').map((step, index) => {
    const baseOffset = BigInt(index)
    const producerId = BigInt(step.slice(1))
    const data = { baseOffset, producerId, records: [{ value: step }] }
    if (step.startsWith('a')) return encodeMarker('abort', { baseOffset, producerId })
    if (step.startsWith('c')) return encodeMarker('commit', { baseOffset, producerId })
    return encodeBatch({ ...data, transactional: step.startsWith('d') })
  })
}

/** The steps that are delivered, of an answer that begins at step `from`. */
function delivered(steps: string, aborted: readonly (readonly [number, number])[], from = 0) {
  const batches = logOf(steps).slice(from)
  const bytes = Buffer.concat(batches)
  const part = { source: anySource, bytes, start: 0, end: bytes.length }
  const walk = walkBatches(part)
  const list = aborted.map(
    ([producer, first]): AbortedTransaction => ({
      producerId: BigInt(producer),
      first: offset(BigInt(first)),
    }),
  )
  const skipped = new Set(skippedBatches(part, walk.batches, list))
  return steps
    .split(' ')
    .slice(from)
    .filter((_, index) => !skipped.has(walk.batches[index]?.start ?? -1))
    .join(' ')
}

test('markers are never delivered', () => {
  expect(delivered('p0 d1 c1 d2 a2 p0', [])).toBe('p0 d1 d2 p0')
})

test('two aborted transactions of one producer in one answer are both dropped', () => {
  const steps = 'd1 d1 a1 d1 c1 d1 a1 d1 c1'
  expect(
    delivered(steps, [
      [1, 0],
      [1, 5],
    ]),
  ).toBe('d1 d1')
})

test('an abort marker in a later answer still drops what this answer holds', () => {
  expect(delivered('d1 d2 d1', [[1, 0]])).toBe('d2')
})

test('a transaction that began before the answer is dropped up to its marker', () => {
  expect(delivered('d1 d1 a1 d1 c1', [[1, 0]], 1)).toBe('d1')
})

test('interleaved producers are judged apart, and plain batches of an aborter are kept', () => {
  const steps = 'd1 d2 p1 d1 c2 d2 a1 d1 a2 c1'
  expect(
    delivered(steps, [
      [2, 5],
      [1, 0],
    ]),
  ).toBe('d2 p1 d1')
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import type { FetchedBatches } from '../../../src/ports/source.ts'
import { slicesOf } from '../../../src/source/slices.ts'
import { anySource } from '../../support/read-batches.ts'
import { encodeBatch } from '../../support/record-batch.ts'

/** A part of an answer: batches of so many records, a gap of one offset behind each. */
function partOf(counts: readonly number[], skipped: readonly number[] = []): FetchedBatches {
  let next = 0n
  const batches = counts.map((count, epoch) => {
    const records = Array.from({ length: count }, (_, index) => ({ value: `record ${index}` }))
    const bytes = encodeBatch({ baseOffset: next, records, leaderEpoch: epoch })
    next += BigInt(count) + 1n
    return bytes
  })
  const bytes = Buffer.concat([Buffer.alloc(7), ...batches])
  const starts = batches.map((_, at) => 7 + Buffer.concat(batches.slice(0, at)).length)
  return {
    source: anySource,
    bytes,
    start: 7,
    end: bytes.length,
    fetchOffset: offset(0n),
    nextOffset: nextOffset(next + 5n),
    highWatermark: nextOffset(1_000n),
    leaderEpoch: counts.length - 1,
    skippedBatches: skipped.map((at) => starts[at] ?? -1),
  }
}

test('slices are the answer, piece by piece, each from where the one before ended', () => {
  const part = fc
    .array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 })
    .chain((counts) =>
      fc
        .subarray(counts.map((_, at) => at))
        .map((skipped) => ({ counts, part: partOf(counts, skipped) })),
    )
  let cuts = 0
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 4 }),
      fc.integer({ min: 1, max: 3_000 }),
      (parts, sizeBytesWanted) => {
        const answer = parts.map((each) => each.part)
        const slices = [...slicesOf(answer, sizeBytesWanted)]
        cuts += Math.max(0, slices.length - 1)
        for (const [index, slice] of slices.entries()) {
          expect(slice.length).toBeGreaterThan(0)
          const sizes = slice.map(({ start, end }) => end - start)
          const sizeBytes = sizes.reduce((sum, size) => sum + size, 0)
          if (index < slices.length - 1) expect(sizeBytes).toBeGreaterThanOrEqual(sizeBytesWanted)
          // Without its last piece it had not reached what is wanted.
          expect(sizeBytes - (sizes.at(-1) ?? 0)).toBeLessThan(sizeBytesWanted)
        }
        for (const { part: whole } of parts) expectWhole(whole, slices.flat())
        expect(slices.flat().every(({ bytes }) => answer.some((at) => at.bytes === bytes))).toBe(
          true,
        )
      },
    ),
  )
  expect(cuts).toBeGreaterThan(100)
})

/** Pieces of a part join without gap, and tell together what it tells. */
function expectWhole(whole: FetchedBatches, all: readonly FetchedBatches[]): void {
  const pieces = all.filter(({ bytes }) => bytes === whole.bytes)
  const first = pieces[0]
  const last = pieces.at(-1)
  expect([first?.start, first?.fetchOffset]).toEqual([whole.start, whole.fetchOffset])
  expect(last).toMatchObject({
    end: whole.end,
    nextOffset: whole.nextOffset,
    leaderEpoch: whole.leaderEpoch,
  })
  for (const [index, piece] of pieces.slice(1).entries()) {
    const before = pieces[index]
    expect(piece.start).toBe(before?.end)
    expect(piece.fetchOffset as bigint).toBe(before?.nextOffset)
    expect(whole.bytes.length > 0 && Buffer.from(whole.bytes).readBigInt64BE(piece.start)).toBe(
      (before?.nextOffset ?? 0n) + 1n,
    )
  }
  expect(pieces.flatMap(({ skippedBatches }) => skippedBatches)).toEqual(whole.skippedBatches)
}

test('what cannot be read stays in the last piece, for the reader to refuse', () => {
  const part = partOf([3, 3, 3, 3])
  const third = part.start + 2 * ((part.end - part.start) / 4)
  // The attributes of the third batch: a compression that does not exist.
  Buffer.from(part.bytes.buffer, part.bytes.byteOffset).writeInt16BE(7, third + 21)
  const slices = [...slicesOf([part], 1)]
  expect(slices.map(([piece]) => [piece?.start, piece?.end])).toEqual([
    [part.start, part.start + (part.end - part.start) / 4],
    [part.start + (part.end - part.start) / 4, third],
    [third, part.end],
  ])
})

test('a part without bytes is told all the same', () => {
  const part = { ...partOf([1]), end: 7 }
  expect([...slicesOf([part], 10)]).toEqual([[part]])
  expect([...slicesOf([], 10)]).toEqual([])
})

import { expect, test } from 'vitest'
import { SmallCopies } from '../../../src/kernel/small-copies.ts'

const lengths = Array.from({ length: 5_000 }, (_, n) => (n * 37) % 1_100)
const filled = (n: number): Uint8Array => new Uint8Array(lengths[n] ?? 0).fill(n & 0xff)

test('copies hold what was copied, whatever becomes of the original and of other copies', () => {
  const copies = new SmallCopies()
  const kept = lengths.map((_, n) => {
    const original = filled(n)
    const copy = copies.copy(original)
    original.fill(0xee)
    return copy
  })
  expect(kept.every((copy, n) => Buffer.compare(copy, filled(n)) === 0)).toBe(true)
})

test('short copies share their memory, long ones keep nobody else alive', () => {
  const copies = new SmallCopies()
  const [one, other] = [copies.copy(new Uint8Array(8)), copies.copy(new Uint8Array(8))]
  expect(one.buffer).toBe(other.buffer)
  const long = copies.copy(new Uint8Array(2_000))
  expect(long.buffer.byteLength).toBe(2_000)
  expect(copies.copy(new Uint8Array(8)).buffer).toBe(one.buffer)
})

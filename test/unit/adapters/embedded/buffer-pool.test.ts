import { expect, test } from 'vitest'
import { BufferPool } from '../../../../src/adapters/embedded/buffer-pool.ts'

test('memory given back is lent again, to one user at a time', () => {
  const pool = new BufferPool(1 << 20)
  const first = pool.take(20_000)
  expect(first).toHaveLength(20_000)
  pool.giveBack(first.subarray(100, 200))
  pool.giveBack(first)
  const [second, third] = [pool.take(30_000), pool.take(30_000)]
  expect(second.buffer).toBe(first.buffer)
  expect(third.buffer).not.toBe(first.buffer)
})

test('foreign memory is never lent, and free memory has a bound', () => {
  const pool = new BufferPool(65_536)
  const foreign = Buffer.alloc(32_768)
  pool.giveBack(foreign)
  const taken = [1, 2, 3, 4].map(() => pool.take(32_768))
  expect(taken.map(({ buffer }) => buffer)).not.toContain(foreign.buffer)
  for (const each of taken) pool.giveBack(each)
  const again = new Set([1, 2, 3, 4].map(() => pool.take(32_768).buffer))
  expect(taken.filter(({ buffer }) => again.has(buffer))).toHaveLength(2)
})

test('small and huge buffers are not pooled', () => {
  const pool = new BufferPool(1 << 30)
  for (const sizeBytes of [0, 100, 20_000_000]) {
    const taken = pool.take(sizeBytes)
    expect(taken).toHaveLength(sizeBytes)
    pool.giveBack(taken)
    expect(pool.take(16_384).buffer).not.toBe(taken.buffer)
  }
})

import { expect, test } from 'vitest'
import { FileSlabs, PageSlabs } from '../../../../src/codec/parquet/page-slabs.ts'

const kib = 1_024

test('places of one file do not overlap, and each has the length that was asked for', () => {
  const file = new FileSlabs(new PageSlabs())
  const places = Array.from({ length: 400 }, (_, index) =>
    file.place(1 + ((index * 7_919) % 9_999)),
  )
  for (const [index, place] of places.entries()) place.fill(index % 251)
  for (const [index, place] of places.entries()) {
    expect(place.length).toBe(1 + ((index * 7_919) % 9_999))
    expect(place.every((byte) => byte === index % 251)).toBe(true)
  }
})

test('a released file gives its memory to the next one, and has no place any more', () => {
  const pool = new PageSlabs()
  const first = new FileSlabs(pool)
  const memory = first.place(10).buffer
  first.release()
  first.release()
  expect(pool.idleBytes).toBe(32 * kib)
  expect(() => first.place(1)).toThrow('before their file is released')
  expect(new FileSlabs(pool).place(20).buffer).toBe(memory)
  expect(pool.idleBytes).toBe(0)
})

test('slabs grow with the file up to a mebibyte: little of what it holds stands empty', () => {
  const file = new FileSlabs(new PageSlabs())
  const slabs = new Set<ArrayBufferLike>()
  for (let placedBytes = 0; placedBytes < 20_000 * kib; placedBytes += 10 * kib) {
    slabs.add(file.place(10 * kib).buffer)
    if (placedBytes < 100 * kib) continue
    expect(file.heldBytes).toBeLessThan(1.5 * placedBytes)
  }
  const sizes = [...slabs].map(({ byteLength }) => byteLength / kib)
  expect(sizes.slice(0, 5)).toEqual([32, 32, 32, 32, 32])
  expect(sizes).toEqual(sizes.toSorted((one, other) => one - other))
  expect(sizes.at(-1)).toBe(1_024)
  expect(file.heldBytes).toBe(sizes.reduce((sum, size) => sum + size * kib, 0))
})

test('a page that is larger than the next slab has one of its own, and the open one is filled on', () => {
  const file = new FileSlabs(new PageSlabs())
  const first = file.place(10 * kib).buffer
  expect(file.place(60 * kib).buffer.byteLength).toBe(64 * kib)
  expect(file.place(10 * kib).buffer).toBe(first)
  expect(file.place(3_000 * kib).buffer.byteLength).toBe(4_096 * kib)
  expect(file.place(900 * kib).buffer.byteLength).toBe(4_096 * kib)
})

test('slabs over four mebibytes are not kept', () => {
  const pool = new PageSlabs()
  const file = new FileSlabs(pool)
  file.place(5_000 * kib)
  file.release()
  expect(pool.idleBytes).toBe(0)
})

test('idle memory follows what the last two commits took, and goes when none takes any', () => {
  const pool = new PageSlabs()
  const commit = (pages: number): void => {
    const file = new FileSlabs(pool)
    for (let page = 0; page < pages; page++) file.place(1_024 * kib)
    file.release()
    pool.trim()
  }
  commit(40)
  expect(pool.idleBytes).toBe(40 * 1_024 * kib)
  commit(2)
  expect(pool.idleBytes).toBe(40 * 1_024 * kib)
  commit(2)
  expect(pool.idleBytes).toBe(3 * 1_024 * kib)
  pool.trim()
  pool.trim()
  expect(pool.idleBytes).toBe(0)
})

test('commits that differ by a fifth go on with the memory that they began with', () => {
  const pool = new PageSlabs()
  const memory = new Set<ArrayBufferLike>()
  const made = [60, 50, 52, 60, 51, 50, 59, 48, 50, 60].map((pages) => {
    const file = new FileSlabs(pool)
    for (let page = 0; page < pages; page++) memory.add(file.place(1_024 * kib).buffer)
    file.release()
    pool.trim()
    return memory.size
  })
  expect(made).toEqual(made.map(() => 60))
})

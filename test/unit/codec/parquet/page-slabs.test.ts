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
  expect(pool.idleBytes).toBe(64 * kib)
  expect(() => first.place(1)).toThrow('before their file is released')
  expect(new FileSlabs(pool).place(20).buffer).toBe(memory)
  expect(pool.idleBytes).toBe(0)
})

test('slabs of a file double up to a mebibyte; a larger page has one of its own', () => {
  const pool = new PageSlabs()
  const file = new FileSlabs(pool)
  const sizes = Array.from({ length: 6 }, () => file.place(60 * kib).buffer.byteLength / kib)
  expect(sizes).toEqual([64, 128, 128, 256, 256, 256])
  expect(file.place(3_000 * kib).buffer.byteLength).toBe(4_096 * kib)
  expect(file.place(900 * kib).buffer.byteLength).toBe(4_096 * kib)
  expect(file.place(900 * kib).buffer.byteLength).toBe(1_024 * kib)
})

test('slabs over four mebibytes are not kept', () => {
  const pool = new PageSlabs()
  const file = new FileSlabs(pool)
  file.place(5_000 * kib)
  file.release()
  expect(pool.idleBytes).toBe(0)
})

test('idle memory is what the last two commits took, and goes when none takes any', () => {
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
  expect(pool.idleBytes).toBe(2 * 1_024 * kib)
  pool.trim()
  pool.trim()
  expect(pool.idleBytes).toBe(0)
})

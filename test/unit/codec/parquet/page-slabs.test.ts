import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FileSlabs, PageSlabs } from '../../../../src/codec/parquet/page-slabs.ts'

const kib = 1_024

/** A commit of a file of so many pages of a mebibyte. */
function commit(pool: PageSlabs, pages: number): void {
  filled(pool, pages).release()
  pool.trim()
}

function filled(pool: PageSlabs, pages: number): FileSlabs {
  const file = new FileSlabs(pool)
  for (let page = 0; page < pages; page++) file.place(1_024 * kib)
  return file
}

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
  expect(pool.idleBytes).toBe(1_024 * kib)
  expect(() => first.place(1)).toThrow('before their file is released')
  expect(new FileSlabs(pool).place(20).buffer).toBe(memory)
  expect(pool.idleBytes).toBe((1_024 - 32) * kib)
})

test('slabs grow with the file up to a mebibyte: little of what it holds stands empty', () => {
  const file = new FileSlabs(new PageSlabs())
  const sizes: number[] = []
  for (let placedBytes = 0; placedBytes < 20_000 * kib; placedBytes += 10 * kib) {
    const before = file.heldBytes
    file.place(10 * kib)
    if (file.heldBytes > before) sizes.push((file.heldBytes - before) / kib)
    if (placedBytes < 100 * kib) continue
    expect(file.heldBytes).toBeLessThan(1.5 * placedBytes)
  }
  expect(sizes.slice(0, 5)).toEqual([32, 32, 32, 32, 32])
  expect(sizes).toEqual(sizes.toSorted((one, other) => one - other))
  expect(sizes.at(-1)).toBe(1_024)
})

test('a page that is larger than the next slab has one of its own, and the open one is filled on', () => {
  const file = new FileSlabs(new PageSlabs())
  const first = file.place(10 * kib)
  file.place(60 * kib)
  expect(file.heldBytes).toBe((32 + 64) * kib)
  expect(file.place(10 * kib).byteOffset).toBe(first.byteOffset + 10 * kib)
  expect(file.heldBytes).toBe((32 + 64) * kib)
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

test('idle memory follows what the last commits took, and goes when none takes any', () => {
  const pool = new PageSlabs()
  commit(pool, 40)
  for (let small = 0; small < 7; small++) {
    commit(pool, 2)
    expect(pool.idleBytes).toBe((40 + 32) * 1_024 * kib)
  }
  commit(pool, 2)
  expect(pool.idleBytes).toBe(4 * 1_024 * kib)
  for (let none = 0; none < 8; none++) pool.trim()
  expect(pool.idleBytes).toBe(0)
})

test('a commit finds its memory while the one before is under way, from the second on', () => {
  const pages = fc.integer({ min: 1, max: 32 })
  const aheads = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 })
  fc.assert(
    fc.property(pages, aheads, (count, shares) => {
      const pool = new PageSlabs()
      let heldBytes = 0
      const fill = (file: FileSlabs, to: number): void => {
        const before = file.heldBytes
        while (file.heldBytes < to * 1_024 * kib) file.place(1_024 * kib)
        heldBytes += file.heldBytes - before
      }
      let accumulating = new FileSlabs(pool)
      for (const share of [0, ...shares]) {
        fill(accumulating, count)
        const underWay = accumulating
        accumulating = new FileSlabs(pool)
        // So far the next one comes until this one is done.
        fill(accumulating, Math.floor(share * count))
        heldBytes -= underWay.heldBytes
        underWay.release()
        pool.trim()
        expect(heldBytes + pool.idleBytes).toBe(2 * count * 1_024 * kib)
      }
    }),
  )
})

test('where files find their memory none is made beside it', () => {
  const pool = new PageSlabs()
  commit(pool, 10)
  expect(pool.idleBytes).toBe(20 * 1_024 * kib)
  commit(pool, 15)
  expect(pool.idleBytes).toBe(20 * 1_024 * kib)
  // Pages that have slabs of a size of their own say nothing of the next commit.
  const large = new FileSlabs(pool)
  for (let page = 0; page < 8; page++) large.place(3_000 * kib)
  large.release()
  pool.trim()
  expect(pool.idleBytes).toBe((20 + 8 * 4) * 1_024 * kib)
})

test('memory is made for twice the latest commit, not for those before', () => {
  const pool = new PageSlabs()
  commit(pool, 10)
  const underWay = filled(pool, 25)
  filled(pool, 25)
  underWay.release()
  pool.trim()
  expect(pool.idleBytes).toBe(25 * 1_024 * kib)
})

/** Commits files of so many pages of so many KiB. @returns blocks there have been after each. */
function blocksAfter(commits: readonly (readonly [pages: number, size: number])[]): number[] {
  const pool = new PageSlabs()
  const memory = new Set<ArrayBufferLike>()
  return commits.map(([pages, size]) => {
    const file = new FileSlabs(pool)
    for (let page = 0; page < pages; page++) memory.add(file.place(size * kib).buffer)
    file.release()
    pool.trim()
    return memory.size
  })
}

test('commits that differ by a fifth go on with the memory that they began with', () => {
  const pages = [60, 50, 52, 60, 51, 50, 59, 48, 50, 60]
  const blocks = blocksAfter(pages.map((count) => [count, 1_024]))
  expect(blocks).toEqual(pages.map(() => 60))
})

test('what was taken in small slabs is taken in large ones, and the other way round', () => {
  const blocks = blocksAfter([
    [640, 32],
    [20, 1_024],
    [80, 256],
    [640, 32],
    [40, 512],
  ])
  expect(blocks).toEqual([20, 20, 20, 20, 20])
})

test('parts of a block belong to one file each, however they are halved and put together', () => {
  const pool = new PageSlabs()
  const sizes = [32, 64, 32, 512, 128, 256, 1_024, 64, 32]
  const held: Uint8Array[] = []
  const marksOf = new Map<Uint8Array, number>()
  let handedOut = 0
  for (let turn = 0; turn < 2_000; turn++) {
    const size = sizes[(turn * 7_919) % sizes.length] ?? 32
    const slab = pool.take(size * kib)
    expect(slab.length).toBe(size * kib)
    for (let at = 0; at < slab.length; at += 32 * kib) slab[at] = turn % 251
    marksOf.set(slab, turn % 251)
    held.push(slab)
    handedOut += 1
    // Some stay for long, so that blocks are rarely whole.
    while (held.length > 12) {
      const [back] = held.splice((turn * 31) % (held.length - 1), 1)
      if (back === undefined) break
      const marks = new Set<number | undefined>()
      for (let at = 0; at < back.length; at += 32 * kib) marks.add(back[at])
      expect(marks.size).toBe(1)
      expect(marks.has(marksOf.get(back))).toBe(true)
      pool.giveBack(back)
    }
    if (turn % 5 === 0) pool.trim()
  }
  expect(handedOut).toBe(2_000)
})

test('a block whose other half never comes back is let go, not handed out for ever', () => {
  const pool = new PageSlabs()
  const lost = pool.take(32 * kib)
  for (let commit = 0; commit < 64; commit++) {
    const slab = pool.take(32 * kib)
    expect(slab.buffer).toBe(lost.buffer)
    pool.giveBack(slab)
    pool.trim()
  }
  const last = pool.take(32 * kib)
  pool.giveBack(last)
  pool.trim()
  expect(pool.take(32 * kib).buffer).not.toBe(lost.buffer)
  expect(pool.idleBytes).toBe((1_024 - 32) * kib)
})

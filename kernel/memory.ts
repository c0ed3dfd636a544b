/**
 * Linear memory: blocks in classes of powers of two, recycled, never given back, capped.
 *
 * WebAssembly memory cannot shrink, so a freed block waits for somebody else. Blocks below a
 * mebibyte are halves of halves of a region: two that are free at the same time become the whole
 * that they were. Hundreds of builders that grow from class to class would leave as much behind as
 * they hold otherwise. Invariants:
 * - a block's first two words belong to the list of free blocks only while the block is free;
 * - of two free halves of one whole neither stands in a list: the whole does, or what holds it;
 * - `top` never passes the cap: whoever asks for more traps, and the caller reads `capHit`.
 *
 *     [ map: a byte per 64 bytes of all memory below the cap, the class of the free part of a
 *       region that begins there, or 0; the host gives it pages only where something is written ]
 *     [ regions of 1 MiB, aligned to themselves, and larger blocks ]
 *
 * The map lies apart: within a region it would leave room for one half only, and a block of half a
 * mebibyte would take a whole one. Larger blocks are never joined. Everything here is unmanaged:
 * addresses are numbers, there is no runtime and no collector.
 */

/** Head of the list of free blocks of each class; class k holds blocks of 2^k bytes. */
const heads = memory.data(128, 8)
const CLASS_FIRST: u32 = 6
const CLASS_NEXT: u32 = 31
/** Class of a region; smaller blocks are parts of one. src/kernel/linear-memory.ts has its size. */
const REGION_CLASS: u32 = 20
const REGION_MASK: usize = (1 << REGION_CLASS) - 1
const PAGE_SHIFT: u32 = 16
/**
 * Memory grows by at least this much at once, and by half of what there is: each growth costs the
 * host a call and new views, and for each 64 MiB that are added in small steps V8 marks the whole
 * heap. What nobody has touched yet is address space, no memory.
 */
const GROWTH_PAGES: u32 = 16

/** Where the map begins; regions begin behind it. */
let map: usize = 0
let first: usize = 0
let top: usize = 0
/** Of blocks that somebody has. */
let takenBytes: u32 = 0
let capPages: u32 = 65536
let capWasHit: u32 = 0

/** Bytes held by builders of the file that is worked on; loaded from and stored to its struct. */
export let heldBytes: u32 = 0
export function setHeldBytes(bytes: u32): void {
  heldBytes = bytes
}

export function setMemoryCap(pages: u32): void {
  capPages = pages
}
export function capHit(): u32 {
  return capWasHit
}
export function bytesTaken(): u32 {
  return takenBytes
}
/** Memory that was ever somebody's: the host keeps pages for it. */
export function bytesEverTaken(): u32 {
  return <u32>(top - first)
}

@inline
function classOf(bytes: u32): u32 {
  return 32 - clz<u32>((bytes < 64 ? 64 : bytes) - 1)
}

/** The map has room for all that the cap allows. */
function layOut(): void {
  map = (__heap_base + 63) & ~63
  const mapBytes = capPages << (PAGE_SHIFT - CLASS_FIRST)
  first = (map + mapBytes + REGION_MASK) & ~REGION_MASK
  top = first
}

/** Moves `top` on by a multiple of a region, growing memory when needed. 0 at the cap. */
function carve(bytes: u32): usize {
  if (!top) layOut()
  const end = <u64>top + <u64>bytes
  const have = <u32>memory.size()
  const want = <u64>((end + 0xffff) >> PAGE_SHIFT)
  if (want > <u64>capPages) return 0
  if (want > <u64>have) {
    const missing = <u32>want - have
    const room = capPages - have
    const wished = have >> 1 > GROWTH_PAGES ? have >> 1 : GROWTH_PAGES
    const step = missing > wished ? missing : wished < room ? wished : room
    if (memory.grow(step) == -1 && memory.grow(missing) == -1) return 0
  }
  const block = top
  top = <usize>end
  return block
}

/** Where the map speaks of a block. */
@inline
function markOf(block: usize): usize {
  return map + (block >> CLASS_FIRST)
}

/** Puts a free block into the list of its class: next, then the one before, or 0. */
function push(block: usize, k: u32): void {
  const head = heads + (k << 2)
  const next = load<usize>(head)
  store<usize>(block, next)
  store<usize>(block, 0, 4)
  if (next) store<usize>(next, block, 4)
  store<usize>(head, block)
  if (k < REGION_CLASS) store<u8>(markOf(block), k)
}

/** Takes a free block out of the list of its class, wherever it stands. */
function unlink(block: usize, k: u32): void {
  const next = load<usize>(block)
  const before = load<usize>(block, 4)
  if (before) store<usize>(before, next)
  else store<usize>(heads + (k << 2), next)
  if (next) store<usize>(next, before, 4)
  if (k < REGION_CLASS) store<u8>(markOf(block), 0)
}

/** The least free block of class k to below `next`, cut down to k; 0 when there is none. */
function cutFree(k: u32, next: u32): usize {
  let larger = k
  while (larger < next && !load<usize>(heads + (larger << 2))) larger++
  if (larger >= next) return 0
  const block = load<usize>(heads + (larger << 2))
  unlink(block, larger)
  while (larger > k) {
    larger--
    push(block + (<usize>1 << larger), larger)
  }
  return block
}

/** A block that is part of a region. */
function takePart(k: u32): usize {
  const block = cutFree(k, REGION_CLASS + 1)
  if (block) return block
  const region = carve(1 << REGION_CLASS)
  if (!region) return cutFree(k, CLASS_NEXT)
  push(region, REGION_CLASS)
  return cutFree(k, REGION_CLASS + 1)
}

function takeLarge(k: u32): usize {
  const recycled = load<usize>(heads + (k << 2))
  if (recycled) {
    unlink(recycled, k)
    return recycled
  }
  const carved = carve(<u32>1 << k)
  return carved ? carved : cutFree(k, CLASS_NEXT)
}

/** A block of at least `bytes`, contents arbitrary; 0 when the cap is reached. */
export function tryAllocate(bytes: u32): usize {
  const k = classOf(bytes)
  if (k >= CLASS_NEXT) return 0
  const block = k < REGION_CLASS ? takePart(k) : takeLarge(k)
  if (block) takenBytes += <u32>1 << k
  return block
}

/** A block of at least `bytes`, contents arbitrary. Traps at the cap, after raising `capHit`. */
export function allocate(bytes: u32): usize {
  const block = tryAllocate(bytes)
  if (!block) {
    capWasHit = 1
    unreachable()
  }
  return block
}

/** Gives a block back. `bytes` is what was asked for, or the class's size. */
export function release(block: usize, bytes: u32): void {
  if (!block) return
  let k = classOf(bytes)
  takenBytes -= <u32>1 << k
  while (k < REGION_CLASS) {
    const twin = block ^ (<usize>1 << k)
    if (load<u8>(markOf(twin)) != k) break
    unlink(twin, k)
    block &= ~(<usize>1 << k)
    k++
  }
  push(block, k)
}

/** A growing block: two neighbouring words of a larger struct. */
@unmanaged
export class Buffer {
  start: usize
  capacity: u32
}

/** Makes room for `need` bytes, keeping the first `used`; counts the growth as held by the file. */
export function reserve(b: Buffer, used: u32, need: u32): usize {
  const old = b.capacity
  if (need <= old) return b.start
  const capacity = <u32>1 << classOf(need)
  const start = allocate(capacity)
  if (used) memory.copy(start, b.start, used)
  release(b.start, old)
  b.start = start
  b.capacity = capacity
  heldBytes += capacity - old
  return start
}

/** `reserve` for what all files share: nobody holds it. */
export function reserveShared(b: Buffer, need: u32): usize {
  const held = heldBytes
  const start = reserve(b, 0, need)
  heldBytes = held
  return start
}

export function drop(b: Buffer): void {
  if (!b.capacity) return
  release(b.start, b.capacity)
  heldBytes -= b.capacity
  b.start = 0
  b.capacity = 0
}

/**
 * Linear memory: blocks in classes of powers of two, recycled, never given back, capped.
 *
 * WebAssembly memory cannot shrink, so a freed block waits in the list of its class. Invariants:
 * - a block's first word belongs to the free list only while the block is free;
 * - `top` never passes the cap: whoever asks for more traps, and the caller reads `capHit`.
 *
 * Everything here is unmanaged: addresses are numbers, there is no runtime and no collector.
 */

/** Head of the free list of each class; class k holds blocks of 2^k bytes. */
const heads = memory.data(128, 8)
const CLASS_FIRST: u32 = 6
const CLASS_NEXT: u32 = 31
const PAGE_SHIFT: u32 = 16
/** Memory grows by at least this much at once: each growth costs the host a call and new views. */
const GROWTH_PAGES: u32 = 16

let top: usize = 0
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

@inline
function classOf(bytes: u32): u32 {
  return 32 - clz<u32>((bytes < 64 ? 64 : bytes) - 1)
}

/** Moves `top` on by one block, growing memory when needed. 0 when the cap forbids it. */
function carve(bytes: u32): usize {
  if (!top) top = (__heap_base + 63) & ~63
  const end = <u64>top + <u64>bytes
  const have = <u32>memory.size()
  const want = <u64>((end + 0xffff) >> PAGE_SHIFT)
  if (want > <u64>capPages) return 0
  if (want > <u64>have) {
    const missing = <u32>want - have
    const room = capPages - have
    const step = missing > GROWTH_PAGES ? missing : GROWTH_PAGES < room ? GROWTH_PAGES : room
    if (memory.grow(step) == -1) return 0
  }
  const block = top
  top = <usize>end
  return block
}

/** Halves a larger free block down to class k. Only at the cap: halves are never joined again. */
function splitLarger(k: u32): usize {
  let larger = k + 1
  while (larger < CLASS_NEXT && !load<usize>(heads + (larger << 2))) larger++
  if (larger >= CLASS_NEXT) return 0
  const head = heads + (larger << 2)
  const block = load<usize>(head)
  store<usize>(head, load<usize>(block))
  while (larger > k) {
    larger--
    const half = block + (<usize>1 << larger)
    const list = heads + (larger << 2)
    store<usize>(half, load<usize>(list))
    store<usize>(list, half)
  }
  return block
}

/** A block of at least `bytes`, contents arbitrary; 0 when the cap is reached. */
export function tryAllocate(bytes: u32): usize {
  const k = classOf(bytes)
  if (k >= CLASS_NEXT) return 0
  const head = heads + (k << 2)
  const recycled = load<usize>(head)
  if (recycled) {
    store<usize>(head, load<usize>(recycled))
    return recycled
  }
  const carved = carve(<u32>1 << k)
  return carved ? carved : splitLarger(k)
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
  const head = heads + (classOf(bytes) << 2)
  store<usize>(block, load<usize>(head))
  store<usize>(head, block)
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

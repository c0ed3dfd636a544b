/**
 * Memory for finished pages, used again file after file.
 *
 * A page's bytes live until its file is committed. An array of its own for each page would have V8
 * mark the whole heap every eight mebibytes of output, and the operating system hand out fresh
 * memory all the time.
 *
 * Slabs up to a mebibyte are parts of blocks of that size, halved as often as needed: what files of
 * one commit took as many small parts the next may take as few large ones. With lists by size alone
 * the process would grow by what each size was ever wanted of, far above what is held at a time.
 *
 * Invariants:
 * - A slab belongs to one file at a time; its file gives it back only when nobody reads the file's
 *   bytes any more. A file that never does costs garbage, not corruption.
 * - A part is halved into two parts and put together of the same two: parts never overlap.
 * - A block of which some part never comes back is let go after so many commits, all parts of it.
 * - Idle slabs are at most twice what files took between two of the latest commits: some commits
 *   after a burst the memory goes, and from one commit to the next it stays. What is let go is not
 *   used again and not freed by hand: whoever still reads it reads what he wrote.
 * - Where files had to be given new blocks, more are made until there is memory for two commits,
 *   the one under way and the next: what a process takes shows after its first commits, not over
 *   hours.
 */
import { assert } from '../../base/assert.ts'

const slabBytesMin = 32_768
/** Of a block, which is the largest slab that a file takes because it grew. */
const slabBytesUsual = 1_048_576
/** Larger slabs are made for one page and not kept. */
const slabBytesKeptMax = 4 * 1_048_576
/**
 * Of what a file has: its next slab stands half empty in the end, on average. Files of a commit
 * take over slabs of those before, so that hundreds of them should not want larger ones than these.
 */
const growthShare = 1 / 16
/**
 * Of what files took. A commit begins when the one before is done, which may be late: what one of
 * them let go the next would have to be given anew, and until the old is collected the process has
 * both.
 */
const idleShareMax = 2
/** The one under way, and the next, which begins no sooner than that is done. */
const commitsAtATime = 2
/** Blocks that are made beside those that files had to be given. */
const spareBytesMax = 32 * slabBytesUsual
/** Commits that are remembered: a small one among large ones lets nothing go. */
const commitsRemembered = 8
/**
 * Files last a commit or two. A block that was not whole for so many has lost a part: the file of a
 * commit that was refused gives nothing back.
 */
const brokenCommitsMax = 64
/** Slabs that are filled at a time: what a large page leaves free is taken by small ones. */
const openSlabsMax = 4

export class PageSlabs {
  readonly #idle = new Map<number, Uint8Array[]>()
  #idleBytes = 0
  /** Bytes handed out since the last `trim`, and between those before, the latest first. */
  #taken = [0]
  #commits = 0
  /** What files have. Those who never give it back have it for ever: then less is made to spare. */
  #heldBytes = 0
  /** Since the last `trim`: what files gave back, and whether some were given new blocks. */
  #givenBackBytes = 0
  #ranOut = false
  /** Of blocks that were halved, how many commits there had been when they were whole. */
  readonly #wholeAt = new WeakMap<ArrayBufferLike, number>()

  /** Bytes of slabs that wait for a file. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** @param sizeBytes a power of two, at least 32 KiB. @returns memory with anything in it. */
  take(sizeBytes: number): Uint8Array {
    this.#taken[0] = (this.#taken[0] ?? 0) + sizeBytes
    this.#heldBytes += sizeBytes
    return this.#found(sizeBytes)
  }

  giveBack(slab: Uint8Array): void {
    this.#heldBytes -= slab.length
    this.#givenBackBytes += slab.length
    if (slab.length > slabBytesKeptMax) return
    this.#keep(slab)
  }

  /** To be called after each commit: lets go of what the next is not likely to need. */
  trim(): void {
    this.#commits += 1
    this.#joinHalves()
    if (this.#ranOut) this.#makeSpare()
    this.#ranOut = false
    this.#givenBackBytes = 0
    const keptMax = idleShareMax * Math.max(...this.#taken)
    this.#taken = [0, ...this.#taken.slice(0, commitsRemembered - 1)]
    for (const [sizeBytes, slabs] of this.#idle) {
      // Parts of blocks stay: their blocks would stay as well, and be of no use.
      if (sizeBytes < slabBytesUsual) continue
      while (this.#idleBytes > keptMax && slabs.pop() !== undefined) this.#idleBytes -= sizeBytes
    }
  }

  #makeSpare(): void {
    const wantedBytes = commitsAtATime * this.#givenBackBytes
    const missingBytes = wantedBytes - this.#heldBytes - this.#idleBytes
    const count = Math.floor(Math.min(missingBytes, spareBytesMax) / slabBytesUsual)
    if (count < 1) return
    // Written to, or the system would hand it out when it is used first.
    const made = Array.from({ length: count }, () => madeSlab(slabBytesUsual).fill(0))
    // Used last: what was in use a moment ago is near.
    this.#idle.set(slabBytesUsual, [...made, ...(this.#idle.get(slabBytesUsual) ?? [])])
    this.#idleBytes += count * slabBytesUsual
  }

  #keep(slab: Uint8Array): void {
    const alike = this.#idle.get(slab.length)
    if (alike === undefined) this.#idle.set(slab.length, [slab])
    else alike.push(slab)
    this.#idleBytes += slab.length
  }

  /** Of its size, or half of what is found of twice the size; a new block where nothing is idle. */
  #found(sizeBytes: number): Uint8Array {
    const slab = this.#idle.get(sizeBytes)?.pop()
    if (slab !== undefined) {
      this.#idleBytes -= sizeBytes
      return slab
    }
    if (sizeBytes >= slabBytesUsual) {
      this.#ranOut ||= sizeBytes === slabBytesUsual
      return madeSlab(sizeBytes)
    }
    const whole = this.#found(2 * sizeBytes)
    if (whole.length === slabBytesUsual) this.#wholeAt.set(whole.buffer, this.#commits)
    this.#keep(whole.subarray(sizeBytes))
    return whole.subarray(0, sizeBytes)
  }

  /** Puts halves together that both are idle, from the smallest up, and drops broken blocks'. */
  #joinHalves(): void {
    for (let sizeBytes = slabBytesMin; sizeBytes < slabBytesUsual; sizeBytes *= 2) {
      const slabs = this.#idle.get(sizeBytes)
      if (slabs === undefined) continue
      this.#idle.delete(sizeBytes)
      this.#idleBytes -= sizeBytes * slabs.length
      for (const slab of joined(slabs, sizeBytes)) if (!this.#isBroken(slab)) this.#keep(slab)
    }
  }

  #isBroken({ buffer, length }: Uint8Array): boolean {
    if (length >= slabBytesUsual) return false
    return this.#commits - (this.#wholeAt.get(buffer) ?? 0) > brokenCommitsMax
  }
}

// Not as a buffer: parts of it would be buffers too, which take longer to make.
const madeSlab = (sizeBytes: number): Uint8Array =>
  new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer)

/** @param slabs all of one size. @returns wholes of twice the size, and halves that are alone. */
function joined(slabs: readonly Uint8Array[], sizeBytes: number): readonly Uint8Array[] {
  const alone = new Map<ArrayBufferLike, Map<number, Uint8Array>>()
  const wholes: Uint8Array[] = []
  for (const slab of slabs) {
    const { buffer, byteOffset } = slab
    const ofBlock = alone.get(buffer) ?? new Map<number, Uint8Array>()
    alone.set(buffer, ofBlock)
    // Blocks and halves are powers of two: the other half differs in one bit.
    const other = byteOffset ^ sizeBytes
    if (ofBlock.delete(other)) {
      wholes.push(new Uint8Array(buffer, Math.min(byteOffset, other), 2 * sizeBytes))
    } else ofBlock.set(byteOffset, slab)
  }
  return [...wholes, ...[...alone.values()].flatMap((ofBlock) => [...ofBlock.values()])]
}

/** Those of the process: files come and go, the memory stays. */
export const pageSlabs = new PageSlabs()

/** The slabs of one file. */
export class FileSlabs {
  readonly #pool: PageSlabs
  #slabs: Uint8Array[] = []
  /** Those that are filled, and how far. */
  #open: OpenSlab[] = []
  #heldBytes = 0
  #released = false

  constructor(pool: PageSlabs) {
    this.#pool = pool
  }

  /** Memory of the slabs, used or not. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** @returns room for exactly `sizeBytes`, valid until `release`. */
  place(sizeBytes: number): Uint8Array {
    assert(!this.#released, 'pages are placed before their file is released')
    const open = this.#fitting(sizeBytes) ?? this.#nextSlab(sizeBytes)
    const first = open.usedBytes
    open.usedBytes += sizeBytes
    return open.slab.subarray(first, open.usedBytes)
  }

  /** Of the open slabs with room for it, the fullest. */
  #fitting(sizeBytes: number): OpenSlab | undefined {
    let found: OpenSlab | undefined
    for (const open of this.#open) {
      const isRoomy = roomOf(open) >= sizeBytes
      if (isRoomy && (found === undefined || roomOf(open) < roomOf(found))) found = open
    }
    return found
  }

  /** Gives all memory back: every place is void. May be called again. */
  release(): void {
    this.#released = true
    for (const slab of this.#slabs) this.#pool.giveBack(slab)
    this.#slabs = []
    this.#open = []
    this.#heldBytes = 0
  }

  /** A file starts small, for there may be hundreds of them, and its slabs grow as it does. */
  #nextSlab(sizeBytes: number): OpenSlab {
    const grown = Math.min(slabBytesUsual, Math.max(slabBytesMin, this.#heldBytes * growthShare))
    const needed = 2 ** Math.ceil(Math.log2(sizeBytes))
    const slab = this.#pool.take(Math.max(2 ** Math.floor(Math.log2(grown)), needed))
    this.#slabs.push(slab)
    this.#heldBytes += slab.length
    const open = { slab, usedBytes: 0 }
    this.#open.push(open)
    if (this.#open.length > openSlabsMax) this.#open.splice(fullestOf(this.#open), 1)
    return open
  }
}

interface OpenSlab {
  readonly slab: Uint8Array
  usedBytes: number
}

const roomOf = ({ slab, usedBytes }: OpenSlab): number => slab.length - usedBytes

/** Of all but the last, which is new. */
function fullestOf(slabs: readonly OpenSlab[]): number {
  const rooms = slabs.slice(0, -1).map(roomOf)
  return rooms.indexOf(Math.min(...rooms))
}

/**
 * Memory for finished pages, used again file after file.
 *
 * A page's bytes live until its file is committed. An array of its own for each page would have V8
 * mark the whole heap every eight mebibytes of output, and the operating system hand out fresh
 * memory all the time.
 *
 * Invariants:
 * - A slab belongs to one file at a time; its file gives it back only when nobody reads the file's
 *   bytes any more. A file that never does costs garbage, not corruption.
 * - Idle slabs are at most half as much again as what files took between the last commits: after a
 *   burst the memory goes, and from one commit to the next it stays.
 */
import { assert } from '../../base/assert.ts'

const slabBytesMin = 32_768
const slabBytesUsual = 1_048_576
/** Larger slabs are made for one page and not kept. */
const slabBytesKeptMax = 4 * 1_048_576
/**
 * Of what a file has: its next slab stands half empty in the end, on average. Files of a commit
 * take over slabs of those before, so that hundreds of them should not want larger ones than these.
 */
const growthShare = 1 / 16
/**
 * Of what files took. Commits differ by a tenth or two: what one of them let go the next would have
 * to be given anew, and until the old is collected the process has both.
 */
const idleShareMax = 1.5
/** Slabs that are filled at a time: what a large page leaves free is taken by small ones. */
const openSlabsMax = 4

export class PageSlabs {
  readonly #idle = new Map<number, Uint8Array[]>()
  #idleBytes = 0
  /** Bytes handed out since the last `trim`, and between the two before. */
  #taken = { latest: 0, before: 0 }

  /** Bytes of slabs that wait for a file. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** @param sizeBytes a power of two. @returns memory with anything in it. */
  take(sizeBytes: number): Uint8Array {
    this.#taken.latest += sizeBytes
    const slab = this.#idle.get(sizeBytes)?.pop()
    // Not as a buffer: parts of it would be buffers too, which take longer to make.
    if (slab === undefined) return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer)
    this.#idleBytes -= sizeBytes
    return slab
  }

  giveBack(slab: Uint8Array): void {
    const sizeBytes = slab.length
    if (sizeBytes > slabBytesKeptMax) return
    const alike = this.#idle.get(sizeBytes)
    if (alike === undefined) this.#idle.set(sizeBytes, [slab])
    else alike.push(slab)
    this.#idleBytes += sizeBytes
  }

  /** To be called after each commit: lets go of what the next is not likely to need. */
  trim(): void {
    const keptMax = idleShareMax * Math.max(this.#taken.latest, this.#taken.before)
    this.#taken = { latest: 0, before: this.#taken.latest }
    for (const [sizeBytes, slabs] of this.#idle) {
      while (this.#idleBytes > keptMax && slabs.pop() !== undefined) this.#idleBytes -= sizeBytes
    }
  }
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

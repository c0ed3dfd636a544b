/**
 * Bloom filters of column chunks: split into blocks of 32 bytes, one block and eight bits a value.
 *
 * - Hashes wait until the chunk is closed, so that a chunk of few values needs little memory. Where
 *   they would take more than the largest filter, they go into one of that size at once.
 * - A closed filter is folded: neighbouring blocks are laid over each other for as long as the
 *   share of absent values that it takes for present ones stays within the wish. So its size
 *   follows from distinct values, whose number nobody counted.
 * - A filter that would let through more than half of all absent values is left out.
 *
 *     header (Thrift compact) | blocks
 *
 * Source: Apache Parquet, BloomFilter.md.
 */
import { encodeThrift, i32, struct } from './thrift.ts'

export interface BloomWish {
  /** Share of absent values that are taken for present ones, above 0 and below 1. */
  readonly errorRate: number
  /** Of the largest filter's blocks; a power of two, 32 at least. */
  readonly sizeBytesMax: number
}

const blockBytes = 32
const blockWords = 8
const hashBytes = 8
const uselessErrorRate = 0.5

/** One bit of each of a block's words is chosen by one of them. */
const salts = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
)

export class BloomFilter {
  readonly #wish: BloomWish
  readonly #hashes: Uint32Array[] = []
  #hashCount = 0
  #blocks: Uint32Array | undefined

  constructor(wish: BloomWish) {
    this.#wish = wish
  }

  /** Memory it takes until it is encoded. */
  get heldBytes(): number {
    return this.#blocks?.byteLength ?? this.#hashCount * hashBytes
  }

  /** @param hashes XXH64 of values, low word first; copied. */
  add(hashes: Uint32Array): void {
    if (this.#blocks !== undefined) return insert(this.#blocks, hashes)
    this.#hashes.push(hashes.slice())
    this.#hashCount += hashes.length / 2
    if (this.heldBytes > this.#wish.sizeBytesMax)
      this.#blocks = this.#filled(this.#wish.sizeBytesMax)
    return undefined
  }

  /** Header and blocks; undefined when there is no value, or the filter would say nothing. */
  encoded(): Uint8Array | undefined {
    if (this.#hashCount === 0) return undefined
    const blocks = folded(this.#blocks ?? this.#filled(this.#startBytes()), this.#wish.errorRate)
    if (errorRateOf(blocks) > uselessErrorRate) return undefined
    const header = encodeThrift(
      struct([
        [1, i32(blocks.byteLength)],
        [2, theOnlyKind],
        [3, theOnlyKind],
        [4, theOnlyKind],
      ]),
    )
    const bytes = new Uint8Array(header.length + blocks.byteLength)
    bytes.set(header, 0)
    bytes.set(new Uint8Array(blocks.buffer, blocks.byteOffset, blocks.byteLength), header.length)
    return bytes
  }

  #filled(sizeBytes: number): Uint32Array {
    const blocks = new Uint32Array(sizeBytes / 4)
    for (const hashes of this.#hashes.splice(0)) insert(blocks, hashes)
    return blocks
  }

  /** Twice what is enough were all values distinct, since blocks are not filled evenly. */
  #startBytes(): number {
    const bitsPerValue = -8 / Math.log(1 - this.#wish.errorRate ** (1 / 8))
    const sizeBytes = 2 ** Math.ceil(Math.log2((2 * this.#hashCount * bitsPerValue) / 8))
    return Math.min(Math.max(sizeBytes, blockBytes), this.#wish.sizeBytesMax)
  }
}

/** Split blocks, XXH64, uncompressed: unions of one member that has no fields. */
const theOnlyKind = struct([[1, struct([])]])

/** The upper bits of a hash choose the block, the lower word the bits in it. */
function insert(blocks: Uint32Array, hashes: Uint32Array): void {
  const shift = Math.clz32(blocks.length / blockWords) + 1
  for (let at = 0; at < hashes.length; at += 2) {
    const low = hashes[at] ?? 0
    const high = hashes[at + 1] ?? 0
    // A shift by 32 is none at all: of a single block the number is always 0.
    const first = shift === 32 ? 0 : (high >>> shift) * blockWords
    for (let word = 0; word < blockWords; word++) {
      const bit = Math.imul(low, salts[word] ?? 0) >>> 27
      blocks[first + word] = (blocks[first + word] ?? 0) | (1 << bit)
    }
  }
}

/** The smallest filter of the same values within the wish. */
function folded(blocks: Uint32Array, errorRate: number): Uint32Array {
  let smallest = blocks
  while (smallest.length > blockWords) {
    const half = halved(smallest)
    if (errorRateOf(half) > errorRate) break
    smallest = half
  }
  return smallest
}

/** A value's block is chosen by its upper bits: with one bit less, two neighbours become one. */
function halved(blocks: Uint32Array): Uint32Array {
  const half = new Uint32Array(blocks.length / 2)
  for (let at = 0; at < half.length; at++) {
    const first = Math.floor(at / blockWords) * 2 * blockWords + (at % blockWords)
    half[at] = (blocks[first] ?? 0) | (blocks[first + blockWords] ?? 0)
  }
  return half
}

/** Share of absent values whose eight bits are all set, exact for evenly spread hashes. */
function errorRateOf(blocks: Uint32Array): number {
  let sum = 0
  for (let first = 0; first < blocks.length; first += blockWords) {
    let share = 1
    for (let word = 0; word < blockWords; word++) share *= setBits(blocks[first + word] ?? 0) / 32
    sum += share
  }
  return (sum * blockWords) / blocks.length
}

function setBits(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

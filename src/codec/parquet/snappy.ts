/**
 * Snappy blocks without framing, encoded: for files of readers that know no zstd.
 *
 * Greedy: the last place of four equal bytes is looked up in a table by their hash; where nothing
 * repeats, the steps grow, so that incompressible bytes cost little.
 *
 * - Fragments of 64 KiB: no copy reaches back further, so two-byte offsets are enough.
 * - Output is a function of the input alone.
 *
 *     32 times "a"  →  20 | 00 61 | 7a 01 00    length 32, literal "a", copy 31 from 1 back
 *
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

const fragmentBytes = 65_536
const hashBits = 14
const literalBytesMax = 60
const copyBytesMax = 64
/** The last bytes of a fragment are a literal: a load of four bytes never reads past it. */
const marginBytes = 15

/** Largest size of the encoded form. */
export const snappyBytesMax = (sizeBytes: number): number =>
  32 + sizeBytes + Math.ceil(sizeBytes / 6)

/** @returns the block in bytes of its own. */
export function encodeSnappy(input: Uint8Array): Uint8Array {
  const block = new SnappyBlock(input)
  return block.encoded()
}

class SnappyBlock {
  readonly #input: Uint8Array
  readonly #view: DataView
  readonly #out: Uint8Array
  readonly #table = new Uint16Array(1 << hashBits)
  #sizeBytes = 0

  constructor(input: Uint8Array) {
    this.#input = input
    this.#view = new DataView(input.buffer, input.byteOffset, input.length)
    this.#out = new Uint8Array(snappyBytesMax(input.length))
  }

  encoded(): Uint8Array {
    this.#length(this.#input.length)
    for (let first = 0; first < this.#input.length; first += fragmentBytes) {
      this.#fragment(first, Math.min(first + fragmentBytes, this.#input.length))
    }
    return this.#out.slice(0, this.#sizeBytes)
  }

  #length(sizeBytes: number): void {
    let rest = sizeBytes
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#byte((rest % 0x80) | 0x80)
    this.#byte(rest)
  }

  #fragment(first: number, next: number): void {
    this.#table.fill(0)
    const limit = next - marginBytes
    let literalFirst = first
    let at = first + 1
    while (at < limit) {
      const match = this.#match(first, at, limit)
      if (match === undefined) break
      at = match.at
      this.#literal(literalFirst, at)
      const matched = this.#matchedBytes(match.candidate, at, next)
      this.#copies(at - match.candidate, matched)
      at += matched
      literalFirst = at
    }
    this.#literal(literalFirst, next)
  }

  /** The next place from `at` whose four bytes stand before, with the steps growing on the way. */
  #match(first: number, at: number, limit: number): { at: number; candidate: number } | undefined {
    const view = this.#view
    const table = this.#table
    let skip = 32
    for (let place = at; place < limit; place += skip++ >>> 5) {
      const bits = view.getInt32(place, true)
      const slot = Math.imul(bits, 0x1e35a7bd) >>> (32 - hashBits)
      const candidate = first + (table[slot] ?? 0)
      table[slot] = place - first
      if (candidate < place && view.getInt32(candidate, true) === bits) {
        return { at: place, candidate }
      }
    }
    return undefined
  }

  #matchedBytes(candidate: number, at: number, next: number): number {
    let sizeBytes = 4
    while (
      at + sizeBytes < next &&
      this.#input[candidate + sizeBytes] === this.#input[at + sizeBytes]
    ) {
      sizeBytes++
    }
    return sizeBytes
  }

  #literal(first: number, next: number): void {
    const sizeBytes = next - first
    if (sizeBytes === 0) return
    const last = sizeBytes - 1
    if (sizeBytes <= literalBytesMax) this.#byte(last << 2)
    else if (last < 0x100) {
      this.#byte(60 << 2)
      this.#byte(last)
    } else {
      this.#byte(61 << 2)
      this.#byte(last & 0xff)
      this.#byte(last >>> 8)
    }
    this.#out.set(this.#input.subarray(first, next), this.#sizeBytes)
    this.#sizeBytes += sizeBytes
  }

  /** A copy takes at most 64 bytes; what is left over must not be shorter than a copy can be. */
  #copies(backBytes: number, sizeBytes: number): void {
    let rest = sizeBytes
    while (rest >= copyBytesMax + 4) {
      this.#copy(backBytes, copyBytesMax)
      rest -= copyBytesMax
    }
    if (rest > copyBytesMax) {
      this.#copy(backBytes, copyBytesMax - 4)
      rest -= copyBytesMax - 4
    }
    this.#copy(backBytes, rest)
  }

  #copy(backBytes: number, sizeBytes: number): void {
    if (sizeBytes < 12 && backBytes < 2_048) {
      this.#byte(1 | ((sizeBytes - 4) << 2) | ((backBytes >>> 8) << 5))
      this.#byte(backBytes & 0xff)
      return
    }
    this.#byte(2 | ((sizeBytes - 1) << 2))
    this.#byte(backBytes & 0xff)
    this.#byte(backBytes >>> 8)
  }

  #byte(value: number): void {
    this.#out[this.#sizeBytes++] = value
  }
}

/**
 * LZ4 blocks without framing, encoded: the codec LZ4_RAW.
 *
 * Greedy: the last place of four equal bytes is looked up in a table by their hash; where nothing
 * repeats, the steps grow, so that incompressible bytes cost little.
 *
 * - A copy reaches back 65,535 bytes at most, and over any earlier byte of the block.
 * - The last five bytes are a literal, and no copy begins in the last twelve: decoders rely on it.
 * - Output is a function of the input alone, and valid until the next call.
 *
 *     32 times "a"  →  1f 61 | 01 00 07 | 50 61 61 61 61 61
 *                      literal "a" | copy of 26 (4 + 15 + 7) from 1 back | literal of five
 *
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */

const hashBits = 14
const backBytesMax = 65_535
const copyBytesMin = 4
/** No copy begins this close to the end. */
const marginBytes = 12
/** The block ends with at least so many literal bytes. */
const tailBytes = 5
const nibbleMax = 15
/** A larger output buffer is given back after use. */
const keptBytesMax = 16 * 1_048_576

/** Largest size of the encoded form. */
export const lz4BytesMax = (sizeBytes: number): number =>
  sizeBytes + Math.floor(sizeBytes / 255) + 16

const table = new Int32Array(1 << hashBits)
let kept = new Uint8Array(0)

/** @returns the block; valid until the next call. */
export function encodeLz4Block(input: Uint8Array): Uint8Array {
  const sizeBytesMax = lz4BytesMax(input.length)
  if (kept.length < sizeBytesMax) kept = new Uint8Array(sizeBytesMax)
  const encoded = new Lz4Block(input, kept).encoded()
  if (kept.length > keptBytesMax) kept = new Uint8Array(0)
  return encoded
}

class Lz4Block {
  readonly #input: Uint8Array
  readonly #view: DataView
  readonly #out: Uint8Array
  #sizeBytes = 0

  constructor(input: Uint8Array, out: Uint8Array) {
    this.#input = input
    this.#view = new DataView(input.buffer, input.byteOffset, input.length)
    this.#out = out
  }

  encoded(): Uint8Array {
    // An entry is a place + 1, so that 0 is none.
    table.fill(0)
    const matchNext = this.#input.length - marginBytes
    let literalFirst = 0
    for (let at = 0; at <= matchNext; ) {
      const match = this.#match(at, matchNext)
      if (match === undefined) break
      const sizeBytes = this.#matchedBytes(match.candidate, match.at)
      this.#sequence(literalFirst, match.at, { backBytes: match.at - match.candidate, sizeBytes })
      at = match.at + sizeBytes
      literalFirst = at
    }
    this.#literals(literalFirst, this.#input.length, 0)
    return this.#out.subarray(0, this.#sizeBytes)
  }

  /** The next place from `at` whose four bytes stand before, with the steps growing on the way. */
  #match(at: number, matchNext: number): { at: number; candidate: number } | undefined {
    const view = this.#view
    let skip = 64
    for (let place = at; place <= matchNext; place += skip++ >>> 6) {
      const bits = view.getInt32(place, true)
      const slot = Math.imul(bits, 0x9e3779b1) >>> (32 - hashBits)
      const candidate = (table[slot] ?? 0) - 1
      table[slot] = place + 1
      if (candidate < 0 || place - candidate > backBytesMax) continue
      if (view.getInt32(candidate, true) === bits) return { at: place, candidate }
    }
    return undefined
  }

  #matchedBytes(candidate: number, at: number): number {
    const input = this.#input
    const next = input.length - tailBytes
    let sizeBytes = copyBytesMin
    while (at + sizeBytes < next && input[candidate + sizeBytes] === input[at + sizeBytes]) {
      sizeBytes++
    }
    return sizeBytes
  }

  /** Literals of `[first, next)`, and the copy behind them. */
  #sequence(
    first: number,
    next: number,
    copy: { readonly backBytes: number; readonly sizeBytes: number },
  ): void {
    const more = copy.sizeBytes - copyBytesMin
    this.#literals(first, next, Math.min(more, nibbleMax))
    this.#byte(copy.backBytes & 0xff)
    this.#byte(copy.backBytes >>> 8)
    this.#lengthBehind(more)
  }

  /** @param copyNibble lower half of the token: length of the copy behind the literals. */
  #literals(first: number, next: number, copyNibble: number): void {
    const sizeBytes = next - first
    this.#byte((Math.min(sizeBytes, nibbleMax) << 4) | copyNibble)
    this.#lengthBehind(sizeBytes)
    if (sizeBytes > 32) this.#out.set(this.#input.subarray(first, next), this.#sizeBytes)
    else {
      for (let at = 0; at < sizeBytes; at++) {
        this.#out[this.#sizeBytes + at] = this.#input[first + at] ?? 0
      }
    }
    this.#sizeBytes += sizeBytes
  }

  /** What of a length does not fit into half a token, in bytes of 255. */
  #lengthBehind(length: number): void {
    if (length < nibbleMax) return
    let rest = length - nibbleMax
    for (; rest >= 255; rest -= 255) this.#byte(255)
    this.#byte(rest)
  }

  #byte(value: number): void {
    this.#out[this.#sizeBytes++] = value
  }
}

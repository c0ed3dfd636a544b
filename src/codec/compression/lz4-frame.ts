/**
 * LZ4 frames: magic, descriptor, blocks, end mark. Linked and independent blocks, all checksums.
 *
 * - Never reads past the input, never grows past the size allowed.
 * - A frame is taken whole or not at all: a missing end mark, a wrong checksum, a wrong content
 *   size or anything behind the last frame is malformed. Frames may follow each other.
 * - Dictionaries are not known.
 *
 *     04 22 4d 18 | flags, block size, (content size), header checksum | size, block … | 0
 *
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, lz4_Block_format.md
 */
import { copyLiteral, repeat } from './copy.ts'
import { xxhash32 } from './xxhash32.ts'

export type Lz4Outcome =
  | { readonly kind: 'inflated'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'malformed' }

const frameMagic = 0x184d2204
const skippableMagic = 0x184d2a50
const storedBlock = 0x80000000
const flag = { version: 0xc0, version1: 0x40, blockSum: 16, size: 8, sum: 4, dictionary: 1 }

/** What a first buffer holds, as a multiple of the input. */
const growthGuess = 4

/** Inflates one or more frames. @param sizeBytesMax largest total size, inclusive. */
export function inflateLz4(bytes: Uint8Array, sizeBytesMax: number): Lz4Outcome {
  const out = new GrowingOutput(growthGuess * bytes.length, sizeBytesMax)
  const input = new FrameInput(bytes)
  if (bytes.length === 0) return { kind: 'malformed' }
  while (input.at < bytes.length) {
    const magic = input.number(4)
    const fine =
      magic === frameMagic
        ? inflateFrame(input, out)
        : (magic & 0xfffffff0) >>> 0 === skippableMagic && input.take(input.number(4))
    if (out.full) return { kind: 'too-large' }
    if (fine === false || input.failed) return { kind: 'malformed' }
  }
  return { kind: 'inflated', bytes: out.bytes.subarray(0, out.sizeBytes) }
}

/** Inflates one block without a frame. @param sizeBytesMax largest size, inclusive. */
export function inflateLz4Block(block: Uint8Array, sizeBytesMax: number): Lz4Outcome {
  const out = new GrowingOutput(sizeBytesMax, sizeBytesMax)
  if (inflateBlock(block, out, { flags: 0, frameStart: 0 })) {
    return { kind: 'inflated', bytes: out.bytes.subarray(0, out.sizeBytes) }
  }
  return out.full ? { kind: 'too-large' } : { kind: 'malformed' }
}

/** What stands around blocks, read forward; a read past the end sets `failed` and gives 0. */
class FrameInput {
  readonly bytes: Uint8Array
  at = 0
  failed = false

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Little-endian number of `count` bytes; exact up to 2^53. */
  number(count: number): number {
    if (this.take(count) === false) return 0
    let value = 0
    for (let index = 1; index <= count; index++) {
      value = value * 256 + (this.bytes[this.at - index] ?? 0)
    }
    return value
  }

  /** @returns the next `count` bytes, or false when there are fewer. */
  take(count: number): Uint8Array | false {
    if (count > this.bytes.length - this.at) {
      this.failed = true
      return false
    }
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }
}

class GrowingOutput {
  bytes: Uint8Array
  sizeBytes = 0
  full = false
  readonly sizeBytesMax: number

  constructor(guessBytes: number, sizeBytesMax: number) {
    this.bytes = new Uint8Array(Math.min(guessBytes, sizeBytesMax))
    this.sizeBytesMax = sizeBytesMax
  }

  /** @returns false when `count` more bytes are not allowed. */
  reserve(count: number): boolean {
    const needed = this.sizeBytes + count
    if (needed > this.sizeBytesMax) {
      this.full = true
      return false
    }
    if (needed > this.bytes.length) {
      const doubled = Math.min(2 * this.bytes.length, this.sizeBytesMax)
      const grown = new Uint8Array(Math.max(needed, doubled))
      grown.set(this.bytes.subarray(0, this.sizeBytes))
      this.bytes = grown
    }
    return true
  }

  append(bytes: Uint8Array): boolean {
    if (!this.reserve(bytes.length)) return false
    this.bytes.set(bytes, this.sizeBytes)
    this.sizeBytes += bytes.length
    return true
  }
}

function inflateFrame(input: FrameInput, out: GrowingOutput): boolean {
  const headerStart = input.at
  const flags = input.number(1)
  input.number(1)
  const contentBytes = (flags & flag.size) === 0 ? undefined : input.number(8)
  const header = input.bytes.subarray(headerStart, input.at)
  const headerSum = input.number(1)
  if (input.failed || (flags & flag.version) !== flag.version1) return false
  if ((flags & flag.dictionary) !== 0) return false
  if (headerSum !== ((xxhash32(header) >>> 8) & 0xff)) return false
  const frameStart = out.sizeBytes
  if (!inflateBlocks(input, out, { flags, frameStart })) return false
  const content = out.bytes.subarray(frameStart, out.sizeBytes)
  if (contentBytes !== undefined && contentBytes !== content.length) return false
  if ((flags & flag.sum) === 0) return true
  return input.number(4) === xxhash32(content)
}

interface FrameShape {
  readonly flags: number
  /** Where the frame's content starts in the output: copies reach no further back. */
  readonly frameStart: number
}

function inflateBlocks(input: FrameInput, out: GrowingOutput, frame: FrameShape): boolean {
  for (;;) {
    const size = input.number(4)
    if (input.failed) return false
    if (size === 0) return true
    const block = input.take(size % storedBlock)
    if (block === false) return false
    if ((frame.flags & flag.blockSum) !== 0 && input.number(4) !== xxhash32(block)) return false
    const fine = size >= storedBlock ? out.append(block) : inflateBlock(block, out, frame)
    if (!fine) return false
  }
}

/** One compressed block: literals and copies in turn; it ends with literals. */
function inflateBlock(block: Uint8Array, out: GrowingOutput, frame: FrameShape): boolean {
  const input = new BlockInput(block)
  for (;;) {
    const token = input.byte()
    const literals = input.length(token >>> 4)
    if (literals > block.length - input.at || !out.reserve(literals)) return false
    copyLiteral({ input: block, from: input.at, length: literals }, out.bytes, out.sizeBytes)
    input.at += literals
    out.sizeBytes += literals
    if (input.at === block.length) return true
    const distance = input.byte() | (input.byte() << 8)
    const length = 4 + input.length(token & 15)
    if (input.at > block.length || distance === 0) return false
    if (distance > out.sizeBytes - frame.frameStart || !out.reserve(length)) return false
    repeat(out.bytes, out.sizeBytes, length, distance)
    out.sizeBytes += length
  }
}

/** Bytes of one block; reading past their end gives 0 and leaves `at` behind it. */
class BlockInput {
  readonly #block: Uint8Array
  at = 0

  constructor(block: Uint8Array) {
    this.#block = block
  }

  byte(): number {
    return this.#block[this.at++] ?? 0
  }

  /** A length of four bits, carried on in bytes of 255 when it is 15. */
  length(nibble: number): number {
    let length = nibble
    if (nibble < 15) return length
    for (;;) {
      const byte = this.byte()
      length += byte
      if (byte < 255) return length
    }
  }
}

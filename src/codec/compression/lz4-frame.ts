/**
 * LZ4 frames: magic, descriptor, blocks, end mark. Linked and independent blocks, all checksums.
 *
 * The frames are read here, blocks and checksums are the kernel's work.
 *
 * - Never reads past the input, never grows past the size allowed.
 * - A frame is taken whole or not at all: a missing end mark, a wrong checksum, a wrong content
 *   size, a block larger than its frame says or anything behind the last frame is malformed. Frames
 *   may follow each other.
 * - Dictionaries are not known.
 *
 *     04 22 4d 18 | flags, block size, (content size), header checksum | size, block … | 0
 *
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, lz4_Block_format.md
 */
import {
  type InflatingMemory,
  type InflatingRoom,
  roomFor,
  usualBytesMax,
} from '../../kernel/inflating-memory.ts'

export type Lz4Outcome =
  | { readonly kind: 'inflated'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'malformed' }

const frameMagic = 0x184d2204
const skippableMagic = 0x184d2a50
const storedBlock = 0x80000000
const flag = { version: 0xc0, version1: 0x40, blockSum: 16, size: 8, sum: 4, dictionary: 1 }
/** A byte of a block makes at most so many. */
const blockGrowthMax = 255
/** What the kernel answers instead of the end of its output. */
const endMalformed = 0
const endNoRoom = 1

const malformed: Lz4Outcome = { kind: 'malformed' }
const tooLarge: Lz4Outcome = { kind: 'too-large' }

/**
 * Inflates one or more frames.
 *
 * @param sizeBytesMax largest total size, inclusive.
 * @param memory where the output lies; without it, or when it is unusually large, elsewhere, and
 *   valid until the next call.
 */
export function inflateLz4(
  bytes: Uint8Array,
  sizeBytesMax: number,
  memory?: InflatingMemory,
): Lz4Outcome {
  const needed = framesBytesMax(bytes)
  if (needed === undefined) return malformed
  const most = Math.min(needed, sizeBytesMax)
  // Frames may allow their blocks mebibytes, and hardly any uses them.
  const usual = Math.min(most, usualBytesMax(bytes.length))
  const outcome = inflateFrames(bytes, usual, memory)
  if (outcome.kind !== 'too-large' || usual === most) return outcome
  return inflateFrames(bytes, most, memory)
}

/** @returns too-large when the output has more than `roomBytes`. */
function inflateFrames(
  bytes: Uint8Array,
  roomBytes: number,
  memory: InflatingMemory | undefined,
): Lz4Outcome {
  const room = roomFor([bytes], roomBytes, memory)
  if (room === undefined) return tooLarge
  const frames = new FramesReader(bytes, room)
  while (frames.input.at < bytes.length) {
    const outcome = frames.next()
    if (outcome !== undefined) return outcome
  }
  return { kind: 'inflated', bytes: room.u8.subarray(0, frames.out - room.first) }
}

/**
 * Inflates one block without a frame. The output is valid until the next call.
 *
 * @param sizeBytesMax largest size, inclusive.
 */
export function inflateLz4Block(block: Uint8Array, sizeBytesMax: number): Lz4Outcome {
  const room = roomFor([block], Math.min(blockGrowthMax * block.length, sizeBytesMax), undefined)
  if (room === undefined) return tooLarge
  const { calls, first, packed } = room
  const end = calls.inflateLz4(packed, packed + block.length, first, first, packed) >>> 0
  if (end === endMalformed) return malformed
  if (end === endNoRoom) return tooLarge
  return { kind: 'inflated', bytes: room.u8.subarray(0, end - first) }
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
    if (!this.pass(count)) return 0
    let value = 0
    for (let index = 1; index <= count; index++) {
      value = value * 256 + (this.bytes[this.at - index] ?? 0)
    }
    return value
  }

  /** @returns false when there are fewer than `count` bytes. */
  pass(count: number): boolean {
    if (count > this.bytes.length - this.at) {
      this.failed = true
      return false
    }
    this.at += count
    return true
  }
}

interface FrameHead {
  readonly flags: number
  readonly blockBytesMax: number
  readonly contentBytes: number | undefined
  /** Of the bytes before it. */
  readonly headSum: number
}

/** What begins behind the magic, or undefined when it is no descriptor. */
function readHead(input: FrameInput): FrameHead | undefined {
  const flags = input.number(1)
  const blockCode = (input.number(1) >>> 4) & 7
  const contentBytes = (flags & flag.size) === 0 ? undefined : input.number(8)
  const headSum = input.number(1)
  const isKnown = (flags & flag.version) === flag.version1 && (flags & flag.dictionary) === 0
  if (input.failed || !isKnown || blockCode < 4) return undefined
  return { flags, blockBytesMax: 2 ** (8 + 2 * blockCode), contentBytes, headSum }
}

/** @returns what whole frames come to at most, or undefined when they are anything else. */
function framesBytesMax(bytes: Uint8Array): number | undefined {
  const input = new FrameInput(bytes)
  let sum = 0
  do {
    const magic = input.number(4)
    if (isSkippable(magic)) input.pass(input.number(4))
    else {
      const head = magic === frameMagic ? readHead(input) : undefined
      if (head === undefined) return undefined
      sum += blocksBytesMax(input, head)
    }
    if (input.failed) return undefined
  } while (input.at < bytes.length)
  return sum
}

const isSkippable = (magic: number): boolean => (magic & 0xfffffff0) >>> 0 === skippableMagic

function blocksBytesMax(input: FrameInput, { flags, blockBytesMax }: FrameHead): number {
  const sumBytes = (flags & flag.blockSum) === 0 ? 0 : 4
  let sum = 0
  for (;;) {
    const head = input.number(4)
    if (head === 0) break
    const sizeBytes = head % storedBlock
    if (!input.pass(sizeBytes + sumBytes)) break
    sum += head >= storedBlock ? sizeBytes : Math.min(blockBytesMax, blockGrowthMax * sizeBytes)
  }
  input.pass((flags & flag.sum) === 0 ? 0 : 4)
  return sum
}

/** Inflates frames whose bounds are known to be right, one by one. */
class FramesReader {
  readonly input: FrameInput
  /** Where the output ends, exclusive: an address. */
  out: number
  readonly #room: InflatingRoom

  constructor(bytes: Uint8Array, room: InflatingRoom) {
    this.input = new FrameInput(bytes)
    this.out = room.first
    this.#room = room
  }

  /** @returns what is wrong with the frame, if anything. */
  next(): Lz4Outcome | undefined {
    const { input } = this
    if (isSkippable(input.number(4))) {
      input.pass(input.number(4))
      return undefined
    }
    const headAt = input.at
    const head = readHead(input)
    if (head === undefined) return malformed
    if (head.headSum !== ((this.#sum(headAt, input.at - 1 - headAt) >>> 8) & 0xff)) return malformed
    const frameFirst = this.out
    return this.#blocks(head, frameFirst) ?? this.#content(head, frameFirst)
  }

  #blocks(head: FrameHead, frameFirst: number): Lz4Outcome | undefined {
    const { input } = this
    for (;;) {
      const size = input.number(4)
      if (size === 0) return undefined
      const [at, sizeBytes] = [input.at, size % storedBlock]
      input.pass(sizeBytes)
      const hasSum = (head.flags & flag.blockSum) !== 0
      if (hasSum && input.number(4) !== this.#sum(at, sizeBytes)) return malformed
      const block = { at, sizeBytes, bytesMax: head.blockBytesMax }
      const wrong = size >= storedBlock ? this.#stored(block) : this.#packed(block, frameFirst)
      if (wrong !== undefined) return wrong
    }
  }

  #stored({ at, sizeBytes, bytesMax }: Block): Lz4Outcome | undefined {
    const { u8, first, packed } = this.#room
    if (sizeBytes > bytesMax) return malformed
    if (sizeBytes > packed - this.out) return tooLarge
    u8.set(this.input.bytes.subarray(at, at + sizeBytes), this.out - first)
    this.out += sizeBytes
    return undefined
  }

  #packed({ at, sizeBytes, bytesMax }: Block, frameFirst: number): Lz4Outcome | undefined {
    const { calls, packed } = this.#room
    const from = packed + at
    const outEnd = Math.min(packed, this.out + bytesMax)
    const end = calls.inflateLz4(from, from + sizeBytes, frameFirst, this.out, outEnd) >>> 0
    if (end === endMalformed) return malformed
    if (end === endNoRoom) return this.out + bytesMax <= packed ? malformed : tooLarge
    this.out = end
    return undefined
  }

  #content({ flags, contentBytes }: FrameHead, frameFirst: number): Lz4Outcome | undefined {
    const sizeBytes = this.out - frameFirst
    if (contentBytes !== undefined && contentBytes !== sizeBytes) return malformed
    if ((flags & flag.sum) === 0) return undefined
    const sum = this.#room.calls.xxhash32(frameFirst, sizeBytes) >>> 0
    return this.input.number(4) === sum ? undefined : malformed
  }

  /** Checksum of the input from `at`. */
  #sum(at: number, sizeBytes: number): number {
    return this.#room.calls.xxhash32(this.#room.packed + at, sizeBytes) >>> 0
  }
}

interface Block {
  readonly at: number
  readonly sizeBytes: number
  readonly bytesMax: number
}

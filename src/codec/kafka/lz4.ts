/**
 * LZ4 frames: what Kafka's codec 3 is.
 *
 * Invariants: no copy reads before the output's start; the output never grows past the limit; all
 * frames of the input are inflated. The frame's own xxHash checksums are passed over: the batch's
 * CRC32C covers the same bytes.
 *
 *     04 22 4d 18 · flags · block descriptor · [content size 8] · [dictionary id 4] · header check
 *     (block size u32, top bit = stored · bytes · [check 4])… · 00 00 00 00 · [content check 4]
 *
 * Source: lz4/doc/lz4_Frame_format.md and lz4_Block_format.md.
 */
import { copyLiteral, repeat } from './copy.ts'
import { TooLarge } from './too-large.ts'

const frameMagic = 0x184d2204
const storedBit = 0x80000000
const flagDictionaryId = 1
const flagContentChecksum = 4
const flagContentSize = 8
const flagBlockChecksum = 16
const growthGuess = 4

/**
 * @returns the inflated bytes.
 * @throws {Error} the input is no lz4 frame. @throws {TooLarge} it inflates past `sizeBytesMax`.
 */
export function inflateLz4(input: Uint8Array, sizeBytesMax: number): Uint8Array {
  const output = new Output(sizeBytesMax, input.length * growthGuess)
  let at = 0
  while (at < input.length) at = inflateFrame(input, at, output)
  return output.bytes()
}

/** The inflated bytes so far; a block is decoded into them, so that it may refer back to others. */
class Output {
  buffer: Buffer
  end = 0
  readonly #sizeBytesMax: number

  constructor(sizeBytesMax: number, guessBytes: number) {
    this.#sizeBytesMax = sizeBytesMax
    this.buffer = Buffer.allocUnsafe(Math.min(guessBytes, sizeBytesMax))
  }

  /** Makes room for `sizeBytes` more. */
  reserve(sizeBytes: number): void {
    const needed = this.end + sizeBytes
    if (needed <= this.buffer.length) return
    if (needed > this.#sizeBytesMax) throw new TooLarge()
    const grown = Buffer.allocUnsafe(
      Math.min(Math.max(needed, this.buffer.length * 2), this.#sizeBytesMax),
    )
    grown.set(this.buffer.subarray(0, this.end))
    this.buffer = grown
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.end)
  }
}

/** @returns where the frame ends. */
function inflateFrame(input: Uint8Array, start: number, output: Output): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  if (view.getUint32(start, true) !== frameMagic) throw new Error('no lz4 frame')
  const flags = view.getUint8(start + 4)
  if (flags >>> 6 !== 1) throw new Error(`lz4 frame version ${flags >>> 6}`)
  if ((flags & flagDictionaryId) !== 0) throw new Error('lz4 frame with a dictionary')
  const frameStart = output.end
  let at = start + 7 + ((flags & flagContentSize) === 0 ? 0 : 8)
  for (;;) {
    const head = view.getUint32(at, true)
    at += 4
    if (head === 0) break
    const end = at + (head % storedBit)
    if (end > input.length) throw new Error('an lz4 block passes the end')
    if (head >= storedBit) {
      output.reserve(end - at)
      output.buffer.set(input.subarray(at, end), output.end)
      output.end += end - at
    } else inflateBlock(input.subarray(at, end), output, frameStart)
    at = end + ((flags & flagBlockChecksum) === 0 ? 0 : 4)
  }
  return at + ((flags & flagContentChecksum) === 0 ? 0 : 4)
}

function inflateBlock(block: Uint8Array, output: Output, frameStart: number): void {
  let at = 0
  while (at < block.length) {
    const token = block[at++] ?? 0
    let length = token >>> 4
    if (length === 15) [length, at] = extended(block, at)
    if (at + length > block.length) throw new Error('an lz4 literal passes the end')
    output.reserve(length)
    copyLiteral({ input: block, from: at, length }, output.buffer, output.end)
    at += length
    output.end += length
    if (at === block.length) return
    if (at + 2 > block.length) throw new Error('an lz4 match is cut')
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8)
    at += 2
    length = token & 15
    if (length === 15) [length, at] = extended(block, at)
    length += 4
    if (distance === 0 || distance > output.end - frameStart) {
      throw new Error(`an lz4 match ${distance} bytes back does not fit`)
    }
    output.reserve(length)
    repeat(output.buffer, output.end, length, distance)
    output.end += length
  }
}

/** A length of 15 goes on in bytes of 255 until a smaller one. */
function extended(block: Uint8Array, start: number): [length: number, at: number] {
  let at = start
  let length = 15
  for (;;) {
    const byte = block[at++]
    if (byte === undefined) throw new Error('an lz4 length passes the end')
    length += byte
    if (byte !== 255) return [length, at]
  }
}

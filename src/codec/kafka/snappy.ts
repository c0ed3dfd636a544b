/**
 * Snappy: a raw block, or xerial's framing of blocks, which Java producers write.
 *
 * Invariants: the output has exactly the size that the block declares; no copy reads before the
 * output's start; nothing is written past the declared size.
 *
 *     82 53 4e 41 50 50 59 00 · version int32 · compatible int32 · (length int32 · block)…   xerial
 *     05 10 68 65 6c 6c 6f                                              raw: 5 bytes, "hello"
 *
 * Source: google/snappy format_description.txt; xerial/snappy-java SnappyOutputStream.
 */
import { copyLiteral, repeat } from './copy.ts'
import { TooLarge } from './too-large.ts'

const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const xerialHeaderSizeBytes = 16

/**
 * @returns the inflated bytes.
 * @throws {Error} the input is no snappy. @throws {TooLarge} it declares more than `sizeBytesMax`.
 */
export function inflateSnappy(input: Uint8Array, sizeBytesMax: number): Uint8Array {
  const framed = xerialMagic.every((byte, index) => input[index] === byte)
  const blocks = framed ? blocksOf(input) : [input]
  let sizeBytes = 0
  for (const block of blocks) sizeBytes += declaredSize(block).sizeBytes
  if (sizeBytes > sizeBytesMax) throw new TooLarge()
  const output = Buffer.allocUnsafe(sizeBytes)
  let end = 0
  for (const block of blocks) end = inflateBlock(block, output, end)
  return output
}

function blocksOf(input: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const blocks: Uint8Array[] = []
  let at = xerialHeaderSizeBytes
  while (at < input.length) {
    const sizeBytes = view.getUint32(at)
    at += 4
    if (at + sizeBytes > input.length) throw new Error('a xerial block passes the end')
    blocks.push(input.subarray(at, at + sizeBytes))
    at += sizeBytes
  }
  return blocks
}

/** The varint at a block's start: its inflated size, and where its elements begin. */
function declaredSize(block: Uint8Array): { sizeBytes: number; start: number } {
  let sizeBytes = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at]
    if (byte === undefined) break
    sizeBytes += (byte & 127) * 2 ** (7 * at)
    if (byte < 128) return { sizeBytes, start: at + 1 }
  }
  throw new Error('a block does not declare its size')
}

/** Inflates one block into `output` from `start`. @returns where its bytes end. */
function inflateBlock(block: Uint8Array, output: Uint8Array, start: number): number {
  const declared = declaredSize(block)
  const limit = start + declared.sizeBytes
  let at = declared.start
  let end = start
  while (at < block.length) {
    const tag = block[at] ?? 0
    const kind = tag & 3
    const extra = extraBytes(tag)
    const number = littleEndian(block, at + 1, extra)
    at += 1 + extra
    if (kind === 0) {
      const length = (extra === 0 ? tag >>> 2 : number) + 1
      if (at + length > block.length || end + length > limit) throw new Error('literal too long')
      copyLiteral({ input: block, from: at, length }, output, end)
      at += length
      end += length
      continue
    }
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const distance = kind === 1 ? ((tag >>> 5) << 8) | number : number
    if (distance === 0 || distance > end - start || end + length > limit || at > block.length) {
      throw new Error(`a copy of ${length} bytes from ${distance} back does not fit`)
    }
    repeat(output, end, length, distance)
    end += length
  }
  if (end !== limit) throw new Error(`${end - start} bytes, declared ${declared.sizeBytes}`)
  return end
}

/** How many bytes of number follow a tag: a long literal's length, or a copy's distance. */
function extraBytes(tag: number): number {
  const kind = tag & 3
  if (kind !== 0) return kind === 3 ? 4 : kind
  return Math.max(0, (tag >>> 2) - 59)
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = count - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}

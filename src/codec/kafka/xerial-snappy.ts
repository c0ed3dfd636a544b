/**
 * Snappy as Kafka has it: a raw block, or xerial's framing of blocks, which Java producers write.
 *
 *     82 53 4e 41 50 50 59 00 · version int32 · compatible int32 · (length int32 · block)…   xerial
 *
 * Source: xerial/snappy-java SnappyOutputStream.
 */
import type { InflatingMemory } from '../../kernel/inflating-memory.ts'
import { inflateSnappyBlocks } from '../compression/snappy.ts'
import { TooLarge } from './too-large.ts'

const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const xerialHeaderSizeBytes = 16

/**
 * @param memory where the output lies, see `inflateSnappyBlocks`.
 * @returns the inflated bytes, valid until the next call.
 * @throws {Error} the input is no snappy. @throws {TooLarge} it declares more than `sizeBytesMax`.
 */
export function inflateXerialSnappy(
  input: Uint8Array,
  sizeBytesMax: number,
  memory?: InflatingMemory,
): Uint8Array {
  const isFramed = xerialMagic.every((byte, index) => input[index] === byte)
  const outcome = inflateSnappyBlocks(isFramed ? blocksOf(input) : [input], sizeBytesMax, memory)
  if (outcome.kind === 'inflated') return outcome.bytes
  if (outcome.kind === 'too-large') throw new TooLarge()
  throw new Error('a block is malformed')
}

function blocksOf(input: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const blocks: Uint8Array[] = []
  let at = xerialHeaderSizeBytes
  while (at < input.length) {
    if (at + 4 > input.length) throw new Error('the size of a xerial block is cut')
    const sizeBytes = view.getUint32(at)
    at += 4
    if (at + sizeBytes > input.length) throw new Error('a xerial block passes the end')
    blocks.push(input.subarray(at, at + sizeBytes))
    at += sizeBytes
  }
  return blocks
}

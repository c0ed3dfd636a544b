/**
 * Raw snappy blocks (no framing): a varint of the uncompressed length, then literals and copies.
 *
 * The length is read here, the elements are the kernel's work.
 *
 * - Never writes past the announced length, never reads past the input.
 * - The result has exactly the announced length, or there is none.
 *
 *     05 10 68 65 6c 6c 6f    length 5; literal of 5 bytes "hello"
 *
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

import { type InflatingMemory, roomFor } from '../../kernel/inflating-memory.ts'

/** @returns the announced length in bytes and where the elements start, or undefined. */
function announcedLength(bytes: Uint8Array): { sizeBytes: number; next: number } | undefined {
  let sizeBytes = 0
  for (let at = 0; at < 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) return undefined
    sizeBytes += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return sizeBytes > 0xffffffff ? undefined : { sizeBytes, next: at + 1 }
  }
  return undefined
}

export type SnappyOutcome =
  | { readonly kind: 'inflated'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large'; readonly sizeBytes: number }
  | { readonly kind: 'malformed' }

const malformed: SnappyOutcome = { kind: 'malformed' }

/**
 * Inflates one raw block. The output is valid until the next call.
 *
 * @param sizeBytesMax largest uncompressed length, inclusive.
 */
export const inflateSnappy = (bytes: Uint8Array, sizeBytesMax: number): SnappyOutcome =>
  inflateSnappyBlocks([bytes], sizeBytesMax, undefined)

/**
 * Inflates raw blocks one behind the other.
 *
 * @param sizeBytesMax largest uncompressed length of all of them, inclusive.
 * @param memory where the output lies; without it, or when it is unusually large, elsewhere, and
 *   valid until the next call.
 */
export function inflateSnappyBlocks(
  blocks: readonly Uint8Array[],
  sizeBytesMax: number,
  memory: InflatingMemory | undefined,
): SnappyOutcome {
  const elements: Uint8Array[] = []
  const sizes: number[] = []
  let sizeBytes = 0
  for (const bytes of blocks) {
    const announced = announcedLength(bytes)
    if (announced === undefined) return malformed
    sizeBytes += announced.sizeBytes
    if (sizeBytes > sizeBytesMax) return { kind: 'too-large', sizeBytes }
    // A copy of three bytes makes at most 64: what announces more is not worth its memory.
    if (announced.sizeBytes > (bytes.length - announced.next) * 64) return malformed
    elements.push(bytes.subarray(announced.next))
    sizes.push(announced.sizeBytes)
  }
  const room = roomFor(elements, sizeBytes, memory)
  if (room === undefined) return { kind: 'too-large', sizeBytes }
  let { first: out, packed: from } = room
  for (const [index, { length }] of elements.entries()) {
    const outEnd = out + (sizes[index] ?? 0)
    const end = room.calls.inflateSnappy(from, from + length, out, outEnd) >>> 0
    if (end !== outEnd) return malformed
    out = outEnd
    from += length
  }
  return { kind: 'inflated', bytes: room.u8.subarray(0, sizeBytes) }
}

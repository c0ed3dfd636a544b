/**
 * Raw snappy blocks (no framing): a varint of the uncompressed length, then literals and copies.
 *
 * - Never writes past the announced length, never reads past the input.
 * - The result has exactly the announced length, or there is none.
 *
 *     05 10 68 65 6c 6c 6f    length 5; literal of 5 bytes "hello"
 *
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

import { copyLiteral, repeat } from './copy.ts'

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

/** Inflates one raw block. @param sizeBytesMax largest uncompressed length, inclusive. */
export function inflateSnappy(bytes: Uint8Array, sizeBytesMax: number): SnappyOutcome {
  const announced = announcedLength(bytes)
  if (announced === undefined) return { kind: 'malformed' }
  const { sizeBytes, next } = announced
  if (sizeBytes > sizeBytesMax) return { kind: 'too-large', sizeBytes }
  // A copy of three bytes makes at most 64: what announces more is not worth its memory.
  if (sizeBytes > (bytes.length - next) * 64) return { kind: 'malformed' }
  const out = new Uint8Array(sizeBytes)
  return fillSnappy(bytes, next, out) ? { kind: 'inflated', bytes: out } : { kind: 'malformed' }
}

/** Little-endian number of `count` bytes; the caller knows that they are there. */
function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = count - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}

/** Carries the elements out. @returns true when they fill `out` exactly. */
function fillSnappy(bytes: Uint8Array, first: number, out: Uint8Array): boolean {
  let at = first
  let to = 0
  while (at < bytes.length) {
    const tag = bytes[at++] ?? 0
    const kind = tag & 3
    if (kind === 0) {
      const extra = Math.max(0, (tag >>> 2) - 59)
      if (at + extra > bytes.length) return false
      const length = 1 + (extra === 0 ? tag >>> 2 : littleEndian(bytes, at, extra))
      at += extra
      if (length > bytes.length - at || length > out.length - to) return false
      copyLiteral({ input: bytes, from: at, length }, out, to)
      at += length
      to += length
      continue
    }
    const extra = kind === 3 ? 4 : kind
    if (at + extra > bytes.length) return false
    const length = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const high = kind === 1 ? (tag >>> 5) * 256 : 0
    const distance = high + littleEndian(bytes, at, extra)
    at += extra
    if (distance === 0 || distance > to || length > out.length - to) return false
    repeat(out, to, length, distance)
    to += length
  }
  return to === out.length
}

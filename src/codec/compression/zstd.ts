/**
 * Inflates zstd through one decompressor of Node.js that is used again, into memory of the caller.
 *
 * `zstdDecompressSync` makes a context, an output buffer and their garbage for every call, which
 * costs as much as the inflating. Node's stream class keeps a handle that can be written to
 * synchronously; it is not documented, so it is tried once on a known frame, and where it does not
 * do what it should, the documented function does the work.
 *
 * Invariants:
 * - Whole frames or nothing: their bounds are checked before the decompressor sees them, so that it
 *   stands at the beginning of a frame afterwards and needs no reset, which would make a new one.
 * - Several frames in a row are all inflated; the output never grows past the limit.
 * - What fails is tried once more with a new decompressor: no input can spoil the next.
 *
 * Source: Node.js lib/zlib.js, class ZstdDecompress; RFC 8878.
 */
import { constants, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type ZstdFrames, zstdFrames } from './zstd-frames.ts'
import { type ZstdInside, zstdInside } from './zstd-handle.ts'

export type ZstdOutcome =
  | { readonly kind: 'inflated'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'malformed' }

/** Where the output goes: room for at least so many bytes. */
export type PlaceOutput = (sizeBytes: number) => Uint8Array

/** Inflates whole frames. */
export type InflateFrames = (
  input: Uint8Array,
  framed: ZstdFrames,
  limits: { readonly sizeBytesMax: number; readonly place: PlaceOutput },
) => ZstdOutcome

const scratchBytesMin = 1_048_576
/** A larger buffer is given back after use. */
const keptBytesMax = 16 * 1_048_576
/** Most inputs inflate to less than this multiple; the others are inflated twice. */
const growthGuess = 16

const malformed: ZstdOutcome = { kind: 'malformed' }
const tooLarge: ZstdOutcome = { kind: 'too-large' }

let scratch = Buffer.alloc(0)
let inside: ZstdInside | undefined
let chosen: InflateFrames | undefined

/**
 * @param sizeBytesMax largest inflated size, inclusive.
 * @param place asked once or twice; without it the output is valid until the next call.
 */
export function inflateZstd(
  input: Uint8Array,
  sizeBytesMax: number,
  place: PlaceOutput = placeInScratch,
): ZstdOutcome {
  const framed = zstdFrames(input)
  if (framed === undefined) return malformed
  chosen ??= works(inflateAgain) ? inflateAgain : inflateDocumented
  return chosen(input, framed, { sizeBytesMax, place })
}

function placeInScratch(sizeBytes: number): Uint8Array {
  if (sizeBytes > keptBytesMax) return Buffer.allocUnsafeSlow(sizeBytes)
  if (scratch.length < sizeBytes) {
    scratch = Buffer.allocUnsafeSlow(Math.max(sizeBytes, scratchBytesMin))
  }
  return scratch
}

/** Whether an undocumented way does what it should: two frames in a row, twice. */
export function works(inflate: InflateFrames): boolean {
  const text = Buffer.from('a frame, and another one. '.repeat(9))
  const input = Buffer.concat([zstdCompressSync(text), zstdCompressSync(text)])
  const framed = zstdFrames(input)
  const limits = { sizeBytesMax: 2 * text.length, place: placeInScratch }
  try {
    return [1, 2].every(() => {
      const outcome = framed && inflate(input, framed, limits)
      return outcome?.kind === 'inflated' && isTwice(outcome.bytes, text)
    })
  } catch {
    return false
  }
}

const isTwice = (bytes: Uint8Array, text: Buffer): boolean =>
  Buffer.compare(bytes, Buffer.concat([text, text])) === 0

/** One byte more than the output can have shows that it is whole, or that a limit is passed. */
export const inflateAgain: InflateFrames = (input, framed, { sizeBytesMax, place }) => {
  const needed = Math.min(framed.inflatedBytesMax, sizeBytesMax) + 1
  const guess = Math.min(needed, Math.max(scratchBytesMin, growthGuess * input.length))
  const first = inflateInto(input, place(guess).subarray(0, guess))
  if (first.kind !== 'too-large') return judged(first, sizeBytesMax)
  if (guess === needed) return tooLarge
  return judged(inflateInto(input, place(needed).subarray(0, needed)), sizeBytesMax)
}

const judged = (outcome: ZstdOutcome, sizeBytesMax: number): ZstdOutcome =>
  outcome.kind === 'inflated' && outcome.bytes.length > sizeBytesMax ? tooLarge : outcome

/** @returns too-large when the output leaves no byte of the room. */
function inflateInto(input: Uint8Array, room: Uint8Array): ZstdOutcome {
  const wasUsed = inside !== undefined
  inside ??= zstdInside(createZstdDecompress())
  const outcome = writeFrames(inside, input, room)
  if (outcome.kind === 'inflated') return outcome
  inside = undefined
  return wasUsed && outcome.kind === 'malformed' ? inflateInto(input, room) : outcome
}

function writeFrames(to: ZstdInside, input: Uint8Array, room: Uint8Array): ZstdOutcome {
  const { _handle: handle, _writeState: state } = to
  let failed = false
  handle.onerror = () => {
    failed = true
  }
  let end = 0
  for (let left = input.length; left > 0; ) {
    const from = input.length - left
    handle.writeSync(constants.ZSTD_e_flush, input, from, left, room, end, room.length - end)
    if (failed) return malformed
    const [roomLeft = 0, inputLeft = 0] = state
    const isStuck = inputLeft === left && room.length - roomLeft === end
    end = room.length - roomLeft
    left = inputLeft
    if (roomLeft === 0) return tooLarge
    if (isStuck) return malformed
  }
  return { kind: 'inflated', bytes: room.subarray(0, end) }
}

/** By the documented function, which stops after each frame. */
export const inflateDocumented: InflateFrames = (_input, { frames }, { sizeBytesMax }) => {
  const parts: Uint8Array[] = []
  let left = sizeBytesMax
  for (const frame of frames) {
    try {
      // A frame that is allowed nothing is judged afterwards: the option is at least 1.
      parts.push(zstdDecompressSync(frame, { maxOutputLength: Math.max(1, left) }))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge
      if (typeof code === 'string' && code.startsWith('ZSTD_')) return malformed
      throw error
    }
    left -= parts.at(-1)?.length ?? 0
    if (left < 0) return tooLarge
  }
  return { kind: 'inflated', bytes: Buffer.concat(parts) }
}

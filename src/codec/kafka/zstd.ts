/**
 * Zstandard through one decompressor of Node.js that is used again, into one buffer.
 *
 * `zstdDecompressSync` makes a context, an output buffer and their garbage for every batch, which
 * costs as much as the inflating. Node's stream class keeps a handle that can be written to
 * synchronously; it is not documented, so it is tried once on a known frame, and where it does not
 * do what it should, the documented function does the work.
 *
 * Invariants:
 * - The output is valid until the next call.
 * - Several frames in a row are all inflated; the output never grows past the limit.
 * - A truncated frame may pass as its first part: the caller checks that what is in it is whole.
 *
 * Source: Node.js lib/zlib.js, class ZstdDecompress; RFC 8878.
 */
import { constants, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { TooLarge } from './too-large.ts'

const startSizeBytes = 1_048_576
/** A larger output buffer is given back after use. */
const keptSizeBytesMax = 16 * 1_048_576

/** What the stream class keeps inside. Written to as the class itself does. */
interface Inside {
  readonly _handle: {
    /** Flush flag, input with start and length, output with start and length. */
    writeSync(...step: readonly [number, ...Span, ...Span]): void
    reset(): void
    onerror: (message: string) => void
  }
  /** After a write: bytes of output, and of input, that are left. */
  readonly _writeState: Uint32Array
}

type Span = readonly [bytes: Uint8Array, start: number, sizeBytes: number]

/** Inflates a whole input. */
type Inflate = (input: Uint8Array, sizeBytesMax: number) => Uint8Array

let output = Buffer.alloc(0)
let inside: Inside | undefined
let chosen: Inflate | undefined

/**
 * @returns the inflated bytes, valid until the next call.
 * @throws {Error} the input is no zstd. @throws {TooLarge} it inflates past `sizeBytesMax`.
 */
export function inflateZstd(input: Uint8Array, sizeBytesMax: number): Uint8Array {
  chosen ??= works(inflateAgain) ? inflateAgain : inflateDocumented
  return chosen(input, sizeBytesMax)
}

/** Whether an undocumented way does what it should: two frames in a row, twice. */
export function works(inflate: Inflate): boolean {
  const text = Buffer.from('a frame, and another one. '.repeat(9))
  const frames = Buffer.concat([zstdCompressSync(text), zstdCompressSync(text)])
  try {
    const tries = [1, 2].map(() => Buffer.from(inflate(frames, text.length * 4)))
    return tries.every((inflated) => inflated.equals(Buffer.concat([text, text])))
  } catch {
    return false
  }
}

function inflateAgain(input: Uint8Array, sizeBytesMax: number): Uint8Array {
  inside ??= createZstdDecompress() as unknown as Inside
  const { _handle: handle, _writeState: state } = inside
  let failure: string | undefined
  handle.onerror = (message) => {
    failure = message
  }
  handle.reset()
  if (output.length === 0) output = Buffer.allocUnsafeSlow(startSizeBytes)
  let end = 0
  let left = input.length
  for (;;) {
    const room = output.length - end
    const from = input.length - left
    handle.writeSync(constants.ZSTD_e_flush, input, from, left, output, end, room)
    if (failure !== undefined) {
      inside = undefined
      throw new Error(failure)
    }
    const [roomLeft = 0, inputLeft = 0] = state
    const stuck = inputLeft === left && roomLeft === room && left > 0
    if (stuck) throw new Error('the decompressor takes no more bytes')
    end += room - roomLeft
    left = inputLeft
    if (end > sizeBytesMax) throw new TooLarge()
    if (roomLeft > 0 && left === 0) break
    if (roomLeft === 0) grow(end, sizeBytesMax)
  }
  const inflated = output.subarray(0, end)
  if (output.length > keptSizeBytesMax) output = Buffer.alloc(0)
  return inflated
}

/** One byte more than the limit shows that it is passed. */
function grow(end: number, sizeBytesMax: number): void {
  const grown = Buffer.allocUnsafeSlow(Math.min(output.length * 2, sizeBytesMax + 1))
  grown.set(output.subarray(0, end))
  output = grown
}

/** What zlib returns with `info: true`; its declared type does not say so. */
interface Informed {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** By the documented function, which stops after each frame. */
export function inflateDocumented(input: Uint8Array, sizeBytesMax: number): Uint8Array {
  const frames: Buffer[] = []
  let inflated = 0
  for (let at = 0; at < input.length; ) {
    const options = { maxOutputLength: sizeBytesMax, info: true }
    const frame = zstdDecompressSync(input.subarray(at), options) as unknown as Informed
    frames.push(frame.buffer)
    inflated += frame.buffer.length
    if (inflated > sizeBytesMax) throw new TooLarge()
    at += frame.engine.bytesWritten
  }
  return Buffer.concat(frames)
}

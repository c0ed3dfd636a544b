/**
 * Zstandard through one compressor of Node.js that is used again, into one buffer.
 *
 * `zstdCompressSync` makes a context and an output buffer for every call, and their garbage. Node's
 * stream class keeps a handle that can be written to synchronously; it is not documented, so it is
 * tried once, and where it does not do what it should, the documented function does the work.
 *
 * Invariants:
 * - The output is valid until the next call.
 * - The bytes are those of `zstdCompressSync`: a frame begins anew, with its size in its header,
 *   and nothing of the input before is in it.
 *
 * Source: Node.js lib/zlib.js, class ZstdCompress; zstd.h, `ZSTD_compressStream2` with
 * `ZSTD_e_end`.
 */
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { assert } from '../../base/assert.ts'
import { zstdInside } from './zstd-handle.ts'

/** One frame of a whole input. */
export type Compress = (body: Uint8Array) => Uint8Array

/** By zstd's own number of each. */
export type ZstdParams = Readonly<Record<number, number>>

const startSizeBytes = 1_048_576
/** A larger output buffer is given back after use. */
const keptSizeBytesMax = 16 * 1_048_576

/** Upper bound of zstd's output, as `ZSTD_compressBound` has it, and room for the frame. */
const zstdBytesMax = (sizeBytes: number): number => sizeBytes + (sizeBytes >>> 7) + 384

/**
 * A compressor that lives as long as the process: what is compressed is small and comes often.
 *
 * @param params every one that is not zstd's default.
 */
export function zstdCompressorOf(params: ZstdParams): Compress {
  const again = compressAgain(params)
  return works(again, params) ? again : compressDocumented(params)
}

/** Text of which each level makes other bytes. */
const numbers = Array.from({ length: 500 }, (_, n) => n)

/** Whether an undocumented way gives the bytes of the documented one, page after page. */
export function works(compress: Compress, params: ZstdParams): boolean {
  const documented = compressDocumented(params)
  const pages = [2, 3].map((power) => numbers.map((n) => n ** power).join(' '))
  try {
    return [...pages, ''].every((page) => {
      const body = Buffer.from(page)
      return Buffer.from(compress(body)).equals(documented(body))
    })
  } catch {
    return false
  }
}

export function compressAgain(params: ZstdParams): Compress {
  const stream = createZstdCompress({ params: { ...params } })
  const { _handle: handle, _writeState: state } = zstdInside(stream)
  let output = new Uint8Array(0)
  let failure: string | undefined
  handle.onerror = (message) => {
    failure = message
  }
  return (body) => {
    const sizeBytesMax = zstdBytesMax(body.length)
    if (output.length < sizeBytesMax) {
      output = new Uint8Array(Math.max(startSizeBytes, sizeBytesMax))
    }
    const room = output.length
    handle.writeSync(constants.ZSTD_e_end, body, 0, body.length, output, 0, room)
    assert(failure === undefined, `zstd compresses what lies in memory: ${failure}`)
    const [roomLeft = 0, bodyLeft = 0] = state
    assert(bodyLeft === 0 && roomLeft > 0, 'an input is compressed in one go')
    const compressed = output.subarray(0, room - roomLeft)
    if (room > keptSizeBytesMax) output = new Uint8Array(0)
    return compressed
  }
}

/**
 * By the documented function, which allocates its output in chunks of a given size: one of the
 * default size is filled and joined many times for a page, so the chunk is as long as the output
 * can be.
 */
export const compressDocumented =
  (params: ZstdParams): Compress =>
  (body) =>
    zstdCompressSync(body, { params: { ...params }, chunkSize: zstdBytesMax(body.length) })

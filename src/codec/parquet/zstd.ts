/**
 * Zstandard through one compressor of Node.js that is used again, into one buffer.
 *
 * `zstdCompressSync` makes a context and an output buffer for every page, and their garbage. Node's
 * stream class keeps a handle that can be written to synchronously; it is not documented, so it is
 * tried once, and where it does not do what it should, the documented function does the work.
 *
 * Invariants:
 * - The output is valid until the next call.
 * - The bytes are those of `zstdCompressSync`: a frame begins anew, with its size in its header,
 *   and nothing of the page before is in it.
 *
 * Source: Node.js lib/zlib.js, class ZstdCompress; zstd.h, `ZSTD_compressStream2` with
 * `ZSTD_e_end`.
 */
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { assert } from '../../base/assert.ts'
import { zstdInside } from '../compression/zstd-handle.ts'

/** One frame of a whole input. */
type Compress = (body: Uint8Array) => Uint8Array

const startSizeBytes = 1_048_576
/** A larger output buffer is given back after use. */
const keptSizeBytesMax = 16 * 1_048_576

/** Upper bound of zstd's output, as `ZSTD_compressBound` has it, and room for the frame. */
const zstdBytesMax = (sizeBytes: number): number => sizeBytes + (sizeBytes >>> 7) + 384

/** By level: compressors live as long as the process, files are many. */
const compressors = new Map<number, Compress>()

/** @param level 1 to 22. */
export function zstdCompressor(level: number): Compress {
  const known = compressors.get(level)
  if (known !== undefined) return known
  const again = compressAgain(level)
  const compressor = works(again, level) ? again : compressDocumented(level)
  compressors.set(level, compressor)
  return compressor
}

/** Text of which each level makes other bytes. */
const numbers = Array.from({ length: 500 }, (_, n) => n)

/** Whether an undocumented way gives the bytes of the documented one, page after page. */
export function works(compress: Compress, level: number): boolean {
  const documented = compressDocumented(level)
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

export function compressAgain(level: number): Compress {
  const stream = createZstdCompress({ params: paramsOf(level) })
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
    assert(bodyLeft === 0 && roomLeft > 0, 'a page is compressed in one go')
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
export function compressDocumented(level: number): Compress {
  const params = paramsOf(level)
  return (body) => zstdCompressSync(body, { params, chunkSize: zstdBytesMax(body.length) })
}

/**
 * Every file says its level: zstd's own default is 3.
 *
 * Level 1 looks for matches with a table of 16 KiB instead of 64: pages are small, and a table that
 * stays in the first cache takes a tenth less time for pages that are larger by less than 1 %.
 */
const paramsOf = (level: number): Record<number, number> => ({
  [constants.ZSTD_c_compressionLevel]: level,
  ...(level === 1 ? { [constants.ZSTD_c_hashLog]: 12 } : {}),
})

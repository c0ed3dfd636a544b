/**
 * Compression of page bodies.
 *
 * `node:zlib` allocates its output in chunks of a given size: one of the default size is filled and
 * joined many times for a page, one of a megabyte costs more to allocate than the page to compress.
 * The chunk is therefore as long as zstd's output can be. Every file says its level: zstd's own
 * default is 3.
 */
import { constants, zstdCompressSync } from 'node:zlib'
import { unreachable } from '../../base/assert.ts'
import type { codecs } from './format.ts'
import { encodeSnappy } from './snappy.ts'

export type ParquetCodec = keyof typeof codecs

/** @returns bytes which may lie in a larger buffer: whoever keeps them copies them. */
export type CompressPage = (body: Uint8Array) => Uint8Array

const chunkBytesMin = 256

/** @param level of zstd; of no meaning for the others. */
export function pageCompressor(codec: ParquetCodec, level: number): CompressPage {
  switch (codec) {
    case 'none':
      return (body) => body
    case 'snappy':
      return encodeSnappy
    case 'zstd': {
      const params = { [constants.ZSTD_c_compressionLevel]: level }
      return (body) => zstdCompressSync(body, { params, chunkSize: zstdBytesMax(body.length) })
    }
    default:
      return unreachable(codec, 'every codec has a compressor')
  }
}

/** Upper bound of zstd's output, as `ZSTD_compressBound` has it, and room for the frame. */
const zstdBytesMax = (sizeBytes: number): number =>
  Math.max(chunkBytesMin, sizeBytes + (sizeBytes >>> 7) + 128)

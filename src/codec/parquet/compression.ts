/** Compression of page bodies. */
import { constants } from 'node:zlib'
import { unreachable } from '../../base/assert.ts'
import { type Compress, type ZstdParams, zstdCompressorOf } from '../compression/zstd-compressor.ts'
import type { codecs } from './format.ts'
import { gzipCompressor } from './gzip.ts'
import { encodeLz4Block } from './lz4.ts'
import { encodeSnappy } from './snappy.ts'

export type ParquetCodec = keyof typeof codecs

/** @returns bytes that are valid until the next call: whoever keeps them copies them. */
export type CompressPage = (body: Uint8Array) => Uint8Array

/** @param level of zstd and gzip; of no meaning for the others. */
export function pageCompressor(codec: ParquetCodec, level: number): CompressPage {
  switch (codec) {
    case 'none':
      return (body) => body
    case 'snappy':
      return encodeSnappy
    case 'gzip':
      return gzipCompressor(level)
    case 'lz4_raw':
      return encodeLz4Block
    case 'zstd':
      return zstdCompressor(level)
    default:
      return unreachable(codec, 'every codec has a compressor')
  }
}

/** By level: compressors live as long as the process, files are many. */
const zstdCompressors = new Map<number, Compress>()

function zstdCompressor(level: number): CompressPage {
  const compressor = zstdCompressors.get(level) ?? zstdCompressorOf(zstdPageParams(level))
  zstdCompressors.set(level, compressor)
  return compressor
}

/**
 * Every file says its level: zstd's own default is 3.
 *
 * Level 1 looks for matches with a table of 16 KiB instead of 64: pages are small, and a table that
 * stays in the first cache takes a tenth less time for pages that are larger by less than 1 %.
 *
 * @param level 1 to 22.
 */
const zstdPageParams = (level: number): ZstdParams => ({
  [constants.ZSTD_c_compressionLevel]: level,
  ...(level === 1 ? { [constants.ZSTD_c_hashLog]: 12 } : {}),
})

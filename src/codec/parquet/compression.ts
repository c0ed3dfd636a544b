/** Compression of page bodies. */
import { unreachable } from '../../base/assert.ts'
import type { codecs } from './format.ts'
import { gzipCompressor } from './gzip.ts'
import { encodeLz4Block } from './lz4.ts'
import { encodeSnappy } from './snappy.ts'
import { zstdCompressor } from './zstd.ts'

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

/**
 * Gzip by Node.js, for readers that know neither zstd nor snappy.
 *
 * The header holds no time and no name, so that output is a function of the input alone.
 *
 * Source: RFC 1952; Apache Parquet, Compression.md (GZIP).
 */
import { gzipSync } from 'node:zlib'

/** Upper bound of deflate's output, and room for header and trailer: one chunk is enough then. */
const gzipBytesMax = (sizeBytes: number): number =>
  sizeBytes + (sizeBytes >>> 12) + (sizeBytes >>> 14) + (sizeBytes >>> 25) + 64

/** @param level 1 to 9. */
export const gzipCompressor =
  (level: number) =>
  (body: Uint8Array): Uint8Array =>
    gzipSync(body, { level, chunkSize: gzipBytesMax(body.length) })

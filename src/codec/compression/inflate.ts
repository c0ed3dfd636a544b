/**
 * Inflates a payload by the envelope's compression number, within a size.
 *
 * - zstd and gzip by `node:zlib`; snappy (raw block) and LZ4 (frame) by this folder.
 * - All of the input is taken or none.
 *
 * Source: RFC 1952 (gzip), RFC 8878 (zstd).
 */
import { gunzipSync } from 'node:zlib'
import { inflateLz4 } from './lz4-frame.ts'
import { inflateSnappy } from './snappy.ts'
import { inflateZstd } from './zstd.ts'

/** Numbers of the envelope's `Compression`. */
export const compression = { none: 0, gzip: 1, zstd: 2, snappy: 3, lz4: 4 } as const

export type InflateOutcome =
  | { readonly kind: 'inflated'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'malformed' }
  /** No compression has this number. */
  | { readonly kind: 'unknown' }

/**
 * The output may be valid until the next call only.
 *
 * @param kind number of the envelope's `Compression`; 0 gives the bytes themselves.
 * @param sizeBytesMax largest inflated size, inclusive.
 */
export function inflate(kind: number, bytes: Uint8Array, sizeBytesMax: number): InflateOutcome {
  switch (kind) {
    case compression.none:
      return bytes.length > sizeBytesMax ? { kind: 'too-large' } : { kind: 'inflated', bytes }
    case compression.gzip:
      return guarded(() => gunzipSync(bytes, zlibOptions(bytes.length, sizeBytesMax)))
    case compression.zstd:
      return inflateZstd(bytes, sizeBytesMax)
    case compression.snappy:
      return inflateSnappy(bytes, sizeBytesMax)
    case compression.lz4:
      return inflateLz4(bytes, sizeBytesMax)
    default:
      return { kind: 'unknown' }
  }
}

const chunkBytes = { min: 16_384, max: 1_048_576 }

/**
 * zlib allocates its output in chunks: few large ones for a large payload.
 *
 * `maxOutputLength` must be at least 1.
 */
const zlibOptions = (packedBytes: number, sizeBytesMax: number) => ({
  maxOutputLength: Math.max(1, sizeBytesMax),
  chunkSize: Math.min(chunkBytes.max, Math.max(chunkBytes.min, 4 * packedBytes)),
})

/** Calls zlib, which throws what it means; anything but its own refusals is passed on. */
function guarded(call: () => Uint8Array): InflateOutcome {
  try {
    return { kind: 'inflated', bytes: call() }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too-large' }
    if (typeof code === 'string' && code.startsWith('Z_')) return { kind: 'malformed' }
    throw error
  }
}

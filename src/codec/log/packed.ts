/**
 * Texts of the log ⇄ zstd as it lies on the lake: level 1, with a checksum of the content.
 *
 * Invariant: equal texts give equal bytes, for names hold their checksum.
 */
import { constants } from 'node:zlib'
import { inflateZstd } from '../compression/zstd.ts'
import { type Compress, zstdCompressorOf } from '../compression/zstd-compressor.ts'

const zstdParams = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_checksumFlag]: 1,
}
/** The decompressor counts in 32 bits, one byte of which shows that there was room enough. */
const unpackedBytesMax = 2 ** 32 - 2

let compress: Compress | undefined

/** @returns bytes of the caller's own. */
export function packed(text: Uint8Array): Uint8Array {
  compress ??= zstdCompressorOf(zstdParams)
  return new Uint8Array(compress(text))
}

/** @returns bytes that are valid until the next call; why there are none where it is torn. */
export function unpacked(
  bytes: Uint8Array,
):
  | { readonly kind: 'unpacked'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: string } {
  const outcome = inflateZstd(bytes, unpackedBytesMax)
  if (outcome.kind === 'inflated') return { kind: 'unpacked', bytes: outcome.bytes }
  return { kind: 'refused', reason: `as zstd it is ${outcome.kind}` }
}

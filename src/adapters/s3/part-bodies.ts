/** A file's chunks as the parts of an upload, checked, without a copy of any. Pure. */
import { crc32c } from '@node-rs/crc32'

const mib = 1_048_576
/** Requests cost, parts save nothing: a file of the usual size is one part. S3 takes 5 GiB. */
const partBytesDefault = 512 * mib
/** S3 takes 10,000; the rest is room for rounding. */
const partsMax = 9_000

export interface PartBody {
  /** In order; none is empty. */
  readonly pieces: readonly Uint8Array[]
  readonly sizeBytes: number
  /** CRC32C of its bytes; unsigned, 32 bits. */
  readonly crc: number
  /** The same of the file from its first byte to the end of this part. */
  readonly fileCrc: number
}

/**
 * Cuts chunks into bodies of one size; the last may be smaller. Always at least one.
 *
 * @param partBytes size of a part, at least S3's 5 MiB; larger for files with too many of them.
 */
export function* partBodies(
  chunks: readonly Uint8Array[],
  partBytes: number = partBytesDefault,
): Generator<PartBody> {
  const fileBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  const bodyBytes = Math.max(partBytes, Math.ceil(fileBytes / partsMax))
  let pieces: Uint8Array[] = []
  let sizeBytes = 0
  let fileCrc: number | undefined
  const body = (): PartBody => {
    const crc = crcOf(pieces, 0)
    // What a file begins with is often all of it: its bytes are gone through once.
    fileCrc = fileCrc === undefined ? crc : crcOf(pieces, fileCrc)
    return { pieces, sizeBytes, crc, fileCrc }
  }
  for (const chunk of chunks) {
    for (let first = 0; first < chunk.byteLength; ) {
      const piece = chunk.subarray(first, first + bodyBytes - sizeBytes)
      pieces.push(piece)
      sizeBytes += piece.byteLength
      first += piece.byteLength
      if (sizeBytes < bodyBytes) continue
      yield body()
      pieces = []
      sizeBytes = 0
    }
  }
  if (sizeBytes > 0 || fileBytes === 0) yield body()
}

/** @param before of the bytes before them. */
const crcOf = (pieces: readonly Uint8Array[], before: number): number =>
  pieces.reduce((crc, piece) => crc32c(piece, crc), before)

/** A file's chunks as the parts of an upload. Pure. */

const mib = 1_048_576
const partBytesDefault = 8 * mib
/** S3 takes 10,000; the rest is room for rounding. */
const partsMax = 9_000

/**
 * Cuts chunks into bodies of one size; the last may be smaller. Always at least one.
 *
 * @param partBytes size of a part, at least S3's 5 MiB; larger for files with too many of them.
 */
export function* partBodies(
  chunks: readonly Uint8Array[],
  partBytes: number = partBytesDefault,
): Generator<Buffer> {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  const bodyBytes = Math.max(partBytes, Math.ceil(sizeBytes / partsMax))
  let held: Uint8Array[] = []
  let heldBytes = 0
  for (const chunk of chunks) {
    for (let first = 0; first < chunk.byteLength; ) {
      const piece = chunk.subarray(first, first + bodyBytes - heldBytes)
      held.push(piece)
      heldBytes += piece.byteLength
      first += piece.byteLength
      if (heldBytes < bodyBytes) continue
      yield Buffer.concat(held)
      held = []
      heldBytes = 0
    }
  }
  if (heldBytes > 0 || sizeBytes === 0) yield Buffer.concat(held)
}

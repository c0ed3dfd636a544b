/**
 * The bounds of zstd frames, found by their headers alone.
 *
 *     28 b5 2f fd | descriptor, (window), (dictionary id), (content size) | blocks … | (checksum)
 *
 * Source: RFC 8878, section 3.1.1.
 */

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const dictionaryIdBytes = [0, 1, 2, 4]
const contentSizeBytes = [0, 2, 4, 8]

/** @returns the frames that make up `bytes` whole, skippable ones left out, or undefined. */
export function zstdFrames(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  if (bytes.length === 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < 8) return undefined
    const magic = view.getUint32(at, true)
    const skippable = (magic & 0xfffffff0) >>> 0 === skippableMagic
    if (!skippable && magic !== frameMagic) return undefined
    const next = skippable ? at + 8 + view.getUint32(at + 4, true) : frameNext(view, at)
    if (next === undefined || next > bytes.length) return undefined
    if (!skippable) frames.push(bytes.subarray(at, next))
    at = next
  }
  return frames
}

/** Where the frame that starts at `start` ends, exclusive; may lie past the view. */
function frameNext(view: DataView, start: number): number | undefined {
  const descriptor = view.getUint8(start + 4)
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeCode = descriptor >>> 6
  const sizeBytes = sizeCode === 0 && singleSegment ? 1 : (contentSizeBytes[sizeCode] ?? 0)
  const idBytes = dictionaryIdBytes[descriptor & 3] ?? 0
  let at = start + 5 + (singleSegment ? 0 : 1) + idBytes + sizeBytes
  for (;;) {
    if (view.byteLength - at < 3) return undefined
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16)
    const runLength = ((header >>> 1) & 3) === 1
    at += 3 + (runLength ? 1 : header >>> 3)
    if ((header & 1) !== 0) return at + ((descriptor & 4) === 0 ? 0 : 4)
  }
}

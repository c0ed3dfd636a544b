/**
 * The bounds of zstd frames, found by their headers alone: of the frames themselves, and of what
 * they inflate to.
 *
 *     28 b5 2f fd | descriptor, (window), (dictionary id), (content size) | blocks … | (checksum)
 *
 * Source: RFC 8878, section 3.1.1.
 */

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const dictionaryIdBytes = [0, 1, 2, 4]
const contentSizeBytes = [0, 2, 4, 8]
const blockBytesMax = 131_072
const rawBlock = 0
const runLengthBlock = 1

export interface ZstdFrames {
  /** The frames that make up the bytes whole, skippable ones left out. */
  readonly frames: readonly Uint8Array[]
  /** They inflate to no more than this, or are malformed. */
  readonly inflatedBytesMax: number
}

/** @returns undefined when the bytes are anything but whole frames. */
export function zstdFrames(bytes: Uint8Array): ZstdFrames | undefined {
  if (bytes.length === 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: Uint8Array[] = []
  let inflatedBytesMax = 0
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < 8) return undefined
    const magic = view.getUint32(at, true)
    const skippable = (magic & 0xfffffff0) >>> 0 === skippableMagic
    if (!skippable && magic !== frameMagic) return undefined
    const frame = skippable
      ? { next: at + 8 + view.getUint32(at + 4, true), inflatedBytesMax: 0 }
      : readFrame(view, at)
    if (frame === undefined || frame.next > bytes.length) return undefined
    if (!skippable) frames.push(bytes.subarray(at, frame.next))
    inflatedBytesMax += frame.inflatedBytesMax
    at = frame.next
  }
  return { frames, inflatedBytesMax }
}

interface Frame {
  /** Where it ends, exclusive; may lie past the view. */
  readonly next: number
  readonly inflatedBytesMax: number
}

function readFrame(view: DataView, start: number): Frame | undefined {
  const descriptor = view.getUint8(start + 4)
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeCode = descriptor >>> 6
  const sizeBytes = sizeCode === 0 && singleSegment ? 1 : (contentSizeBytes[sizeCode] ?? 0)
  const idBytes = dictionaryIdBytes[descriptor & 3] ?? 0
  const sizeAt = start + 5 + (singleSegment ? 0 : 1) + idBytes
  if (sizeAt + sizeBytes > view.byteLength) return undefined
  const blocks = readBlocks(view, sizeAt + sizeBytes)
  if (blocks === undefined) return undefined
  const next = blocks.next + ((descriptor & 4) === 0 ? 0 : 4)
  const declared = sizeBytes === 0 ? blocks.inflatedBytesMax : contentSize(view, sizeAt, sizeBytes)
  return { next, inflatedBytesMax: Math.min(declared, blocks.inflatedBytesMax) }
}

/** Two bytes count from 256. */
function contentSize(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at)
  if (sizeBytes === 2) return view.getUint16(at, true) + 256
  if (sizeBytes === 4) return view.getUint32(at, true)
  return Number(view.getBigUint64(at, true))
}

function readBlocks(view: DataView, start: number): Frame | undefined {
  let inflatedBytesMax = 0
  for (let at = start; ; ) {
    if (view.byteLength - at < 3) return undefined
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16)
    const kind = (header >>> 1) & 3
    const sizeBytes = header >>> 3
    inflatedBytesMax += kind === rawBlock || kind === runLengthBlock ? sizeBytes : blockBytesMax
    at += 3 + (kind === runLengthBlock ? 1 : sizeBytes)
    if ((header & 1) !== 0) return { next: at, inflatedBytesMax }
  }
}

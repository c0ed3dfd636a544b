/**
 * Finds the whole batches of a segment file, from its start to the first byte that is not one.
 *
 * What a killed process leaves behind is a prefix of a batch at the end; the scan says where it
 * begins, and whoever opens the log cuts there.
 */
import { crc32c } from '@node-rs/crc32'
import {
  type BatchHeader,
  batchBytes,
  checkedFrom,
  headerBytes,
  readBatchHeader,
} from './batch-header.ts'
import type { Segment } from './segment.ts'

const windowBytes = 1 << 20
/** No batch is larger: a length beyond it is a torn or foreign byte. */
const batchBytesCap = 1 << 30

/** What stands at the end of the whole batches. */
export type SegmentTail =
  | { readonly kind: 'whole' }
  | { readonly kind: 'torn'; readonly reason: string }

/** Receives each whole batch in order. `batch` is valid during the call only. */
export type OnBatch = (header: BatchHeader, batch: Buffer) => void

export function scanSegment(segment: Segment, onBatch: OnBatch): SegmentTail {
  const fileBytes = segment.fileBytes
  let window: Buffer = Buffer.allocUnsafe(0)
  let windowFrom = 0
  let position = 0
  let expected = segment.firstOffset
  const need = (sizeBytes: number): number => {
    if (position + sizeBytes > windowFrom + window.length) {
      window = segment.readAt(
        position,
        Math.max(sizeBytes, Math.min(windowBytes, fileBytes - position)),
      )
      windowFrom = position
    }
    return position - windowFrom
  }
  while (position < fileBytes) {
    if (position + headerBytes > fileBytes) return torn('the header is cut')
    const headerAt = need(headerBytes)
    const sizeBytes = batchBytes(window, headerAt)
    if (sizeBytes < headerBytes || sizeBytes > batchBytesCap) return torn('the length is absurd')
    if (position + sizeBytes > fileBytes) return torn('the batch is cut')
    const at = need(sizeBytes)
    const batch = window.subarray(at, at + sizeBytes)
    const header = readBatchHeader(batch, 0)
    if (crc32c(batch.subarray(checkedFrom)) !== header.crc) return torn('the CRC32C does not match')
    if (header.firstOffset !== expected) {
      return torn(`offset ${header.firstOffset} stands where ${expected} is next`)
    }
    onBatch(header, batch)
    expected = header.nextOffset
    position += sizeBytes
  }
  return { kind: 'whole' }
}

const torn = (reason: string): SegmentTail => ({ kind: 'torn', reason })

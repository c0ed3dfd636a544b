/**
 * Timestamps of single records: the one place where this broker looks into a batch, for ListOffsets
 * by time.
 *
 *     record: length · attributes i8 · timestampDelta · offsetDelta · … (zigzag varints)
 *
 * Source: Kafka documentation, "Record".
 */
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka'
import { headerBytes, readBatchHeader } from './batch-header.ts'

interface TimedRecord {
  readonly offset: bigint
  readonly timestampMs: bigint
}

export type TimeSearch =
  | { readonly kind: 'found'; readonly record: TimedRecord }
  | { readonly kind: 'none' }
  /** The records do not decompress or parse: their producer sent rubbish with a right CRC. */
  | { readonly kind: 'unreadable' }

/** The first record of `batch` (one whole batch) at or after `timestampMs`. */
export function firstRecordAtTime(batch: Buffer, timestampMs: bigint): TimeSearch {
  try {
    const record = searchRecords(batch, timestampMs)
    return record === undefined ? { kind: 'none' } : { kind: 'found', record }
  } catch {
    return { kind: 'unreadable' }
  }
}

function searchRecords(batch: Buffer, timestampMs: bigint): TimedRecord | undefined {
  const header = readBatchHeader(batch, 0)
  const records = decompressed(batch.subarray(headerBytes), header.codec)
  const cursor = { records, at: 0 }
  for (let left = header.recordCount; left > 0; left--) {
    const sizeBytes = Number(readVarint(cursor))
    const next = cursor.at + sizeBytes
    cursor.at += 1
    const found = header.baseTimestampMs + readVarint(cursor)
    if (found >= timestampMs) {
      return { offset: header.firstOffset + readVarint(cursor), timestampMs: found }
    }
    cursor.at = next
  }
  return undefined
}

function decompressed(records: Buffer, codec: number): Buffer {
  if (codec === 0) return records
  return compressionsAlgorithmsByBitmask[codec]?.decompressSync(records) ?? records
}

function readVarint(cursor: { readonly records: Buffer; at: number }): bigint {
  let zigzag = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.records.readUInt8(cursor.at++)
    zigzag |= BigInt(byte & 127) << shift
    if (byte < 128) break
  }
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

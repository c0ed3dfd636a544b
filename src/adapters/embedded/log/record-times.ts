/**
 * Timestamps of single records: the one place where this broker looks into a batch, for ListOffsets
 * by time.
 *
 *     record: length · attributes i8 · timestampDelta · offsetDelta · … (zigzag varints)
 *
 * Source: Kafka documentation, "Record".
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { inflateLz4 } from '../../../codec/compression/lz4-frame.ts'
import { inflateXerialSnappy } from '../../../codec/kafka/xerial-snappy.ts'
import { headerBytes, readBatchHeader } from './batch-header.ts'

/** What a batch may come to: a small one cannot fill the memory. */
const inflatedBytesMax = 128 * 1_048_576

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
  const inflate = inflatesByCodec.get(codec)
  if (inflate === undefined) throw new Error(`codec ${codec} is none of Kafka's`)
  return inflate(records)
}

/** Node's own for zstd: ours keeps its output, which the reader of a demo may be looking at. */
const inflatesByCodec: ReadonlyMap<number, (bytes: Buffer) => Buffer> = new Map([
  [1, (bytes) => gunzipSync(bytes, { maxOutputLength: inflatedBytesMax })],
  [2, (bytes) => bufferOver(inflateXerialSnappy(bytes, inflatedBytesMax))],
  [3, (bytes) => bufferOver(inflatedLz4(bytes))],
  [4, (bytes) => zstdDecompressSync(bytes, { maxOutputLength: inflatedBytesMax })],
])

function inflatedLz4(bytes: Buffer): Uint8Array {
  const outcome = inflateLz4(bytes, inflatedBytesMax)
  if (outcome.kind === 'inflated') return outcome.bytes
  throw new Error(`a frame is ${outcome.kind}`)
}

const bufferOver = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

function readVarint(cursor: { readonly records: Buffer; at: number }): bigint {
  let zigzag = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.records.readUInt8(cursor.at++)
    zigzag |= BigInt(byte & 127) << shift
    if (byte < 128) break
  }
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

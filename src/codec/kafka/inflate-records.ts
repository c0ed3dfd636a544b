/**
 * Inflates the records section of one batch, once, by its codec.
 *
 * Invariants:
 * - Never more than `inflatedSizeBytesMax`: a small batch cannot fill the memory.
 * - All bytes of the section are used: several zstd frames or gzip members in a row are all inflated,
 *   although `zstdDecompressSync` alone stops silently after the first.
 * - Any failure is a fault that names the batch.
 *
 * Kafka's framing: gzip and zstd plain, lz4 as a frame, snappy raw or in xerial's blocks (Java).
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch (attributes), KIP-110 for zstd.
 */
import { gunzipSync, type ZstdOptions, zstdDecompressSync } from 'node:zlib'
import { Fault } from '../../base/fault.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import { inflateLz4 } from './lz4.ts'
import type { BatchBytes, BatchFacts } from './record-batch.ts'
import { inflateSnappy } from './snappy.ts'
import { TooLarge } from './too-large.ts'
import { canHold } from './walk-records.ts'

export const inflatedSizeBytesMax = 128 * 1_048_576

/**
 * zlib gathers its output in chunks and joins them: one chunk that holds all saves a third of the
 * time. The size is known from the frame's head, or guessed from the input's.
 */
const growthGuess = 6
const chunkSizeBytesMin = 16_384
const chunkSizeBytesMax = 4 * 1_048_576
/** With no byte to spare zlib asks for one more chunk before it sees the end. */
const chunkSpareBytes = 64

/**
 * The batch's records as they were before compression. For codec "none" a view of `part.bytes`.
 *
 * @throws {Fault} KAFKA_RECORDS_CORRUPT, KAFKA_BATCH_TOO_LARGE.
 */
export function inflateRecords(part: BatchBytes, batch: BatchFacts): Uint8Array {
  const section = part.bytes.subarray(batch.recordsStart, batch.end)
  const where = { topicPartition: topicPartitionName(part.source), offset: batch.baseOffset }
  const inflated = inflateOrFault(section, batch, where)
  if (canHold(inflated.length, batch.recordCount)) return inflated
  const reason = `${inflated.length} bytes cannot hold ${batch.recordCount} records`
  throw new Fault('KAFKA_RECORDS_CORRUPT', { ...where, reason })
}

interface Where {
  readonly topicPartition: string
  readonly offset: bigint
}

function inflateOrFault(section: Uint8Array, batch: BatchFacts, where: Where): Uint8Array {
  try {
    return inflate(section, batch)
  } catch (cause) {
    if (cause instanceof TooLarge || isBufferTooLarge(cause)) {
      const facts = { ...where, sizeBytesMax: inflatedSizeBytesMax }
      throw new Fault('KAFKA_BATCH_TOO_LARGE', facts, { cause })
    }
    const reason = `${batch.codec}: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new Fault('KAFKA_RECORDS_CORRUPT', { ...where, reason }, { cause })
  }
}

function inflate(section: Uint8Array, batch: BatchFacts): Uint8Array {
  switch (batch.codec) {
    case 'none':
      return section
    case 'gzip':
      return gunzipSync(section, zlibOptions(section.length * growthGuess))
    case 'zstd':
      return inflateZstd(section)
    case 'snappy':
      return inflateSnappy(section, inflatedSizeBytesMax)
    case 'lz4':
      return inflateLz4(section, inflatedSizeBytesMax)
  }
}

function zlibOptions(inflatedSizeBytes: number) {
  const chunkSize = Math.max(inflatedSizeBytes + chunkSpareBytes, chunkSizeBytesMin)
  return {
    chunkSize: Math.min(chunkSize, chunkSizeBytesMax),
    maxOutputLength: inflatedSizeBytesMax,
  }
}

/** What `info: true` makes zlib return; its types know it only for some functions. */
interface Informed {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

function inflateZstd(section: Uint8Array): Uint8Array {
  const frames: Buffer[] = []
  let inflated = 0
  for (let at = 0; at < section.length; ) {
    const sizeBytes = zstdContentSize(section, at) ?? section.length * growthGuess
    const options: ZstdOptions = { ...zlibOptions(sizeBytes), info: true }
    // zlib returns this shape with `info`; its declared type does not say so.
    const frame = zstdDecompressSync(section.subarray(at), options) as unknown as Informed
    frames.push(frame.buffer)
    inflated += frame.buffer.length
    if (inflated > inflatedSizeBytesMax) throw new TooLarge()
    at += frame.engine.bytesWritten
  }
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames)
}

/**
 * The inflated size that the head of the zstd frame at `at` declares; undefined when it does not,
 * as in streams, or in 8 bytes, which no batch needs. A hint only: nothing relies on it.
 */
function zstdContentSize(section: Uint8Array, at: number): number | undefined {
  const descriptor = section[at + 4] ?? 0
  const singleSegment = (descriptor & 32) !== 0
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const field = at + 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes
  const byte = (index: number): number => section[field + index] ?? 0
  switch (descriptor >>> 6) {
    case 0:
      return singleSegment ? byte(0) : undefined
    case 1:
      return byte(0) + byte(1) * 256 + 256
    case 2:
      return byte(0) + byte(1) * 256 + byte(2) * 65_536 + byte(3) * 16_777_216
    default:
      return undefined
  }
}

const isBufferTooLarge = (cause: unknown): boolean =>
  cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'

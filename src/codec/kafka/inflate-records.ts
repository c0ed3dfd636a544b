/**
 * Inflates the records section of one batch, once, by its codec.
 *
 * Invariants:
 * - Never more than `inflatedSizeBytesMax`: a small batch cannot fill the memory.
 * - All bytes of the section are used: several frames or members in a row are all inflated.
 * - Any failure is a fault that names the batch.
 *
 * Kafka's framing: gzip and zstd plain, lz4 as a frame, snappy raw or in xerial's blocks (Java).
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch (attributes), KIP-110 for zstd.
 */
import { gunzipSync } from 'node:zlib'
import { Fault } from '../../base/fault.ts'
import type { InflatingMemory } from '../../kernel/inflating-memory.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import { inflateLz4, type Lz4Outcome } from '../compression/lz4-frame.ts'
import { inflateZstd, type PlaceOutput, type ZstdOutcome } from '../compression/zstd.ts'
import type { BatchBytes, BatchFacts } from './record-batch.ts'
import { TooLarge } from './too-large.ts'
import { canHold } from './walk-records.ts'
import { inflateXerialSnappy } from './xerial-snappy.ts'

const inflatedSizeBytesMax = 128 * 1_048_576

/** zlib gathers its output in chunks and joins them: one chunk that holds all is fastest. */
const growthGuess = 6
const chunkSizeBytesMin = 16_384
const chunkSizeBytesMax = 4 * 1_048_576

/**
 * The batch's records as they were before compression, valid until the next call. For codec "none"
 * a view of `part.bytes`.
 *
 * @param memory where a codec that can puts its output; it may find other room instead.
 * @throws {Fault} KAFKA_RECORDS_CORRUPT, KAFKA_BATCH_TOO_LARGE.
 */
export function inflateRecords(
  part: BatchBytes,
  batch: BatchFacts,
  memory?: InflatingMemory,
): Uint8Array {
  const section = part.bytes.subarray(batch.recordsStart, batch.end)
  const where = { topicPartition: topicPartitionName(part.source), offset: batch.baseOffset }
  const inflated = inflateOrFault({ section, batch, memory }, where)
  if (canHold(inflated.length, batch.recordCount)) return inflated
  const reason = `${inflated.length} bytes cannot hold ${batch.recordCount} records`
  throw new Fault('KAFKA_RECORDS_CORRUPT', { ...where, reason })
}

interface Packed {
  readonly section: Uint8Array
  readonly batch: BatchFacts
  readonly memory: InflatingMemory | undefined
}

interface Where {
  readonly topicPartition: string
  readonly offset: bigint
}

function inflateOrFault(packed: Packed, where: Where): Uint8Array {
  try {
    return inflate(packed)
  } catch (cause) {
    if (cause instanceof TooLarge || isBufferTooLarge(cause)) {
      const facts = { ...where, sizeBytesMax: inflatedSizeBytesMax }
      throw new Fault('KAFKA_BATCH_TOO_LARGE', facts, { cause })
    }
    const said = cause instanceof Error ? cause.message : String(cause)
    const reason = `${packed.batch.codec}: ${said}`
    throw new Fault('KAFKA_RECORDS_CORRUPT', { ...where, reason }, { cause })
  }
}

function inflate({ section, batch, memory }: Packed): Uint8Array {
  switch (batch.codec) {
    case 'none':
      return section
    case 'gzip':
      return gunzipSync(section, {
        chunkSize: Math.min(
          Math.max(section.length * growthGuess, chunkSizeBytesMin),
          chunkSizeBytesMax,
        ),
        maxOutputLength: inflatedSizeBytesMax,
      })
    case 'zstd':
      return framesOf(inflateZstd(section, inflatedSizeBytesMax, placeIn(memory)))
    case 'snappy':
      return inflateXerialSnappy(section, inflatedSizeBytesMax, memory)
    case 'lz4':
      return framesOf(inflateLz4(section, inflatedSizeBytesMax, memory))
  }
}

const placeIn = (memory: InflatingMemory | undefined): PlaceOutput | undefined =>
  memory && ((sizeBytes) => memory.reserve(sizeBytes))

function framesOf(outcome: Lz4Outcome | ZstdOutcome): Uint8Array {
  if (outcome.kind === 'inflated') return outcome.bytes
  if (outcome.kind === 'too-large') throw new TooLarge()
  throw new Error('a frame is malformed')
}

const isBufferTooLarge = (cause: unknown): boolean =>
  cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'

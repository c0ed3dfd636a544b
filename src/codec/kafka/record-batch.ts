/**
 * Record batches of format v2 (magic 2): their headers, and the walk over a partition's answer.
 *
 * Invariants:
 * - A batch is handed on only when its CRC32C is right, and only whole.
 * - The next offset comes from the header (base offset + last offset delta + 1), never from the
 *   records: compacted topics have gaps at the end of a batch as well.
 *
 * Sample, header of 61 bytes, big-endian, positions in the batch:
 *
 *      0 baseOffset int64      8 batchLength int32 (bytes after this field)   12 leaderEpoch int32
 *     16 magic int8           17 crc uint32 (CRC32C from 21 to the end)       21 attributes int16
 *     23 lastOffsetDelta int32   27 baseTimestamp int64   35 maxTimestamp int64
 *     43 producerId int64     51 producerEpoch int16      53 baseSequence int32  57 records int32
 *
 * attributes: bits 0–2 codec, 3 log append time, 4 transactional, 5 control.
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch, KIP-98.
 */
import { crc32c } from '@node-rs/crc32'
import { Fault } from '../../base/fault.ts'
import { type NextOffset, nextOffset, type Offset, offset } from '../../model/offset.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'

const batchHeaderSizeBytes = 61
/** Bytes before the length field ends: the length counts what follows. */
const lengthEnd = 12
const magicAt = 16
const crcAt = 17
const crcFrom = 21
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type BatchCodec = (typeof codecs)[number]

/** What a batch's header says. Positions are those of the bytes it was read from. */
export interface BatchFacts {
  readonly start: number
  /** Exclusive; where the next batch starts. */
  readonly end: number
  readonly recordsStart: number
  readonly baseOffset: Offset
  readonly nextOffset: NextOffset
  readonly leaderEpoch: number
  readonly codec: BatchCodec
  /** True when every record has the time of its append, `maxTimestampMs`. */
  readonly logAppendTime: boolean
  readonly transactional: boolean
  /** A transaction's marker: takes an offset, is never delivered. */
  readonly control: boolean
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly producerId: bigint
  readonly recordCount: number
}

/** One topic-partition's bytes of a fetch answer. */
export interface BatchBytes {
  readonly source: TopicPartition
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** The whole and sound batches at the front of a partition's answer. */
export interface BatchWalk {
  readonly batches: readonly BatchFacts[]
  /** Exclusive end of the last of them. What follows is an incomplete batch, or `fault`. */
  readonly end: number
  /** Why the walk stopped before the bytes ended; the batches before it are sound. */
  readonly fault: Fault | undefined
}

/**
 * Walks the batches of one answer and checks each one's CRC32C.
 *
 * An incomplete batch at the end is normal: brokers cut at the byte limit.
 */
export function walkBatches(part: BatchBytes): BatchWalk {
  const view = viewOf(part.bytes)
  const batches: BatchFacts[] = []
  let at = part.start
  try {
    while (at + magicAt < part.end) {
      const end = at + lengthEnd + view.getInt32(at + 8)
      checkFormat(part, view, { at, end })
      if (end > part.end) break
      checkSum(part, view, { at, end })
      batches.push(factsOf(part, view, at))
      at = end
    }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { batches, end: at, fault }
  }
  return { batches, end: at, fault: undefined }
}

/**
 * Reads the header of the batch at `at`, which `walkBatches` has checked.
 *
 * @throws {Fault} KAFKA_CODEC_NOT_SUPPORTED: its compression is none of ours.
 */
export function readBatch(part: BatchBytes, at: number): BatchFacts {
  return factsOf(part, viewOf(part.bytes), at)
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

interface BatchSpan {
  readonly at: number
  readonly end: number
}

/** Refuses older formats by name, and lengths that no batch can have. */
function checkFormat(part: BatchBytes, view: DataView, { at, end }: BatchSpan): void {
  const where = { topicPartition: topicPartitionName(part.source), offset: view.getBigInt64(at) }
  const magic = view.getInt8(at + magicAt)
  if (magic !== 2) throw new Fault('KAFKA_FORMAT_NOT_SUPPORTED', { ...where, magic })
  if (end - at >= batchHeaderSizeBytes) return
  const reason = `a batch of ${end - at} bytes is shorter than its header`
  throw new Fault('KAFKA_RECORDS_CORRUPT', { ...where, reason })
}

function checkSum(part: BatchBytes, view: DataView, { at, end }: BatchSpan): void {
  const expected = view.getUint32(at + crcAt)
  const actual = crc32c(part.bytes.subarray(at + crcFrom, end))
  if (actual === expected) return
  const topicPartition = topicPartitionName(part.source)
  const facts = { topicPartition, offset: view.getBigInt64(at), expected, actual }
  throw new Fault('KAFKA_BATCH_CORRUPT', facts)
}

function factsOf(part: BatchBytes, view: DataView, at: number): BatchFacts {
  const attributes = view.getInt16(at + 21)
  const baseOffset = view.getBigInt64(at)
  const codec = codecs[attributes & 7]
  if (codec === undefined) {
    const topicPartition = topicPartitionName(part.source)
    const facts = { topicPartition, offset: baseOffset, codec: attributes & 7 }
    throw new Fault('KAFKA_CODEC_NOT_SUPPORTED', facts)
  }
  return {
    start: at,
    end: at + lengthEnd + view.getInt32(at + 8),
    recordsStart: at + batchHeaderSizeBytes,
    baseOffset: offset(baseOffset),
    nextOffset: nextOffset(baseOffset + BigInt(view.getInt32(at + 23)) + 1n),
    leaderEpoch: view.getInt32(at + lengthEnd),
    codec,
    logAppendTime: (attributes & 8) !== 0,
    transactional: (attributes & 16) !== 0,
    control: (attributes & 32) !== 0,
    baseTimestampMs: Number(view.getBigInt64(at + 27)),
    maxTimestampMs: Number(view.getBigInt64(at + 35)),
    producerId: view.getBigInt64(at + 43),
    recordCount: view.getInt32(at + 57),
  }
}

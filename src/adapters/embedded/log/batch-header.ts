/**
 * The fixed head of a record batch (message format v2), read and rewritten in place.
 *
 * Invariants:
 * - base offset and leader epoch lie outside the CRC: the broker sets them without touching it;
 * - a batch takes `12 + batchLength` bytes and ends where the next begins.
 *
 *     0 baseOffset i64 · 8 batchLength i32 · 12 leaderEpoch i32 · 16 magic i8 · 17 crc u32 ·
 *     21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 ·
 *     43 producerId i64 · 51 producerEpoch i16 · 53 baseSequence i32 · 57 recordCount i32 ·
 *     61 records
 *
 * Source: Kafka documentation, "Record Batch"; KIP-98.
 */

/** Bytes before the first record. */
export const headerBytes = 61
/** Bytes that `batchLength` does not count: base offset and the length itself. */
const uncountedBytes = 12
/** First byte that the CRC covers. */
export const checkedFrom = 21

const transactionalBit = 0x10
const controlBit = 0x20
const logAppendTimeBit = 0x08
const codecMask = 0x07

export interface BatchHeader {
  readonly firstOffset: bigint
  /** Exclusive. */
  readonly nextOffset: bigint
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly magic: number
  readonly crc: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec: number
  readonly transactional: boolean
  readonly control: boolean
  readonly logAppendTime: boolean
  /** Number of offsets the batch takes; equals `recordCount` in what a producer sends. */
  readonly offsetCount: number
  readonly baseTimestampMs: bigint
  readonly maxTimestampMs: bigint
  /** -1 when the producer is not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly recordCount: number
}

/** Whole size of the batch at `at`, from its length field alone. */
export function batchBytes(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + 8) + uncountedBytes
}

/** @returns the exclusive end of the batch's offsets. */
export function batchNextOffset(buffer: Buffer, at: number): bigint {
  return buffer.readBigInt64BE(at) + BigInt(buffer.readInt32BE(at + 23)) + 1n
}

/** Reads the head of the batch at `at`; the caller knows that `headerBytes` are there. */
export function readBatchHeader(buffer: Buffer, at: number): BatchHeader {
  const attributes = buffer.readInt16BE(at + 21)
  const firstOffset = buffer.readBigInt64BE(at)
  const offsetCount = buffer.readInt32BE(at + 23) + 1
  return {
    firstOffset,
    nextOffset: firstOffset + BigInt(offsetCount),
    sizeBytes: batchBytes(buffer, at),
    leaderEpoch: buffer.readInt32BE(at + 12),
    magic: buffer.readInt8(at + 16),
    crc: buffer.readUInt32BE(at + 17),
    codec: attributes & codecMask,
    transactional: (attributes & transactionalBit) !== 0,
    control: (attributes & controlBit) !== 0,
    logAppendTime: (attributes & logAppendTimeBit) !== 0,
    offsetCount,
    baseTimestampMs: buffer.readBigInt64BE(at + 27),
    maxTimestampMs: buffer.readBigInt64BE(at + 35),
    producerId: buffer.readBigInt64BE(at + 43),
    producerEpoch: buffer.readInt16BE(at + 51),
    firstSequence: buffer.readInt32BE(at + 53),
    recordCount: buffer.readInt32BE(at + 57),
  }
}

/** Gives the batch at the start of `batch` its place in the log. The CRC stays right. */
export function placeBatch(batch: Buffer, firstOffset: bigint, leaderEpoch: number): void {
  batch.writeBigInt64BE(firstOffset, 0)
  batch.writeInt32BE(leaderEpoch, 12)
}

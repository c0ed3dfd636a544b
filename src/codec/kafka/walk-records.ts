/**
 * Walks the records of one inflated batch into a `RecordTable`: no object and no bigint per record.
 *
 * Invariants:
 * - The walk reads exactly the header's count of records and ends exactly at the end: what a codec
 *   cut short or doubled is a fault, not a smaller batch.
 * - Offsets ascend within the batch and stay below the header's next offset.
 * - After a fault the table is as it was.
 *
 * Sample, one record of 9 bytes (zigzag varints): length 8, attributes, timestamp delta 0, offset
 * delta 0, key null, value "ab", no headers:
 *
 *     10 00 00 00 01 04 61 62 00
 *
 * Source: https://kafka.apache.org/documentation/#record.
 */
import { assert, present } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import { nowhere, type RecordTable } from '../../model/event-table.ts'
import type { Offset } from '../../model/offset.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { BatchFacts } from './record-batch.ts'

/** Length, attributes, both deltas, null key, null value, no headers: one byte each. */
const recordSizeBytesMin = 7
const twoTo32 = 4_294_967_296

/** Where a batch's inflated records lie, and whose they are. */
export interface RecordSpan {
  readonly memory: Uint8Array
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly batch: BatchFacts
  /** Index into the table's `sources`. */
  readonly source: number
  /** Records below it are skipped: a batch that contains the offset asked for comes whole. */
  readonly fetchOffset: Offset
}

/**
 * Appends the batch's records to `into`; addresses are positions in `span.memory`.
 *
 * @param into has room for the header's record count.
 * @returns how many records were added.
 * @throws {Fault} KAFKA_RECORDS_CORRUPT: the records are not what the header says.
 */
export function walkRecords(span: RecordSpan, into: RecordTable): number {
  const { batch, start, end } = span
  const { recordCount } = batch
  if (!canHold(end - start, recordCount)) {
    throw corrupt(span, into, `${end - start} bytes cannot hold ${recordCount} records`)
  }
  assert(into.count + recordCount <= into.capacity, 'the record table has room for the batch')
  const first = into.count
  const stopped = walk(span, into)
  if (stopped !== end) {
    into.count = first
    throw corrupt(span, into, misfit(stopped, span))
  }
  return into.count - first
}

/** Whether `sizeBytes` inflated bytes can be `recordCount` records at all. */
export const canHold = (sizeBytes: number, recordCount: number): boolean =>
  recordCount >= 0 && recordCount * recordSizeBytesMin <= sizeBytes

const misfit = (stopped: number, { start, end }: RecordSpan): string =>
  stopped < 0
    ? `the record at byte ${-1 - stopped - start} of ${end - start} contradicts its lengths`
    : `the records end at byte ${stopped - start} of ${end - start}`

/** Position after the varint that was read last: a second result without an object. */
let cursor = 0

/** A zigzag varint of at most 32 bits. Malformed ones run on and fail the check of the ends. */
function varint(memory: Uint8Array, at: number): number {
  let byte = memory[at] ?? 0
  let value = byte & 127
  let next = at + 1
  for (let shift = 7; byte > 127 && shift < 35; shift += 7) {
    byte = memory[next++] ?? 0
    value |= (byte & 127) << shift
  }
  cursor = next
  return (value >>> 1) ^ -(value & 1)
}

/** A zigzag varint of at most 64 bits as a number: exact up to 2^53, which times do not pass. */
function varlong(memory: Uint8Array, at: number): number {
  let byte = memory[at] ?? 0
  let value = byte & 127
  let next = at + 1
  let unit = 128
  for (let read = 1; byte > 127 && read < 10; read++) {
    byte = memory[next++] ?? 0
    value += (byte & 127) * unit
    unit *= 128
  }
  cursor = next
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

/**
 * The inner loop. Two 32-bit stores make an offset: a bigint would be an allocation per record.
 *
 * @returns where the last record ends; `-1 - at` when the record at `at` contradicts its lengths.
 */
function walk({ memory, start, end, batch, source, fetchOffset }: RecordSpan, into: RecordTable) {
  const { keyStart, keyEnd, valueStart, valueEnd, headersStart, headersEnd } = into
  const halves = new Int32Array(into.offset.buffer, into.offset.byteOffset, into.capacity * 2)
  const low = Number(BigInt.asUintN(32, batch.baseOffset))
  const high = Number(batch.baseOffset >> 32n)
  const wanted = Number(fetchOffset - batch.baseOffset)
  const limit = Number(batch.nextOffset - batch.baseOffset)
  const baseTimestampMs = batch.logAppendTime ? batch.maxTimestampMs : batch.baseTimestampMs
  const deltaUnit = batch.logAppendTime ? 0 : 1
  let row = into.count
  let at = start
  let previous = -1
  for (let left = batch.recordCount; left > 0; left--) {
    const recordEnd = varint(memory, at) + cursor
    if (recordEnd > end || recordEnd <= at) return -1 - at
    const timestampDelta = varlong(memory, cursor + 1)
    const delta = varint(memory, cursor)
    if (delta <= previous || delta >= limit) return -1 - at
    previous = delta
    const keyLength = varint(memory, cursor)
    const keyAt = cursor
    const keyStop = keyLength < 0 ? keyAt : keyAt + keyLength
    const valueLength = varint(memory, keyStop)
    const valueAt = cursor
    const valueStop = valueLength < 0 ? valueAt : valueAt + valueLength
    if (keyStop > recordEnd || valueStop >= recordEnd) return -1 - at
    at = recordEnd
    if (delta < wanted) continue
    const sum = low + delta
    halves[row * 2] = sum
    halves[row * 2 + 1] = sum < twoTo32 ? high : high + 1
    into.source[row] = source
    into.timestampMs[row] = baseTimestampMs + timestampDelta * deltaUnit
    keyStart[row] = keyLength < 0 ? nowhere : keyAt
    keyEnd[row] = keyStop
    valueStart[row] = valueLength < 0 ? nowhere : valueAt
    valueEnd[row] = valueStop
    headersStart[row] = valueStop
    headersEnd[row] = recordEnd
    row++
  }
  into.count = row
  return at
}

function corrupt(span: RecordSpan, into: RecordTable, reason: string): Fault {
  const source = present(into.sources[span.source], 'the span names a source of the table')
  const topicPartition = topicPartitionName(source)
  const facts = { topicPartition, offset: span.batch.baseOffset, reason }
  return new Fault('KAFKA_RECORDS_CORRUPT', facts)
}

/**
 * Records and events of one input load, as columns: no object per record or event.
 *
 * Addresses are positions in the kernel's linear memory, valid until the input is cleared. A start
 * of -1 means null. Tables are filled by the stages in turn: the source fills `RecordTable`, the
 * parser `EventTable`, the exporter reads both.
 */
import type { SourcePartition } from './topic-partition.ts'

export interface RecordTable {
  readonly capacity: number
  count: number
  /** Shards of this load; `source[i]` is an index into it. */
  readonly sources: SourcePartition[]
  readonly source: Int32Array
  readonly offset: BigInt64Array
  readonly timestampMs: Float64Array
  readonly keyStart: Int32Array
  readonly keyEnd: Int32Array
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  /** The record's headers as Kafka encodes them: a varint count, then keys and values. */
  readonly headersStart: Int32Array
  readonly headersEnd: Int32Array
}

export interface EventTable {
  readonly capacity: number
  count: number
  /** Index into the record table. */
  readonly record: Int32Array
  /** Position within its record: 0, or 0.. of a batched record. */
  readonly index: Int32Array
  /** Index into the configured streams. */
  readonly stream: Int32Array
  readonly eventTimeMs: Float64Array
  readonly payloadStart: Int32Array
  readonly payloadEnd: Int32Array
  /** As the envelope says; 0 is the version in force. */
  readonly schemaVersion: Int32Array
}

/** An empty record table for at most `capacity` records. */
export function recordTable(capacity: number): RecordTable {
  return {
    capacity,
    count: 0,
    sources: [],
    source: new Int32Array(capacity),
    offset: new BigInt64Array(capacity),
    timestampMs: new Float64Array(capacity),
    keyStart: new Int32Array(capacity),
    keyEnd: new Int32Array(capacity),
    valueStart: new Int32Array(capacity),
    valueEnd: new Int32Array(capacity),
    headersStart: new Int32Array(capacity),
    headersEnd: new Int32Array(capacity),
  }
}

/** An empty event table for at most `capacity` events. */
export function eventTable(capacity: number): EventTable {
  return {
    capacity,
    count: 0,
    record: new Int32Array(capacity),
    index: new Int32Array(capacity),
    stream: new Int32Array(capacity),
    eventTimeMs: new Float64Array(capacity),
    payloadStart: new Int32Array(capacity),
    payloadEnd: new Int32Array(capacity),
    schemaVersion: new Int32Array(capacity),
  }
}

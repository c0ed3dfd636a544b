/**
 * Records and events of one input load, as columns: no object per record or event.
 *
 * Addresses are positions in the kernel's linear memory, valid until the input is cleared; memory
 * goes beyond 2 GiB, so that they need all 32 bits. Tables are filled by the stages in turn: the
 * source fills `RecordTable`, the parser `EventTable`, the exporter reads both.
 */
import type { SourcePartition } from './topic-partition.ts'

/** Start of what is null: no address, for memory ends below it. */
export const nowhere = 0xffff_ffff

export interface RecordTable {
  readonly capacity: number
  count: number
  /** How often it was emptied: what was kept of its records is of others then. */
  emptied: number
  /** Shards of this load; `source[i]` is an index into it. */
  readonly sources: SourcePartition[]
  readonly source: Int32Array
  readonly offset: BigInt64Array
  readonly timestampMs: Float64Array
  readonly keyStart: Uint32Array
  readonly keyEnd: Uint32Array
  readonly valueStart: Uint32Array
  readonly valueEnd: Uint32Array
  /** The record's headers as Kafka encodes them: a varint count, then keys and values. */
  readonly headersStart: Uint32Array
  readonly headersEnd: Uint32Array
}

/** Grows by `growEventTable`: keep the table, not its arrays, across a call of the parser. */
export interface EventTable {
  capacity: number
  count: number
  /** Index into the record table. */
  record: Int32Array
  /** Position within its record: 0, or 0.. of a batched record. */
  index: Int32Array
  /** Index into the configured streams. */
  stream: Int32Array
  eventTimeMs: Float64Array
  payloadStart: Uint32Array
  payloadEnd: Uint32Array
  /** As the envelope says; 0 is the version in force. */
  schemaVersion: Uint32Array
}

/** An empty record table for at most `capacity` records. */
export function recordTable(capacity: number): RecordTable {
  return {
    capacity,
    count: 0,
    emptied: 0,
    sources: [],
    source: new Int32Array(capacity),
    offset: new BigInt64Array(capacity),
    timestampMs: new Float64Array(capacity),
    keyStart: new Uint32Array(capacity),
    keyEnd: new Uint32Array(capacity),
    valueStart: new Uint32Array(capacity),
    valueEnd: new Uint32Array(capacity),
    headersStart: new Uint32Array(capacity),
    headersEnd: new Uint32Array(capacity),
  }
}

/** Makes room for the records of another load. */
export function emptyRecordTable(table: RecordTable): void {
  table.count = 0
  table.emptied += 1
  table.sources.length = 0
}

/** The same records in a table with room for more of them. */
export function roomierRecordTable(table: RecordTable, capacity: number): RecordTable {
  const roomier = recordTable(capacity)
  roomier.count = table.count
  roomier.sources.push(...table.sources)
  roomier.source.set(table.source)
  roomier.offset.set(table.offset)
  roomier.timestampMs.set(table.timestampMs)
  roomier.keyStart.set(table.keyStart)
  roomier.keyEnd.set(table.keyEnd)
  roomier.valueStart.set(table.valueStart)
  roomier.valueEnd.set(table.valueEnd)
  roomier.headersStart.set(table.headersStart)
  roomier.headersEnd.set(table.headersEnd)
  return roomier
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
    payloadStart: new Uint32Array(capacity),
    payloadEnd: new Uint32Array(capacity),
    schemaVersion: new Uint32Array(capacity),
  }
}

/** Makes room for at least `capacity` events; those that are there stay. */
export function growEventTable(table: EventTable, capacity: number): void {
  if (capacity <= table.capacity) return
  const grown = eventTable(Math.max(capacity, 2 * table.capacity))
  grown.record.set(table.record)
  grown.index.set(table.index)
  grown.stream.set(table.stream)
  grown.eventTimeMs.set(table.eventTimeMs)
  grown.payloadStart.set(table.payloadStart)
  grown.payloadEnd.set(table.payloadEnd)
  grown.schemaVersion.set(table.schemaVersion)
  Object.assign(table, grown, { count: table.count })
}

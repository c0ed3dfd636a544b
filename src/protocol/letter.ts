/**
 * Makes dead letters from the rows of a load: the only place where a record becomes an object.
 *
 * - The bytes are copies; letters of one record share one copy, so that a batched record of a
 *   thousand refused events is kept once.
 * - Letters that fail in the same way have the same fingerprint: 16 hex digits of SHA-256 over
 *   stream, step, reason and detail.
 * - A time outside [1970, 2200) never names a cell.
 */
import { createHash } from 'node:crypto'
import { present } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import type { DeadLetter } from '../model/dead-letter.ts'
import type { EventLoad, EventRefusal } from '../model/event-load.ts'
import { nowhere, type RecordTable } from '../model/event-table.ts'
import type { LakePartition, PartitionScheme } from '../model/lake-partition.ts'
import { offset } from '../model/offset.ts'
import type { SourcePartition } from '../model/topic-partition.ts'
import { partitionAt } from './calendar.ts'

/** Why an event is refused. */
export interface LetterCause extends EventRefusal {
  /** What tells one failure of this reason from another, never the event's own values. */
  readonly detail?: string
}

/** An event of a load, and where it is counted. */
export interface RefusedEvent {
  readonly load: EventLoad
  /** Index into the event table. */
  readonly event: number
  /** The memory that the tables' addresses point into. */
  readonly memory: Uint8Array
  readonly stream: string
  readonly partition: LakePartition
}

/** A record of which no event could be made, or one event of it that never came into a table. */
export interface RefusedRecord {
  readonly records: RecordTable
  /** Index into the record table. */
  readonly record: number
  readonly memory: Uint8Array
  readonly stream: string
  readonly partition: LakePartition
  /** Position of the event within the record; 0 for the record as a whole. */
  readonly index: number
  readonly eventTimeMs: UnixMs | undefined
  readonly schemaVersion: number | undefined
}

/** The dead letter of an event. */
export function letterOf(refused: RefusedEvent, cause: LetterCause): DeadLetter {
  const { load, event, memory, stream, partition } = refused
  const { events, records } = load
  const record = present(events.record[event], 'a refused event is in the event table')
  const place = { records, record, memory, stream, partition }
  const eventTimeMs = unixMs(present(events.eventTimeMs[event], 'an event has a time'))
  const schemaVersion = events.schemaVersion[event]
  const index = present(events.index[event], 'an event has a place in its record')
  return recordLetter({ ...place, index, eventTimeMs, schemaVersion }, cause)
}

/** The dead letter of a record, or of one event of it. */
export function recordLetter(refused: RefusedRecord, cause: LetterCause): DeadLetter {
  const { stream, partition, index, eventTimeMs, schemaVersion } = refused
  const { detail, step, reason, error } = cause
  const fingerprint = fingerprintOf([stream, step, reason, detail ?? ''])
  const why = { step, reason, error, fingerprint }
  return { stream, ...copyOf(refused), index, eventTimeMs, schemaVersion, ...why, partition }
}

interface RecordCopy {
  readonly source: SourcePartition
  readonly offset: ReturnType<typeof offset>
  readonly kafkaTimestampMs: UnixMs
  readonly key: Uint8Array | undefined
  readonly headers: Uint8Array | undefined
  readonly value: Uint8Array | undefined
}

interface LastCopy {
  /** Of the table it was made from: a log that was cut off has other records at known offsets. */
  readonly emptied: number
  readonly record: number
  readonly copy: RecordCopy
}

/** The copy made last from each table. */
const copies = new WeakMap<RecordTable, LastCopy>()

function copyOf({ records, record, memory }: RefusedRecord): RecordCopy {
  const known = copies.get(records)
  const { emptied } = records
  if (known?.record === record && known.emptied === emptied) return known.copy
  const at = (column: Int32Array | Uint32Array | Float64Array): number =>
    present(column[record], 'the record is in the table')
  const source = present(records.sources[at(records.source)], 'a record has a source')
  const bytes = (starts: Uint32Array, ends: Uint32Array): Uint8Array | undefined => {
    const start = at(starts)
    return start === nowhere ? undefined : memory.slice(start, ends[record])
  }
  const copy = {
    source,
    offset: offset(present(records.offset[record], 'the record is in the table')),
    kafkaTimestampMs: unixMs(at(records.timestampMs)),
    key: bytes(records.keyStart, records.keyEnd),
    headers: bytes(records.headersStart, records.headersEnd),
    value: bytes(records.valueStart, records.valueEnd),
  }
  copies.set(records, { emptied, record, copy })
  return copy
}

const fingerprints = new Map<string, string>()
const fingerprintsMax = 1_024

function fingerprintOf(parts: readonly string[]): string {
  const text = parts.join('\0')
  const known = fingerprints.get(text)
  if (known !== undefined) return known
  const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16)
  if (fingerprints.size >= fingerprintsMax) fingerprints.clear()
  fingerprints.set(text, fingerprint)
  return fingerprint
}

const countableNextMs = Date.UTC(2200, 0, 1)
const hourInUtc: PartitionScheme = { by: 'hour', timezone: 'UTC' }

/** True for times that may name a cell: [1970, 2200). */
export const countable = (atMs: number): boolean => atMs >= 0 && atMs < countableNextMs

/**
 * The cell of an event whose own time cannot be used: that of the record's Kafka timestamp, or the
 * first of all when that is absurd, too.
 *
 * @param scheme the stream's; hours of UTC where there is no stream.
 */
export function cellOfRecord(kafkaTimestampMs: number, scheme = hourInUtc): LakePartition {
  return partitionAt(unixMs(countable(kafkaTimestampMs) ? kafkaTimestampMs : 0), scheme)
}

/**
 * Events that wait for others of their file, as copies: the input that they came in is used again.
 *
 * The kernel takes rows of one file by the hundred for a third of what it asks for the same rows by
 * the ten, where hundreds of files are open: the builders of a file's columns have left the
 * processor's caches since it was its turn.
 *
 * Invariants:
 * - an event waits with its whole record, so that a dead letter can be made of it;
 * - what waits is a load of its own, whose addresses hold until `clear`.
 */
import { assert, present } from '../base/assert.ts'
import type { InputCopies } from '../kernel/input-copies.ts'
import type { EventLoad } from '../model/event-load.ts'
import {
  emptyRecordTable,
  eventTable,
  growEventTable,
  nowhere,
  type RecordTable,
  recordTable,
  roomierRecordTable,
} from '../model/event-table.ts'
import { sourceKey } from '../model/topic-partition.ts'

/** The tables begin small and double: most daemons have few streams, and none has many waiting. */
const eventsAtFirst = 1_024
const eventsMax = 131_072
/** A record, with its event inflated, that is larger costs more to copy than to write alone. */
const recordBytesMax = 16_384

export class WaitingEvents {
  readonly #copies: InputCopies
  #load: WaitingLoad | undefined
  /** The load that events are taken from, and of its sources the place in ours. */
  #from: EventLoad | undefined
  #sources: number[] = []
  /** The record of that load that was copied last, and how far its copy lies from it. */
  #copied = { record: -1, deltaBytes: 0 }

  constructor(copies: InputCopies) {
    this.#copies = copies
  }

  /** What waits. */
  get load(): EventLoad {
    return this.#tables
  }

  get #tables(): WaitingLoad {
    this.#load ??= waitingLoad()
    return this.#load
  }

  get count(): number {
    return this.#load?.events.count ?? 0
  }

  get heldBytes(): number {
    return this.#copies.heldBytes
  }

  /** From here on events of this load are taken. */
  begin(from: EventLoad): void {
    this.#from = from
    this.#sources = []
    this.#copied = { record: -1, deltaBytes: 0 }
  }

  /**
   * Copies an event of the load that was begun.
   *
   * @returns its place in what waits; `no-room` until what waits is written, `too-large` for ever.
   */
  take(event: number): number | 'no-room' | 'too-large' {
    const { records, events, fetchedAtMs } = present(this.#from, 'a load was begun')
    if (!this.#hasRoom()) return 'no-room'
    const into = this.#tables
    const at = into.events.count
    const record = events.record[event] ?? -1
    const start = events.payloadStart[event] ?? 0
    const next = events.payloadEnd[event] ?? 0
    const recordBytes = (records.headersEnd[record] ?? 0) - spanStart(records, record)
    if (recordBytes + next - start > recordBytesMax) return 'too-large'
    const deltaBytes = this.#recordCopied(records, record)
    if (deltaBytes === undefined) return 'no-room'
    const isWithin =
      start >= (records.valueStart[record] ?? nowhere) && next <= (records.valueEnd[record] ?? 0)
    const payload = isWithin ? start + deltaBytes : this.#copies.copy(start, next)
    if (payload === undefined) return 'no-room'
    into.events.record[at] = into.records.count - 1
    into.events.index[at] = events.index[event] ?? 0
    into.events.stream[at] = events.stream[event] ?? -1
    into.events.eventTimeMs[at] = events.eventTimeMs[event] ?? 0
    into.events.schemaVersion[at] = events.schemaVersion[event] ?? 0
    into.events.payloadStart[at] = payload
    into.events.payloadEnd[at] = payload + next - start
    into.fetchedAtMsOf[at] = fetchedAtMs
    into.events.count = at + 1
    return at
  }

  /** Nothing waits any more; what is taken next goes into the same memory. */
  clear(): void {
    this.#copies.clear()
    this.#copied = { record: -1, deltaBytes: 0 }
    this.#sources = []
    if (this.#load === undefined) return
    const { records, events } = this.#load
    emptyRecordTable(records)
    events.count = 0
  }

  /** Room for one more event and its record; there are never more records than events and one. */
  #hasRoom(): boolean {
    const { records, events, fetchedAtMs, fetchedAtMsOf } = this.#tables
    const { capacity } = events
    if (Math.max(records.count, events.count) < capacity) return true
    if (capacity === eventsMax) return false
    const roomier = new Float64Array(2 * capacity)
    roomier.set(fetchedAtMsOf)
    growEventTable(events, 2 * capacity)
    const load = { records: roomierRecordTable(records, 2 * capacity), events, fetchedAtMs }
    this.#load = { ...load, fetchedAtMsOf: roomier }
    return true
  }

  /** Copies a record where it was not copied last. @returns how far its copy lies from it. */
  #recordCopied(records: RecordTable, record: number): number | undefined {
    if (record === this.#copied.record) return this.#copied.deltaBytes
    const start = spanStart(records, record)
    const next = records.headersEnd[record] ?? 0
    assert(start <= next, 'a record ends with its headers')
    const copy = this.#copies.copy(start, next)
    if (copy === undefined) return undefined
    const deltaBytes = copy - start
    const into = this.#tables.records
    const to = into.count++
    into.source[to] = this.#sourceOf(records, record)
    into.offset[to] = records.offset[record] ?? 0n
    into.timestampMs[to] = records.timestampMs[record] ?? 0
    into.keyStart[to] = moved(records.keyStart[record] ?? nowhere, deltaBytes)
    into.keyEnd[to] = moved(records.keyEnd[record] ?? nowhere, deltaBytes)
    into.valueStart[to] = moved(records.valueStart[record] ?? nowhere, deltaBytes)
    into.valueEnd[to] = moved(records.valueEnd[record] ?? nowhere, deltaBytes)
    into.headersStart[to] = moved(records.headersStart[record] ?? nowhere, deltaBytes)
    into.headersEnd[to] = moved(records.headersEnd[record] ?? nowhere, deltaBytes)
    this.#copied = { record, deltaBytes }
    return deltaBytes
  }

  #sourceOf(records: RecordTable, record: number): number {
    const index = records.source[record] ?? -1
    const known = this.#sources[index]
    if (known !== undefined) return known
    const source = present(records.sources[index], 'a record has a source')
    const { sources } = this.#tables.records
    const found = sources.findIndex((each) => sourceKey(each) === sourceKey(source))
    const place = found === -1 ? sources.push(source) - 1 : found
    this.#sources[index] = place
    return place
  }
}

interface WaitingLoad extends EventLoad {
  readonly fetchedAtMsOf: Float64Array
}

const waitingLoad = (): WaitingLoad => ({
  records: recordTable(eventsAtFirst),
  events: eventTable(eventsAtFirst),
  fetchedAtMs: Number.NaN,
  fetchedAtMsOf: new Float64Array(eventsAtFirst),
})

/** Key, value and headers stand in this order, side by side; the headers are always there. */
function spanStart(records: RecordTable, record: number): number {
  const key = records.keyStart[record] ?? nowhere
  if (key !== nowhere) return key
  const value = records.valueStart[record] ?? nowhere
  return value !== nowhere ? value : (records.headersStart[record] ?? 0)
}

const moved = (at: number, deltaBytes: number): number =>
  at === nowhere ? nowhere : at + deltaBytes

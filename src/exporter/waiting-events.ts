/**
 * Events that wait for others of their file: the input that they came in is used again.
 *
 * The kernel takes rows of one file by the hundred for a third of what it asks for the same rows by
 * the ten, where hundreds of files are open: the builders of a file's columns have left the
 * processor's caches since it was its turn. Where nearly all events of a load wait, its input is
 * kept as it is; where some do, they are copied.
 *
 * Invariants:
 * - an event waits with its whole record, so that a dead letter can be made of it;
 * - what waits is a load of its own, whose addresses hold until `clear`;
 * - events of one writer come out in the order in which they came in.
 */
import { assert, present } from '../base/assert.ts'
import type { InputCopies } from '../kernel/input-copies.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import { type EventLoad, settled } from '../model/event-load.ts'
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

/** What waits for one writer, as events of a load, in their order. */
interface WaitingOfWriter {
  readonly number: number
  readonly events: Int32Array
  readonly load: EventLoad
}

export interface WaitingParts {
  readonly input: KernelInput
  readonly copies: InputCopies
  /** What is held at most, in either way; less than a mebibyte is one. */
  readonly sizeBytesMax: number
}

export class WaitingEvents {
  readonly #parts: WaitingParts
  #load: WaitingLoad | undefined
  /** The load that events are taken from, and of its sources the place in ours. */
  #from: EventLoad | undefined
  #sources: number[] = []
  /** The record of that load that was copied last, and how far its copy lies from it. */
  #copied = { record: -1, deltaBytes: 0 }
  /** How many events wait, by writer. */
  #countOf = new Int32Array(0)
  #writerCount = 0

  constructor(parts: WaitingParts) {
    this.#parts = parts
  }

  get #tables(): WaitingLoad {
    this.#load ??= waitingLoad()
    return this.#load
  }

  get count(): number {
    return this.#load?.events.count ?? 0
  }

  /** Writers for which events wait. */
  get writerCount(): number {
    return this.#writerCount
  }

  get heldBytes(): number {
    return this.#parts.copies.heldBytes + this.#parts.input.keptBytes
  }

  /** True when input is kept and another load as large as the one under way would not fit. */
  get isFull(): boolean {
    return this.#parts.input.keptBytes > 0 && !this.#fits
  }

  get #fits(): boolean {
    const { input, sizeBytesMax } = this.#parts
    return this.heldBytes + input.loadedBytes <= sizeBytesMax
  }

  /** Whether events of this writer wait. */
  hasOf(writer: number): boolean {
    return (this.#countOf[writer] ?? 0) > 0
  }

  /** From here on events of this load are taken. */
  begin(from: EventLoad): void {
    this.#from = from
    this.#sources = []
    this.#copied = { record: -1, deltaBytes: 0 }
  }

  /**
   * Takes all events of the load that was begun, as they lie in the input.
   *
   * @param writers of each event.
   * @returns false when there is no room.
   */
  adopt(writers: Int32Array): boolean {
    const { records, events, fetchedAtMs } = present(this.#from, 'a load was begun')
    if (!this.#fits || !this.#hasRoomFor(records.count, events.count)) return false
    const into = this.#tables
    const at = into.events.count
    const firstRecord = into.records.count
    this.#adoptRecords(records)
    const { count } = events
    into.events.index.set(events.index.subarray(0, count), at)
    into.events.stream.set(events.stream.subarray(0, count), at)
    into.events.eventTimeMs.set(events.eventTimeMs.subarray(0, count), at)
    into.events.payloadStart.set(events.payloadStart.subarray(0, count), at)
    into.events.payloadEnd.set(events.payloadEnd.subarray(0, count), at)
    into.events.schemaVersion.set(events.schemaVersion.subarray(0, count), at)
    into.fetchedAtMsOf.fill(fetchedAtMs, at, at + count)
    into.writerOf.set(writers.subarray(0, count), at)
    for (let event = 0; event < count; event++) {
      into.events.record[at + event] = firstRecord + (events.record[event] ?? 0)
      if (events.stream[event] !== settled) this.#countFor(writers[event] ?? -1)
    }
    into.events.count = at + count
    this.#parts.input.keep()
    return true
  }

  /**
   * Copies an event of the load that was begun.
   *
   * @returns `no-room` until what waits is written, `too-large` for ever.
   */
  take(event: number, writer: number): 'taken' | 'no-room' | 'too-large' {
    const { records, events, fetchedAtMs } = present(this.#from, 'a load was begun')
    const { copies } = this.#parts
    if (!this.#hasRoomFor(1, 1)) return 'no-room'
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
    const payload = isWithin ? start + deltaBytes : copies.copy(start, next)
    if (payload === undefined) return 'no-room'
    into.events.record[at] = into.records.count - 1
    into.events.index[at] = events.index[event] ?? 0
    into.events.stream[at] = events.stream[event] ?? -1
    into.events.eventTimeMs[at] = events.eventTimeMs[event] ?? 0
    into.events.schemaVersion[at] = events.schemaVersion[event] ?? 0
    into.events.payloadStart[at] = payload
    into.events.payloadEnd[at] = payload + next - start
    into.fetchedAtMsOf[at] = fetchedAtMs
    into.writerOf[at] = writer
    into.events.count = at + 1
    this.#countFor(writer)
    return 'taken'
  }

  /** Hands all that waits over, writer by writer. Nothing is taken or forgotten meanwhile. */
  *byWriter(): Generator<WaitingOfWriter> {
    if (this.#load === undefined) return
    const { events, writerOf } = this.#load
    const nextOf = new Int32Array(this.#countOf.length)
    for (let writer = 1; writer < nextOf.length; writer++) {
      nextOf[writer] = (nextOf[writer - 1] ?? 0) + (this.#countOf[writer - 1] ?? 0)
    }
    const sorted = new Int32Array(events.count)
    for (let event = 0; event < events.count; event++) {
      if (events.stream[event] === settled) continue
      const writer = writerOf[event] ?? -1
      const place = nextOf[writer] ?? 0
      sorted[place] = event
      nextOf[writer] = place + 1
    }
    for (let writer = 0; writer < nextOf.length; writer++) {
      const next = nextOf[writer] ?? 0
      const first = next - (this.#countOf[writer] ?? 0)
      const ofWriter = sorted.subarray(first, next)
      if (first < next) yield { number: writer, events: ofWriter, load: this.#load }
    }
  }

  /** Nothing waits any more; what is taken next goes into the same memory. */
  clear(): void {
    this.#parts.copies.clear()
    this.#parts.input.forgetKept()
    this.#copied = { record: -1, deltaBytes: 0 }
    this.#sources = []
    this.#countOf.fill(0)
    this.#writerCount = 0
    if (this.#load === undefined) return
    const { records, events } = this.#load
    emptyRecordTable(records)
    events.count = 0
  }

  #countFor(writer: number): void {
    if (writer >= this.#countOf.length) {
      const roomier = new Int32Array(Math.max(2 * this.#countOf.length, writer + 64))
      roomier.set(this.#countOf)
      this.#countOf = roomier
    }
    const before = this.#countOf[writer] ?? 0
    this.#countOf[writer] = before + 1
    if (before === 0) this.#writerCount += 1
  }

  /** Room for so many more; the tables grow together, the larger one decides. */
  #hasRoomFor(recordCount: number, eventCount: number): boolean {
    const { records, events, fetchedAtMs, fetchedAtMsOf, writerOf } = this.#tables
    const needed = Math.max(records.count + recordCount, events.count + eventCount)
    if (needed <= events.capacity) return true
    if (needed > eventsMax) return false
    let capacity = 2 * events.capacity
    while (capacity < needed) capacity *= 2
    const times = new Float64Array(capacity)
    times.set(fetchedAtMsOf)
    const writers = new Int32Array(capacity)
    writers.set(writerOf)
    growEventTable(events, capacity)
    const load = { records: roomierRecordTable(records, capacity), events, fetchedAtMs }
    this.#load = { ...load, fetchedAtMsOf: times, writerOf: writers }
    return true
  }

  #adoptRecords(records: RecordTable): void {
    const into = this.#tables.records
    const { count } = records
    const at = into.count
    into.offset.set(records.offset.subarray(0, count), at)
    into.timestampMs.set(records.timestampMs.subarray(0, count), at)
    into.keyStart.set(records.keyStart.subarray(0, count), at)
    into.keyEnd.set(records.keyEnd.subarray(0, count), at)
    into.valueStart.set(records.valueStart.subarray(0, count), at)
    into.valueEnd.set(records.valueEnd.subarray(0, count), at)
    into.headersStart.set(records.headersStart.subarray(0, count), at)
    into.headersEnd.set(records.headersEnd.subarray(0, count), at)
    for (let record = 0; record < count; record++) {
      into.source[at + record] = this.#sourceOf(records, record)
    }
    into.count = at + count
  }

  /** Copies a record where it was not copied last. @returns how far its copy lies from it. */
  #recordCopied(records: RecordTable, record: number): number | undefined {
    if (record === this.#copied.record) return this.#copied.deltaBytes
    const start = spanStart(records, record)
    const next = records.headersEnd[record] ?? 0
    assert(start <= next, 'a record ends with its headers')
    const copy = this.#parts.copies.copy(start, next)
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
    return this.#sources[index] ?? this.#newSourceOf(records, index)
  }

  /** Apart: a closure costs memory of its own wherever it may be made. */
  #newSourceOf(records: RecordTable, index: number): number {
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
  /** Of each event. */
  readonly writerOf: Int32Array
}

const waitingLoad = (): WaitingLoad => ({
  records: recordTable(eventsAtFirst),
  events: eventTable(eventsAtFirst),
  fetchedAtMs: Number.NaN,
  fetchedAtMsOf: new Float64Array(eventsAtFirst),
  writerOf: new Int32Array(eventsAtFirst),
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

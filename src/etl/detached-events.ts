/**
 * Events that left the kernel's input: their result comes when the input holds other records.
 *
 * They are a load of their own over bytes of their own, so that dead letters are made of them as of
 * any load.
 */
import { present } from '../base/assert.ts'
import { type EventLoad, settled } from '../model/event-load.ts'
import { eventTable, nowhere, type RecordTable, recordTable } from '../model/event-table.ts'

export interface DetachedEvents {
  readonly load: EventLoad
  /** The bytes that the load's addresses point into. */
  readonly memory: Uint8Array
}

/**
 * Takes the events of one stream that have no fate yet out of a load and marks them there as
 * settled: their fate is decided later.
 *
 * @param memory what the load's addresses point into.
 * @returns copies in the same order, or undefined when there are none.
 */
export function detachEvents(
  load: EventLoad,
  memory: Uint8Array,
  stream: number,
): DetachedEvents | undefined {
  const { events } = load
  const chosen: number[] = []
  for (let event = 0; event < events.count; event++) {
    if (events.stream[event] === stream) chosen.push(event)
  }
  if (chosen.length === 0) return undefined
  const detached = copyEvents(load, memory, chosen)
  for (const event of chosen) events.stream[event] = settled
  return detached
}

function copyEvents(
  load: EventLoad,
  memory: Uint8Array,
  chosen: readonly number[],
): DetachedEvents {
  const { records, events } = load
  const copies = new ByteCopies(memory)
  const intoRecords = recordTable(chosen.length)
  const intoEvents = eventTable(chosen.length)
  intoRecords.sources.push(...records.sources)
  let copied = -1
  for (const [at, event] of chosen.entries()) {
    const record = present(events.record[event], 'a chosen event is in the table')
    if (record !== copied) copyRecord(records, record, intoRecords, copies)
    copied = record
    const place = intoRecords.count - 1
    const start = events.payloadStart[event] ?? 0
    const end = events.payloadEnd[event] ?? 0
    intoEvents.record[at] = place
    intoEvents.index[at] = events.index[event] ?? 0
    intoEvents.stream[at] = events.stream[event] ?? settled
    intoEvents.eventTimeMs[at] = events.eventTimeMs[event] ?? 0
    intoEvents.schemaVersion[at] = events.schemaVersion[event] ?? 0
    const inValue =
      start >= (records.valueStart[record] ?? nowhere) && end <= (records.valueEnd[record] ?? 0)
    intoEvents.payloadStart[at] = inValue
      ? (intoRecords.valueStart[place] ?? 0) + start - (records.valueStart[record] ?? 0)
      : copies.take(start, end)
    intoEvents.payloadEnd[at] = (intoEvents.payloadStart[at] ?? 0) + end - start
  }
  intoEvents.count = chosen.length
  const { fetchedAtMs } = load
  return { load: { records: intoRecords, events: intoEvents, fetchedAtMs }, memory: copies.bytes() }
}

function copyRecord(
  records: RecordTable,
  record: number,
  into: RecordTable,
  copies: ByteCopies,
): void {
  const to = into.count++
  into.source[to] = records.source[record] ?? 0
  into.offset[to] = records.offset[record] ?? 0n
  into.timestampMs[to] = records.timestampMs[record] ?? 0
  for (const part of ['key', 'value', 'headers'] as const) {
    const start = records[`${part}Start`][record] ?? nowhere
    const end = records[`${part}End`][record] ?? 0
    const copied = start === nowhere ? nowhere : copies.take(start, end)
    into[`${part}Start`][to] = copied
    into[`${part}End`][to] = start === nowhere ? nowhere : copied + end - start
  }
}

/** Ranges of one memory, copied one after the other. */
class ByteCopies {
  readonly #memory: Uint8Array
  #copied = new Uint8Array(4_096)
  #next = 0

  constructor(memory: Uint8Array) {
    this.#memory = memory
  }

  /** @returns where the copy starts. */
  take(start: number, end: number): number {
    const at = this.#next
    this.#next += end - start
    if (this.#next > this.#copied.length) {
      const grown = new Uint8Array(Math.max(this.#next, 2 * this.#copied.length))
      grown.set(this.#copied)
      this.#copied = grown
    }
    this.#copied.set(this.#memory.subarray(start, end), at)
    return at
  }

  bytes(): Uint8Array {
    return this.#copied.subarray(0, this.#next)
  }
}

import { type DetachedEvents, detachEvents } from '../../src/etl/detached-events.ts'
import type { EventLoad } from '../../src/model/event-load.ts'
import { eventTable } from '../../src/model/event-table.ts'
import { LinearMemory } from './linear-memory.ts'
import { type TestRecord, tableOf } from './record-table.ts'

export interface TestLoad {
  readonly load: EventLoad
  readonly memory: LinearMemory
}

/** One event per record: the record's value is its payload, its time the record's. */
export function loadOf(records: readonly TestRecord[], streamOf = (_event: number) => 0): TestLoad {
  const memory = new LinearMemory()
  const table = tableOf(records, memory)
  const events = eventTable(records.length)
  events.count = records.length
  for (let event = 0; event < records.length; event++) {
    events.record[event] = event
    events.stream[event] = streamOf(event)
    events.eventTimeMs[event] = table.timestampMs[event] ?? 0
    events.payloadStart[event] = table.valueStart[event] ?? 0
    events.payloadEnd[event] = table.valueEnd[event] ?? 0
  }
  return { load: { records: table, events, fetchedAtMs: 0 }, memory }
}

/** The same, taken out of its load. */
export function detachedOf(records: readonly TestRecord[]): DetachedEvents {
  const { load, memory } = loadOf(records)
  const detached = detachEvents(load, memory.u8, 0)
  if (detached === undefined) throw new Error('no events were detached')
  return detached
}

import type { DeadLetterStep } from './dead-letter.ts'
import type { EventTable, RecordTable } from './event-table.ts'

/** One filling of the kernel's input: what the stages hand down, in the order a record travels. */
export interface EventLoad {
  readonly records: RecordTable
  readonly events: EventTable
  /** Wall clock when the records were fetched, milliseconds. */
  readonly fetchedAtMs: number
  /** By event, where the records were fetched at several times. */
  readonly fetchedAtMsOf?: Float64Array
}

/** Value of `EventTable.stream` of an event that has its fate already: later stages pass it by. */
export const settled = -1

/**
 * Where stages say what became of an event; the exporter counts it, once.
 *
 * Whoever reports a fate leaves the event to the sink, which marks it as settled.
 */
export interface EventFates {
  filtered(load: EventLoad, event: number, reason: string): void
  refused(load: EventLoad, event: number, refusal: EventRefusal): void
}

export interface EventRefusal {
  readonly step: DeadLetterStep
  /** Stable code, such as "decode-truncated". */
  readonly reason: string
  /** One sentence for people. */
  readonly error: string
}

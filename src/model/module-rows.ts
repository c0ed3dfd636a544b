import type { DeadLetter } from './dead-letter.ts'
import type { EventLoad } from './event-load.ts'

/**
 * What a user's module made of events, on its way back into the tables. Each event has rows, or a
 * letter, or neither: then the module let it go.
 */
export interface ModuleRows {
  /** Index of the configured stream. */
  readonly stream: number
  /** The events, detached from the input they came in. */
  readonly load: EventLoad
  /** What the load's addresses point into. */
  readonly memory: Uint8Array
  /** Wire bytes of all rows; row r ends at `rowNext[r]`, where the next starts. */
  readonly rows: Uint8Array
  readonly rowNext: Int32Array
  /** Rows of event i end before `eventRowNext[i]`, where those of the next event start. */
  readonly eventRowNext: Int32Array
  /** By index of the event. */
  readonly letters: ReadonlyMap<number, DeadLetter>
}

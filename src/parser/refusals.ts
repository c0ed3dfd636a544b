import { unixMs } from '../base/time.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import { unknownStream } from '../model/counts.ts'
import type { LetterSink } from '../model/dead-letter.ts'
import type { RecordTable } from '../model/event-table.ts'
import type { LakePartition, PartitionScheme } from '../model/lake-partition.ts'
import { partitionAt } from '../protocol/calendar.ts'
import { cellOfRecord, countable, type LetterCause, recordLetter } from '../protocol/letter.ts'
import type { ParsedStream } from './parsed-stream.ts'

/** What is known of a refused event; what its record as a whole cannot tell is absent. */
export interface RefusedFacts {
  /** Index of the stream; absent: none is known. */
  readonly stream?: number
  /** Position within the record. */
  readonly index?: number
  readonly eventTimeMs?: number
  readonly schemaVersion?: number
}

/** Turns what the parser could not take into dead letters. */
export class Refusals {
  readonly #streams: readonly ParsedStream[]
  readonly #input: KernelInput
  readonly #letters: LetterSink

  constructor(streams: readonly ParsedStream[], input: KernelInput, letters: LetterSink) {
    this.#streams = streams
    this.#input = input
    this.#letters = letters
  }

  refuse(records: RecordTable, record: number, facts: RefusedFacts, cause: LetterCause): void {
    const stream = facts.stream === undefined ? undefined : this.#streams[facts.stream]
    const { eventTimeMs, schemaVersion, index = 0 } = facts
    const kafkaTimestampMs = records.timestampMs[record] ?? 0
    const at = {
      records,
      record,
      memory: this.#input.u8,
      stream: stream?.name ?? unknownStream,
      partition: cellOf(eventTimeMs, kafkaTimestampMs, stream?.scheme),
    }
    const time = eventTimeMs === undefined ? undefined : unixMs(eventTimeMs)
    const letter = recordLetter({ ...at, index, eventTimeMs: time, schemaVersion }, cause)
    this.#letters.refuse(letter)
  }
}

const hourInUtc: PartitionScheme = { by: 'hour', timezone: 'UTC' }

/** The cell of the event's own time where it has a usable one, else of its record's. */
function cellOf(
  eventTimeMs: number | undefined,
  kafkaTimestampMs: number,
  scheme = hourInUtc,
): LakePartition {
  if (eventTimeMs === undefined || !countable(eventTimeMs)) {
    return cellOfRecord(kafkaTimestampMs, scheme)
  }
  return partitionAt(unixMs(eventTimeMs), scheme)
}

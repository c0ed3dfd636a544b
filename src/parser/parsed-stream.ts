import type { PartitionScheme } from '../model/lake-partition.ts'
import type { TimeField } from './time-field.ts'

/** A configured stream as the parser sees it; its index is that of `EventTable.stream`. */
export interface ParsedStream {
  readonly name: string
  readonly topics: readonly string[]
  readonly format: 'raw-event' | 'protobuf' | 'confluent-protobuf'
  /** Full name of the stream's message. */
  readonly message: string
  readonly scheme: PartitionScheme
  /** Where it is given, its time counts, and not that of the envelope or of the record. */
  readonly timeField?: TimeField | undefined
}

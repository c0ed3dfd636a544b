import type { PartitionScheme } from '../model/lake-partition.ts'

/** A configured stream as the parser sees it; its index is that of `EventTable.stream`. */
export interface ParsedStream {
  readonly name: string
  readonly topics: readonly string[]
  readonly format: 'raw-event' | 'protobuf' | 'confluent-protobuf'
  /** Full name of the stream's message. */
  readonly message: string
  readonly scheme: PartitionScheme
}

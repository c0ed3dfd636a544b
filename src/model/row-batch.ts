/**
 * Rows on their way into one open file: addresses of payloads in the kernel's linear memory.
 *
 * All rows of a batch come from one topic. Without one they come from nowhere, and the identity
 * arrays are read only for the identity columns that the table asks for.
 */
export interface RowBatch {
  readonly count: number
  /** Payload of row i is `[starts[i], ends[i])`, protobuf wire format of the table's message. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly topic: string
  readonly partitions: Int32Array
  readonly offsets: BigInt64Array
  readonly indexes: Int32Array
  /** Wall clock when the rows were fetched, milliseconds: of all of them, or of each. */
  readonly ingestMs: number | Float64Array
}

/** Why a payload was refused; also the dead letter's reason, prefixed with "decode-". */
export type RefusalReason =
  | 'truncated'
  | 'malformed'
  | 'invalid-utf8'
  | 'too-deep'
  | 'too-large'
  | 'out-of-range'

export interface RowRefusal {
  /** Index into the batch. */
  readonly row: number
  readonly reason: RefusalReason
}

/** Columns with a row's identity, appended after the message's own columns when asked for. */
export const identityColumns = ['_topic', '_partition', '_offset', '_index', '_ingest_ms'] as const
export type IdentityColumn = (typeof identityColumns)[number]

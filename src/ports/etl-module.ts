/**
 * User code that makes rows of events, somewhere it cannot stop or fill the house.
 *
 * Events go in and rows come out as protobuf wire bytes; objects exist on the other side only.
 */
import type { DeadLetterStep } from '../model/dead-letter.ts'
import type { TopicPartition } from '../model/topic-partition.ts'

/** Events in the order of their records. Given away with the call: the callee keeps the bytes. */
export interface EtlBatch {
  readonly count: number
  /** Payloads one after the other; payload i ends at `payloadNext[i]`, where the next starts. */
  readonly payloads: Uint8Array<ArrayBuffer>
  readonly payloadNext: Int32Array
  /** Headers of the records as Kafka encodes them, likewise; empty where there are none. */
  readonly headers: Uint8Array<ArrayBuffer>
  readonly headersNext: Int32Array
  readonly sources: readonly TopicPartition[]
  /** Index into `sources`. */
  readonly source: Int32Array
  readonly offset: BigInt64Array
  /** Position within the record. */
  readonly index: Int32Array
  readonly eventTimeMs: Float64Array
}

/** An event the code made no rows of because something went wrong. */
export interface EtlFailure {
  /** Index into the batch. */
  readonly event: number
  readonly step: DeadLetterStep
  readonly reason: string
  readonly error: string
  /** What tells one failure of this reason from another. */
  readonly detail: string
}

/** What a batch came to. An event with neither rows nor a failure was let go by the code. */
export interface EtlRows {
  /** Rows one after the other; row r ends at `rowNext[r]`, where the next starts. */
  readonly rows: Uint8Array
  readonly rowNext: Int32Array
  /** Rows of event i end before `eventRowNext[i]`, where those of the next event start. */
  readonly eventRowNext: Int32Array
  /** In the order of events. */
  readonly failures: readonly EtlFailure[]
}

export type EtlOutcome =
  | { readonly kind: 'done'; readonly result: EtlRows }
  /** The batch took longer than allowed; whatever it had made is gone. */
  | { readonly kind: 'timed-out'; readonly limitMs: number }
  /** The code ended its thread, or used up its memory; likewise. */
  | { readonly kind: 'crashed'; readonly error: string }

export interface EtlModule {
  /**
   * Runs the code on each event, in order. One batch at a time.
   * @throws {Fault} ETL_MODULE_REFUSED when the code does not load (again).
   */
  run(batch: EtlBatch): Promise<EtlOutcome>
  close(): Promise<void>
}

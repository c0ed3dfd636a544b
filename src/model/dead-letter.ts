import type { UnixMs } from '../base/time.ts'
import type { LakePartition } from './lake-partition.ts'
import type { Offset } from './offset.ts'
import type { SourcePartition } from './topic-partition.ts'

/** Name of the dead letters' table in places and files of the log; no stream can have it. */
export const deadLetterStream = '_dead_letters'

/** The stage that could not take an event. */
export type DeadLetterStep =
  | 'envelope'
  | 'route'
  | 'event-time'
  | 'filter'
  | 'etl'
  | 'decode'
  | 'late'

/**
 * An event we could not take, or came too late: kept whole, with where it came from.
 *
 * `value` is the record's value (the whole batch for a batched record) so that it can be replayed.
 * The bytes are copies: they outlive the input they were read from.
 */
export interface DeadLetter {
  /** Configured stream, or `_unknown`. */
  readonly stream: string
  readonly source: SourcePartition
  readonly offset: Offset
  /** Position within its record. */
  readonly index: number
  readonly kafkaTimestampMs: UnixMs
  readonly eventTimeMs: UnixMs | undefined
  readonly key: Uint8Array | undefined
  /** The record's headers as Kafka encodes them. */
  readonly headers: Uint8Array | undefined
  readonly value: Uint8Array | undefined
  readonly schemaVersion: number | undefined
  readonly step: DeadLetterStep
  /** Stable code, such as "decode-truncated"; counted by it. */
  readonly reason: string
  /** One sentence for people. */
  readonly error: string
  /** Same for letters that fail in the same way: stream, step, reason and place in the schema. */
  readonly fingerprint: string
  /** Cell in which the event is counted. */
  readonly partition: LakePartition
}

/** Where stages leave the letters of events that never came into an event table. */
export interface LetterSink {
  /** Takes a letter, and counts its event as read and dead-lettered. Never throws. */
  refuse(letter: DeadLetter): void
}

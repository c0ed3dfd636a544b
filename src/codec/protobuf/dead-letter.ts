/**
 * A dead letter as wire format of `lakeward.v1.DeadLetter`, so that it is written to its table the
 * way every row is.
 *
 * - The field numbers are those of `proto/dead_letter.proto`; a test compares both.
 * - Always valid: text that is not Unicode is replaced, headers that cannot be read are left out.
 */
import type { DeadLetter } from '../../model/dead-letter.ts'
import type { CommitId } from '../../model/ids.ts'
import { readKafkaHeaders } from './kafka-headers.ts'
import { WireWriter, wireType } from './wire.ts'

/** Field numbers of `lakeward.v1.DeadLetter`. */
export const deadLetterFields = {
  stream: 1,
  topic: 2,
  partition: 3,
  offset: 4,
  index: 5,
  kafka_timestamp_ms: 6,
  event_time_ms: 7,
  key: 8,
  headers: 9,
  value: 10,
  schema_version: 11,
  step: 12,
  reason: 13,
  error: 14,
  fingerprint: 15,
  commit_id: 16,
} as const

type FieldName = keyof typeof deadLetterFields

/** @param commitId of the commit whose entry has the letter's file. */
export function encodeDeadLetter(letter: DeadLetter, commitId: CommitId): Uint8Array {
  const out = new WireWriter()
  writeText(out, 'stream', letter.stream)
  writeText(out, 'topic', letter.source.topic)
  writeInteger(out, 'partition', letter.source.partition)
  writeInteger(out, 'offset', letter.offset)
  writeInteger(out, 'index', letter.index)
  writeInteger(out, 'kafka_timestamp_ms', letter.kafkaTimestampMs)
  writeInteger(out, 'event_time_ms', letter.eventTimeMs)
  writeBytes(out, 'key', letter.key)
  if (letter.headers !== undefined) writeHeaders(out, letter.headers)
  writeBytes(out, 'value', letter.value)
  writeInteger(out, 'schema_version', letter.schemaVersion)
  writeText(out, 'step', letter.step)
  writeText(out, 'reason', letter.reason)
  writeText(out, 'error', letter.error)
  writeText(out, 'fingerprint', letter.fingerprint)
  writeText(out, 'commit_id', commitId)
  return out.copy()
}

function writeText(out: WireWriter, field: FieldName, value: string): void {
  out.tag(deadLetterFields[field], wireType.lengthDelimited)
  out.string(value)
}

function writeBytes(out: WireWriter, field: FieldName, value: Uint8Array | undefined): void {
  if (value === undefined) return
  out.tag(deadLetterFields[field], wireType.lengthDelimited)
  out.bytes(value)
}

/** A number that is no integer (a time that could not be read) is left out. */
function writeInteger(out: WireWriter, field: FieldName, value: number | bigint | undefined): void {
  if (value === undefined || (typeof value === 'number' && !Number.isInteger(value))) return
  out.tag(deadLetterFields[field], wireType.varint)
  out.varint64(BigInt(value))
}

/** Of headers with one key the last one is kept, which is what readers of Kafka do. */
function writeHeaders(out: WireWriter, encoded: Uint8Array): void {
  const headers = new Map(readKafkaHeaders(encoded).map(({ key, value }) => [key, value]))
  for (const [key, value] of headers) {
    out.tag(deadLetterFields.headers, wireType.lengthDelimited)
    out.delimited(() => {
      out.tag(1, wireType.lengthDelimited)
      out.string(key)
      out.tag(2, wireType.lengthDelimited)
      out.bytes(value)
    })
  }
}

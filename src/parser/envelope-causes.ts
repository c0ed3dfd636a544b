/** Why the parser refuses what it refuses, in the words of dead letters. */
import type { InflateOutcome } from '../codec/compression/inflate.ts'
import type { LetterCause } from '../protocol/letter.ts'
import type { TimeFound } from './time-field.ts'

const envelopeCause = (reason: string, error: string): LetterCause => ({
  step: 'envelope',
  reason,
  error,
})

export const valueMissing = envelopeCause('envelope-empty', 'the record has no value')

export const envelopeMalformed = envelopeCause(
  'envelope-malformed',
  'the value is not a RawEvent in protobuf wire format',
)

export const batchMalformed = envelopeCause(
  'batch-malformed',
  'the payload is not a PbEventBatch in protobuf wire format',
)

export const batchEmpty = envelopeCause('batch-empty', 'the batch holds no event')

export const batchEventMalformed = envelopeCause(
  'batch-event-malformed',
  'this entry of the batch is not a PbEvent in protobuf wire format',
)

export const batchTooLarge = (count: number): LetterCause =>
  envelopeCause('batch-too-large', `the batch holds ${count} events`)

const compressionNames = ['none', 'gzip', 'zstd', 'snappy', 'lz4']

/** A payload that could not be inflated; `number` is the envelope's compression. */
export function notInflated(
  kind: Exclude<InflateOutcome['kind'], 'inflated'>,
  number: number,
): LetterCause {
  const name = compressionNames[number] ?? String(number)
  switch (kind) {
    case 'unknown':
      return envelopeCause('compression-unknown', `no compression has the number ${number}`)
    case 'too-large':
      return envelopeCause('payload-too-large', `the ${name} payload inflates to over 64 MiB`)
    case 'malformed':
      return {
        ...envelopeCause('payload-malformed', `the payload is not ${name}, or is cut`),
        detail: name,
      }
  }
}

export const frameMalformed = envelopeCause(
  'frame-malformed',
  "the value does not begin with the frame of Confluent's wire format",
)

/** A schema that cannot be had, or is not protobuf. @param why ends a sentence. */
export const schemaRefused = (id: number, why: string): LetterCause => ({
  ...envelopeCause('schema-unknown', `schema ${id} ${why}`),
  detail: `${id}`,
})

export const positionUnknown = (id: number, path: readonly number[]): LetterCause => ({
  ...envelopeCause('message-unknown', `schema ${id} has no message at ${path.join('.')}`),
  detail: `${id}/${path.join('.')}`,
})

/** A message that no stream of the topic has. */
export const messageUnknown = (name: string): LetterCause => ({
  step: 'route',
  reason: 'message-unknown',
  error: `no stream of message "${name.slice(0, nameCharactersMax)}" is configured for this topic`,
  detail: name.slice(0, nameCharactersMax),
})

/** An event whose time is not where its stream says. @param name of the field, "meta.at". */
export const timeNotFound = (found: Exclude<TimeFound, 'found'>, name: string): LetterCause =>
  found === 'missing'
    ? timeCause('event-time-missing', `the event has no "${name}"`)
    : timeCause('event-time-unreadable', `what holds "${name}" is not protobuf wire format`)

const timeCause = (reason: string, error: string): LetterCause => ({
  step: 'event-time',
  reason,
  error,
})

const nameCharactersMax = 100

/** A stream that is not configured. */
export const unknownName = (name: string): LetterCause => ({
  step: 'route',
  reason: 'unknown-stream',
  error: `no stream "${name.slice(0, nameCharactersMax)}" is configured for this topic`,
  detail: name.slice(0, nameCharactersMax),
})

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes, or undefined when they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

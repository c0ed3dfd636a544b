/**
 * A message as JSON text, for columns whose shape is known only from each event.
 *
 * - Protobuf's JSON mapping, with the names of fields as they are declared: 64-bit integers are
 *   strings, bytes are base64, enums are names (or the number without one), NaN and the infinities
 *   are strings, fields without presence are left out when they have their default.
 * - Timestamp and Duration are text ("2026-11-20T13:00:00.5Z", "1.5s"), wrappers their value,
 *   Struct, Value and ListValue the JSON they stand for. Any and FieldMask are the messages they
 *   are: the type that an Any holds need not be known.
 * - A Timestamp that has no date between the years 1 and 9999 is the message it is.
 *
 * Source: protobuf documentation, "ProtoJSON Format".
 */
import { assert } from '../../base/assert.ts'
import type { FieldSchema, FieldType, MessageSchema } from '../../model/event-schema.ts'
import type { RefusalReason } from '../../model/row-batch.ts'
import { type DecodedMessage, ObjectDecoder } from './object-decoder.ts'
import { WireError } from './wire.ts'

type SingleType = Exclude<FieldType, { readonly kind: 'map' }>

/** What bytes come to. */
export type RenderedJson =
  | { readonly kind: 'text'; readonly text: string }
  /** All is well but for required fields that are not there. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/** Renders messages of any type; decoders are made once for each. */
export function messageJson(): (
  message: MessageSchema,
  bytes: Uint8Array,
  depth: number,
) => RenderedJson {
  const decoders = new WeakMap<MessageSchema, ObjectDecoder>()
  return (message, bytes, depth) => {
    const decoder = decoders.get(message) ?? new ObjectDecoder(message)
    decoders.set(message, decoder)
    try {
      const decoded = decoder.decode(bytes, depth)
      if (!isComplete(message, decoded)) return { kind: 'incomplete' }
      return { kind: 'text', text: messageText(message, decoded) }
    } catch (error) {
      if (error instanceof WireError) return { kind: 'refused', reason: error.reason }
      throw error
    }
  }
}

/** Required fields are there, in all messages that are there. */
function isComplete({ fields }: MessageSchema, message: DecodedMessage): boolean {
  return fields.every((field) => {
    const value = message[field.name]
    if (value === undefined) return field.presence !== 'required'
    const type = field.type.kind === 'map' ? field.type.value : field.type
    if (type.kind !== 'message') return true
    return elementsOf(value).every((each) => isComplete(type.message, each as DecodedMessage))
  })
}

function elementsOf(value: unknown): readonly unknown[] {
  if (value instanceof Map) return [...value.values()]
  return Array.isArray(value) ? value : [value]
}

function messageText(schema: MessageSchema, message: DecodedMessage): string {
  const special = specialTexts.get(schema.fullName)?.(schema, message)
  return special ?? plainText(schema, message)
}

function plainText({ fields }: MessageSchema, message: DecodedMessage): string {
  const members = fields.flatMap((field) => {
    const value = message[field.name]
    if (value === undefined || isLeftOut(field, value)) return []
    return [`${JSON.stringify(field.name)}:${fieldText(field, value)}`]
  })
  return `{${members.join(',')}}`
}

/** Absent and default are the same; negative zero is not the default. */
function isLeftOut({ presence, type }: FieldSchema, value: unknown): boolean {
  if (presence !== 'implicit') return false
  if (value instanceof Map) return value.size === 0
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0
  if (type.kind === 'enum') return value === (type.values.names.get(0) ?? 0)
  return Object.is(value, 0) || value === 0n || value === '' || value === false
}

function fieldText({ type }: FieldSchema, value: unknown): string {
  if (type.kind === 'map') {
    assert(value instanceof Map, 'a map is decoded as one')
    const entries = [...value].map(
      ([key, each]) => `${JSON.stringify(String(key))}:${valueText(type.value, each)}`,
    )
    return `{${entries.join(',')}}`
  }
  if (!Array.isArray(value)) return valueText(type, value)
  return `[${value.map((each) => valueText(type, each)).join(',')}]`
}

function valueText(type: SingleType, value: unknown): string {
  if (type.kind === 'message') return messageText(type.message, value as DecodedMessage)
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'bigint') return `"${value}"`
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`
  return JSON.stringify(value)
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return JSON.stringify(String(value))
  return Object.is(value, -0) ? '-0' : String(value)
}

type SpecialText = (schema: MessageSchema, message: DecodedMessage) => string | undefined

/** Value of the field with this number, whatever a user's copy of the file calls it. */
function numbered(schema: MessageSchema, message: DecodedMessage, number: number): unknown {
  const field = schema.fields.find((each) => each.number === number)
  return field && message[field.name]
}

const wrapperText: SpecialText = (schema, message) => {
  const field = schema.fields.find(({ number }) => number === 1)
  return field && fieldText(field, message[field.name])
}

const wrapperNames = ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String']

const specialTexts: ReadonlyMap<string, SpecialText> = new Map<string, SpecialText>([
  ...[...wrapperNames, 'Bytes'].map(
    (name) => [`google.protobuf.${name}Value`, wrapperText] as const,
  ),
  ['google.protobuf.Struct', wrapperText],
  ['google.protobuf.ListValue', wrapperText],
  ['google.protobuf.Value', (schema, message) => dynamicText(schema, message)],
  ['google.protobuf.Timestamp', (schema, message) => timestampText(schema, message)],
  ['google.protobuf.Duration', (schema, message) => durationText(schema, message)],
])

/** The one member that is there; a Value of which nothing was given is null, as its null is. */
function dynamicText(schema: MessageSchema, message: DecodedMessage): string {
  const field = schema.fields.find(({ name }) => message[name] !== undefined)
  return field === undefined || field.number === 1 ? 'null' : fieldText(field, message[field.name])
}

const firstSeconds = -62_135_596_800n
const lastSeconds = 253_402_300_799n

function timestampText(schema: MessageSchema, message: DecodedMessage): string | undefined {
  const seconds = numbered(schema, message, 1)
  const nanos = numbered(schema, message, 2)
  if (typeof seconds !== 'bigint' || typeof nanos !== 'number') return undefined
  if (seconds < firstSeconds || seconds > lastSeconds || nanos < 0 || nanos > 999_999_999) {
    return undefined
  }
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, -'.000Z'.length)
  return `"${whole}${fractionText(nanos)}Z"`
}

/** As many digits as there are, without zeros behind. */
function fractionText(nanos: number): string {
  if (nanos === 0) return ''
  return `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
}

function durationText(schema: MessageSchema, message: DecodedMessage): string | undefined {
  const seconds = numbered(schema, message, 1)
  const nanos = numbered(schema, message, 2)
  if (typeof seconds !== 'bigint' || typeof nanos !== 'number') return undefined
  const total = seconds * 1_000_000_000n + BigInt(nanos)
  const size = total < 0n ? -total : total
  const whole = size / 1_000_000_000n
  return `"${total < 0n ? '-' : ''}${whole}${fractionText(Number(size % 1_000_000_000n))}s"`
}

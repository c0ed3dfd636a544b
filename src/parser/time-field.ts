/**
 * The time of an event as a field of its message tells it: `eventTime.field`.
 *
 *     created_at           int64, milliseconds since 1970; other units by `eventTime.unit`
 *     meta.created_at      within a message
 *     meta.at              google.protobuf.Timestamp
 *
 * Read in place, before anything is decoded. As every decoder does, the last value wins, the
 * parts of a message that comes several times are put together, and a known number of another
 * wire type is an unknown field.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/;
 * docs/adr/0039-event-time-of-a-field.md.
 */
import { assert, present } from '../base/assert.ts'
import { WireCursor, wire } from '../codec/wire/wire-cursor.ts'
import type { FieldSchema, MessageSchema, ScalarType } from '../model/event-schema.ts'

/** Of an integer since 1970. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns'

/** The key `eventTime` as far as it says where the time stands. */
export interface TimeFieldKeys {
  /** Names from the stream's message on, with points between them. */
  readonly field?: string | undefined
  readonly unit?: TimeUnit | undefined
}

type Encoding = 'varint' | 'unsigned32' | 'zigzag' | 'fixed32' | 'unsigned-fixed32' | 'fixed64'

/** A field that tells times, by numbers. */
export interface TimeField {
  readonly name: string
  /** Field numbers from the message on; at least one. */
  readonly path: readonly number[]
  readonly value:
    | { readonly kind: 'integer'; readonly encoding: Encoding; readonly unit: TimeUnit }
    | { readonly kind: 'timestamp' }
}

const timestampName = 'google.protobuf.Timestamp'
const timestampField = { seconds: 1, nanos: 2 }

const encodings: Partial<Record<ScalarType, Encoding>> = {
  int32: 'varint',
  int64: 'varint',
  uint32: 'unsigned32',
  uint64: 'varint',
  sint32: 'zigzag',
  sint64: 'zigzag',
  fixed32: 'unsigned-fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
}

export type TimeFieldOutcome =
  | { readonly kind: 'found'; readonly field: TimeField }
  /** In words that follow the key `field` or `unit`. */
  | { readonly kind: 'refused'; readonly key: 'field' | 'unit'; readonly why: string }

/** Looks a field up. @returns undefined where no field is configured. */
export function findTimeField(
  message: MessageSchema,
  { field, unit }: TimeFieldKeys,
): TimeFieldOutcome | undefined {
  if (field === undefined) {
    return unit && refused('unit', 'given without field; accepted: beside eventTime.field')
  }
  const path: number[] = []
  let within = message
  let found: FieldSchema | undefined
  for (const name of field.split('.')) {
    if (found !== undefined) {
      if (!isPlainMessage(found)) return refused('field', `"${found.name}" ${noMessage}`)
      within = found.type.message
    }
    found = within.fields.find((each) => each.name === name)
    if (found === undefined) return refused('field', noField(name, within))
    path.push(found.number)
  }
  return timeIn(present(found, 'a path has a name'), { name: field, path, unit })
}

function noField(name: string, { fullName, fields }: MessageSchema): string {
  const accepted = fields.filter(mayLead).map((each) => each.name)
  const some = accepted.slice(0, namedFieldsMax).join(', ')
  const known = accepted.length === 0 ? 'no field of it tells times' : `accepted: ${some}`
  return `"${name}" is no field of ${fullName}; ${known}`
}

function timeIn(
  found: FieldSchema,
  { name, path, unit }: { name: string; path: readonly number[]; unit: TimeUnit | undefined },
): TimeFieldOutcome {
  if (isPlainMessage(found) && found.type.message.fullName === timestampName) {
    if (unit !== undefined) {
      return refused('unit', `given for a ${timestampName}; accepted: with integers only`)
    }
    return { kind: 'found', field: { name, path, value: { kind: 'timestamp' } } }
  }
  const encoding = encodingOf(found)
  if (encoding === undefined) return refused('field', `"${found.name}" ${noTime}`)
  return {
    kind: 'found',
    field: { name, path, value: { kind: 'integer', encoding, unit: unit ?? 'ms' } },
  }
}

const namedFieldsMax = 20
const noMessage = 'is not a message that comes once; accepted: fields of such messages'
const noTime = `tells no time; accepted: an integer that comes once, or a ${timestampName}`

const refused = (key: 'field' | 'unit', why: string): TimeFieldOutcome => ({
  kind: 'refused',
  key,
  why,
})

const encodingOf = ({ type, repeated }: FieldSchema): Encoding | undefined =>
  repeated || type.kind !== 'scalar' ? undefined : encodings[type.scalar]

type MessageField = FieldSchema & { readonly type: { readonly kind: 'message' } }

/** Neither a list, nor a group, whose end is not told before it. */
const isPlainMessage = (field: FieldSchema): field is MessageField =>
  field.type.kind === 'message' && !field.repeated && !field.delimited

const mayLead = (field: FieldSchema): boolean =>
  isPlainMessage(field) || encodingOf(field) !== undefined

/** What bytes say of an event's time. */
export type TimeFound = 'found' | 'missing' | 'malformed'

/** Reads times of one stream; one object for all its events. */
export class TimeReader {
  /** Milliseconds since 1970, rounded down; of the last event that had one. */
  timeMs = 0
  readonly #field: TimeField
  /** One for each message on the way, and one for what is in a timestamp. */
  readonly #cursors: readonly WireCursor[]
  readonly #wireType: number
  #seen = false
  #failed = false
  #seconds = 0
  #nanos = 0

  constructor(field: TimeField) {
    assert(field.path.length > 0, 'a field has a number')
    this.#field = field
    this.#cursors = Array.from({ length: field.path.length + 1 }, () => new WireCursor())
    this.#wireType = wireTypeOf(field)
  }

  get name(): string {
    return this.#field.name
  }

  /** Reads the message in bytes `[start, end)`; `timeMs` is the time where it is found. */
  read(u8: Uint8Array, start: number, end: number): TimeFound {
    this.#seen = false
    this.#failed = false
    this.#seconds = 0
    this.#nanos = 0
    this.#message(0, u8, start, end)
    if (this.#failed) return 'malformed'
    if (!this.#seen) return 'missing'
    if (this.#field.value.kind === 'timestamp') {
      this.timeMs = this.#seconds * 1_000 + Math.floor(this.#nanos / 1_000_000)
    }
    return 'found'
  }

  #message(depth: number, u8: Uint8Array, start: number, end: number): void {
    const { path } = this.#field
    const cursor = this.#cursorAt(depth)
    const isLast = depth === path.length - 1
    const wanted = path[depth]
    const wireType = isLast ? this.#wireType : wire.bytes
    cursor.reset(u8, start, end)
    for (let field = cursor.next(); field !== 0; field = cursor.next()) {
      if (field !== wanted || cursor.wireType !== wireType) cursor.skip(field)
      else if (isLast) this.#value(cursor)
      else this.#inner(cursor, depth + 1)
    }
    this.#failed ||= cursor.failed
  }

  #inner(cursor: WireCursor, depth: number): void {
    const start = cursor.bytes()
    if (!cursor.failed) this.#message(depth, cursor.u8, start, cursor.at)
  }

  #value(cursor: WireCursor): void {
    const { value } = this.#field
    if (value.kind === 'integer') {
      readInteger(cursor, value.encoding)
      if (!cursor.failed) this.timeMs = inMs(cursor, value.unit)
    } else {
      const start = cursor.bytes()
      if (!cursor.failed) this.#timestamp(cursor.u8, start, cursor.at)
    }
    this.#seen = true
  }

  #timestamp(u8: Uint8Array, start: number, end: number): void {
    const cursor = this.#cursorAt(this.#field.path.length)
    cursor.reset(u8, start, end)
    for (let field = cursor.next(); field !== 0; field = cursor.next()) {
      const isKnown = field === timestampField.seconds || field === timestampField.nanos
      if (!isKnown || cursor.wireType !== wire.varint) {
        cursor.skip(field)
        continue
      }
      cursor.varint()
      if (field === timestampField.seconds) this.#seconds = cursor.signed()
      // Of an int32 only the low half counts.
      else this.#nanos = cursor.low
    }
    this.#failed ||= cursor.failed
  }

  #cursorAt(depth: number): WireCursor {
    return present(this.#cursors[depth], 'each message on the way has a cursor')
  }
}

function wireTypeOf({ value }: TimeField): number {
  if (value.kind === 'timestamp') return wire.bytes
  switch (value.encoding) {
    case 'fixed64':
      return wire.fixed64
    case 'fixed32':
    case 'unsigned-fixed32':
      return wire.fixed32
    default:
      return wire.varint
  }
}

/** Leaves the value as two halves, the high one signed. */
function readInteger(cursor: WireCursor, encoding: Encoding): void {
  if (encoding === 'fixed64') return cursor.fixed64()
  if (encoding === 'fixed32' || encoding === 'unsigned-fixed32') {
    cursor.fixed32()
    cursor.high = encoding === 'fixed32' ? cursor.low >> 31 : 0
    return
  }
  cursor.varint()
  if (encoding === 'unsigned32') cursor.high = 0
  if (encoding !== 'zigzag') return
  const sign = -(cursor.low & 1)
  const low = (cursor.low >>> 1) | (cursor.high << 31)
  cursor.high = (cursor.high >>> 1) ^ sign
  cursor.low = low ^ sign
}

/** A half of 2^32 in each unit: whole milliseconds, and what is over. */
const halves = {
  us: { wholeMs: 4_294_967, over: 296, perMs: 1_000 },
  ns: { wholeMs: 4_294, over: 967_296, perMs: 1_000_000 },
} as const

/** Rounded down, and not by way of a number beyond 2^53. */
function inMs(cursor: WireCursor, unit: TimeUnit): number {
  if (unit === 'ms') return cursor.signed()
  if (unit === 's') return cursor.signed() * 1_000
  const { wholeMs, over, perMs } = halves[unit]
  return cursor.high * wholeMs + Math.floor((cursor.high * over + (cursor.low >>> 0)) / perMs)
}

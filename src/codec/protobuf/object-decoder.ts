/**
 * Wire bytes of a message to a plain JavaScript object: what an ETL module is given.
 *
 * - 64-bit integers are bigint, bytes are copies as Uint8Array, enums are names (or the number,
 *   where it has no name), repeated fields are arrays, maps are a Map.
 * - A field with presence is a property only when it was sent; all others have their default.
 * - An object has no prototype: a field may be called `constructor`, and its absence must show.
 * - As every protobuf decoder: the last value wins, submessages sent twice are merged, packed and
 *   unpacked are both read, unknown fields and numbers a closed enum does not name are passed over.
 *
 * Source: protobuf documentation, "Encoding"; the conformance rules on merging and oneof.
 */
import type { FieldSchema, FieldType, MessageSchema } from '../../model/event-schema.ts'
import { scalarReaders } from './scalar-reader.ts'
import { nestingMax, WireReader, wireType } from './wire.ts'

/** A decoded message. Values are what the field's type says; see the file's header. */
export type DecodedMessage = Record<string, unknown>

type MapType = Extract<FieldType, { readonly kind: 'map' }>
type SingleType = Exclude<FieldType, MapType>

interface Place {
  readonly reader: WireReader
  readonly depth: number
  /** Number of the group that is read: it ends at its end tag. Undefined: at the end of bytes. */
  readonly group: number | undefined
}

/** A value on the wire; `group` is the number of its field where it is a group. */
interface SentValue {
  readonly type: SingleType
  readonly group: number | undefined
}

interface MessagePlan {
  readonly fields: ReadonlyMap<number, FieldSchema>
  /** Names of the other members of a member's oneof. */
  readonly rivals: ReadonlyMap<string, readonly string[]>
}

export class ObjectDecoder {
  readonly #schema: MessageSchema
  readonly #plans = new Map<MessageSchema, MessagePlan>()

  constructor(schema: MessageSchema) {
    this.#schema = schema
  }

  /**
   * @param depth at which the limit of nesting starts to count: more for a message that others are
   *   around.
   * @throws {WireError} the bytes are not a message of this schema; `reason` says how.
   */
  decode(bytes: Uint8Array, depth = 1): DecodedMessage {
    const message = emptyMessage(this.#schema)
    const reader = new WireReader(bytes)
    this.#merge(this.#schema, message, { reader, depth, group: undefined })
    return message
  }

  #merge(schema: MessageSchema, into: DecodedMessage, at: Place): void {
    const { reader, depth, group } = at
    if (depth > nestingMax)
      throw reader.error('too-deep', `messages nest deeper than ${nestingMax}`)
    const plan = this.#plan(schema)
    while (group !== undefined || !reader.atEnd) {
      const tag = reader.tag()
      if (group !== undefined && tag === group * 8 + wireType.groupEnd) return
      const field = plan.fields.get(tag >>> 3)
      if (field === undefined || !takes(field, tag & 7)) {
        reader.skip(tag)
        continue
      }
      const value = this.#field(field, into[field.name], tag & 7, at)
      if (value === undefined) continue
      into[field.name] = value
      for (const rival of plan.rivals.get(field.name) ?? []) delete into[rival]
    }
  }

  /** @returns what the field holds after this value, or undefined when it holds what it held. */
  #field(field: FieldSchema, held: unknown, sent: number, at: Place): unknown {
    const { type } = field
    if (type.kind === 'map') return this.#mapEntry(type, held as Map<unknown, unknown>, at)
    if (!field.repeated) return this.#single({ ...placeOf(field), type }, held, at)
    const elements = held as unknown[]
    const isPacked = sent === wireType.lengthDelimited && sent !== wireTypeOf(field)
    if (!isPacked) return this.#append(field, elements, at)
    at.reader.delimited(() => {
      while (!at.reader.atEnd) this.#append(field, elements, at)
    })
    return elements
  }

  #append(field: FieldSchema, elements: unknown[], at: Place): unknown {
    const { type } = field
    if (type.kind === 'map') return elements
    const value = this.#single({ ...placeOf(field), type }, undefined, at)
    if (value !== undefined) elements.push(value)
    return elements
  }

  /** An entry whose value a closed enum does not name is passed over as a whole. */
  #mapEntry(type: MapType, held: Map<unknown, unknown>, at: Place): unknown {
    const keyType = { kind: 'scalar', scalar: type.key } as const
    let key: unknown = zeroOf(keyType)
    let value: unknown
    let isKnown = true
    at.reader.delimited(() => {
      while (!at.reader.atEnd) {
        const tag = at.reader.tag()
        if (tag === 8 + wireTypeOf({ type: keyType, delimited: false })) {
          key = this.#single({ type: keyType, group: undefined }, undefined, at)
        } else if (tag === 16 + wireTypeOf({ type: type.value, delimited: false })) {
          value = this.#single({ type: type.value, group: undefined }, value, at)
          isKnown = value !== undefined
        } else at.reader.skip(tag)
      }
    })
    if (isKnown) held.set(key, value ?? zeroOf(type.value))
    return held
  }

  #single({ type, group }: SentValue, held: unknown, at: Place): unknown {
    switch (type.kind) {
      case 'scalar':
        return scalarReaders[type.scalar].read(at.reader)
      case 'enum': {
        const number = at.reader.varint32()
        return type.values.names.get(number) ?? (type.values.closed ? undefined : number)
      }
      case 'message': {
        const message = (held ?? emptyMessage(type.message)) as DecodedMessage
        const inner = { reader: at.reader, depth: at.depth + 1, group }
        if (group !== undefined) this.#merge(type.message, message, inner)
        else at.reader.delimited(() => this.#merge(type.message, message, inner))
        return message
      }
    }
  }

  #plan(schema: MessageSchema): MessagePlan {
    const known = this.#plans.get(schema)
    if (known !== undefined) return known
    const fields = new Map(schema.fields.map((field) => [field.number, field]))
    const rivals = new Map(schema.fields.map((field) => [field.name, rivalsOf(field, schema)]))
    const plan = { fields, rivals }
    this.#plans.set(schema, plan)
    return plan
  }
}

const rivalsOf = ({ name, oneof }: FieldSchema, schema: MessageSchema): readonly string[] =>
  oneof === undefined
    ? []
    : schema.fields
        .filter((other) => other.oneof === oneof && other.name !== name)
        .map((f) => f.name)

/** A message of which nothing was sent. */
function emptyMessage(schema: MessageSchema): DecodedMessage {
  const message = Object.create(null) as DecodedMessage
  for (const { name, type, repeated, presence } of schema.fields) {
    if (type.kind === 'map') message[name] = new Map()
    else if (repeated) message[name] = []
    else if (presence === 'implicit') message[name] = zeroOf(type)
  }
  return message
}

/** The default is the number 0, or the first name of an enum that has no 0. */
function zeroOf(type: SingleType): unknown {
  if (type.kind === 'scalar') return scalarReaders[type.scalar].zero()
  if (type.kind === 'message') return emptyMessage(type.message)
  const { names, closed } = type.values
  const [first] = names.values()
  return names.get(0) ?? (closed ? first : 0)
}

const placeOf = ({ number, delimited }: FieldSchema): Pick<SentValue, 'group'> => ({
  group: delimited ? number : undefined,
})

function wireTypeOf({ type, delimited }: Pick<FieldSchema, 'type' | 'delimited'>): number {
  if (delimited) return wireType.groupStart
  if (type.kind === 'message' || type.kind === 'map') return wireType.lengthDelimited
  return type.kind === 'enum' ? wireType.varint : scalarReaders[type.scalar].wireType
}

/** Another wire type makes a value an unknown field, except for packed elements. */
function takes(field: FieldSchema, sent: number): boolean {
  const isPackable = field.repeated && field.type.kind !== 'message'
  return sent === wireTypeOf(field) || (isPackable && sent === wireType.lengthDelimited)
}

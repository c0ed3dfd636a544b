/**
 * Plain JavaScript objects to wire bytes of a message: what an ETL module returns becomes a row.
 *
 * - 64-bit integers are bigint, or numbers without loss; bytes are Uint8Array; enums are a name or
 *   a number; repeated fields are arrays; maps are a Map or an object.
 * - undefined and null are absent. Default values of fields without presence are left out.
 * - Nothing is dropped or bent in silence: a key that is no field, two members of one oneof, a
 *   number out of range, half a surrogate pair are refused with the path of the field.
 */
import { Fault } from '../../base/fault.ts'
import type { EnumSchema, FieldSchema, FieldType, MessageSchema } from '../../model/event-schema.ts'
import { mapEntries, shown } from './object-values.ts'
import { type ScalarWriter, scalarWriters } from './scalar-writer.ts'
import { nestingMax, WireWriter, wireType } from './wire.ts'

type MapType = Extract<FieldType, { readonly kind: 'map' }>
type EnumType = Extract<FieldType, { readonly kind: 'enum' }>
type SingleType = Exclude<FieldType, MapType>

/** What is written there: one field, one element of it, or the key or value of a map's entry. */
interface Place {
  readonly number: number
  readonly type: SingleType
  /** The field has no presence: absent and default are the same. */
  readonly skipDefault: boolean
  readonly delimited: boolean
}

/** Where in a row the encoder is: names and indexes from the top, for messages to people. */
type Path = readonly string[]

export class ObjectEncoder {
  readonly #schema: MessageSchema
  readonly #out = new WireWriter()
  readonly #fieldsOf = new Map<MessageSchema, ReadonlyMap<string, FieldSchema>>()
  readonly #numbersOf = new Map<EnumSchema, ReadonlyMap<string, number>>()

  constructor(schema: MessageSchema) {
    this.#schema = schema
  }

  /**
   * @param row what the user's code returned.
   * @returns bytes of its own, which outlive the next call.
   * @throws {Fault} ETL_RESULT_REFUSED, naming the field's path, what it must be and what it is.
   */
  encode(row: unknown): Uint8Array {
    this.#out.clear()
    this.#message(this.#schema, row, [])
    return this.#out.copy()
  }

  #message(schema: MessageSchema, value: unknown, path: Path): void {
    if (!isRecord(value)) throw this.#refused(path, `an object for ${schema.fullName}`, value)
    if (path.length > nestingMax) throw this.#refused(path, `nested less than ${nestingMax}`, value)
    const known = this.#fields(schema)
    for (const key of Object.keys(value)) {
      if (value[key] === undefined || known.has(key)) continue
      throw this.#refused([...path, key], `a field of ${schema.fullName}`, value[key])
    }
    const taken = new Map<string, string>()
    for (const field of schema.fields) {
      this.#field(field, propertyOf(value, field.name), { path, taken })
    }
  }

  #field(field: FieldSchema, value: unknown, at: { path: Path; taken: Map<string, string> }): void {
    const path = [...at.path, field.name]
    if (value === undefined || value === null) {
      if (field.presence === 'required') throw this.#refused(path, 'there, it is required', value)
      return
    }
    if (field.oneof !== undefined) {
      const other = at.taken.get(field.oneof)
      if (other !== undefined) throw this.#refused(path, `absent beside "${other}"`, value)
      at.taken.set(field.oneof, field.name)
    }
    const { number, type, delimited } = field
    const place = { number, delimited, skipDefault: field.presence === 'implicit' }
    if (type.kind === 'map') this.#map(number, type, value, path)
    else if (field.repeated) this.#repeated({ ...place, type, skipDefault: false }, value, path)
    else this.#single({ ...place, type }, value, path)
  }

  #repeated(place: Place, value: unknown, path: Path): void {
    if (!Array.isArray(value)) throw this.#refused(path, 'an array', value)
    for (const [index, element] of value.entries()) {
      this.#single(place, element, elementPath(path, `[${index}]`))
    }
  }

  #map(number: number, type: MapType, value: unknown, path: Path): void {
    const entries = mapEntries(type.key, value)
    if (entries === undefined) throw this.#refused(path, 'a Map or an object', value)
    const keyType = { kind: 'scalar', scalar: type.key } as const
    const place = { skipDefault: false, delimited: false }
    for (const [key, element] of entries) {
      const at = elementPath(path, `[${shown(key)}]`)
      this.#out.tag(number, wireType.lengthDelimited)
      this.#out.delimited(() => {
        this.#single({ ...place, number: 1, type: keyType }, key, at)
        this.#single({ ...place, number: 2, type: type.value }, element, at)
      })
    }
  }

  #single(place: Place, value: unknown, path: Path): void {
    const { type } = place
    switch (type.kind) {
      case 'scalar':
        return this.#scalar(place, scalarWriters[type.scalar], value, path)
      case 'enum':
        return this.#scalar(place, scalarWriters.int32, this.#enumNumber(type, value, path), path)
      case 'message':
        if (place.delimited) return this.#group(place.number, type.message, { value, path })
        this.#out.tag(place.number, wireType.lengthDelimited)
        return this.#out.delimited(() => this.#message(type.message, value, path))
    }
  }

  #group(number: number, message: MessageSchema, given: { value: unknown; path: Path }): void {
    this.#out.tag(number, wireType.groupStart)
    this.#message(message, given.value, given.path)
    this.#out.tag(number, wireType.groupEnd)
  }

  #scalar(place: Place, writer: ScalarWriter, value: unknown, path: Path): void {
    const taken = writer.take(value)
    if (taken === undefined) throw this.#refused(path, writer.expected, value)
    if (place.skipDefault && isDefault(taken)) return
    this.#out.tag(place.number, writer.wireType)
    writer.write(this.#out, taken)
  }

  #enumNumber({ values }: EnumType, value: unknown, path: Path): unknown {
    const number = typeof value === 'string' ? this.#numbers(values).get(value) : value
    const isNamed = typeof number === 'number' && values.names.has(number)
    const isOpen = typeof number === 'number' && !values.closed
    if (isNamed || isOpen) return number
    const names = [...values.names.values()].join(', ')
    throw this.#refused(path, `a name or number of ${values.fullName} (${names})`, value)
  }

  #fields(schema: MessageSchema): ReadonlyMap<string, FieldSchema> {
    const known = this.#fieldsOf.get(schema)
    if (known !== undefined) return known
    const fields = new Map(schema.fields.map((field) => [field.name, field]))
    this.#fieldsOf.set(schema, fields)
    return fields
  }

  #numbers(values: EnumSchema): ReadonlyMap<string, number> {
    const known = this.#numbersOf.get(values)
    if (known !== undefined) return known
    const numbers = new Map([...values.names].map(([number, name]) => [name, number]))
    this.#numbersOf.set(values, numbers)
    return numbers
  }

  #refused(path: Path, expected: string, value: unknown): Fault {
    const field = path.length === 0 ? '(the row)' : path.join('.')
    const message = this.#schema.fullName
    return new Fault('ETL_RESULT_REFUSED', { message, field, expected, got: shown(value) })
  }
}

/** ["items"], "[2]" → ["items[2]"] */
const elementPath = (path: Path, element: string): Path => [
  ...path.slice(0, -1),
  `${path.at(-1) ?? ''}${element}`,
]

/** Negative zero is not the default: its bits differ. */
function isDefault(value: number | bigint | string | Uint8Array): boolean {
  if (value instanceof Uint8Array) return value.length === 0
  return Object.is(value, 0) || value === 0n || value === ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const isOther = Array.isArray(value) || value instanceof Map || ArrayBuffer.isView(value)
  return !isOther && !(value instanceof Date)
}

/** What every object inherits, such as `constructor`, is no field of the message. */
function propertyOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  const isInherited = name in Object.prototype && !Object.hasOwn(value, name)
  return isInherited ? undefined : value[name]
}

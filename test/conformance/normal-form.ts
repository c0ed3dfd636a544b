/**
 * A decoded message in one form, whoever decoded it: protobufjs, @bufbuild/protobuf, or ours out of
 * a Parquet file. Forms are compared as text.
 *
 * - Absent is null where presence is kept, the default elsewhere.
 * - 64-bit integers are decimal texts with an "n", fractions their bits, bytes hex, enums names or,
 *   where the schema has none, the number as text; maps are pairs sorted by key.
 *
 * Fields are taken from protobufjs' reading of the schema, so that a mistake in ours shows.
 */
import { type DescMessage, isFieldSet, isMessage } from '@bufbuild/protobuf'
import protobuf from 'protobufjs'
import { columnKindOf, jsonForm, microsOf, parsedJson, wrappedField } from './column-form.ts'
import {
  bitsOf,
  isMap,
  isWide,
  type MapField,
  type Plain,
  type Source,
  signed64,
  unsigned64,
  wideOf,
} from './plain-form.ts'

function scalarForm(value: unknown, type: string): Plain {
  if (unsigned64.includes(type)) return `${BigInt.asUintN(64, wideOf(value ?? 0n))}n`
  if (signed64.includes(type)) return `${BigInt.asIntN(64, wideOf(value ?? 0n))}n`
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : ''
    case 'bytes':
      return `0x${Buffer.from(value instanceof Uint8Array ? value : []).toString('hex')}`
    case 'bool':
      return value === true || value === 'true'
    case 'double':
    case 'float':
      return bitsOf(Number(value ?? 0), type === 'float')
    default:
      return Number(value ?? 0)
  }
}

class Shaper {
  readonly #source: Source
  /** Full names of the messages around the value that is shaped. */
  readonly #around: string[] = []

  constructor(source: Source) {
    this.#source = source
  }

  message(message: unknown, type: protobuf.Type): Plain {
    this.#around.push(type.fullName)
    try {
      const fields = type.fieldsArray.map((field) => {
        const value = this.#source.field(message, field)
        return [columnName(field), this.#field(value, field.resolve())] as const
      })
      return Object.fromEntries(fields)
    } finally {
      this.#around.pop()
    }
  }

  #field(value: unknown, field: protobuf.Field): Plain {
    if (isMap(field)) return this.#map(value, field)
    if (field.repeated) {
      return Array.isArray(value) ? value.map((element) => this.#value(element, field)) : []
    }
    const isAbsent = value === undefined || value === null
    const isMessage = field.resolvedType instanceof protobuf.Type
    const keepsPresence = (isMessage || Boolean(field.hasPresence)) && !field.required
    return isAbsent && keepsPresence ? null : this.#value(value, field)
  }

  #value(value: unknown, { resolvedType, type }: protobuf.Field): Plain {
    if (resolvedType instanceof protobuf.Type) return this.#message(value, resolvedType)
    if (!(resolvedType instanceof protobuf.Enum)) return scalarForm(value, type)
    // Ours comes out of the file as a text already.
    if (typeof value === 'string') return value
    const number = Number(value ?? 0)
    return resolvedType.valuesById[number] ?? String(number)
  }

  #message(value: unknown, type: protobuf.Type): Plain {
    const source = this.#source
    switch (columnKindOf(type, this.#around)) {
      case 'json':
        return source.hasColumns ? parsedJson(String(value)) : jsonForm(source, value, type)
      case 'time':
        return source.hasColumns ? `${wideOf(value)}n` : microsOf(source, value, type)
      case 'wrapper': {
        const field = wrappedField(type)
        return scalarForm(source.hasColumns ? value : source.field(value, field), field.type)
      }
      case undefined:
        return this.message(value, type)
    }
  }

  #map(value: unknown, field: MapField): Plain {
    const pairs = [...this.#source.entries(value)].map(
      ([key, item]) => [scalarForm(key, field.keyType), this.#value(item, field)] as const,
    )
    return pairs.toSorted(([a], [b]) => (textOf(a) < textOf(b) ? -1 : 1))
  }
}

/** An extension has its full name, with "_" for the dots. */
const columnName = ({ name }: protobuf.Field): string =>
  name.replace(/^\./, '').replaceAll('.', '_')

export const textOf = (form: Plain): string => JSON.stringify(form)

const ownProperty = (message: unknown, name: string): unknown =>
  typeof message === 'object' && message !== null && Object.hasOwn(message, name)
    ? Reflect.get(message, name)
    : undefined

const propertiesOf = (map: unknown): readonly (readonly [string, unknown])[] =>
  typeof map === 'object' && map !== null ? Object.entries(map) : []

/** protobufjs gives an entry without a 64-bit key the text "0", others a hash of eight bytes. */
function hashedKey(key: string, keyType: string): unknown {
  if (!isWide(keyType) || key.length !== 8) return key
  return protobuf.util.longFromHash(key, unsigned64.includes(keyType))
}

const nothing = (): undefined => undefined

class ProtobufjsSource implements Source {
  readonly hasColumns = false
  readonly structJson = nothing
  #keyType = ''

  field(message: unknown, field: protobuf.Field): unknown {
    this.#keyType = isMap(field) ? field.keyType : ''
    return ownProperty(message, field.name)
  }

  entries(map: unknown): Iterable<readonly [unknown, unknown]> {
    const keyType = this.#keyType
    return propertiesOf(map).map(([key, item]) => [hashedKey(key, keyType), item] as const)
  }
}

/** Pairs of a map that is read as a group with a list of them; none when it is no map. */
function pairsOf(map: unknown): readonly (readonly [unknown, unknown])[] {
  const pairs = ownProperty(map, 'key_value')
  if (!Array.isArray(pairs)) return []
  return pairs.map((pair) => [ownProperty(pair, 'key'), ownProperty(pair, 'value')] as const)
}

/** A row of a Parquet file as hyparquet assembles it, maps as pairs. */
const parquetSource: Source = {
  hasColumns: true,
  structJson: nothing,
  field: (row, field) => ownProperty(row, columnName(field)),
  entries: pairsOf,
}

const ofProtobufjs = new Shaper(new ProtobufjsSource())
const ofParquet = new Shaper(parquetSource)

/** A row of columns that are not as their fields are: times, JSON. Integers of 64 bits have an "n". */
export function plainOfRow(value: unknown): Plain {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plainOfRow)
  if (typeof value === 'object') {
    if ('key_value' in value) return pairsOf(value).map((pair) => pair.map(plainOfRow))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOfRow(item)]))
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return typeof value === 'string' ? value : `a ${typeof value}`
}

export const formOfDecoded = (message: unknown, type: protobuf.Type): Plain =>
  ofProtobufjs.message(message, type)

export const formOfRow = (row: unknown, type: protobuf.Type): Plain => ofParquet.message(row, type)

/** A message of @bufbuild/protobuf, by its own descriptor's numbers. */
export function formOfBufbuild(message: unknown, type: protobuf.Type, desc: DescMessage): Plain {
  const descs = new Map<string, DescMessage>()
  const gather = (each: DescMessage): void => {
    if (descs.has(each.typeName)) return
    descs.set(each.typeName, each)
    for (const { message: inner } of each.fields) if (inner !== undefined) gather(inner)
  }
  gather(desc)
  const source: Source = {
    hasColumns: false,
    structJson: (owner) => (isMessage(owner) ? undefined : owner),
    field(owner, field) {
      // A wrapper is often its value.
      if (!isMessage(owner)) return owner
      const ownerDesc = descs.get(owner.$typeName)
      const member = ownerDesc?.fields.find(({ number }) => number === field.id)
      if (ownerDesc === undefined || member === undefined) return undefined
      if (!isFieldSet(owner, member)) return undefined
      const held =
        member.oneof === undefined ? undefined : ownProperty(owner, member.oneof.localName)
      return held === undefined ? ownProperty(owner, member.localName) : ownProperty(held, 'value')
    },
    entries: propertiesOf,
  }
  return new Shaper(source).message(message, type)
}

/** protobufjs as the judge of what bytes mean: a row as the columns must give it, or a refusal. */
import protobuf from 'protobufjs'
import { present } from '../../src/base/assert.ts'
import type { FieldType, MessageSchema, ScalarType } from '../../src/model/event-schema.ts'
import type { RowValue } from './parquet-pages.ts'
import type { DrawnSchema } from './random-schemas.ts'

function propertyOf(message: unknown, name: string): unknown {
  if (typeof message !== 'object' || message === null) return undefined
  return Object.hasOwn(message, name) ? Reflect.get(message, name) : undefined
}

const unsigned64: readonly ScalarType[] = ['uint64', 'fixed64']
const wide: readonly ScalarType[] = [...unsigned64, 'int64', 'sint64', 'sfixed64']

function bigintOf(value: unknown, scalar: ScalarType): bigint {
  const low = BigInt(Number(propertyOf(value, 'low') ?? value) >>> 0)
  const high = BigInt(Number(propertyOf(value, 'high') ?? 0))
  const whole = (high << 32n) | low
  return unsigned64.includes(scalar) ? BigInt.asUintN(64, whole) : BigInt.asIntN(64, whole)
}

function scalarRow(value: unknown, scalar: ScalarType): RowValue {
  if (wide.includes(scalar)) return bigintOf(value ?? 0, scalar)
  if (scalar === 'string') return typeof value === 'string' ? value : ''
  if (scalar === 'bytes') {
    return `0x${Buffer.from(value instanceof Uint8Array ? value : []).toString('hex')}`
  }
  return scalar === 'bool' ? value === true : Number(value ?? 0)
}

function typeRow(value: unknown, type: FieldType): RowValue {
  switch (type.kind) {
    case 'scalar':
      return scalarRow(value, type.scalar)
    case 'enum': {
      const number = Number(value ?? 0)
      return type.values.names.get(number) ?? String(number)
    }
    case 'message':
      return messageRow(value, type.message)
    case 'map':
      return mapRow(value, type.key, type.value)
  }
}

function keyRow(key: string, scalar: ScalarType): RowValue {
  if (scalar === 'bool') return key === 'true'
  // An entry without a key has the text "0" in place of a hash.
  if (wide.includes(scalar) && key === '0') return 0n
  if (!wide.includes(scalar)) return scalarRow(scalar === 'string' ? key : Number(key), scalar)
  return bigintOf(protobuf.util.longFromHash(key, unsigned64.includes(scalar)), scalar)
}

function mapRow(value: unknown, key: ScalarType, type: FieldType): RowValue {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const pairs = entries.map(([name, item]): readonly [RowValue, RowValue] => [
    keyRow(name, key),
    typeRow(item, type),
  ])
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new AmbiguousMap()
  return sortedPairs(pairs)
}

const printed = (value: RowValue): string =>
  JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item)) ?? ''

const sortedPairs = (pairs: readonly RowValue[]): RowValue =>
  pairs.toSorted((a, b) => (printed(a) < printed(b) ? -1 : 1))

/** Absent is null where presence is kept, the default elsewhere. */
function messageRow(message: unknown, schema: MessageSchema): RowValue {
  const row: Record<string, RowValue> = {}
  for (const { name, type, repeated, presence } of schema.fields) {
    const value = propertyOf(message, name)
    if (type.kind === 'map') row[name] = typeRow(value, type)
    else if (repeated) {
      row[name] = Array.isArray(value) ? value.map((item) => typeRow(item, type)) : []
    } else if (value === undefined && presence !== 'implicit') row[name] = null
    else row[name] = typeRow(value, type)
  }
  return row
}

/** Maps have no order: pairs sorted, as the expected rows have them. */
export function withSortedMaps(row: RowValue, schema: MessageSchema): RowValue {
  const fields = Object.entries(present(asPlain(row), 'a row is a group'))
  const typeOfField = new Map(schema.fields.map((field) => [field.name, field]))
  return Object.fromEntries(
    fields.map(([name, value]) => {
      const field = present(typeOfField.get(name), 'a column is a field')
      return [name, sortedInside(value, field.type, field.repeated)]
    }),
  )
}

function sortedInside(value: RowValue, type: FieldType, repeated: boolean): RowValue {
  if (value === null) return null
  if (type.kind === 'map' && Array.isArray(value)) {
    const pairs = value.map((pair): RowValue => {
      const [key, item] = Array.isArray(pair) ? pair : []
      return [key ?? null, sortedInside(item ?? null, type.value, false)]
    })
    return sortedPairs(pairs)
  }
  if (type.kind !== 'message') return value
  if (!repeated) return withSortedMaps(value, type.message)
  return Array.isArray(value) ? value.map((item) => withSortedMaps(item, type.message)) : value
}

function asPlain(row: RowValue): { readonly [name: string]: RowValue } | undefined {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return undefined
  return Object.fromEntries(Object.entries(row))
}

/** 64-bit key 0 stands there twice, with and without a key on the wire: the later one is lost. */
class AmbiguousMap extends Error {}

export type Verdict =
  | { readonly kind: 'row'; readonly row: RowValue }
  | { readonly kind: 'refused' }
  /** A required field is missing from an occurrence, as far as protobufjs came. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'ambiguous' }

/** What protobufjs makes of the bytes. */
export function judge(schema: DrawnSchema, bytes: Uint8Array): Verdict {
  try {
    return { kind: 'row', row: messageRow(schema.type.decode(bytes), schema.message) }
  } catch (error) {
    if (error instanceof AmbiguousMap) return { kind: 'ambiguous' }
    return { kind: error instanceof protobuf.util.ProtocolError ? 'incomplete' : 'refused' }
  }
}

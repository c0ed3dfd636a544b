/**
 * What the references make of messages that are one column: times, wrappers, JSON. Written from
 * docs/protobuf-to-parquet.md and the documentation of ProtoJSON alone.
 */
import protobuf from 'protobufjs'
import { present } from '../../src/base/assert.ts'
import { bitsOf, isMap, isWide, type Plain, type Source, wideOf } from './plain-form.ts'

const wellKnown = '.google.protobuf.'
const shapeless = ['Struct', 'Value', 'ListValue'].map((name) => wellKnown + name)

/** Undefined for a message that is a group of columns. */
export function columnKindOf(
  { fullName }: protobuf.Type,
  around: readonly string[],
): 'json' | 'time' | 'wrapper' | undefined {
  if (shapeless.includes(fullName) || around.includes(fullName)) return 'json'
  if (!fullName.startsWith(wellKnown)) return undefined
  if (fullName.endsWith('.Timestamp') || fullName.endsWith('.Duration')) return 'time'
  return fullName.endsWith('Value') ? 'wrapper' : undefined
}

/** The only field of a wrapper. */
export const wrappedField = ({ fieldsById }: protobuf.Type): protobuf.Field =>
  present(fieldsById[1], 'a wrapper has a field')

function partsOf(source: Source, message: unknown, type: protobuf.Type): readonly [bigint, bigint] {
  const [seconds, nanos] = [1, 2].map((number) => {
    const field = present(type.fieldsById[number], 'times have seconds and nanos')
    return wideOf(source.field(message, field) ?? 0n)
  })
  return [BigInt.asIntN(64, seconds ?? 0n), BigInt.asIntN(32, nanos ?? 0n)]
}

/**
 * Microseconds: of a Timestamp rounded down, of a Duration towards zero.
 *
 * @throws {Error} they do not fit into 64 bits.
 */
export function microsOf(source: Source, message: unknown, type: protobuf.Type): Plain {
  const [seconds, nanos] = partsOf(source, message, type)
  const total = seconds * 1_000_000_000n + nanos
  const towardsZero = total / 1_000n
  const isBelow = type.name === 'Timestamp' && total % 1_000n < 0n
  const micros = isBelow ? towardsZero - 1n : towardsZero
  if (BigInt.asIntN(64, micros) !== micros) throw new Error('out of range')
  return `${micros}n`
}

/** JSON with numbers told from texts, and members in one order; maps are objects. */
export function parsedJson(text: string): Plain {
  return inForm(JSON.parse(text))
}

function inForm(value: unknown): Plain {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? `#${bitsOf(value, false)}` : `'${value}`
  }
  if (typeof value === 'string') return `'${value}`
  if (typeof value === 'boolean' || value === null) return value
  if (Array.isArray(value)) return value.map(inForm)
  return sorted(Object.entries(Object(value)).map(([name, each]) => [name, inForm(each)]))
}

/** A list, since an object has one member "__proto__" less. */
const sorted = (members: readonly (readonly [string, Plain])[]): Plain => ({
  json: members.toSorted(([one], [other]) => (one < other ? -1 : 1)),
})

/** A message as the JSON that its column holds, in the form of `parsedJson`. */
export function jsonForm(source: Source, message: unknown, type: protobuf.Type): Plain {
  const valueAt = (number: number): Plain => {
    const field = present(type.fieldsById[number], 'the type has the field')
    return fieldForm(source, source.field(message, field), field)
  }
  switch (type.fullName) {
    case '.google.protobuf.Struct': {
      const json = source.structJson(message)
      return json === undefined ? valueAt(1) : inForm(json)
    }
    case '.google.protobuf.ListValue':
      return valueAt(1)
    case '.google.protobuf.Value': {
      const held = type.fieldsArray.find((field) => isThere(source.field(message, field)))
      return held === undefined || held.id === 1 ? null : valueAt(held.id)
    }
    case '.google.protobuf.Timestamp':
      return timestampForm(source, message, type)
    case '.google.protobuf.Duration':
      return durationForm(source, message, type)
  }
  return columnKindOf(type, []) === 'wrapper' ? valueAt(1) : membersForm(source, message, type)
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null

function membersForm(source: Source, message: unknown, type: protobuf.Type): Plain {
  const members = type.fieldsArray.flatMap((field) => {
    const value = source.field(message, field.resolve())
    const isMessage = field.resolvedType instanceof protobuf.Type
    if (isMessage && !isThere(value)) return []
    const keepsPresence = Boolean(field.hasPresence) || field.required === true
    if (keepsPresence && !isThere(value)) return []
    const form = fieldForm(source, value, field)
    return !keepsPresence && isDefault(form, field) ? [] : [[field.name, form] as const]
  })
  return sorted(members)
}

/** Of a field without presence. Zero has one form, and minus zero another. */
function isDefault(form: Plain, field: protobuf.Field): boolean {
  if (isMap(field)) return JSON.stringify(form) === JSON.stringify(sorted([]))
  if (field.repeated) return Array.isArray(form) && form.length === 0
  return JSON.stringify(form) === JSON.stringify(valueForm(undefined, field))
}

function fieldForm(source: Source, value: unknown, field: protobuf.Field): Plain {
  if (isMap(field)) {
    const entries = [...source.entries(value)].map(([key, item]) => {
      const name = isWide(field.keyType) ? wideText(key, field.keyType) : String(key)
      return [name, elementForm(source, item, field)] as const
    })
    return sorted(entries)
  }
  if (!field.repeated) return elementForm(source, value, field)
  return Array.isArray(value) ? value.map((each) => elementForm(source, each, field)) : []
}

function elementForm(source: Source, value: unknown, field: protobuf.Field): Plain {
  const { resolvedType } = field.resolve()
  return resolvedType instanceof protobuf.Type
    ? jsonForm(source, value, resolvedType)
    : valueForm(value, field)
}

const wideText = (value: unknown, type: string): string => {
  const isUnsigned = type === 'uint64' || type === 'fixed64'
  const whole = wideOf(value ?? 0n)
  return String(isUnsigned ? BigInt.asUintN(64, whole) : BigInt.asIntN(64, whole))
}

function valueForm(value: unknown, { type, resolvedType }: protobuf.Field): Plain {
  if (resolvedType instanceof protobuf.Enum) {
    const number = Number(value ?? 0)
    const name = resolvedType.valuesById[number]
    return inForm(name ?? number)
  }
  if (isWide(type)) return `'${wideText(value, type)}`
  if (type === 'string') return `'${typeof value === 'string' ? value : ''}`
  if (type === 'bytes') {
    return `'${Buffer.from(value instanceof Uint8Array ? value : []).toString('base64')}`
  }
  if (type === 'bool') return value === true
  return inForm(Number(value ?? 0))
}

const yearOne = BigInt(Date.parse('0001-01-01T00:00:00Z')) / 1_000n
const yearTenThousand = BigInt(Date.parse('9999-12-31T23:59:59Z')) / 1_000n + 1n

function timestampForm(source: Source, message: unknown, type: protobuf.Type): Plain {
  const [seconds, nanos] = partsOf(source, message, type)
  const isDate = seconds >= yearOne && seconds < yearTenThousand && nanos >= 0n && nanos < 10n ** 9n
  if (!isDate) return membersForm(source, message, type)
  const [date] = new Date(Number(seconds) * 1_000).toISOString().split('.')
  return `'${date}${fraction(nanos)}Z`
}

function durationForm(source: Source, message: unknown, type: protobuf.Type): Plain {
  const [seconds, nanos] = partsOf(source, message, type)
  const total = seconds * 10n ** 9n + nanos
  const size = total < 0n ? -total : total
  return `'${total < 0n ? '-' : ''}${size / 10n ** 9n}${fraction(size % 10n ** 9n)}s`
}

const fraction = (nanos: bigint): string =>
  nanos === 0n ? '' : `.${String(nanos).padStart(9, '0')}`.replace(/0+$/, '')

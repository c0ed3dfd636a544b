/**
 * Rows of `test/golden/parquet/every_type.proto`, as wire bytes and as any reader must see them.
 */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import type { FieldSchema, FieldType, MessageSchema } from '../../src/model/event-schema.ts'

const source = readFileSync(new URL('../golden/parquet/every_type.proto', import.meta.url), 'utf8')

export const everyType: MessageSchema = parseMessageSchema(
  new Map([['every_type.proto', source]]),
  'every_type.proto',
  'golden.EveryType',
)

const oracle = protobuf.parse(source, { keepCase: true }).root.lookupType('golden.EveryType')

/** What protobufjs takes: 64-bit integers as text. */
export type Input = Readonly<Record<string, unknown>>

/** Encoded by protobufjs, which shares nothing with the kernel. */
export const wireOf = (row: Input): Uint8Array => oracle.encode(oracle.fromObject(row)).finish()

const edges64 = ['0', '1', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993']
const edgesUnsigned64 = ['0', '18446744073709551615', '9223372036854775808', '9007199254740993']
const edges32 = [0, 1, -1, 2_147_483_647, -2_147_483_648]
const edgesUnsigned32 = [0, 1, 4_294_967_295, 2_147_483_648]
const fractions = [
  0,
  -0,
  1.5,
  -1.5,
  Infinity,
  -Infinity,
  Number.NaN,
  5e-324,
  1.7976931348623157e308,
]
const floats = [0, -0, 1.5, -2.25, Infinity, -Infinity, Number.NaN, 3.4028234663852886e38]
const texts = ['', 'a', 'é', '漢字', '𝄞 clef', 'x'.repeat(63), '\u0000', 'line\nbreak', '"quoted"']
const blobs = [[], [0], [255, 254], Array.from({ length: 70 }, () => 255)]
const kinds = ['NONE', 'CLICK', 'PAGE_VIEW', 'BACK', 77, -77]

const pick = <Value>(values: readonly Value[], index: number): Value | undefined =>
  values[((index % values.length) + values.length) % values.length]

const some = <Value>(count: number, of: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => of(index))

function deep(index: number): Input {
  return {
    flag: index % 2 === 0,
    marks: some(index % 3, (at) => pick(edgesUnsigned64, index + at)),
  }
}

function inner(index: number): Input {
  return {
    sku: pick(texts, index),
    quantity: pick(edges64, index),
    ...(index % 2 === 0 ? { price: pick(fractions, index >> 1) } : {}),
    labels: some(index % 4, (at) => pick(texts, index + at)),
    ...(index % 3 === 0 ? {} : { deep: deep(index) }),
  }
}

function singular(index: number): Input {
  return {
    i32: pick(edges32, index),
    i64: pick(edges64, index),
    u32: pick(edgesUnsigned32, index),
    u64: pick(edgesUnsigned64, index),
    s32: index - 500,
    s64: String(BigInt(index) * 1_000_000_007n),
    f32: pick(edgesUnsigned32, index + 1),
    f64: pick(edgesUnsigned64, index + 1),
    sf32: pick(edges32, index + 1),
    sf64: pick(edges64, index + 1),
    float: pick(floats, index),
    double: pick(fractions, index),
    bool: index % 3 === 0,
    string: `${pick(texts, index)}${index % 50}`,
    bytes: pick(blobs, index),
    kind: pick(kinds, index),
    long_text: `${'é'.repeat(40)}${index}${'y'.repeat(index % 100)}`,
    constant: 'always the same',
  }
}

function optional(index: number): Input {
  const when = (divisor: number, field: Input): Input => (index % divisor === 0 ? {} : field)
  return {
    ...when(2, { maybe_int: pick(edges32, index) }),
    ...when(3, { maybe_string: pick(texts, index) }),
    ...when(4, { maybe_bool: index % 8 < 4 }),
    ...when(5, { maybe_double: pick(fractions, index) }),
    ...when(6, { maybe_kind: pick(kinds, index) }),
    ...when(7, { maybe_bytes: pick(blobs, index) }),
    ...when(3, { inner: inner(index) }),
  }
}

function repeated(index: number): Input {
  return {
    ints: some(index % 5, (at) => pick(edges32, index + at)),
    strings: some(index % 4, (at) => pick(texts, index + at)),
    doubles: some(index % 3, (at) => pick(fractions, index + at)),
    kinds: some(index % 4, (at) => pick(kinds, index + at)),
    items: some(index % 3, (at) => inner(index + at)),
    tags: Object.fromEntries(some(index % 3, (at) => [`key ${at}`, pick(texts, index + at)])),
    by_id: Object.fromEntries(some(index % 3, (at) => [String(at * 3 - 1), inner(index + at)])),
    flags: Object.fromEntries(some(index % 3, (at) => [at === 0, pick(fractions, index + at)])),
  }
}

function chosen(index: number): Input {
  const member = index % 4
  if (member === 0) return {}
  if (member === 1) return { url: pick(texts, index) }
  return member === 2 ? { code: pick(edgesUnsigned64, index) } : { target: deep(index) }
}

/** The row with this number, 0-based; the same in every run. */
export const everyTypeRow = (index: number): Input =>
  index % 101 === 0
    ? {}
    : { ...singular(index), ...optional(index), ...repeated(index), ...chosen(index) }

/** The row as `read_parquet.py` shows it. */
export function shownRow(row: Input, message: MessageSchema = everyType): Record<string, unknown> {
  return Object.fromEntries(
    message.fields.map((field) => [field.name, shownField(field, row[field.name])]),
  )
}

function shownField(field: FieldSchema, value: unknown): unknown {
  const { type } = field
  if (type.kind === 'map') return { map: shownEntries(type, value ?? {}) }
  if (field.repeated) return ((value ?? []) as unknown[]).map((each) => shownValue(type, each))
  if (value === undefined)
    return field.presence === 'implicit' ? shownValue(type, zeroOf(type)) : null
  return shownValue(type, value)
}

type MapType = Extract<FieldType, { kind: 'map' }>
type SingleType = Exclude<FieldType, MapType>

function shownEntries(type: MapType, value: object): unknown[] {
  return Object.entries(value).map(([key, element]) => {
    const typed = type.key === 'bool' ? key === 'true' : key
    return [
      shownValue({ kind: 'scalar', scalar: type.key }, typed),
      shownValue(type.value, element),
    ]
  })
}

function zeroOf(type: SingleType): unknown {
  if (type.kind === 'enum') return 'NONE'
  if (type.kind === 'message') return {}
  if (type.scalar === 'string') return ''
  if (type.scalar === 'bytes') return []
  return type.scalar === 'bool' ? false : 0
}

function shownValue(type: SingleType, value: unknown): unknown {
  if (type.kind === 'message') return shownRow(value as Input, type.message)
  if (type.kind === 'enum') return typeof value === 'number' ? String(value) : value
  switch (type.scalar) {
    case 'bool':
    case 'string':
      return value
    case 'bytes':
      return { bytes: Buffer.from(value as number[]).toString('hex') }
    case 'float':
      return { float: hexFraction(Math.fround(Number(value))) }
    case 'double':
      return { float: hexFraction(Number(value)) }
    default:
      return { int: String(value) }
  }
}

/** As Python's `float.hex` writes it: the bits, without rounding. */
export function hexFraction(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const sign = bits >> 63n === 1n ? '-' : ''
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xf_ffff_ffff_ffffn
  if (exponent === 0 && fraction === 0n) return `${sign}0x0.0p+0`
  const digits = fraction.toString(16).padStart(13, '0')
  if (exponent === 0) return `${sign}0x0.${digits}p-1022`
  const power = exponent - 1_023
  return `${sign}0x1.${digits}p${power < 0 ? '-' : '+'}${Math.abs(power)}`
}

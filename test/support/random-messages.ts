/** Random messages of random types, as wire bytes. */
import fc from 'fast-check'
import protobuf from 'protobufjs'
import type {
  FieldSchema,
  FieldType,
  MessageSchema,
  ScalarType,
} from '../../src/model/event-schema.ts'
import type { DrawnSchema } from './random-schemas.ts'
import { wellKnownValue } from './well-known.ts'

const integers = (min: bigint, max: bigint): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(0n, 1n, 127n, 128n, min, max),
      fc.bigInt({ min: 0n, max: 300n }),
      fc.bigInt({ min, max }),
    )
    .map(String)

const integers32 = (min: bigint, max: bigint): fc.Arbitrary<number> =>
  integers(min, max).map(Number)

const texts = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    'sixteen bytes ok',
    'seventeen bytes ok',
    'ünïcödé',
    '日本語',
    '😀',
  ),
  fc.string({ maxLength: 40, unit: 'grapheme' }),
)

function scalarArbitrary(scalar: ScalarType): fc.Arbitrary<unknown> {
  switch (scalar) {
    case 'double':
      return fc.oneof(fc.double(), fc.constantFrom(0, -0, 1.5))
    case 'float':
      return fc.oneof(fc.float(), fc.constantFrom(0, -0, 1.5))
    case 'bool':
      return fc.boolean()
    case 'string':
      return texts
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 })
    case 'uint32':
    case 'fixed32':
      return integers32(0n, 2n ** 32n - 1n)
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return integers32(-(2n ** 31n), 2n ** 31n - 1n)
    case 'uint64':
    case 'fixed64':
      return integers(0n, 2n ** 64n - 1n)
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return integers(-(2n ** 63n), 2n ** 63n - 1n)
  }
}

const enumNumbers = fc.constantFrom(0, 1, 7, -3, 300, 0, 1, 7, 55, -2_000_000_000)

/** A message stands within itself no deeper. */
const withinItselfMax = 2

function valueArbitrary(type: FieldType, around: Around): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'scalar':
      return scalarArbitrary(type.scalar)
    case 'enum':
      return enumNumbers
    case 'message':
      return wellKnownValue(type.message) ?? plainMessage(type.message, around)
    case 'map': {
      const pair = fc.tuple(mapKey(type.key), valueArbitrary(type.value, around))
      const pairs = fc.array(pair, { maxLength: 4 })
      return pairs.map((list) => Object.fromEntries(list))
    }
  }
}

const hashOf = (key: bigint): string =>
  new protobuf.util.LongBits(Number(key & 0xffff_ffffn), Number(key >> 32n)).toHash()

/** 64-bit keys are hashes of their bytes in protobufjs. */
function mapKey(scalar: ScalarType): fc.Arbitrary<string> {
  const long = scalar === 'sint64' || scalar === 'uint64'
  return scalarArbitrary(scalar).map((key) =>
    long ? hashOf(BigInt.asUintN(64, BigInt(String(key)))) : String(key),
  )
}

function plainField(field: FieldSchema, around: Around): fc.Arbitrary<unknown> {
  const value = valueArbitrary(field.type, around)
  if (field.repeated && field.type.kind !== 'map') return fc.array(value, { maxLength: 4 })
  return value
}

type Around = readonly MessageSchema[]

function isTooDeep(type: FieldType, around: Around): boolean {
  if (type.kind === 'map') return isTooDeep(type.value, around)
  if (type.kind !== 'message') return false
  return around.filter((each) => each === type.message).length > withinItselfMax
}

/** A message as protobufjs' `fromObject` takes it; at most one member of the oneof. */
function plainMessage(
  message: MessageSchema,
  outside: Around = [],
): fc.Arbitrary<Record<string, unknown>> {
  const around = [...outside, message]
  const fields = message.fields.filter(({ type }) => !isTooDeep(type, around))
  const free = fields.filter(({ oneof }) => oneof === undefined)
  const members = fields.filter(({ oneof }) => oneof !== undefined)
  const required = free.filter(({ presence }) => presence === 'required').map(({ name }) => name)
  const shape = Object.fromEntries(free.map((field) => [field.name, plainField(field, around)]))
  const base = fc.record(shape, { requiredKeys: required })
  if (members.length === 0) return base
  const member = fc.oneof(
    fc.constant({}),
    ...members.map((field) => plainField(field, around).map((value) => ({ [field.name]: value }))),
  )
  return fc.tuple(base, member).map(([fields, chosen]) => ({ ...fields, ...chosen }))
}

/**
 * Wire bytes of a random message; now and then of several messages one behind the other, which must
 * be merged, packed in one way or the other.
 */
export function wireBytes(schema: DrawnSchema): fc.Arbitrary<Uint8Array> {
  const part = fc.tuple(plainMessage(schema.message), fc.boolean()).map(([plain, other]) => {
    const type = other ? schema.otherwisePacked : schema.type
    return new Uint8Array(type.encode(type.fromObject(plain)).finish())
  })
  return fc
    .array(part, { minLength: 1, maxLength: 3 })
    .map((parts) => new Uint8Array(Buffer.concat(parts)))
}

/**
 * Random message types, and random messages of them as wire bytes.
 *
 * A type is drawn as our own `MessageSchema` and printed as .proto text for protobufjs, so that
 * neither side reads the other's reading of the schema.
 */
import fc from 'fast-check'
import protobuf from 'protobufjs'
import {
  type EnumSchema,
  type FieldSchema,
  type FieldType,
  type MessageSchema,
  type ScalarType,
  scalarTypes,
} from '../../src/model/event-schema.ts'

const keyScalars: readonly ScalarType[] = ['string', 'int32', 'bool', 'sint64', 'fixed32', 'uint64']

export interface DrawnSchema {
  readonly message: MessageSchema
  /** Types for protobufjs: the same fields with one and with the other way of packing. */
  readonly type: protobuf.Type
  readonly otherwisePacked: protobuf.Type
}

type Syntax = MessageSchema['syntax']
interface DrawnField {
  readonly shape: 'implicit' | 'explicit' | 'repeated' | 'map' | 'oneof' | 'required'
  readonly type: FieldType
  readonly key: ScalarType
  readonly jump: number
  readonly delimited: boolean
}

const scalarType = fc
  .constantFrom(...scalarTypes)
  .map((scalar): FieldType => ({ kind: 'scalar', scalar }))

function enumType(syntax: Syntax): fc.Arbitrary<FieldType> {
  const names = new Map([
    [0, 'NONE'],
    [1, 'ONE'],
    [7, 'SEVEN'],
    [-3, 'MINUS_THREE'],
    [300, 'MANY'],
  ])
  const closed = syntax === 'proto2'
  const values: EnumSchema = { fullName: 'test.Choice', names, closed }
  return fc.constant({ kind: 'enum', values })
}

function fieldArbitrary(syntax: Syntax, depth: number): fc.Arbitrary<DrawnField> {
  const single = [
    { weight: 6, arbitrary: scalarType },
    { weight: 2, arbitrary: enumType(syntax) },
  ]
  const message = (): fc.Arbitrary<FieldType> =>
    messageArbitrary(syntax, depth - 1).map((inner) => ({ kind: 'message', message: inner }))
  const type =
    depth === 0
      ? fc.oneof(...single)
      : fc.oneof(...single, { weight: 4, arbitrary: fc.constant(0).chain(message) })
  const presences = presencesOf[syntax]
  const shapes: readonly DrawnField['shape'][] = [...presences, 'repeated', 'map', 'oneof']
  return fc.record({
    shape: fc.constantFrom(...shapes),
    type,
    key: fc.constantFrom(...keyScalars),
    jump: fc.constantFrom(1, 1, 1, 2, 14, 300, 2_000, 100_000),
    delimited: syntax === 'proto3' ? fc.constant(false) : fc.boolean(),
  })
}

const presencesOf: Readonly<Record<Syntax, readonly DrawnField['shape'][]>> = {
  proto2: ['explicit', 'required'],
  proto3: ['implicit', 'explicit'],
  editions: ['implicit', 'explicit', 'required'],
}

let drawnMessages = 0

function messageArbitrary(syntax: Syntax, depth: number): fc.Arbitrary<MessageSchema> {
  const fields = fc.array(fieldArbitrary(syntax, depth), { minLength: 1, maxLength: 5 })
  return fields.map((drawn) => {
    let number = 0
    drawnMessages += 1
    return {
      fullName: `test.M${drawnMessages}`,
      syntax,
      fields: drawn.map((field, index) => {
        number += field.jump
        return fieldOf(field, `f${index}`, number, syntax)
      }),
    }
  })
}

function fieldOf(drawn: DrawnField, name: string, number: number, syntax: Syntax): FieldSchema {
  const { shape, key } = drawn
  const isMessage = drawn.type.kind === 'message'
  const base = {
    name,
    number,
    repeated: false,
    delimited: false,
    oneof: undefined,
    comment: undefined,
  } as const
  if (shape === 'map' && drawn.type.kind !== 'map') {
    const type: FieldType = { kind: 'map', key, value: drawn.type }
    return { ...base, type, repeated: true, presence: 'implicit' }
  }
  const { type } = drawn
  const mayBeDelimited = syntax !== 'proto2' || (shape !== 'oneof' && !hasOneof(type))
  const sent = { ...base, type, delimited: drawn.delimited && isMessage && mayBeDelimited }
  if (shape === 'repeated') return { ...sent, repeated: true, presence: 'implicit' }
  if (shape === 'oneof') return { ...sent, presence: 'explicit', oneof: 'either' }
  if (shape === 'required') return { ...sent, presence: 'required' }
  const implicit = shape === 'implicit' && syntax !== 'proto2' && !isMessage
  return { ...sent, presence: implicit ? 'implicit' : 'explicit' }
}

/** Sources have no group within a oneof, and no oneof within a group: see the refused schemas. */
const hasOneof = (type: FieldType): boolean =>
  type.kind === 'message' && type.message.fields.some(({ oneof }) => oneof !== undefined)

/** Types of up to three levels below the root. */
export const drawnSchema: fc.Arbitrary<DrawnSchema> = fc
  .constantFrom<Syntax>('proto3', 'proto2', 'editions')
  .chain((syntax) => messageArbitrary(syntax, 3))
  .map((message) => ({
    message,
    type: typeOf(message, true),
    otherwisePacked: typeOf(message, false),
  }))

/** The schema as .proto text, of package `test`. */
export function schemaText(message: MessageSchema, packed: boolean): string {
  const header =
    message.syntax === 'editions' ? 'edition = "2023";' : `syntax = "${message.syntax}";`
  return `${header}\npackage test;\n${enumText}\n${messageText(message, packed)}`
}

function typeOf(message: MessageSchema, packed: boolean): protobuf.Type {
  const text = schemaText(message, packed)
  const { root } = protobuf.parse(text, new protobuf.Root(), { keepCase: true })
  return root.resolveAll().lookupType(message.fullName)
}

const enumText = 'enum Choice { NONE = 0; ONE = 1; SEVEN = 7; MINUS_THREE = -3; MANY = 300; }'

const shortName = (fullName: string): string => fullName.slice('test.'.length)

function typeName(type: FieldType): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar
    case 'enum':
      return 'Choice'
    case 'message':
      return shortName(type.message.fullName)
    case 'map':
      return `map<${type.key}, ${typeName(type.value)}>`
  }
}

function messageText(message: MessageSchema, packed: boolean): string {
  return `message ${shortName(message.fullName)} {\n${bodyText(message, packed)}\n}`
}

function bodyText(message: MessageSchema, packed: boolean): string {
  const line = (field: FieldSchema): string => fieldText(field, message.syntax, packed)
  const either = message.fields.filter(({ oneof }) => oneof !== undefined).map(line)
  const inner = message.fields
    .filter((field) => !isGroup(field, message.syntax))
    .flatMap(({ type }) => innerMessages(type))
  return [
    ...inner.map((nested) => messageText(nested, packed)),
    ...message.fields.filter(({ oneof }) => oneof === undefined).map(line),
    either.length === 0 ? '' : `oneof either { ${either.join(' ')} }`,
  ].join('\n')
}

/** The form of proto2, which declares field and message at once. */
const isGroup = ({ delimited }: FieldSchema, syntax: string): boolean =>
  delimited && syntax === 'proto2'

function innerMessages(type: FieldType): readonly MessageSchema[] {
  if (type.kind === 'map') return innerMessages(type.value)
  return type.kind === 'message' ? [type.message] : []
}

function fieldText(field: FieldSchema, syntax: string, packed: boolean): string {
  const { type, name, number, repeated, presence, oneof } = field
  if (type.kind === 'message' && isGroup(field, syntax)) {
    const label = repeated ? 'repeated' : presence === 'required' ? 'required' : 'optional'
    const body = bodyText(type.message, packed)
    return `${label} group ${name.toUpperCase()} = ${number} {\n${body}\n}`
  }
  const declared = `${typeName(type)} ${name} = ${number}`
  if (syntax === 'editions') return editionText(field, declared, packed)
  if (type.kind === 'map' || oneof !== undefined) return `${declared};`
  if (repeated) {
    const isText = type.kind === 'scalar' && (type.scalar === 'string' || type.scalar === 'bytes')
    const option = type.kind === 'message' || isText ? '' : ` [packed = ${packed}]`
    return `repeated ${declared}${option};`
  }
  if (syntax === 'proto2')
    return `${presence === 'required' ? 'required' : 'optional'} ${declared};`
  return presence === 'explicit' ? `optional ${declared};` : `${declared};`
}

function editionText(field: FieldSchema, declared: string, packed: boolean): string {
  const { type, repeated, presence, oneof, delimited } = field
  if (type.kind === 'map') return `${declared};`
  const options: string[] = []
  if (delimited) options.push('features.message_encoding = DELIMITED')
  if (repeated && !packed) options.push('features.repeated_field_encoding = EXPANDED')
  if (presence === 'required') options.push('features.field_presence = LEGACY_REQUIRED')
  const isSingular = !repeated && oneof === undefined
  if (presence === 'implicit' && isSingular) options.push('features.field_presence = IMPLICIT')
  const listed = options.length === 0 ? '' : ` [${options.join(', ')}]`
  return `${repeated ? 'repeated ' : ''}${declared}${listed};`
}

// Messages.

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

function valueArbitrary(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'scalar':
      return scalarArbitrary(type.scalar)
    case 'enum':
      return enumNumbers
    case 'message':
      return plainMessage(type.message)
    case 'map': {
      const pairs = fc.array(fc.tuple(mapKey(type.key), valueArbitrary(type.value)), {
        maxLength: 4,
      })
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

function plainField(field: FieldSchema): fc.Arbitrary<unknown> {
  const value = valueArbitrary(field.type)
  if (field.repeated && field.type.kind !== 'map') return fc.array(value, { maxLength: 4 })
  return value
}

/** A message as protobufjs' `fromObject` takes it; at most one member of the oneof. */
function plainMessage(message: MessageSchema): fc.Arbitrary<Record<string, unknown>> {
  const free = message.fields.filter(({ oneof }) => oneof === undefined)
  const members = message.fields.filter(({ oneof }) => oneof !== undefined)
  const required = free.filter(({ presence }) => presence === 'required').map(({ name }) => name)
  const shape = Object.fromEntries(free.map((field) => [field.name, plainField(field)]))
  const base = fc.record(shape, { requiredKeys: required })
  if (members.length === 0) return base
  const member = fc.oneof(
    fc.constant({}),
    ...members.map((field) => plainField(field).map((value) => ({ [field.name]: value }))),
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

/**
 * Random message types.
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
import { addWellKnown, isWellKnown, wellKnownImports, wellKnownType } from './well-known.ts'

const keyScalars: readonly ScalarType[] = ['string', 'int32', 'bool', 'sint64', 'fixed32', 'uint64']

export interface DrawnSchema {
  readonly message: MessageSchema
  /** Types for protobufjs: the same fields with one and with the other way of packing. */
  readonly type: protobuf.Type
  readonly otherwisePacked: protobuf.Type
}

type Syntax = MessageSchema['syntax']
/** What fields may be of: `every` adds well-known types, and messages within themselves. */
type Kinds = 'plain' | 'every'
interface DrawnField {
  readonly shape: 'implicit' | 'explicit' | 'repeated' | 'map' | 'oneof' | 'required'
  /** `itself`: of the message that the field is in. */
  readonly type: FieldType | 'itself'
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

interface Wish {
  readonly syntax: Syntax
  readonly kinds: Kinds
}

function fieldArbitrary(wish: Wish, depth: number): fc.Arbitrary<DrawnField> {
  const { syntax, kinds } = wish
  const every = kinds === 'every' ? 1 : 0
  const single: { weight: number; arbitrary: fc.Arbitrary<FieldType | 'itself'> }[] = [
    { weight: 6, arbitrary: scalarType },
    { weight: 2, arbitrary: enumType(syntax) },
    { weight: 4 * every, arbitrary: wellKnownType },
    { weight: every, arbitrary: fc.constant('itself') },
  ]
  const message = (): fc.Arbitrary<FieldType> =>
    messageArbitrary(wish, depth - 1).map((inner) => ({ kind: 'message', message: inner }))
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

function messageArbitrary(wish: Wish, depth: number): fc.Arbitrary<MessageSchema> {
  const fields = fc.array(fieldArbitrary(wish, depth), { minLength: 1, maxLength: 5 })
  return fields.map((drawn) => {
    let number = 0
    drawnMessages += 1
    const inside: FieldSchema[] = []
    const { syntax } = wish
    const message = { fullName: `test.M${drawnMessages}`, syntax, fields: inside }
    for (const [index, field] of drawn.entries()) {
      number += field.jump
      inside.push(fieldOf(field, `f${index}`, number, message))
    }
    return message
  })
}

function fieldOf(
  drawn: DrawnField,
  name: string,
  number: number,
  owner: MessageSchema,
): FieldSchema {
  const { key } = drawn
  const { syntax } = owner
  const type: FieldType = drawn.type === 'itself' ? { kind: 'message', message: owner } : drawn.type
  // A message that requires itself has no end.
  const isEndless = drawn.type === 'itself' && drawn.shape === 'required'
  const shape = isEndless ? 'explicit' : drawn.shape
  const isMessage = type.kind === 'message'
  const base = {
    name,
    number,
    repeated: false,
    delimited: false,
    oneof: undefined,
    comment: undefined,
  } as const
  if (shape === 'map' && type.kind !== 'map') {
    const map: FieldType = { kind: 'map', key, value: type }
    return { ...base, type: map, repeated: true, presence: 'implicit' }
  }
  const isDeclaredHere = drawn.type !== 'itself' && !isWellKnown(type)
  const mayBeGroup = isDeclaredHere && shape !== 'oneof' && !hasOneof(type) && !hasItself(type)
  const mayBeDelimited = syntax !== 'proto2' || mayBeGroup
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

const drawnOf = (kinds: Kinds): fc.Arbitrary<DrawnSchema> =>
  fc
    .constantFrom<Syntax>('proto3', 'proto2', 'editions')
    .chain((syntax) => messageArbitrary({ syntax, kinds }, 3))
    .map((message) => ({
      message,
      type: typeOf(message, true),
      otherwisePacked: typeOf(message, false),
    }))

/** A group's type has another name than the message it is printed from. */
const hasItself = (type: FieldType): boolean =>
  type.kind === 'message' &&
  type.message.fields.some((field) => innerMessages(field.type).includes(type.message))

/** Types of up to three levels below the root, of their own fields alone. */
export const drawnSchema = drawnOf('plain')

/**
 * With well-known types, and messages that stand within themselves. A `MessageSchema` has the
 * former by name only: read the text.
 */
export const anyDrawnSchema = drawnOf('every')

/** The schema as .proto text, of package `test`. */
export function schemaText(message: MessageSchema, packed: boolean): string {
  const header =
    message.syntax === 'editions' ? 'edition = "2023";' : `syntax = "${message.syntax}";`
  return `${header}\npackage test;\n${wellKnownImports}\n${enumText}\n${messageText(message, packed)}`
}

function typeOf(message: MessageSchema, packed: boolean): protobuf.Type {
  const text = schemaText(message, packed)
  const { root } = protobuf.parse(text, new protobuf.Root(), { keepCase: true })
  addWellKnown(root)
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
      return isWellKnown(type) ? type.message.fullName : shortName(type.message.fullName)
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
    .filter((nested) => nested !== message)
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
  return type.kind === 'message' && !isWellKnown(type) ? [type.message] : []
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

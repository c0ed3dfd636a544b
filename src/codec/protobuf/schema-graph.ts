import protobuf from 'protobufjs'
import { assert, present } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import {
  type EnumSchema,
  type FieldSchema,
  type FieldType,
  type MessageSchema,
  type ScalarType,
  scalarTypes,
} from '../../model/event-schema.ts'
import { nameOf, type SchemaNames } from './schema-names.ts'

type SingleType = Exclude<FieldType, { readonly kind: 'map' }>

/**
 * Makes `MessageSchema` objects from protobufjs' reflection, each message and enum once.
 *
 * A message object is kept before its fields are made, so that a recursive message ends in a
 * reference to itself.
 */
export class SchemaGraph {
  readonly #names: SchemaNames
  readonly #messages = new Map<protobuf.Type, MessageSchema>()
  readonly #enums = new Map<protobuf.Enum, EnumSchema>()

  constructor(names: SchemaNames) {
    this.#names = names
  }

  /** @throws {Fault} SCHEMA_NOT_SUPPORTED: the message reaches a message set. */
  messageNamed(fullName: string): MessageSchema | undefined {
    const type = this.#names.message(fullName)
    return type === undefined ? undefined : this.#message(type)
  }

  #message(type: protobuf.Type): MessageSchema {
    const known = this.#messages.get(type)
    if (known !== undefined) return known
    const fields: FieldSchema[] = []
    const message: MessageSchema = { fullName: nameOf(type), syntax: syntaxOf(type), fields }
    this.#messages.set(type, message)
    if (type.getOption('message_set_wire_format') === true) {
      throw unsupported(message, '*', 'message_set_wire_format')
    }
    for (const field of type.fieldsArray) fields.push(this.#field(field))
    return message
  }

  #field(field: protobuf.Field): FieldSchema {
    const type = this.#type(field)
    return {
      name: fieldName(field),
      number: field.id,
      type,
      repeated: field.repeated,
      delimited: type.kind === 'message' && isDelimited(field),
      presence: presenceOf(field, type),
      oneof: isProto3Optional(field) ? undefined : field.partOf?.name,
      comment: field.comment ?? undefined,
    }
  }

  #type(field: protobuf.Field): FieldType {
    const value = this.#singleType(field)
    if (!(field instanceof protobuf.MapField)) return value
    return { kind: 'map', key: scalarType(field.keyType), value }
  }

  #singleType(field: protobuf.Field): SingleType {
    if (isScalarType(field.type)) return { kind: 'scalar', scalar: field.type }
    const resolved = this.#names.resolve(field.type, field)
    if (resolved instanceof protobuf.Enum) return { kind: 'enum', values: this.#enum(resolved) }
    return { kind: 'message', message: this.#message(resolved) }
  }

  #enum(type: protobuf.Enum): EnumSchema {
    const known = this.#enums.get(type)
    if (known !== undefined) return known
    const names = new Map<number, string>()
    for (const [name, number] of Object.entries(type.values)) {
      if (!names.has(number)) names.set(number, name)
    }
    const closed = featureOf(type, 'enum_type') === 'CLOSED'
    const values: EnumSchema = { fullName: nameOf(type), names, closed }
    this.#enums.set(type, values)
    return values
  }
}

/**
 * An extension has its full name, with "_" for the dots: within a message, a name is the name of a
 * column and of a property, where dots stand for something else.
 */
function fieldName(field: protobuf.Field): string {
  if (field.declaringField !== null) return nameOf(field.declaringField).replaceAll('.', '_')
  return isBundled(field) ? snakeCase(field.name) : field.name
}

/** An extension's own options stand where it is declared. */
const isDelimited = (field: protobuf.Field): boolean =>
  featureOf(field.declaringField ?? field, 'message_encoding') === 'DELIMITED'

/** Repeated fields and maps have no presence of their own: empty and absent are the same. */
function presenceOf(field: protobuf.Field, type: FieldType): FieldSchema['presence'] {
  if (field.repeated || field.map) return 'implicit'
  if (field.required) return 'required'
  return field.hasPresence || type.kind === 'message' ? 'explicit' : 'implicit'
}

/** protobufjs makes a oneof of one member from each `optional` field of proto3. */
const isProto3Optional = (field: protobuf.Field): boolean =>
  field.getOption('proto3_optional') === true

/**
 * What the definition's edition, or an option nearer to it, says about one feature.
 *
 * The resolved features are kept in a property that protobufjs does not declare; tests of closed
 * and delimited fields notice when a version keeps them elsewhere.
 */
function featureOf(definition: protobuf.ReflectionObject, feature: string): unknown {
  const features: unknown = Reflect.get(definition, '_features')
  assert(typeof features === 'object' && features !== null, 'features are resolved')
  return Reflect.get(features, feature)
}

/** Only top-level definitions carry the edition of their file. */
function syntaxOf(type: protobuf.Type): MessageSchema['syntax'] {
  let at: protobuf.ReflectionObject | null = type
  while (at !== null) {
    const edition: unknown = Reflect.get(at, '_edition')
    if (edition === 'proto2' || edition === 'proto3') return edition
    if (typeof edition === 'string') return 'editions'
    at = at.parent
  }
  return present<MessageSchema['syntax']>(undefined, 'the root has an edition')
}

const scalarNames: readonly string[] = scalarTypes

const isScalarType = (name: string): name is ScalarType => scalarNames.includes(name)

function scalarType(name: string): ScalarType {
  assert(isScalarType(name), `"${name}" is a scalar type`)
  return name
}

/** The bundled definitions lost the names of their sources, which are all in snake case. */
const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** True for definitions that came with protobufjs: they have no file name. */
function isBundled(field: protobuf.Field): boolean {
  const parent = field.parent
  return (
    (field.filename ?? '') === '' &&
    parent !== null &&
    nameOf(parent).startsWith('google.protobuf.')
  )
}

const unsupported = (message: MessageSchema, field: string, feature: string): Fault =>
  new Fault('SCHEMA_NOT_SUPPORTED', { message: message.fullName, field, feature })

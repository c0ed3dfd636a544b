import { Fault } from '../../base/fault.ts'
import {
  type EnumSchema,
  type FieldSchema,
  type FieldType,
  type MessageSchema,
  type ScalarType,
  scalarTypes,
} from '../../model/event-schema.ts'
import {
  type EnumDescriptor,
  editionFeatures,
  type FieldDescriptor,
  type FileDescriptor,
  type MessageDescriptor,
  type ResolvedFeatures,
  withFeatures,
} from './descriptors.ts'
import { isFieldNumber } from './schema-names.ts'

type SingleType = Exclude<FieldType, { readonly kind: 'map' }>
type Syntax = MessageSchema['syntax']

/** A definition with the features that hold around it. */
interface Known<Definition> {
  readonly definition: Definition
  readonly features: ResolvedFeatures
  readonly syntax: Syntax
}

interface KnownExtension extends Known<FieldDescriptor> {
  readonly fullName: string
}

/** What a field is found in. */
interface Owner {
  readonly features: ResolvedFeatures
  readonly fullName: string
  readonly oneofs: MessageDescriptor['oneof_decl']
}

/** Makes `MessageSchema` objects from descriptors, each message and enum once. */
export class DescriptorGraph {
  readonly #file: string
  readonly #messages = new Map<string, Known<MessageDescriptor>>()
  readonly #enums = new Map<string, Known<EnumDescriptor>>()
  readonly #extensions = new Map<string, KnownExtension[]>()
  readonly #madeMessages = new Map<string, MessageSchema>()
  readonly #madeEnums = new Map<string, EnumSchema>()

  /** @throws {Fault} SCHEMA_UNREADABLE: a file has an edition that is not known. */
  constructor(file: string, descriptors: readonly FileDescriptor[]) {
    this.#file = file
    for (const descriptor of descriptors) this.#collectFile(descriptor)
  }

  /** Full names of all messages, in the order in which they are declared. */
  get messageNames(): readonly string[] {
    return [...this.#messages]
      .filter(([, { definition }]) => definition.options?.map_entry !== true)
      .map(([name]) => name)
  }

  /** @throws {Fault} SCHEMA_UNREADABLE; SCHEMA_NOT_SUPPORTED: it reaches a message set. */
  messageNamed(fullName: string): MessageSchema | undefined {
    const made = this.#madeMessages.get(fullName)
    if (made !== undefined) return made
    const known = this.#messages.get(fullName)
    if (known === undefined) return undefined
    const { definition, features, syntax } = known
    const fields: FieldSchema[] = []
    const message: MessageSchema = { fullName, syntax, fields }
    this.#madeMessages.set(fullName, message)
    if (definition.options?.message_set_wire_format === true) {
      const feature = 'message_set_wire_format'
      throw new Fault('SCHEMA_NOT_SUPPORTED', { message: fullName, field: '*', feature })
    }
    const owner: Owner = { features, fullName, oneofs: definition.oneof_decl }
    for (const field of definition.field) fields.push(this.#field(field, owner, undefined))
    for (const extension of this.#extensions.get(fullName) ?? []) {
      const place: Owner = { features: extension.features, fullName, oneofs: [] }
      fields.push(this.#field(extension.definition, place, extension.fullName))
    }
    this.#checkUnique(message)
    return message
  }

  #collectFile(file: FileDescriptor): void {
    const edition = editionFeatures(file)
    if (edition === undefined) {
      throw this.#unreadable(
        `file "${file.name}" has edition ${file.edition}, known are 2023, 2024`,
      )
    }
    const syntax = syntaxOf(file)
    const features = withFeatures(edition, file)
    const scope = { prefix: file.package ? `${file.package}.` : '', features, syntax }
    for (const message of file.message_type) this.#collectMessage(message, scope)
    this.#collectShared(file, scope)
  }

  #collectMessage(message: MessageDescriptor, scope: Scope): void {
    const fullName = `${scope.prefix}${message.name}`
    const features = withFeatures(scope.features, message)
    this.#messages.set(fullName, { definition: message, features, syntax: scope.syntax })
    const inner = { prefix: `${fullName}.`, features, syntax: scope.syntax }
    for (const nested of message.nested_type) this.#collectMessage(nested, inner)
    this.#collectShared(message, inner)
  }

  #collectShared(from: Pick<MessageDescriptor, 'enum_type' | 'extension'>, scope: Scope): void {
    const { prefix, features, syntax } = scope
    for (const definition of from.enum_type) {
      this.#enums.set(`${prefix}${definition.name}`, { definition, features, syntax })
    }
    for (const definition of from.extension) {
      const extended = absolute(definition.extendee)
      const extensions = this.#extensions.get(extended) ?? []
      this.#extensions.set(extended, extensions)
      extensions.push({ definition, features, syntax, fullName: `${prefix}${definition.name}` })
    }
  }

  #field(field: FieldDescriptor, owner: Owner, extension: string | undefined): FieldSchema {
    const name = extension?.replaceAll('.', '_') ?? field.name ?? ''
    const number = field.number ?? 0
    if (!/^[A-Za-z_]\w*$/.test(name) || name === '__proto__' || !isFieldNumber(number)) {
      throw this.#unreadable(`field "${name}" of "${owner.fullName}" has number ${number}`)
    }
    const features = withFeatures(owner.features, field)
    const type = this.#type(field, owner.fullName)
    const isMap = type.kind === 'map'
    const isDelimited =
      field.type === 'TYPE_GROUP' ||
      (type.kind === 'message' && features.message_encoding === 'DELIMITED')
    const isReal = field.proto3_optional !== true && field.oneof_index !== undefined
    return {
      name,
      number,
      type,
      repeated: field.label === 'LABEL_REPEATED' && !isMap,
      delimited: isDelimited && !isMap,
      presence: presenceOf(field, type, { features, isExtension: extension !== undefined }),
      oneof: isReal ? owner.oneofs[field.oneof_index]?.name : undefined,
      comment: undefined,
    }
  }

  #type(field: FieldDescriptor, owner: string): FieldType {
    const scalar = scalarOf(field.type)
    if (scalar !== undefined) return { kind: 'scalar', scalar }
    const fullName = absolute(field.type_name)
    if (field.type === 'TYPE_ENUM') return { kind: 'enum', values: this.#enum(fullName, owner) }
    const known = this.#messages.get(fullName)
    if (known?.definition.options?.map_entry === true) return this.#map(known.definition, fullName)
    const message = this.messageNamed(fullName)
    if (message === undefined) throw this.#missing(fullName, owner)
    return { kind: 'message', message }
  }

  #map({ field }: MessageDescriptor, fullName: string): FieldType {
    const [key, value] = [1, 2].map((number) => field.find((each) => each.number === number))
    const scalar = scalarOf(key?.type)
    if (scalar === undefined || value === undefined) {
      throw this.#unreadable(`map entry "${fullName}" has no key or no value`)
    }
    return { kind: 'map', key: scalar, value: this.#type(value, fullName) as SingleType }
  }

  #enum(fullName: string, owner: string): EnumSchema {
    const made = this.#madeEnums.get(fullName)
    if (made !== undefined) return made
    const known = this.#enums.get(fullName)
    if (known === undefined) throw this.#missing(fullName, owner)
    const { definition } = known
    const names = new Map<number, string>()
    for (const { name = '', number = 0 } of definition.value) {
      if (!names.has(number)) names.set(number, name)
    }
    const closed = withFeatures(known.features, definition).enum_type === 'CLOSED'
    const values: EnumSchema = { fullName, names, closed }
    this.#madeEnums.set(fullName, values)
    return values
  }

  /** Two fields with one number would be one in the bytes. */
  #checkUnique({ fullName, fields }: MessageSchema): void {
    const seen = new Set<string | number>()
    for (const { name, number } of fields) {
      if (seen.has(name) || seen.has(number)) {
        throw this.#unreadable(`message "${fullName}" has "${name}" or number ${number} twice`)
      }
      seen.add(name).add(number)
    }
  }

  #missing(type: string, owner: string): Fault {
    const remedy = 'make the set with --include_imports'
    return this.#unreadable(`type "${type}" in "${owner}" is not there; ${remedy}`)
  }

  #unreadable(reason: string): Fault {
    return new Fault('SCHEMA_UNREADABLE', { file: this.#file, reason })
  }
}

interface Scope {
  /** Full name of what is around, with a dot behind. */
  readonly prefix: string
  readonly features: ResolvedFeatures
  readonly syntax: Syntax
}

const absolute = (name: string | undefined): string => (name ?? '').replace(/^\./, '')

function syntaxOf({ syntax }: FileDescriptor): Syntax {
  return syntax === 'proto3' || syntax === 'editions' ? syntax : 'proto2'
}

const scalarByName = new Map<string, ScalarType>(
  scalarTypes.map((scalar) => [`TYPE_${scalar.toUpperCase()}`, scalar]),
)

const scalarOf = (type: string | undefined): ScalarType | undefined =>
  type === undefined ? undefined : scalarByName.get(type)

function presenceOf(
  field: FieldDescriptor,
  type: FieldType,
  around: { readonly features: ResolvedFeatures; readonly isExtension: boolean },
): FieldSchema['presence'] {
  if (field.label === 'LABEL_REPEATED') return 'implicit'
  const { field_presence: presence } = around.features
  if (field.label === 'LABEL_REQUIRED' || presence === 'LEGACY_REQUIRED') return 'required'
  const hasOwn = field.proto3_optional === true || field.oneof_index !== undefined
  const isExplicit = hasOwn || around.isExtension || type.kind === 'message'
  return isExplicit || presence === 'EXPLICIT' ? 'explicit' : 'implicit'
}

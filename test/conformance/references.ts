/** The reference implementations: what they make of a message's bytes. */
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf'
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import protobuf from 'protobufjs'
import 'protobufjs/ext/descriptor.js'
import { present } from '../../src/base/assert.ts'
import { bundledDefinitions } from '../../src/codec/protobuf/schema-files.ts'
import { formOfBufbuild, formOfDecoded, textOf } from './normal-form.ts'

/** A row as text in normal form, or the reason why there is none. */
export type Verdict =
  | { readonly kind: 'row'; readonly row: string }
  | { readonly kind: 'refused'; readonly reason: string }

/** A schema as its source has it. */
export interface SchemaText {
  readonly text: string
  /** Full name. */
  readonly message: string
  /**
   * Some columns are not as their fields are (times, JSON): rows are judged by the values that the
   * case states, and the references say only whether there is a row.
   */
  readonly byHand?: true
}

const verdictOf = (read: () => string): Verdict => {
  try {
    return { kind: 'row', row: read() }
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) }
  }
}

/** The schema with every required field made an optional one. */
export const withNothingRequired = (schema: SchemaText): SchemaText => {
  const text = schema.text
    .replaceAll(/\brequired /g, 'optional ')
    .replaceAll('field_presence = LEGACY_REQUIRED', 'field_presence = EXPLICIT')
  return { ...schema, text }
}

/** The schema with its texts as bytes, which nobody judges; keys of maps stay texts. */
export const withTextAsBytes = (schema: SchemaText): SchemaText => {
  const text = schema.text
    .replaceAll(/\bstring (?=\w+ = )/g, 'bytes ')
    .replaceAll(/, string>/g, ', bytes>')
  return { ...schema, text }
}

/** protobufjs, the first reference. */
export class Protobufjs {
  readonly type: protobuf.Type
  readonly #decoder: protobuf.Type

  /** @param decoded what is decoded, when it is not the schema whose form rows have. */
  constructor(schema: SchemaText, decoded: SchemaText = schema) {
    this.type = typeOf(schema)
    this.#decoder = decoded === schema ? this.type : typeOf(decoded)
  }

  verdict(bytes: Uint8Array): Verdict {
    return verdictOf(() => textOf(formOfDecoded(this.#decoder.decode(bytes), this.type)))
  }
}

function typeOf({ text, message }: SchemaText): protobuf.Type {
  const { root, imports } = protobuf.parse(text, new protobuf.Root(), { keepCase: true })
  for (const file of imports ?? []) root.addJSON(bundledDefinitions(file)?.nested ?? {})
  return root.resolveAll().lookupType(message)
}

/**
 * @bufbuild/protobuf, the second. It reads a field by its number, whatever the wire type, and does
 * not see that a submessage passes its end, so it judges well-formed bytes.
 */
export class Bufbuild {
  readonly #type: protobuf.Type
  readonly #desc: DescMessage

  constructor({ type }: Protobufjs, { text }: SchemaText) {
    const syntax = text.includes('syntax = "proto2"') ? 'proto2' : 'proto3'
    const registry = createFileRegistry(descriptorSet(type.root, syntax))
    this.#type = type
    const found = registry.getMessage(type.fullName.slice(1))
    this.#desc = present(found, 'the message is in its descriptors')
  }

  verdict(bytes: Uint8Array): Verdict {
    return verdictOf(() => {
      return textOf(formOfBufbuild(fromBinary(this.#desc, bytes), this.#type, this.#desc))
    })
  }
}

/** The schema as a compiler's output, made by protobufjs, which leaves names short. */
export function descriptorSet(root: protobuf.Root, syntax: string): FileDescriptorSet {
  const toDescriptor: unknown = Reflect.get(root, 'toDescriptor')
  if (typeof toDescriptor !== 'function') throw new Error('protobufjs gives no descriptors')
  const made = Reflect.apply(toDescriptor, root, [syntax]) as protobuf.Message
  const set = fromBinary(FileDescriptorSetSchema, made.$type.encode(made).finish())
  for (const file of set.file) {
    for (const message of file.messageType)
      nameTypes(message, `${file.package}.${message.name}`, root)
  }
  // Files come after those that they import, which none says here.
  set.file.sort((one, other) => Number(isOfGoogle(other)) - Number(isOfGoogle(one)))
  return set
}

const isOfGoogle = (file: FileDescriptorSet['file'][number]): boolean =>
  file.package === 'google.protobuf'

type MessageDescriptor = FileDescriptorSet['file'][number]['messageType'][number]

function nameTypes(message: MessageDescriptor, fullName: string, root: protobuf.Root): void {
  const type = root.lookupType(fullName)
  for (const field of message.field) {
    const source = type.fieldsById[field.number]
    if (source === undefined || field.typeName === '') continue
    const resolved = present(source.resolve().resolvedType ?? source, 'a named type is resolved')
    if (!(source instanceof protobuf.MapField)) field.typeName = resolved.fullName
    else nameEntry(message, field, source, fullName)
  }
  for (const nested of message.nestedType) {
    if (nested.options?.mapEntry !== true) nameTypes(nested, `${fullName}.${nested.name}`, root)
  }
}

/** Of a map's entry: its own name, and that of its value. */
function nameEntry(
  message: MessageDescriptor,
  field: MessageDescriptor['field'][number],
  source: protobuf.MapField,
  owner: string,
): void {
  const short = field.typeName.split('.').at(-1) ?? ''
  const entry = message.nestedType.find(({ name }) => name === short)
  const value = present(entry, 'a map has an entry').field.find(({ number }) => number === 2)
  field.typeName = `.${owner}.${short}`
  if (value !== undefined && source.resolvedType !== null) {
    value.typeName = source.resolvedType.fullName
  }
}

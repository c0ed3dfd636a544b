import type {
  EnumSchema,
  FieldSchema,
  MessageSchema,
  ScalarType,
} from '../../src/model/event-schema.ts'

type FieldOptions = Partial<Omit<FieldSchema, 'name' | 'number' | 'type'>>

const fieldOf = (
  [name, number]: readonly [string, number],
  type: FieldSchema['type'],
  options: FieldOptions,
): FieldSchema => ({
  name,
  number,
  type,
  repeated: false,
  delimited: false,
  presence: 'implicit',
  oneof: undefined,
  comment: undefined,
  ...options,
})

/** A field of a test's schema; `place` is its name and number. */
export const scalarField = (
  place: readonly [string, number],
  scalar: ScalarType,
  options: FieldOptions = {},
): FieldSchema => fieldOf(place, { kind: 'scalar', scalar }, options)

export const enumField = (
  place: readonly [string, number],
  values: EnumSchema,
  options: FieldOptions = {},
): FieldSchema => fieldOf(place, { kind: 'enum', values }, options)

export const messageField = (
  place: readonly [string, number],
  message: MessageSchema,
  options: FieldOptions = {},
): FieldSchema => fieldOf(place, { kind: 'message', message }, { presence: 'explicit', ...options })

export const messageOf = (fullName: string, fields: readonly FieldSchema[]): MessageSchema => ({
  fullName,
  syntax: 'proto3',
  fields,
})

/** @throws {Error} the message has no such field. */
export function fieldNamed(message: MessageSchema, name: string): FieldSchema {
  const found = message.fields.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`no field ${name}`)
  return found
}

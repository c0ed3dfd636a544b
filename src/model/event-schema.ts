/** A protobuf message type as lakeward sees it: plain data made from a descriptor. */

/** Every scalar type, by the name it has in a .proto file. */
export const scalarTypes = [
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const

export type ScalarType = (typeof scalarTypes)[number]

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'enum'; readonly values: EnumSchema }
  | { readonly kind: 'message'; readonly message: MessageSchema }
  | { readonly kind: 'map'; readonly key: ScalarType; readonly value: Exclude<FieldType, MapType> }

type MapType = { readonly kind: 'map' }

export interface EnumSchema {
  readonly fullName: string
  /** First name of each number, in the order of declaration. */
  readonly names: ReadonlyMap<number, string>
  /** A closed enum (proto2) treats numbers it does not name as unknown fields. */
  readonly closed: boolean
}

export interface FieldSchema {
  readonly name: string
  readonly number: number
  readonly type: FieldType
  readonly repeated: boolean
  /** Of a message: it ends at an end tag (a group) instead of having its length before it. */
  readonly delimited: boolean
  /** `implicit`: proto3 without `optional`; absent and default are the same. */
  readonly presence: 'implicit' | 'explicit' | 'required'
  /** Name of the oneof it is part of; proto3 `optional` is none. */
  readonly oneof: string | undefined
  readonly comment: string | undefined
}

export interface MessageSchema {
  /** "growth.AppEvent" */
  readonly fullName: string
  readonly syntax: 'proto2' | 'proto3' | 'editions'
  readonly fields: readonly FieldSchema[]
}

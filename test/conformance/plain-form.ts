/** What forms of messages are made of, and how one decoder hands out its values. */
import protobuf from 'protobufjs'

export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [name: string]: Plain }

/** How one decoder hands out its values. */
export interface Source {
  /** A row of columns: some messages are one value in it. */
  readonly hasColumns: boolean
  /** Undefined when the message does not have it, or when it has its default. */
  field(message: unknown, field: protobuf.Field): unknown
  /** A Struct that is JSON already, or undefined. */
  structJson(message: unknown): unknown
  /** Keys may be texts of what they are. */
  entries(map: unknown): Iterable<readonly [unknown, unknown]>
}

export const unsigned64 = ['uint64', 'fixed64']
export const signed64 = ['int64', 'sint64', 'sfixed64']

export const isWide = (type: string): boolean =>
  unsigned64.includes(type) || signed64.includes(type)

export const bitsOf = (value: number, isFloat: boolean): string => {
  if (Number.isNaN(value)) return 'nan'
  const view = new DataView(new ArrayBuffer(8))
  if (isFloat) view.setFloat32(4, value)
  else view.setFloat64(0, value)
  return view.getBigUint64(0).toString(16)
}

/** A 64-bit integer in any of the shapes that decoders give. */
export function wideOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'object' && value !== null && 'low' in value && 'high' in value) {
    return (BigInt(Number(value.high) | 0) << 32n) | BigInt(Number(value.low) >>> 0)
  }
  return BigInt(String(value))
}

/** protobufjs declares it as less than a field; it is one. */
export type MapField = protobuf.Field & { readonly keyType: string }
export const isMap = (field: protobuf.Field): field is MapField =>
  field instanceof protobuf.MapField

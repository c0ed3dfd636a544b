/**
 * Values of Thrift as a tree, with fields by number: what a later version of the other side adds is
 * kept, and goes back as it came when a struct is changed and sent again.
 */
export type ThriftValue =
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'byte' | 'i16' | 'i32' | 'double'; readonly value: number }
  | { readonly type: 'i64'; readonly value: bigint }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'struct'; readonly fields: ThriftStruct }
  | {
      readonly type: 'list' | 'set'
      readonly of: ThriftType
      readonly values: readonly ThriftValue[]
    }
  | {
      readonly type: 'map'
      readonly key: ThriftType
      readonly of: ThriftType
      readonly entries: readonly (readonly [ThriftValue, ThriftValue])[]
    }

export type ThriftType = ThriftValue['type']

/** Fields by number. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

/** One call, or its answer. */
export interface ThriftMessage {
  readonly kind: 'call' | 'reply' | 'exception'
  readonly name: string
  readonly sequence: number
  readonly fields: ThriftStruct
}

const decoder = new TextDecoder()

export const bool = (value: boolean): ThriftValue => ({ type: 'bool', value })
export const i32 = (value: number): ThriftValue => ({ type: 'i32', value })
export const text = (value: string): ThriftValue => ({
  type: 'binary',
  value: Buffer.from(value, 'utf8'),
})
export const texts = (values: readonly string[]): ThriftValue => ({
  type: 'list',
  of: 'binary',
  values: values.map(text),
})
export const textMap = (values: Readonly<Record<string, string>>): ThriftValue => ({
  type: 'map',
  key: 'binary',
  of: 'binary',
  entries: Object.entries(values).map(([key, value]) => [text(key), text(value)] as const),
})
/** @param fields those that are undefined are left out: Thrift has no null. */
export const structOf = (
  fields: readonly (readonly [number, ThriftValue | undefined])[],
): ThriftStruct =>
  new Map(fields.flatMap(([id, value]) => (value === undefined ? [] : [[id, value] as const])))
export const struct = (fields: ThriftStruct): ThriftValue => ({ type: 'struct', fields })
export const structs = (values: readonly ThriftStruct[]): ThriftValue => ({
  type: 'list',
  of: 'struct',
  values: values.map(struct),
})

/** The same struct with some fields replaced. */
export const withFields = (
  fields: ThriftStruct,
  replaced: readonly (readonly [number, ThriftValue])[],
): ThriftStruct => new Map([...fields, ...replaced])

/** What is absent, or of another type, reads as nothing: "", 0, [], {}, undefined. */
export function readText(fields: ThriftStruct | undefined, id: number): string {
  return textOf(fields?.get(id))
}

export function readNumber(fields: ThriftStruct | undefined, id: number): number {
  const value = fields?.get(id)
  return value?.type === 'i32' ? value.value : 0
}

export function readTexts(fields: ThriftStruct | undefined, id: number): readonly string[] {
  const value = fields?.get(id)
  return value?.type === 'list' ? value.values.map(textOf) : []
}

export function readTextMap(
  fields: ThriftStruct | undefined,
  id: number,
): Readonly<Record<string, string>> {
  const value = fields?.get(id)
  if (value?.type !== 'map') return {}
  return Object.fromEntries(value.entries.map(([key, held]) => [textOf(key), textOf(held)]))
}

export function readStruct(fields: ThriftStruct | undefined, id: number): ThriftStruct | undefined {
  const value = fields?.get(id)
  return value?.type === 'struct' ? value.fields : undefined
}

export function readStructs(fields: ThriftStruct | undefined, id: number): readonly ThriftStruct[] {
  const value = fields?.get(id)
  if (value?.type !== 'list') return []
  return value.values.flatMap((each) => (each.type === 'struct' ? [each.fields] : []))
}

const textOf = (value: ThriftValue | undefined): string =>
  value?.type === 'binary' ? decoder.decode(value.value) : ''

/**
 * The types of Kafka's protocol as values that read and write themselves. A message is a `struct`
 * of fields, each with the versions that carry it; a version without the field reads as `absent`.
 *
 * Sample: `struct({ name: field(text), epoch: field(int32, { first: 4, absent: -1 }) })`.
 * Source: Kafka protocol guide; KIP-482 for flexible versions and tagged fields.
 */
import { Fault } from '../../../base/fault.ts'
import type { Layout, WireReader } from './reader.ts'
import { WireWriter } from './writer.ts'

export interface WireType<Value> {
  /** What a reader sees where the version has no such field. */
  readonly absent: Value
  read(from: WireReader, layout: Layout): Value
  write(to: WireWriter, value: Value, layout: Layout): void
}

const zeroUuid = '00000000-0000-0000-0000-000000000000'

export const int8: WireType<number> = {
  absent: 0,
  read: (from) => from.int8(),
  write: (to, value) => to.int8(value),
}
export const int16: WireType<number> = {
  absent: 0,
  read: (from) => from.int16(),
  write: (to, value) => to.int16(value),
}
export const int32: WireType<number> = {
  absent: 0,
  read: (from) => from.int32(),
  write: (to, value) => to.int32(value),
}
export const int64: WireType<bigint> = {
  absent: 0n,
  read: (from) => from.int64(),
  write: (to, value) => to.int64(value),
}
export const bool: WireType<boolean> = {
  absent: false,
  read: (from) => from.int8() !== 0,
  write: (to, value) => to.int8(value ? 1 : 0),
}
export const uuid: WireType<string> = {
  absent: zeroUuid,
  read: (from) => from.uuid(),
  write: (to, value) => to.uuid(value),
}

export const nullableText: WireType<string | null> = {
  absent: null,
  read(from, layout) {
    const sizeBytes = from.textLength(layout)
    return sizeBytes < 0 ? null : from.text(sizeBytes)
  },
  write(to, value, layout) {
    if (value === null) return to.textLength(-1, layout)
    const sizeBytes = Buffer.byteLength(value)
    to.textLength(sizeBytes, layout)
    to.text(value, sizeBytes)
  },
}
export const text = required(nullableText, '')

export const nullableBytes: WireType<Buffer | null> = {
  absent: null,
  read(from, layout) {
    const sizeBytes = from.length(layout)
    return sizeBytes < 0 ? null : from.bytes(sizeBytes)
  },
  write(to, value, layout) {
    to.length(value === null ? -1 : value.length, layout)
    if (value !== null) to.raw(value)
  },
}
export const bytes = required(nullableBytes, Buffer.alloc(0))

export function nullableList<Entry>(entry: WireType<Entry>): WireType<readonly Entry[] | null> {
  return {
    absent: null,
    read(from, layout) {
      const count = from.length(layout)
      if (count < 0) return null
      // Each entry takes at least one byte: a count beyond that is refused before it allocates.
      if (count > from.remainingBytes) from.skip(count)
      const entries: Entry[] = []
      while (entries.length < count) entries.push(entry.read(from, layout))
      return entries
    },
    write(to, value, layout) {
      to.length(value === null ? -1 : value.length, layout)
      for (const each of value ?? []) entry.write(to, each, layout)
    },
  }
}

export function list<Entry>(entry: WireType<Entry>): WireType<readonly Entry[]> {
  return required(nullableList(entry), [])
}

/** A struct that may be missing: one byte says which (-1 missing, 1 there). */
export function nullable<Value>(type: WireType<Value>): WireType<Value | null> {
  return {
    absent: null,
    read: (from, layout) => (from.int8() < 0 ? null : type.read(from, layout)),
    write(to, value, layout) {
      to.int8(value === null ? -1 : 1)
      if (value !== null) type.write(to, value, layout)
    },
  }
}

function required<Value>(type: WireType<Value | null>, absent: Value): WireType<Value> {
  return {
    absent,
    read(from, layout) {
      const value = type.read(from, layout)
      if (value === null) {
        throw new Fault('BROKER_REQUEST_MALFORMED', { reason: 'null where a value is required' })
      }
      return value
    },
    write: (to, value, layout) => type.write(to, value, layout),
  }
}

/** Versions that carry a field, both ends inclusive as Kafka's documents write them. */
interface Versions<Value> {
  readonly first?: number
  readonly newest?: number
  readonly absent?: Value
}

interface Field<Value> {
  readonly kind: 'field'
  readonly type: WireType<Value>
  readonly first: number
  readonly newest: number
  readonly absent: Value
}

/** A field that this broker always writes the same and never looks at. */
interface Constant {
  readonly kind: 'constant'
  readonly first: number
  readonly newest: number
  write(to: WireWriter, layout: Layout): void
  read(from: WireReader, layout: Layout): void
}

interface Tagged<Value> {
  readonly kind: 'tagged'
  readonly tag: number
  readonly first: number
  readonly type: WireType<Value>
}

type Fields = Readonly<Record<string, { readonly kind: 'field' | 'constant' | 'tagged' }>>

type Untagged<F> = {
  readonly [K in keyof F as F[K] extends { kind: 'field' } ? K : never]: F[K] extends Field<infer V>
    ? V
    : never
}
type OnlyTagged<F> = {
  readonly [K in keyof F as F[K] extends { kind: 'tagged' } ? K : never]?: F[K] extends Tagged<
    infer V
  >
    ? V
    : never
}

/** The value of a struct as code sees it: constants are not part of it, tagged fields optional. */
export type StructValue<F> = Untagged<F> & OnlyTagged<F>

export type ValueOf<Type> = Type extends WireType<infer Value> ? Value : never

export function field<Value>(type: WireType<Value>, at: Versions<Value> = {}): Field<Value> {
  const absent = at.absent ?? type.absent
  return { kind: 'field', type, first: at.first ?? 0, newest: at.newest ?? 99, absent }
}

export function constant<Value>(
  type: WireType<Value>,
  value: Value,
  at: Versions<never> = {},
): Constant {
  return {
    kind: 'constant',
    first: at.first ?? 0,
    newest: at.newest ?? 99,
    write: (to, layout) => type.write(to, value, layout),
    read: (from, layout) => void type.read(from, layout),
  }
}

export function tagged<Value>(tag: number, type: WireType<Value>, first = 0): Tagged<Value> {
  return { kind: 'tagged', tag, first, type }
}

/** `throttle_time_ms`, which this broker never uses. */
export const throttleMs = (first = 0): Constant => constant(int32, 0, { first })

export function struct<const F extends Fields>(fields: F): WireType<StructValue<F>> {
  const plan = planOf(fields)
  const read = (from: WireReader, layout: Layout): Record<string, unknown> => {
    const value: Record<string, unknown> = {}
    for (const [name, member] of plan.untagged) {
      const there = layout.version >= member.first && layout.version <= member.newest
      if (member.kind === 'field') {
        value[name] = there ? member.type.read(from, layout) : member.absent
      } else if (there) member.read(from, layout)
    }
    if (layout.flexible) readTags(from, layout, { plan, value })
    return value
  }
  const write = (to: WireWriter, value: object, layout: Layout): void => {
    for (const [name, member] of plan.untagged) {
      if (layout.version < member.first || layout.version > member.newest) continue
      if (member.kind === 'constant') member.write(to, layout)
      else member.type.write(to, Reflect.get(value, name), layout)
    }
    if (layout.flexible) writeTags(to, layout, { plan, value })
  }
  // The names and types of `fields` are those of `StructValue`: this is the codec's one promise.
  return { absent: {}, read, write } as unknown as WireType<StructValue<F>>
}

interface StructPlan {
  readonly untagged: readonly (readonly [string, Field<unknown> | Constant])[]
  readonly tagged: readonly (readonly [string, Tagged<unknown>])[]
}

function planOf(fields: Fields): StructPlan {
  const untagged: [string, Field<unknown> | Constant][] = []
  const taggedOnes: [string, Tagged<unknown>][] = []
  for (const [name, member] of Object.entries<unknown>(fields)) {
    const known = member as Field<unknown> | Constant | Tagged<unknown>
    if (known.kind === 'tagged') taggedOnes.push([name, known])
    else untagged.push([name, known])
  }
  return { untagged, tagged: taggedOnes.sort(([, a], [, b]) => a.tag - b.tag) }
}

function readTags(
  from: WireReader,
  layout: Layout,
  into: { readonly plan: StructPlan; readonly value: Record<string, unknown> },
): void {
  for (let count = from.unsignedVarint(); count > 0; count--) {
    const tag = from.unsignedVarint()
    const sizeBytes = from.unsignedVarint()
    const known = into.plan.tagged.find(
      ([, member]) => member.tag === tag && layout.version >= member.first,
    )
    if (known === undefined) from.skip(sizeBytes)
    else into.value[known[0]] = known[1].type.read(from, layout)
  }
}

function writeTags(
  to: WireWriter,
  layout: Layout,
  from: { readonly plan: StructPlan; readonly value: object },
): void {
  const present = from.plan.tagged.filter(
    ([name, member]) =>
      layout.version >= member.first && Reflect.get(from.value, name) !== undefined,
  )
  to.unsignedVarint(present.length)
  for (const [name, member] of present) {
    const content = new WireWriter()
    member.type.write(content, Reflect.get(from.value, name), layout)
    to.unsignedVarint(member.tag)
    to.unsignedVarint(content.sizeBytes)
    to.raw(content.toBuffer())
  }
}

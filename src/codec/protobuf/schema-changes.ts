/**
 * What differs between two versions of a message, and whether files of both are one table.
 *
 * Fields are known by their numbers. A change is compatible when events written under one version
 * mean the same under the other, and readers can put both versions' columns into one:
 *
 * - added, removed, renamed fields, and presence that comes or goes;
 * - int32 → int64, sint32 → sint64, uint32 → uint64, uint32 → int64.
 *
 * Everything else that a number's type can become is incompatible, even where the wire would allow
 * it (int64 → int32, string → bytes): a column has one type.
 */
import { Fault } from '../../base/fault.ts'
import type { FieldSchema, FieldType, MessageSchema } from '../../model/event-schema.ts'

export interface SchemaChange {
  readonly kind: 'added' | 'removed' | 'renamed' | 'widened' | 'presence' | 'incompatible'
  /** Full name of the message, in the later version. */
  readonly message: string
  readonly number: number
  /** "repeated int32 n", as it stood and as it stands; undefined where there was no such field. */
  readonly before: string | undefined
  readonly after: string | undefined
}

const wider: ReadonlyMap<string, readonly string[]> = new Map([
  ['int32', ['int64']],
  ['sint32', ['sint64']],
  ['uint32', ['uint64', 'int64']],
])

type Fit = 'same' | 'widened' | 'incompatible'

/** All changes, those of inner messages too, each pair of messages once. */
export function schemaChanges(
  before: MessageSchema,
  after: MessageSchema,
): readonly SchemaChange[] {
  return new Comparison().run(before, after)
}

/**
 * @throws {Fault} SCHEMA_INCOMPATIBLE for the first change that would make two tables of one.
 */
export function refuseIncompatible(before: MessageSchema, after: MessageSchema): void {
  const change = schemaChanges(before, after).find(({ kind }) => kind === 'incompatible')
  if (change === undefined) return
  const { message, number, before: was = '', after: is = '' } = change
  throw new Fault('SCHEMA_INCOMPATIBLE', { message, number, before: was, after: is })
}

class Comparison {
  readonly #seen = new Map<MessageSchema, Set<MessageSchema>>()
  readonly #changes: SchemaChange[] = []

  run(before: MessageSchema, after: MessageSchema): readonly SchemaChange[] {
    this.#messages(before, after)
    return this.#changes
  }

  #messages(before: MessageSchema, after: MessageSchema): void {
    const partners = this.#seen.get(before) ?? new Set()
    this.#seen.set(before, partners)
    if (partners.has(after)) return
    partners.add(after)
    const was = new Map(before.fields.map((field) => [field.number, field]))
    const is = new Map(after.fields.map((field) => [field.number, field]))
    for (const number of [...new Set([...was.keys(), ...is.keys()])].toSorted((a, b) => a - b)) {
      this.#fields(after.fullName, was.get(number), is.get(number))
    }
  }

  #fields(message: string, was: FieldSchema | undefined, is: FieldSchema | undefined): void {
    const change = (kind: SchemaChange['kind']): void => {
      const number = (is ?? was)?.number ?? 0
      const [before, after] = [was && shownField(was), is && shownField(is)]
      this.#changes.push({ kind, message, number, before, after })
    }
    if (was === undefined) return change('added')
    if (is === undefined) return change('removed')
    const isFramedOtherwise = was.repeated !== is.repeated || was.delimited !== is.delimited
    const fit = isFramedOtherwise ? 'incompatible' : this.#types(was.type, is.type)
    if (fit !== 'same') change(fit)
    if (was.name !== is.name) change('renamed')
    if (was.presence !== is.presence || was.oneof !== is.oneof) change('presence')
    return undefined
  }

  #types(was: FieldType, is: FieldType): Fit {
    if (was.kind === 'scalar' && is.kind === 'scalar') return fitOf(was.scalar, is.scalar)
    if (was.kind === 'enum' && is.kind === 'enum') return 'same'
    if (was.kind === 'message' && is.kind === 'message') {
      const isSpecial = (name: string): boolean => name.startsWith('google.protobuf.')
      const [before, after] = [was.message.fullName, is.message.fullName]
      // Well-known types have columns of their own, which no other message has.
      if (before !== after && (isSpecial(before) || isSpecial(after))) return 'incompatible'
      this.#messages(was.message, is.message)
      return 'same'
    }
    if (was.kind === 'map' && is.kind === 'map') {
      const fits = [fitOf(was.key, is.key), this.#types(was.value, is.value)]
      return worst(fits)
    }
    return 'incompatible'
  }
}

function fitOf(was: string, is: string): Fit {
  if (was === is) return 'same'
  return wider.get(was)?.includes(is) === true ? 'widened' : 'incompatible'
}

const worst = (fits: readonly Fit[]): Fit => {
  if (fits.includes('incompatible')) return 'incompatible'
  return fits.includes('widened') ? 'widened' : 'same'
}

function shownField({ name, type, repeated, delimited }: FieldSchema): string {
  const group = delimited ? 'delimited ' : ''
  return `${repeated && type.kind !== 'map' ? 'repeated ' : ''}${group}${shownType(type)} ${name}`
}

function shownType(type: FieldType): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar
    case 'enum':
      return type.values.fullName
    case 'message':
      return type.message.fullName
    case 'map':
      return `map<${type.key}, ${shownType(type.value)}>`
  }
}

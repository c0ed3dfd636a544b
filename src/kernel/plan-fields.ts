/** Fields to columns, one field at a time; `table-plan.ts` says what comes out. */
import { assert } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import type { FieldSchema, FieldType, MessageSchema } from '../model/event-schema.ts'
import type { ColumnGroup, ColumnLeaf, ColumnNode } from '../model/table-schema.ts'
import {
  emptyTextOf,
  type LeafRequest,
  leafFormOf,
  type MessageLeaf,
  planLeaf,
  planMessageLeaf,
} from './plan-leaves.ts'
import { columnName, NameScope } from './plan-names.ts'
import type { FieldPlan, MemberPlan, MessagePlan, PlanParts } from './plan-parts.ts'

/** Where a message's columns go. */
export interface Place {
  readonly message: MessageSchema
  readonly context: number
  /** Where it is kept that the message is there; undefined where it always is. */
  readonly presence: number | undefined
  /** Its columns stand among those of the message around it, named with this before them. */
  readonly flattenedInto: string | undefined
  readonly scope: NameScope
  /** Path of the message, for people: "page." */
  readonly path: string
  /** Full names of the messages around it. */
  readonly ancestors: readonly string[]
}

interface PlannedMessage {
  readonly plan: MessagePlan
  readonly columns: readonly ColumnNode[]
}

interface PlannedField {
  readonly plan: FieldPlan
  readonly columns: readonly ColumnNode[]
}

type MessageType = Extract<FieldType, { kind: 'message' }>

/** Column of a message without fields, true wherever it is there: a group needs a column. */
const presentColumn = '_present'

function notSupported(place: Place, field: string, feature: string): Fault {
  return new Fault('SCHEMA_NOT_SUPPORTED', { message: place.message.fullName, field, feature })
}

function planInner(
  parts: PlanParts,
  place: Place,
  message: MessageSchema,
  at: { readonly context: number; readonly presence: number | undefined },
): PlannedMessage {
  return planMessage(parts, {
    message,
    ...at,
    flattenedInto: undefined,
    scope: new NameScope(message.fullName),
    path: '',
    ancestors: around(place),
  })
}

const around = (place: Place): readonly string[] => [...place.ancestors, place.message.fullName]

function group(
  name: string,
  repetition: ColumnGroup['repetition'],
  children: readonly ColumnNode[],
  more: Partial<Pick<ColumnGroup, 'logical' | 'fieldId'>> = {},
): ColumnGroup {
  const { logical, fieldId } = more
  return { kind: 'group', name, repetition, logical, fieldId, children }
}

/** Numbers within a flattened message would stand beside equal ones of other messages. */
const fieldIdOf = (place: Place, { number }: FieldSchema): number | undefined =>
  place.flattenedInto === undefined ? number : undefined

function planSingular(
  parts: PlanParts,
  place: Place,
  field: FieldSchema,
  name: string,
): PlannedField {
  const { type, number } = field
  if (type.kind === 'message') return planSingularMessage(parts, place, { field, type, name })
  if (type.kind === 'map') throw notSupported(place, field.name, 'a map that is not repeated')
  const isOptional = field.presence === 'explicit' || field.oneof !== undefined
  const required = field.presence === 'required'
  const own = isOptional || required ? parts.addPresence(place.context) : undefined
  // Where the message around has no group, its absence shows in each of its columns.
  const flattened = place.flattenedInto === undefined ? undefined : (own ?? place.presence)
  const presence = isOptional ? own : flattened
  const request = { context: place.context, name, presence, fieldId: fieldIdOf(place, field) }
  const { value, column } = planLeaf(parts, type, number, request)
  const member = memberOf(place, field)
  return { plan: { kind: 'value', ...value, presence: own, member, required }, columns: [column] }
}

function planSingularMessage(
  parts: PlanParts,
  place: Place,
  given: { readonly field: FieldSchema; readonly type: MessageType; readonly name: string },
): PlannedField {
  const { field, type, name } = given
  const { number, delimited } = field
  const member = memberOf(place, field)
  const required = field.presence === 'required'
  const singular = { number, member, required, delimited }
  const fieldId = fieldIdOf(place, field)
  const form = leafFormOf(type.message, parts, around(place))
  if (form !== undefined) {
    const presence = parts.addPresence(place.context)
    const request = { context: place.context, name, presence, fieldId }
    const leaf = planMessageLeaf(parts, type.message, form, request)
    return { plan: leafField(parts, leaf, { ...singular, presence }), columns: [leaf.column] }
  }
  if (parts.mapping.nested === 'flatten') {
    const presence = parts.addPresence(place.context)
    const inner = planMessage(parts, {
      message: type.message,
      context: place.context,
      presence,
      flattenedInto: `${name}_`,
      scope: place.scope,
      path: `${place.path}${field.name}.`,
      ancestors: around(place),
    })
    const plan: FieldPlan = { kind: 'message', ...singular, presence, message: inner.plan }
    return { plan, columns: inner.columns }
  }
  const context = parts.addOptional(place.context)
  const { presence } = parts.context(context)
  const inner = planInner(parts, place, type.message, { context, presence })
  const plan: FieldPlan = { kind: 'message', ...singular, presence, message: inner.plan }
  return { plan, columns: [group(name, 'optional', inner.columns, { fieldId })] }
}

type SingularMessage = Pick<
  Extract<FieldPlan, { kind: 'message' }>,
  'number' | 'member' | 'required' | 'presence' | 'delimited'
>

function leafField(
  parts: PlanParts,
  { leaf, fields }: MessageLeaf,
  at: SingularMessage,
): FieldPlan {
  if (fields !== undefined) return { kind: 'message', ...at, message: fields }
  return { kind: 'text', ...at, leaf, slots: parts.slotsOf(leaf) }
}

/** Three levels, as the Parquet specification wants a list to be. */
function planList(parts: PlanParts, place: Place, field: FieldSchema, name: string): PlannedField {
  const { type, number, delimited } = field
  if (type.kind === 'map') return planMap(parts, place, field, name)
  const context = parts.addRepeated(place.context, undefined)
  const { rowSet } = parts.context(context)
  const fieldId = fieldIdOf(place, field)
  const list = (element: ColumnNode): ColumnGroup =>
    group(name, 'required', [group('list', 'repeated', [element])], { logical: 'list', fieldId })
  const request = { context, name: 'element', presence: undefined, fieldId: undefined }
  if (type.kind !== 'message') {
    const { value, column } = planLeaf(parts, type, number, request)
    return { plan: { kind: 'values', ...value, rowSet }, columns: [list(column)] }
  }
  const rows = { number, rowSet, delimited }
  const form = leafFormOf(type.message, parts, around(place))
  if (form === undefined) {
    const inner = planInner(parts, place, type.message, { context, presence: undefined })
    const plan: FieldPlan = { kind: 'rows', ...rows, message: inner.plan }
    return { plan, columns: [list(group('element', 'required', inner.columns))] }
  }
  const { leaf, column, fields } = planMessageLeaf(parts, type.message, form, request)
  const columns = [list(column)]
  if (fields !== undefined) return { plan: { kind: 'rows', ...rows, message: fields }, columns }
  return { plan: { kind: 'texts', ...rows, leaf, slots: parts.slotsOf(leaf) }, columns }
}

/** A map is a list of entries; entries are messages with a key (1) and a value (2). */
function planMap(parts: PlanParts, place: Place, field: FieldSchema, name: string): PlannedField {
  const { type, number } = field
  assert(type.kind === 'map', 'a map is planned as one')
  const context = parts.addRepeated(place.context, parts.leaves.length)
  const { rowSet } = parts.context(context)
  const keyRequest = { context, name: 'key', presence: undefined, fieldId: undefined }
  const key = planLeaf(parts, { kind: 'scalar', scalar: type.key }, 1, keyRequest)
  const value = planMapValue(parts, place, type.value, context)
  const plain = { presence: undefined, member: undefined, required: false }
  const fields: FieldPlan[] = [{ kind: 'value', ...key.value, ...plain }, value.plan]
  const fieldId = fieldIdOf(place, field)
  const entries = group('key_value', 'repeated', [key.column, ...value.columns])
  const column = group(name, 'required', [entries], { logical: 'map', fieldId })
  const fullName = `${place.message.fullName}.${field.name}`
  const entry = { fullName, fields, oneofs: [], rowSet, presence: undefined, isEntry: true }
  return {
    plan: { kind: 'rows', number, rowSet, delimited: false, message: entry },
    columns: [column],
  }
}

/** An entry without a value has the default one, so a message value is a required group too. */
function planMapValue(
  parts: PlanParts,
  place: Place,
  type: FieldType,
  context: number,
): PlannedField {
  const plain = { number: 2, presence: undefined, member: undefined, required: false } as const
  const request: LeafRequest = { context, name: 'value', presence: undefined, fieldId: undefined }
  if (type.kind === 'message') {
    const at = { ...plain, delimited: false }
    const form = leafFormOf(type.message, parts, around(place))
    if (form !== undefined) return planMapLeaf(parts, type.message, { form, request, at })
    const inner = planInner(parts, place, type.message, { context, presence: undefined })
    const plan: FieldPlan = { kind: 'message', ...at, message: inner.plan }
    return { plan, columns: [group('value', 'required', inner.columns)] }
  }
  if (type.kind === 'map') throw notSupported(place, 'value', 'a map of maps')
  if (type.kind === 'enum' && type.values.closed && !type.values.names.has(0)) {
    throw notSupported(place, 'value', 'a map to a closed enum without the number 0')
  }
  const { value, column } = planLeaf(parts, type, 2, request)
  return { plan: { kind: 'value', ...value, ...plain }, columns: [column] }
}

function planMapLeaf(
  parts: PlanParts,
  message: MessageSchema,
  given: {
    readonly form: NonNullable<ReturnType<typeof leafFormOf>>
    readonly request: LeafRequest
    readonly at: SingularMessage
  },
): PlannedField {
  const { form, request, at } = given
  const leaf = planMessageLeaf(parts, message, form, request)
  if (leaf.fields === undefined) {
    const { rowSet } = parts.context(request.context)
    const slots = parts.slotsOf(leaf.leaf)
    const text = emptyTextOf(message)
    parts.derivations.push({ kind: 'text', rowSet, slots, nanos: undefined, text })
  }
  return { plan: leafField(parts, leaf, at), columns: [leaf.column] }
}

function oneofNames(message: MessageSchema): readonly string[] {
  return [...new Set(message.fields.flatMap((field) => field.oneof ?? []))]
}

function membersOf(message: MessageSchema, oneof: string): readonly FieldSchema[] {
  return message.fields.filter((field) => field.oneof === oneof)
}

function memberOf(place: Place, field: FieldSchema): MemberPlan | undefined {
  if (field.oneof === undefined) return undefined
  const members = membersOf(place.message, field.oneof)
  return { oneof: oneofNames(place.message).indexOf(field.oneof), member: members.indexOf(field) }
}

/** Plans the fields of a message into its place. */
export function planMessage(parts: PlanParts, place: Place): PlannedMessage {
  const { message, presence, context } = place
  const fields = message.fields.map((field) => planField(parts, place, field))
  const columns = fields.flatMap((field) => field.columns)
  const oneofs = oneofNames(message).map((name) => membersOf(message, name).length)
  return {
    plan: {
      fullName: message.fullName,
      fields: fields.map(({ plan }) => plan),
      oneofs,
      rowSet: parts.context(context).rowSet,
      presence,
      isEntry: false,
    },
    columns: columns.length > 0 ? columns : [planPresent(parts, place)],
  }
}

function planPresent(parts: PlanParts, place: Place): ColumnLeaf {
  const name = `${place.flattenedInto ?? ''}${presentColumn}`
  place.scope.claim(name, `${place.path}${presentColumn}`)
  const { context } = place
  const presence = place.flattenedInto === undefined ? undefined : place.presence
  const leaf = parts.addLeaf({ context, presence, physical: 'boolean' })
  const { rowSet } = parts.context(context)
  const slots = parts.slotsOf(leaf)
  parts.derivations.push({ kind: 'true', rowSet, slots, nanos: undefined, text: undefined })
  const repetition = presence === undefined ? 'required' : 'optional'
  const type = { physical: 'boolean', logical: undefined, fieldId: undefined } as const
  return { kind: 'leaf', name, repetition, ...type }
}

function planField(parts: PlanParts, place: Place, field: FieldSchema): PlannedField {
  const plan = field.repeated || field.type.kind === 'map' ? planList : planSingular
  const name = `${place.flattenedInto ?? ''}${columnName(field.name, parts.names)}`
  // The columns of a flattened message have names of their own, and its name stays free.
  const isFlattened = plan === planSingular && isGroup(parts, place, field)
  if (!isFlattened) place.scope.claim(name, `${place.path}${field.name}`)
  return plan(parts, place, field, name)
}

function isGroup(parts: PlanParts, place: Place, { type }: FieldSchema): boolean {
  if (type.kind !== 'message' || parts.mapping.nested !== 'flatten') return false
  return leafFormOf(type.message, parts, around(place)) === undefined
}

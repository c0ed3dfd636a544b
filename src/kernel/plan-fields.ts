/** Fields to columns, one field at a time; `table-plan.ts` says what comes out. */
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import type { FieldSchema, FieldType, MessageSchema, ScalarType } from '../model/event-schema.ts'
import type { ColumnGroup, ColumnLeaf, ColumnNode, PhysicalType } from '../model/table-schema.ts'
import { columnName, NameScope } from './plan-names.ts'
import type { FieldPlan, MemberPlan, MessagePlan, PlanParts, ValuePlan } from './plan-parts.ts'

/** Where a message's columns go. */
export interface Place {
  readonly message: MessageSchema
  readonly context: number
  readonly scope: NameScope
  /** Full names of the messages around it; meeting one again would never end. */
  readonly ancestors: readonly string[]
  /** The field that holds the message. */
  readonly field: string
}

interface PlannedMessage {
  readonly plan: MessagePlan
  readonly columns: readonly ColumnNode[]
}

interface PlannedField {
  readonly plan: FieldPlan
  readonly column: ColumnNode
}

type Plain = { readonly kind: 'scalar'; readonly scalar: ScalarType } | EnumType
type EnumType = Extract<FieldType, { kind: 'enum' }>

const physicalOf = {
  double: 'double',
  float: 'float',
  int32: 'int32',
  sint32: 'int32',
  sfixed32: 'int32',
  uint32: 'int32',
  fixed32: 'int32',
  int64: 'int64',
  sint64: 'int64',
  sfixed64: 'int64',
  uint64: 'int64',
  fixed64: 'int64',
  bool: 'boolean',
  string: 'byte-array',
  bytes: 'byte-array',
} as const satisfies Record<ScalarType, PhysicalType>

function logicalOf(scalar: ScalarType): ColumnLeaf['logical'] {
  if (scalar === 'string') return 'string'
  if (scalar === 'uint32' || scalar === 'fixed32') return 'uint32'
  return scalar === 'uint64' || scalar === 'fixed64' ? 'uint64' : undefined
}

function notSupported(place: Place, field: string, feature: string): Fault {
  return new Fault('SCHEMA_NOT_SUPPORTED', { message: place.message.fullName, field, feature })
}

interface LeafRequest {
  readonly context: number
  readonly name: string
  readonly number: number
  readonly optional: boolean
  readonly fieldId: number | undefined
}

/** The leaf of a scalar or enum, and how its values are read. */
function planLeaf(
  parts: PlanParts,
  type: Plain,
  request: LeafRequest,
): { readonly value: ValuePlan; readonly column: ColumnLeaf } {
  const { context, name, number, optional, fieldId } = request
  const scalar = type.kind === 'enum' ? 'enum' : type.scalar
  const physical = type.kind === 'enum' ? 'byte-array' : physicalOf[type.scalar]
  const logical = type.kind === 'enum' ? 'string' : logicalOf(type.scalar)
  const leaf = parts.addLeaf({
    context,
    optional,
    physical,
    unsigned: logical === 'uint32' || logical === 'uint64',
    values: type.kind === 'enum' ? type.values : undefined,
    identity: undefined,
  })
  const value: ValuePlan = {
    number,
    scalar,
    closed: type.kind === 'enum' && type.values.closed ? type.values : undefined,
    leaf,
  }
  const repetition = optional ? 'optional' : 'required'
  return { value, column: { kind: 'leaf', name, repetition, physical, logical, fieldId } }
}

interface Inner {
  readonly message: MessageSchema
  readonly context: number
  readonly field: string
}

function planInner(parts: PlanParts, place: Place, inner: Inner): PlannedMessage {
  const { message, context, field } = inner
  return planMessage(parts, {
    message,
    context,
    field,
    scope: new NameScope(message.fullName),
    ancestors: [...place.ancestors, place.message.fullName],
  })
}

function group(
  name: string,
  repetition: ColumnGroup['repetition'],
  children: readonly ColumnNode[],
  more: Partial<Pick<ColumnGroup, 'logical' | 'fieldId'>> = {},
): ColumnGroup {
  const { logical, fieldId } = more
  return { kind: 'group', name, repetition, logical, fieldId, children }
}

function planSingular(parts: PlanParts, place: Place, field: FieldSchema, name: string) {
  const { type, number } = field
  const required = field.presence === 'required'
  const member = memberOf(place, field)
  if (type.kind === 'message') {
    const context = parts.addOptional(place.context)
    const inner = planInner(parts, place, { message: type.message, context, field: field.name })
    const plan: FieldPlan = {
      kind: 'message',
      number,
      context,
      message: inner.plan,
      member,
      required,
    }
    return { plan, column: group(name, 'optional', inner.columns, { fieldId: number }) }
  }
  if (type.kind === 'map') throw notSupported(place, field.name, 'a map that is not repeated')
  const optional = field.presence === 'explicit' || field.oneof !== undefined
  const request = { context: place.context, name, number, optional, fieldId: number }
  const { value, column } = planLeaf(parts, type, request)
  return { plan: { kind: 'value', ...value, member, required } as const, column }
}

/** Three levels, as the Parquet specification wants a list to be. */
function planList(parts: PlanParts, place: Place, field: FieldSchema, name: string): PlannedField {
  const { type, number } = field
  if (type.kind === 'map') return planMap(parts, place, field, name)
  const context = parts.addRepeated(place.context, undefined)
  const { rowSet } = parts.context(context)
  const list = (element: ColumnNode): ColumnGroup =>
    group(name, 'required', [group('list', 'repeated', [element])], {
      logical: 'list',
      fieldId: number,
    })
  if (type.kind === 'message') {
    const inner = planInner(parts, place, { message: type.message, context, field: field.name })
    const plan: FieldPlan = { kind: 'rows', number, rowSet, message: inner.plan }
    return { plan, column: list(group('element', 'required', inner.columns)) }
  }
  const request = { context, name: 'element', number, optional: false, fieldId: undefined }
  const { value, column } = planLeaf(parts, type, request)
  return { plan: { kind: 'values', ...value, rowSet }, column: list(column) }
}

/** A map is a list of entries; entries are messages with a key (1) and a value (2). */
function planMap(parts: PlanParts, place: Place, field: FieldSchema, name: string): PlannedField {
  const { type, number } = field
  if (type.kind !== 'map') throw notSupported(place, field.name, 'a map')
  const context = parts.addRepeated(place.context, parts.leaves.length)
  const { rowSet } = parts.context(context)
  const keyRequest = { context, name: 'key', number: 1, optional: false, fieldId: undefined }
  const key = planLeaf(parts, { kind: 'scalar', scalar: type.key }, keyRequest)
  const value = planMapValue(parts, place, type.value, context)
  const plain = { member: undefined, required: false }
  const fields: FieldPlan[] = [{ kind: 'value', ...key.value, ...plain }, value.plan]
  const column = group(
    name,
    'required',
    [group('key_value', 'repeated', [key.column, value.column])],
    { logical: 'map', fieldId: number },
  )
  return {
    plan: { kind: 'rows', number, rowSet, message: { fields, oneofs: [], context } },
    column,
  }
}

/** An entry without a value has the default one, so a message value is a required group too. */
function planMapValue(
  parts: PlanParts,
  place: Place,
  type: FieldType,
  context: number,
): PlannedField {
  const plain = { member: undefined, required: false }
  if (type.kind === 'message') {
    const inner = planInner(parts, place, { message: type.message, context, field: 'value' })
    const plan: FieldPlan = {
      kind: 'message',
      number: 2,
      context,
      message: inner.plan,
      ...plain,
    }
    return { plan, column: group('value', 'required', inner.columns) }
  }
  if (type.kind === 'map') throw notSupported(place, 'value', 'a map of maps')
  if (type.kind === 'enum' && type.values.closed && !type.values.names.has(0)) {
    throw notSupported(place, 'value', 'a map to a closed enum without the number 0')
  }
  const request = { context, name: 'value', number: 2, optional: false, fieldId: undefined }
  const { value, column } = planLeaf(parts, type, request)
  return { plan: { kind: 'value', ...value, ...plain }, column }
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

function refuseMessage(place: Place): void {
  const { message, ancestors, field } = place
  const owner = ancestors.at(-1) ?? message.fullName
  const refuse = (feature: string): Fault =>
    new Fault('SCHEMA_NOT_SUPPORTED', { message: owner, field, feature })
  if (ancestors.includes(message.fullName)) throw refuse('messages that contain themselves')
  if (message.fullName.startsWith('google.protobuf.')) throw refuse('well-known types')
  if (message.fields.length === 0) throw refuse('columns for a message without fields')
}

/** Plans the fields of a message into its place. */
export function planMessage(parts: PlanParts, place: Place): PlannedMessage {
  refuseMessage(place)
  const fields = place.message.fields.map((field) => planField(parts, place, field))
  const oneofs = oneofNames(place.message).map((name) => membersOf(place.message, name).length)
  return {
    plan: { fields: fields.map(({ plan }) => plan), oneofs, context: place.context },
    columns: fields.map(({ column }) => column),
  }
}

function planField(parts: PlanParts, place: Place, field: FieldSchema): PlannedField {
  const name = place.scope.claim(columnName(field.name, parts.names), field.name)
  const plan = field.repeated || field.type.kind === 'map' ? planList : planSingular
  return present(plan(parts, place, field, name), 'every field has a plan')
}

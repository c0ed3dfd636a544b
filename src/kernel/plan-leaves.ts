/** Single columns: scalars and enums, and the messages that become one column. */
import type { FieldType, MessageSchema, ScalarType } from '../model/event-schema.ts'
import type { ColumnLeaf, PhysicalType } from '../model/table-schema.ts'
import type { FieldPlan, MessagePlan, PlanParts, ValuePlan } from './plan-parts.ts'

export type Plain = { readonly kind: 'scalar'; readonly scalar: ScalarType } | EnumType
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

export interface LeafRequest {
  readonly context: number
  readonly name: string
  readonly fieldId: number | undefined
  /** Of an optional column; undefined for a required one. */
  readonly presence: number | undefined
}

type LeafType = Pick<ColumnLeaf, 'physical' | 'logical'>

function columnOf({ name, presence, fieldId }: LeafRequest, type: LeafType): ColumnLeaf {
  const repetition = presence === undefined ? 'required' : 'optional'
  const { physical, logical } = type
  return { kind: 'leaf', name, repetition, physical, logical, fieldId }
}

/** The leaf of a scalar or enum, and how its values are read. */
export function planLeaf(
  parts: PlanParts,
  type: Plain,
  number: number,
  request: LeafRequest,
): { readonly value: ValuePlan; readonly column: ColumnLeaf } {
  const { context, presence } = request
  const leafType = leafTypeOf(type, parts)
  const leaf = parts.addLeaf({
    context,
    presence,
    physical: leafType.physical,
    unsigned: leafType.logical === 'uint32' || leafType.logical === 'uint64',
    values: type.kind === 'enum' && leafType.logical === 'string' ? type.values : undefined,
  })
  const value: ValuePlan = {
    number,
    scalar: type.kind === 'enum' ? 'enum' : type.scalar,
    closed: type.kind === 'enum' && type.values.closed ? type.values : undefined,
    slots: parts.slotsOf(leaf),
  }
  return { value, column: columnOf(request, leafType) }
}

function leafTypeOf(type: Plain, parts: PlanParts): LeafType {
  if (type.kind === 'scalar') {
    return { physical: physicalOf[type.scalar], logical: logicalOf(type.scalar) }
  }
  return parts.mapping.enums === 'int'
    ? { physical: 'int32', logical: undefined }
    : { physical: 'byte-array', logical: 'string' }
}

/** A message that is one column: its fields lead into the leaf, or its text is written. */
export interface MessageLeaf {
  readonly column: ColumnLeaf
  readonly leaf: number
  /** Undefined: the message becomes text. */
  readonly fields: MessagePlan | undefined
}

/** How a message type becomes one column. */
export type LeafForm =
  | { readonly kind: 'wrapper'; readonly scalar: ScalarType }
  | { readonly kind: 'time'; readonly derivation: TimeKind }
  | { readonly kind: 'text' }

type TimeKind = 'timestamp-micros' | 'duration-micros' | 'timestamp-int96'

const wrappers: ReadonlyMap<string, ScalarType> = new Map([
  ['google.protobuf.DoubleValue', 'double'],
  ['google.protobuf.FloatValue', 'float'],
  ['google.protobuf.Int64Value', 'int64'],
  ['google.protobuf.UInt64Value', 'uint64'],
  ['google.protobuf.Int32Value', 'int32'],
  ['google.protobuf.UInt32Value', 'uint32'],
  ['google.protobuf.BoolValue', 'bool'],
  ['google.protobuf.StringValue', 'string'],
  ['google.protobuf.BytesValue', 'bytes'],
])

/** Messages without a shape of their own: what they hold is known only from each event. */
const shapeless: ReadonlySet<string> = new Set([
  'google.protobuf.Struct',
  'google.protobuf.Value',
  'google.protobuf.ListValue',
])

/**
 * The form of a message that is one column; undefined for those that are groups.
 *
 * A message that stands within itself becomes text where it does so the first time: unrolling it
 * would never end, and every reader can read text.
 *
 * @param around full names of the messages around the field, its own among them.
 */
export function leafFormOf(
  message: MessageSchema,
  parts: PlanParts,
  around: readonly string[],
): LeafForm | undefined {
  const { fullName } = message
  if (shapeless.has(fullName) || around.includes(fullName)) return { kind: 'text' }
  const scalar = wrappers.get(fullName)
  if (scalar !== undefined && hasFields(message, [scalar])) return { kind: 'wrapper', scalar }
  const { timestamps, durations } = parts.mapping
  if (!hasFields(message, ['int64', 'int32'])) return undefined
  if (fullName === 'google.protobuf.Timestamp' && timestamps !== 'struct') {
    const derivation = timestamps === 'int96' ? 'timestamp-int96' : 'timestamp-micros'
    return { kind: 'time', derivation }
  }
  if (fullName === 'google.protobuf.Duration' && durations !== 'struct') {
    return { kind: 'time', derivation: 'duration-micros' }
  }
  return undefined
}

/** A file of one's own may define these names otherwise; such a message is like any other. */
function hasFields({ fields }: MessageSchema, scalars: readonly ScalarType[]): boolean {
  return (
    fields.length === scalars.length &&
    fields.every(
      ({ number, type, repeated }, index) =>
        number === index + 1 &&
        !repeated &&
        type.kind === 'scalar' &&
        type.scalar === scalars[index],
    )
  )
}

/** Plans the column of a message that is one. */
export function planMessageLeaf(
  parts: PlanParts,
  message: MessageSchema,
  form: LeafForm,
  request: LeafRequest,
): MessageLeaf {
  switch (form.kind) {
    case 'wrapper':
      return planWrapper(parts, message, form.scalar, request)
    case 'time':
      return planTime(parts, message, form.derivation, request)
    case 'text':
      return planText(parts, message, request)
  }
}

const single = { kind: 'value', presence: undefined, member: undefined, required: false } as const

function fieldsInto(
  parts: PlanParts,
  message: MessageSchema,
  request: LeafRequest,
  fields: readonly FieldPlan[],
): MessagePlan {
  const { rowSet } = parts.context(request.context)
  const { presence } = request
  return { fullName: message.fullName, fields, oneofs: [], rowSet, presence, isEntry: false }
}

function planWrapper(
  parts: PlanParts,
  message: MessageSchema,
  scalar: ScalarType,
  request: LeafRequest,
): MessageLeaf {
  const leaf = parts.leaves.length
  const { value, column } = planLeaf(parts, { kind: 'scalar', scalar }, 1, request)
  return { column, leaf, fields: fieldsInto(parts, message, request, [{ ...value, ...single }]) }
}

function planTime(
  parts: PlanParts,
  message: MessageSchema,
  kind: TimeKind,
  request: LeafRequest,
): MessageLeaf {
  const { context, presence } = request
  const physical = kind === 'timestamp-int96' ? 'int96' : 'int64'
  const nanos = parts.addSlots(context)
  const leaf = parts.addLeaf({
    context,
    presence,
    physical,
    nanos: physical === 'int96' ? nanos : undefined,
  })
  const slots = parts.slotsOf(leaf)
  const { rowSet } = parts.context(context)
  parts.derivations.push({ kind, rowSet, slots, nanos, text: undefined })
  const value = { ...single, closed: undefined }
  const fields: FieldPlan[] = [
    { ...value, number: 1, scalar: 'int64', slots },
    { ...value, number: 2, scalar: 'int32', slots: nanos },
  ]
  const logical = kind === 'timestamp-micros' ? 'timestamp-micros' : undefined
  return {
    column: columnOf(request, { physical, logical }),
    leaf,
    fields: fieldsInto(parts, message, request, fields),
  }
}

function planText(parts: PlanParts, message: MessageSchema, request: LeafRequest): MessageLeaf {
  const { context, presence } = request
  const leaf = parts.addLeaf({ context, presence, physical: 'byte-array', text: message })
  return {
    column: columnOf(request, { physical: 'byte-array', logical: 'string' }),
    leaf,
    fields: undefined,
  }
}

/** JSON of a message of which nothing was given: the value of a map's entry that has none. */
export function emptyTextOf({ fullName }: MessageSchema): string {
  if (fullName === 'google.protobuf.Value') return 'null'
  return fullName === 'google.protobuf.ListValue' ? '[]' : '{}'
}

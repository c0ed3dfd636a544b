/**
 * A message's way into columns: the table's schema, and the field program that the kernel runs.
 *
 * A plan is plain data with indexes instead of addresses, so it can be printed, compared and tested
 * without a kernel. Invariants:
 * - leaves stand in the order of the column tree, identity columns last;
 * - row sets and contexts stand after their parents; number 0 of both is the row itself.
 *
 * Sample, `message A { string s = 1; repeated int32 n = 2; }`:
 *
 *     row sets  0: rows             1: elements of n, parent 0
 *     contexts  0: definition 0     1: definition 1, repetition 1
 *     leaves    s in context 0      n in context 1
 */
import { assert } from '../base/assert.ts'
import type { MessageSchema } from '../model/event-schema.ts'
import type { IdentityColumn } from '../model/row-batch.ts'
import type { ColumnLeaf, ColumnNode, LeafColumn, TableSchema } from '../model/table-schema.ts'
import { type ColumnMapping, defaultMapping } from './column-mapping.ts'
import { planMessage } from './plan-fields.ts'
import { type NameRule, NameScope } from './plan-names.ts'
import {
  type ArrayPlan,
  type ContextPlan,
  type DerivationPlan,
  type LeafPlan,
  type MessagePlan,
  PlanParts,
  type RowSetPlan,
} from './plan-parts.ts'

export interface TablePlan {
  readonly schema: TableSchema
  readonly message: MessageSchema
  readonly root: MessagePlan
  readonly rowSets: readonly RowSetPlan[]
  readonly contexts: readonly ContextPlan[]
  readonly leaves: readonly LeafPlan[]
  /** Arrays of slots: one for each leaf, and those that slots are made from. */
  readonly slots: readonly ArrayPlan[]
  /** Arrays that keep what was given. */
  readonly presences: readonly ArrayPlan[]
  readonly derivations: readonly DerivationPlan[]
  /** All messages, outer before inner. */
  readonly messages: readonly MessagePlan[]
}

export interface PlanOptions {
  /** Columns with a row's identity, appended in this order. */
  readonly identity: readonly IdentityColumn[]
  readonly names: NameRule
  /** Undefined: `defaultMapping`. */
  readonly mapping?: ColumnMapping | undefined
}

type IdentityType = Pick<ColumnLeaf, 'physical' | 'logical'>

const identityTypes = {
  _topic: { physical: 'byte-array', logical: 'string' },
  _partition: { physical: 'int32', logical: undefined },
  _offset: { physical: 'int64', logical: undefined },
  _index: { physical: 'int32', logical: undefined },
  _ingest_ms: { physical: 'int64', logical: 'timestamp-millis' },
} as const satisfies Record<IdentityColumn, IdentityType>

/** Hive 2.3 fails on INT64 timestamps: whoever writes for it gets the number of milliseconds. */
function identityTypeOf(column: IdentityColumn, { timestamps }: ColumnMapping): IdentityType {
  if (column === '_ingest_ms' && timestamps === 'int96') return identityTypes._offset
  return identityTypes[column]
}

function planIdentity(parts: PlanParts, column: IdentityColumn): ColumnLeaf {
  const { physical, logical } = identityTypeOf(column, parts.mapping)
  parts.addLeaf({ context: 0, physical, identity: column })
  return {
    kind: 'leaf',
    name: column,
    repetition: 'required',
    physical,
    logical,
    fieldId: undefined,
  }
}

function messagesOf(message: MessagePlan): readonly MessagePlan[] {
  const inner = message.fields.flatMap((field) =>
    field.kind === 'message' || field.kind === 'rows' ? messagesOf(field.message) : [],
  )
  return [message, ...inner]
}

function leavesOf(node: ColumnNode, above: Omit<LeafColumn, 'leaf'>): LeafColumn[] {
  const here = {
    path: [...above.path, node.name],
    definitionMax: above.definitionMax + (node.repetition === 'required' ? 0 : 1),
    repetitionMax: above.repetitionMax + (node.repetition === 'repeated' ? 1 : 0),
  }
  if (node.kind === 'leaf') return [{ leaf: node, ...here }]
  return node.children.flatMap((child) => leavesOf(child, here))
}

/**
 * Maps a message to columns.
 *
 * @throws {Fault} SCHEMA_NOT_SUPPORTED for what this version has no columns for, by name;
 *   SCHEMA_NAME_COLLISION when two fields would get one column.
 */
export function planTable(message: MessageSchema, options: PlanOptions): TablePlan {
  const parts = new PlanParts(message.fullName, options.names, options.mapping ?? defaultMapping)
  const scope = new NameScope(message.fullName)
  const { plan, columns } = planMessage(parts, {
    message,
    context: 0,
    presence: undefined,
    flattenedInto: undefined,
    scope,
    path: '',
    ancestors: [],
  })
  const identity = options.identity.map((column) => {
    scope.claim(column, column)
    return planIdentity(parts, column)
  })
  const top = { path: [], definitionMax: 0, repetitionMax: 0 }
  const tree = [...columns, ...identity]
  const leaves = tree.flatMap((node) => leavesOf(node, top))
  assert(leaves.length === parts.leaves.length, 'the column tree has one leaf per planned leaf')
  return {
    schema: { columns: tree, leaves },
    message,
    root: plan,
    rowSets: parts.rowSets,
    contexts: parts.contexts,
    leaves: parts.leaves,
    slots: parts.slots,
    presences: parts.presences,
    derivations: parts.derivations,
    messages: messagesOf(plan),
  }
}

/** The parts of a table's plan; `table-plan.ts` says how they hang together. */
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import type { EnumSchema, ScalarType } from '../model/event-schema.ts'
import type { IdentityColumn } from '../model/row-batch.ts'
import type { PhysicalType } from '../model/table-schema.ts'
import type { NameRule } from './plan-names.ts'

/** One repetition level: the rows, or the elements of one repeated field or map. */
export interface RowSetPlan {
  readonly parent: number | undefined
  /** Of a map: the leaf of its keys. */
  readonly mapKey: number | undefined
  /** Entries of a map that a later one replaces die, and what lies in them. */
  readonly mayDie: boolean
}

/** A place in the column tree that has levels of its own. */
export interface ContextPlan {
  readonly parent: number | undefined
  readonly rowSet: number
  readonly optional: boolean
  readonly definition: number
  readonly repetition: number
}

export interface LeafPlan {
  readonly context: number
  readonly optional: boolean
  readonly physical: PhysicalType
  readonly unsigned: boolean
  readonly values: EnumSchema | undefined
  readonly identity: IdentityColumn | undefined
}

export interface MemberPlan {
  /** Number of the oneof within its message. */
  readonly oneof: number
  /** Place among the oneof's members. */
  readonly member: number
}

export interface ValuePlan {
  readonly number: number
  readonly scalar: ScalarType | 'enum'
  /** Numbers that a closed enum does not name are skipped. */
  readonly closed: EnumSchema | undefined
  readonly leaf: number
}

export type FieldPlan =
  | (ValuePlan & {
      readonly kind: 'value'
      readonly member: MemberPlan | undefined
      readonly required: boolean
    })
  | (ValuePlan & { readonly kind: 'values'; readonly rowSet: number })
  | {
      readonly kind: 'message'
      readonly number: number
      readonly context: number
      readonly message: MessagePlan
      readonly member: MemberPlan | undefined
      readonly required: boolean
    }
  | {
      readonly kind: 'rows'
      readonly number: number
      readonly rowSet: number
      readonly message: MessagePlan
    }

export interface MessagePlan {
  readonly fields: readonly FieldPlan[]
  /** Members of each oneof. */
  readonly oneofs: readonly number[]
  /** The context its fields lie in. */
  readonly context: number
}

/** More columns than this are a mistake in the schema, or an attack. */
const leavesMax = 10_000
/** Levels are kept in a byte. */
const levelMax = 255

/** Collects the parts of a plan while the message's fields are walked. */
export class PlanParts {
  readonly names: NameRule
  readonly rowSets: RowSetPlan[] = [{ parent: undefined, mapKey: undefined, mayDie: false }]
  readonly contexts: ContextPlan[] = [
    { parent: undefined, rowSet: 0, optional: false, definition: 0, repetition: 0 },
  ]
  readonly leaves: LeafPlan[] = []
  readonly #root: string

  constructor(root: string, names: NameRule) {
    this.#root = root
    this.names = names
  }

  context(index: number): ContextPlan {
    return present(this.contexts[index], 'a context is planned before its columns')
  }

  addOptional(parent: number): number {
    const above = this.context(parent)
    return this.#addContext({
      ...above,
      parent,
      optional: true,
      definition: above.definition + 1,
    })
  }

  /** @param mapKey leaf of the keys, which will be the next leaf added; undefined for a list. */
  addRepeated(parent: number, mapKey: number | undefined): number {
    const above = this.context(parent)
    const owner = present(this.rowSets[above.rowSet], 'a row set is planned before its children')
    const rowSet = this.rowSets.length
    this.rowSets.push({
      parent: above.rowSet,
      mapKey,
      mayDie: mapKey !== undefined || owner.mayDie,
    })
    return this.#addContext({
      parent,
      rowSet,
      optional: false,
      definition: above.definition + 1,
      repetition: above.repetition + 1,
    })
  }

  addLeaf(leaf: LeafPlan): number {
    this.#refuseWhen(this.leaves.length >= leavesMax, `more than ${leavesMax} columns`)
    return this.leaves.push(leaf) - 1
  }

  #addContext(context: ContextPlan): number {
    this.#refuseWhen(context.definition >= levelMax, `more than ${levelMax} levels`)
    return this.contexts.push(context) - 1
  }

  #refuseWhen(tooMany: boolean, feature: string): void {
    if (!tooMany) return
    throw new Fault('SCHEMA_NOT_SUPPORTED', { message: this.#root, field: '*', feature })
  }
}

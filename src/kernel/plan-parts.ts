/** The parts of a table's plan; `table-plan.ts` says how they hang together. */
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import type { EnumSchema, MessageSchema, ScalarType } from '../model/event-schema.ts'
import type { IdentityColumn } from '../model/row-batch.ts'
import type { PhysicalType } from '../model/table-schema.ts'
import type { ColumnMapping } from './column-mapping.ts'
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
  /** Of an optional group: which presence says that it is there. */
  readonly presence: number | undefined
  readonly definition: number
  readonly repetition: number
}

/** An array with one element per row of a row set: slots, or presence. */
export interface ArrayPlan {
  readonly rowSet: number
}

export interface LeafPlan {
  readonly context: number
  /** Which slots hold its values. */
  readonly slots: number
  /** Of an optional leaf. Neighbours may share one: that of the message around them. */
  readonly presence: number | undefined
  readonly physical: PhysicalType
  readonly unsigned: boolean
  /** Of an enum that is written by name. */
  readonly values: EnumSchema | undefined
  readonly identity: IdentityColumn | undefined
  /** Of INT96: the slots of the nanoseconds. */
  readonly nanos: number | undefined
  /** The message whose JSON text is written. */
  readonly text: MessageSchema | undefined
}

/** Slots made from what was parsed, when a row is whole. */
export interface DerivationPlan {
  readonly kind: 'timestamp-micros' | 'duration-micros' | 'timestamp-int96' | 'true' | 'text'
  readonly rowSet: number
  readonly slots: number
  /** Slots of the nanoseconds. */
  readonly nanos: number | undefined
  /** Of `text`: what stands where nothing was given. */
  readonly text: string | undefined
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
  readonly slots: number
}

/** What fields have that are given once. */
interface SingularPlan {
  readonly number: number
  /** Where it is kept that the field was given. */
  readonly presence: number | undefined
  readonly member: MemberPlan | undefined
  readonly required: boolean
}

export type FieldPlan =
  | (ValuePlan & SingularPlan & { readonly kind: 'value' })
  | (ValuePlan & { readonly kind: 'values'; readonly rowSet: number })
  | (SingularPlan & {
      readonly kind: 'message'
      readonly delimited: boolean
      readonly message: MessagePlan
    })
  | {
      readonly kind: 'rows'
      readonly number: number
      readonly rowSet: number
      readonly delimited: boolean
      readonly message: MessagePlan
    }
  /** A message that becomes text. */
  | (SingularPlan & {
      readonly kind: 'text'
      readonly delimited: boolean
      readonly slots: number
      readonly leaf: number
    })
  | {
      readonly kind: 'texts'
      readonly number: number
      readonly rowSet: number
      readonly delimited: boolean
      readonly slots: number
      readonly leaf: number
    }

/** Fields that are given once. */
export type SingularFieldPlan = Extract<FieldPlan, { readonly member: unknown }>

export const isSingular = (field: FieldPlan): field is SingularFieldPlan => 'member' in field

export interface MessagePlan {
  readonly fullName: string
  readonly fields: readonly FieldPlan[]
  /** Members of each oneof. */
  readonly oneofs: readonly number[]
  /** The row set its fields lie in. */
  readonly rowSet: number
  /** Where it is kept that the message is there; undefined where it always is. */
  readonly presence: number | undefined
  /** It is an entry of a map. */
  readonly isEntry: boolean
}

/** More columns than this are a mistake in the schema, or an attack. */
const leavesMax = 10_000
/** Levels are kept in a byte. */
const levelMax = 255

/** Collects the parts of a plan while the message's fields are walked. */
export class PlanParts {
  readonly names: NameRule
  readonly mapping: ColumnMapping
  readonly rowSets: RowSetPlan[] = [{ parent: undefined, mapKey: undefined, mayDie: false }]
  readonly contexts: ContextPlan[] = [
    { parent: undefined, rowSet: 0, presence: undefined, definition: 0, repetition: 0 },
  ]
  readonly leaves: LeafPlan[] = []
  readonly slots: ArrayPlan[] = []
  readonly presences: ArrayPlan[] = []
  readonly derivations: DerivationPlan[] = []
  readonly #root: string

  constructor(root: string, names: NameRule, mapping: ColumnMapping) {
    this.#root = root
    this.names = names
    this.mapping = mapping
  }

  context(index: number): ContextPlan {
    return present(this.contexts[index], 'a context is planned before its columns')
  }

  addSlots(context: number): number {
    return this.slots.push({ rowSet: this.context(context).rowSet }) - 1
  }

  addPresence(context: number): number {
    return this.presences.push({ rowSet: this.context(context).rowSet }) - 1
  }

  addOptional(parent: number): number {
    const above = this.context(parent)
    return this.#addContext({
      ...above,
      parent,
      presence: this.addPresence(parent),
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
      presence: undefined,
      definition: above.definition + 1,
      repetition: above.repetition + 1,
    })
  }

  /** @returns the leaf's index; its slots are new ones. */
  addLeaf(leaf: Pick<LeafPlan, 'context' | 'physical'> & Partial<LeafPlan>): number {
    this.#refuseWhen(this.leaves.length >= leavesMax, `more than ${leavesMax} columns`)
    const slots = this.addSlots(leaf.context)
    const plain = { presence: undefined, unsigned: false, values: undefined, identity: undefined }
    return this.leaves.push({ ...plain, nanos: undefined, text: undefined, slots, ...leaf }) - 1
  }

  slotsOf(leaf: number): number {
    return present(this.leaves[leaf], 'a leaf is planned before its values').slots
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

/**
 * Where each scratch array of a plan lies, as offsets into the two arenas.
 *
 * `zeroed` holds what parsing writes and clearing zeroes: slots, presence, counts. `levels` holds
 * what is overwritten by every batch and never cleared. Arrays are set apart by 64 bytes: reads and
 * writes of whole vectors pass their ends, and neighbouring slots would share cache sets otherwise.
 */
import { present } from '../base/assert.ts'
import type { MessagePlan } from './plan-parts.ts'
import type { TablePlan } from './table-plan.ts'

const gapBytes = 64

class Offsets {
  next = 0

  take(bytes: number): number {
    const offset = this.next
    this.next += Math.ceil(bytes / 16) * 16 + gapBytes
    return offset
  }
}

/** An array of a row set that clearing must zero; an element has `1 << shift` bytes. */
interface ScratchArrayPlan {
  readonly rowSet: number
  readonly offset: number
  readonly shift: number
}

export interface ScratchLayout {
  readonly zeroedBytes: number
  readonly levelBytes: number
  readonly arrays: readonly ScratchArrayPlan[]
  /** Per leaf. */
  readonly slots: readonly number[]
  readonly leafPresence: readonly (number | undefined)[]
  /** Per context, of optional groups. */
  readonly contextPresence: readonly (number | undefined)[]
  /** Per row set; the root has none. */
  readonly counts: readonly (number | undefined)[]
  readonly dead: readonly (number | undefined)[]
  /** Per message with oneofs: which member each row has. */
  readonly cases: ReadonlyMap<MessagePlan, readonly number[]>
  /** Offsets into the level arena, per context. */
  readonly definitions: readonly number[]
  readonly repetitions: readonly number[]
  /** Written for fields without presence, so that the parser need not ask. */
  readonly ignored: number
}

/** Messages of a plan, outer before inner. */
export function messagesOf(message: MessagePlan): readonly MessagePlan[] {
  const inner = message.fields.flatMap((field) =>
    field.kind === 'message' || field.kind === 'rows' ? messagesOf(field.message) : [],
  )
  return [message, ...inner]
}

/** Leaves whose presence is recorded: optional ones, and required ones of proto2. */
function leavesWithPresence(plan: TablePlan): ReadonlySet<number> {
  const required = messagesOf(plan.root).flatMap((message) =>
    message.fields.flatMap((field) =>
      field.kind === 'value' && field.required ? [field.leaf] : [],
    ),
  )
  const optional = plan.leaves.flatMap((leaf, index) => (leaf.optional ? [index] : []))
  return new Set([...required, ...optional])
}

/** Entries a level stream of a row set can have: its rows, and one for each place above. */
function entriesMax(plan: TablePlan, capacities: readonly number[], rowSet: number): number {
  const { parent } = present(plan.rowSets[rowSet], 'row set of the plan')
  const own = present(capacities[rowSet], 'every row set has a capacity')
  return parent === undefined ? own : own + entriesMax(plan, capacities, parent)
}

export function layOutScratch(plan: TablePlan, capacities: readonly number[]): ScratchLayout {
  const zeroed = new Offsets()
  const levels = new Offsets()
  const arrays: ScratchArrayPlan[] = []
  const rowsOf = (rowSet: number): number =>
    present(capacities[rowSet], 'every row set has a capacity')
  const array = (rowSet: number, shift: number): number => {
    const offset = zeroed.take(rowsOf(rowSet) * 2 ** shift)
    arrays.push({ rowSet, offset, shift })
    return offset
  }
  const rowSetOf = (context: number): number =>
    present(plan.contexts[context], 'context of the plan').rowSet
  const present_ = leavesWithPresence(plan)
  const slots = plan.leaves.map(({ context }) => array(rowSetOf(context), 3))
  const leafPresence = plan.leaves.map(({ context }, leaf) =>
    present_.has(leaf) ? array(rowSetOf(context), 0) : undefined,
  )
  const contextPresence = plan.contexts.map(({ rowSet, optional }) =>
    optional ? array(rowSet, 0) : undefined,
  )
  const counts = plan.rowSets.map(({ parent }) =>
    parent === undefined ? undefined : array(parent, 2),
  )
  const dead = plan.rowSets.map(({ mayDie }, rowSet) => (mayDie ? array(rowSet, 0) : undefined))
  const cases = new Map(
    messagesOf(plan.root).map((message) => [
      message,
      message.oneofs.map(() => array(rowSetOf(message.context), 1)),
    ]),
  )
  const streams = plan.contexts.map(({ rowSet }) => entriesMax(plan, capacities, rowSet))
  const definitions = streams.map((entries) => levels.take(entries))
  const repetitions = streams.map((entries) => levels.take(entries))
  const ignored = levels.take(Math.max(...capacities))
  return {
    zeroedBytes: zeroed.next,
    levelBytes: levels.next,
    arrays,
    slots,
    leafPresence,
    contextPresence,
    counts,
    dead,
    cases,
    definitions,
    repetitions,
    ignored,
  }
}

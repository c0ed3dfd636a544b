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
  /** Per array of slots, and per array of presence, of the plan. */
  readonly slots: readonly number[]
  readonly presences: readonly number[]
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
  const slots = plan.slots.map(({ rowSet }) => array(rowSet, 3))
  const presences = plan.presences.map(({ rowSet }) => array(rowSet, 0))
  const counts = plan.rowSets.map(({ parent }) =>
    parent === undefined ? undefined : array(parent, 2),
  )
  const dead = plan.rowSets.map(({ mayDie }, rowSet) => (mayDie ? array(rowSet, 0) : undefined))
  const cases = new Map(
    plan.messages.map((message) => [message, message.oneofs.map(() => array(message.rowSet, 1))]),
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
    presences,
    counts,
    dead,
    cases,
    definitions,
    repetitions,
    ignored,
  }
}

/**
 * Dremel levels of a batch: one byte per level, for every context of the column tree.
 *
 * A context's stream has one entry per row of its row set, plus one for each place above where
 * nothing was repeated or present. An entry belongs to a row of the set exactly when its definition
 * level reaches the set's own; entries and (living) rows come in the same order.
 */
import { Buffer, reserve } from './memory'
import { Column } from './column'
import { Context, Leaf, pointerAt, Program, RowSet } from './structures'

@inline
function isRoot(context: Context): bool {
  return !context.parent
}
/** Next row that lives, from `row` on. */
@inline
function living(rowSet: RowSet, row: u32): u32 {
  if (rowSet.deadCount) while (load<u8>(rowSet.dead + row)) row++
  return row
}

/** Bytewise sum; reads and writes whole vectors, arrays are padded. */
export function addBytes(to: usize, a: usize, b: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 16) {
    v128.store(to + i, i8x16.add(v128.load(a + i), v128.load(b + i)))
  }
}

/**
 * Definition levels with an optional step added: where the entry has a row, its presence counts.
 */
function addPresence(context: Context, presence: usize, to: usize): void {
  const rowSet = changetype<RowSet>(context.rowSet)
  const count = context.levels
  if (!context.repetition) {
    if (isRoot(context)) memory.copy(to, presence, count)
    else addBytes(to, context.definitions, presence, count)
    return
  }
  const base = rowSet.definition
  const definitions = context.definitions
  let row: u32 = 0
  for (let k: u32 = 0; k < count; k++) {
    const level = <u32>load<u8>(definitions + k)
    if (level < base) {
      store<u8>(to + k, level)
      continue
    }
    row = living(rowSet, row)
    store<u8>(to + k, level + <u32>load<u8>(presence + row))
    row++
  }
}

function computeOptional(context: Context): void {
  const parent = changetype<Context>(context.parent)
  context.levels = parent.levels
  context.repetitions = parent.repetitions
  if (isRoot(parent)) context.definitions = context.presence
  else addPresence(parent, context.presence, context.definitions)
}

/** Elements of fields of the message itself: every row is an entry. */
function computeTopRepeated(context: Context, counts: usize, rows: u32): void {
  const definitions = context.definitions
  const repetitions = context.repetitions
  let k: u32 = 0
  for (let row: u32 = 0; row < rows; row++) {
    const count = load<u32>(counts + (row << 2))
    store<u8>(repetitions + k, 0)
    store<u8>(definitions + k, u8(count != 0))
    k++
    for (let element: u32 = 1; element < count; element++) {
      store<u8>(repetitions + k, 1)
      store<u8>(definitions + k, 1)
      k++
    }
  }
  context.levels = k
}

function livingCount(rowSet: RowSet, first: u32, count: u32): u32 {
  let alive = count
  for (let row = first; row < first + count; row++) alive -= <u32>load<u8>(rowSet.dead + row)
  return alive
}

/** The general walk: any depth, optional groups between, dead map entries passed over. */
function computeRepeated(context: Context): void {
  const rowSet = changetype<RowSet>(context.rowSet)
  const parent = changetype<Context>(context.parent)
  const parentSet = changetype<RowSet>(rowSet.parent)
  const base = parentSet.definition
  const parentDefinitions = isRoot(parent) ? 0 : parent.definitions
  const definitions = context.definitions
  const repetitions = context.repetitions
  let parentRow: u32 = 0
  let element: u32 = 0
  let k: u32 = 0
  for (let entry: u32 = 0; entry < parent.levels; entry++) {
    const level = parentDefinitions ? <u32>load<u8>(parentDefinitions + entry) : 0
    let count: u32 = 0
    if (level >= base) {
      while (parentSet.deadCount && load<u8>(parentSet.dead + parentRow)) {
        element += load<u32>(rowSet.counts + (parentRow << 2))
        parentRow++
      }
      const given = load<u32>(rowSet.counts + (parentRow << 2))
      count = rowSet.deadCount ? livingCount(rowSet, element, given) : given
      element += given
      parentRow++
    }
    store<u8>(repetitions + k, parent.repetition ? <u32>load<u8>(parent.repetitions + entry) : 0)
    store<u8>(definitions + k, level + u32(count != 0))
    k++
    for (let i: u32 = 1; i < count; i++) {
      store<u8>(repetitions + k, context.repetition)
      store<u8>(definitions + k, context.definition)
      k++
    }
  }
  context.levels = k
}

/** Contexts come parents first. */
export function computeContexts(program: Program): void {
  const root = changetype<Context>(pointerAt(program.contexts, 0))
  const rows = changetype<RowSet>(root.rowSet).rows
  root.levels = rows
  for (let i: u32 = 1; i < program.contextCount; i++) {
    const context = changetype<Context>(pointerAt(program.contexts, i))
    const rowSet = changetype<RowSet>(context.rowSet)
    if (context.presence) computeOptional(context)
    else if (isRoot(changetype<Context>(context.parent)) && !rowSet.deadCount) {
      computeTopRepeated(context, rowSet.counts, rows)
    } else computeRepeated(context)
  }
}

/** Appends the batch's levels to a column's open page. */
export function appendLevels(c: Column, leaf: Leaf): void {
  const context = changetype<Context>(leaf.context)
  const count = context.levels
  const had = c.levels
  c.levels = had + count
  if (!c.definitionMax) return
  const need = had + count + 64
  const definitions = reserve(changetype<Buffer>(c.definitionsAt()), had, need) + had
  if (leaf.presence) addPresence(context, leaf.presence, definitions)
  else memory.copy(definitions, context.definitions, count)
  if (!c.repetitionMax) return
  const repetitions = reserve(changetype<Buffer>(c.repetitionsAt()), had, need) + had
  memory.copy(repetitions, context.repetitions, count)
}

/** Rows of row sets: added while parsing, taken back when a row is refused or a oneof changes. */
import { Failure, pointerAt, Program, RowSet, ScratchArray } from './structures'

/** Why the last row was refused; `Failure.NONE` while parsing goes well. */
export let failure: u32 = Failure.NONE
/** Index of the row set that had no room. */
export let fullRowSet: u32 = 0

/** What `fullRowSet` is when the list of captured messages had no room. */
export const CAPTURES_FULL: u32 = 0xfffffffe
export function failFull(set: u32): usize {
  fullRowSet = set
  return fail(Failure.FULL)
}

export function fail(reason: u32): usize {
  failure = reason
  return 0
}
export function clearFailure(): void {
  failure = Failure.NONE
}

/** Adds an element for a row of the parent. -1 when the set has no room. */
@inline
export function addRow(rowSet: RowSet, parentRow: u32): i32 {
  const row = rowSet.rows
  if (row >= rowSet.capacity) {
    fullRowSet = rowSet.index
    failure = Failure.FULL
    return -1
  }
  rowSet.rows = row + 1
  const count = rowSet.counts + (parentRow << 2)
  store<u32>(count, load<u32>(count) + 1)
  return row
}

/**
 * Takes back the last rows, so that `toRows` remain, with all that hangs on them.
 *
 * The children of the last rows are themselves the last rows of their sets. Arrays are zeroed
 * because a slot's zero is the default of the next row that gets it.
 */
export function popRows(rowSet: RowSet, toRows: u32): void {
  const rows = rowSet.rows
  for (let i: u32 = 0; i < rowSet.childCount; i++) {
    const child = changetype<RowSet>(pointerAt(rowSet.children, i))
    let popped: u32 = 0
    for (let row = toRows; row < rows; row++) popped += load<u32>(child.counts + (row << 2))
    if (popped) popRows(child, child.rows - popped)
  }
  zeroRows(rowSet, toRows, rows)
  rowSet.rows = toRows
}

function zeroRows(rowSet: RowSet, first: u32, next: u32): void {
  for (let i: u32 = 0; i < rowSet.arrayCount; i++) {
    const array = changetype<ScratchArray>(rowSet.arrays + i * offsetof<ScratchArray>())
    memory.fill(array.start + (first << array.shift), 0, (next - first) << array.shift)
  }
}

/** Leaves the arena all zero, as the next batch (of any table) expects it. */
export function clearRowSets(program: Program): void {
  for (let i: u32 = 0; i < program.rowSetCount; i++) {
    const rowSet = changetype<RowSet>(pointerAt(program.rowSets, i))
    if (rowSet.rows) zeroRows(rowSet, 0, rowSet.rows)
    rowSet.rows = 0
    rowSet.deadCount = 0
  }
}

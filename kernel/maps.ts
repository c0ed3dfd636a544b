/**
 * Maps: of entries with equal keys in one row the last one lives.
 *
 * Entries are parsed like elements of a repeated message; here the earlier ones of each key are
 * marked dead, and with them their own elements. The level walk and the selection pass over the
 * dead.
 */
import { allocate, release } from './memory'
import { placeOfSlot, sameText } from './hash'
import { pointerAt, Program, RowSet } from './structures'

/** Up to this many entries are compared each with each; more are put into a hash table. */
const PAIRWISE_MAX: u32 = 12

@inline
function sameKey(map: RowSet, a: u32, b: u32): bool {
  const left = load<u64>(map.mapKeys + (a << 3))
  const right = load<u64>(map.mapKeys + (b << 3))
  return map.mapKeysAreText ? sameText(left, right) : left == right
}

@inline
function kill(rowSet: RowSet, row: u32): void {
  store<u8>(rowSet.dead + row, 1)
  rowSet.deadCount++
}

function killPairwise(map: RowSet, first: u32, next: u32): void {
  for (let row = first; row + 1 < next; row++) {
    for (let laterRow = row + 1; laterRow < next; laterRow++) {
      if (!sameKey(map, row, laterRow)) continue
      kill(map, row)
      break
    }
  }
}

/**
 * Open addressing over the rows from the last to the first: whoever finds its key there is dead.
 */
function killHashed(map: RowSet, first: u32, next: u32): void {
  const slots = <u32>1 << (33 - clz<u32>(next - first))
  const table = allocate(slots << 2)
  memory.fill(table, 0, slots << 2)
  for (let row = next; row-- > first; ) {
    let at = placeOfSlot(load<u64>(map.mapKeys + (row << 3)), map.mapKeysAreText != 0)
    for (;;) {
      at &= slots - 1
      const found = load<u32>(table + (at << 2))
      if (!found) {
        store<u32>(table + (at << 2), row + 1)
        break
      }
      if (sameKey(map, found - 1, row)) {
        kill(map, row)
        break
      }
      at++
    }
  }
  release(table, slots << 2)
}

/** Of the elements from `first` on, which belong to the parent's rows from `parentFirst` on. */
function killDuplicates(map: RowSet, first: u32, parentFirst: u32): void {
  const parent = changetype<RowSet>(map.parent)
  for (let row = parentFirst; row < parent.rows; row++) {
    const count = load<u32>(map.counts + (row << 2))
    if (count > PAIRWISE_MAX) killHashed(map, first, first + count)
    else if (count > 1) killPairwise(map, first, first + count)
    first += count
  }
}

/** Elements of a dead entry are dead. */
function killOrphans(rowSet: RowSet, first: u32, parentFirst: u32): void {
  const parent = changetype<RowSet>(rowSet.parent)
  for (let row = parentFirst; row < parent.rows; row++) {
    const next = first + load<u32>(rowSet.counts + (row << 2))
    if (load<u8>(parent.dead + row)) {
      for (let element = first; element < next; element++) {
        if (!load<u8>(rowSet.dead + element)) kill(rowSet, element)
      }
    }
    first = next
  }
}

/** Row sets come parents first, so that death spreads downwards in one pass. */
function bury(program: Program, sinceMarks: bool): void {
  for (let i: u32 = 1; i < program.rowSetCount; i++) {
    const rowSet = changetype<RowSet>(pointerAt(program.rowSets, i))
    const parent = changetype<RowSet>(rowSet.parent)
    const first = sinceMarks ? rowSet.mark : 0
    const parentFirst = sinceMarks ? parent.mark : 0
    if (rowSet.rows == first) continue
    if (rowSet.mapKeys) killDuplicates(rowSet, first, parentFirst)
    if (parent.deadCount) killOrphans(rowSet, first, parentFirst)
  }
}

export function buryReplacedEntries(program: Program): void {
  bury(program, false)
}

/** In the root row that is being parsed only, and for as long as it is judged. */
export function buryInRow(program: Program): void {
  bury(program, true)
}

/** Takes back what `buryInRow` did. */
export function unburyInRow(program: Program): void {
  for (let i: u32 = 1; i < program.rowSetCount; i++) {
    const rowSet = changetype<RowSet>(pointerAt(program.rowSets, i))
    if (!rowSet.deadCount) continue
    memory.fill(rowSet.dead + rowSet.mark, 0, rowSet.rows - rowSet.mark)
    rowSet.deadCount = 0
  }
}

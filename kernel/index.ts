/**
 * What the host calls. Addresses are u32; every call that may grow memory invalidates its views.
 */
import {
  appendBools,
  appendEnums,
  appendNumbers,
  appendTexts,
  forgetSelection,
  select,
} from './append'
import { Column, columnAt, File } from './column'
import { openDictionary } from './dictionary'
import { seedHash } from './hash'
import { appendInt96 } from './int96'
import { appendLevels, computeContexts } from './levels'
import { buryReplacedEntries } from './maps'
import { allocate, heldBytes, release, setHeldBytes } from './memory'
import {
  closePage,
  dropOversized,
  dropPage,
  isFull,
  openPageBytes,
  pageBody,
  pageBytes,
  pageEncoding,
  pageHashCount,
  pageHashes,
  pageLevels,
  pageNulls,
  pageRows,
  rangeWidth,
  releaseColumn,
  resetColumn,
} from './pages'
import { accepted, parseRows, refused, refusedCount } from './parse'
import { clearRowSets, failure, fullRowSet } from './row-sets'
import { plainRange, resetRange } from './statistics'
import { Context, Failure, Kind, Leaf, Message, pointerAt, Program, RowSet } from './structures'
import { hashDictionaryOf } from './value-hash'

export {
  bytesEverTaken,
  bytesTaken,
  capHit,
  release,
  setMemoryCap,
  tryAllocate,
} from './memory'
export { inflateLz4 } from './lz4'
export { inflateSnappy } from './snappy'
export { xxhash32 } from './xxhash32'
export { captureCount, captureList } from './capture'
export { setMemoryShort } from './dictionary'
export { forgetUnknown, unknownCount, unknownList, unknownOthers } from './unknown-counts'
export {
  addArray,
  addClearItem,
  addClearList,
  addContext,
  addDerivation,
  addEntry,
  addEnum,
  addEnumName,
  addLeaf,
  addMessage,
  addOneof,
  addRequired,
  addRowSet,
  newProgram,
  releaseProgram,
  setDead,
  setNanos,
  setOneof,
} from './program'

export function setSeed(low: u32, high: u32): void {
  seedHash((<u64>high << 32) | <u64>low)
}

export function setRootMessage(program: Program, message: Message): void {
  program.message = changetype<usize>(message)
}

// Parsing.

export function parse(program: Program, starts: usize, ends: usize, count: u32): u32 {
  return parseRows(program, starts, ends, count)
}
export function acceptedRows(program: Program): u32 {
  return changetype<RowSet>(pointerAt(program.rowSets, 0)).rows
}
/** Of each accepted row: its place in the batch. */
export function acceptedList(): usize {
  return accepted
}
export function refusedRows(): u32 {
  return refusedCount
}
export function refusedList(): usize {
  return refused
}
/**
 * Index of the row set that stopped the last parse for want of room, or -1; -2 when it was the list
 * of captured messages.
 */
export function fullSet(): i32 {
  return failure == Failure.FULL ? <i32>fullRowSet : -1
}

/** Identity columns: one number per payload of the batch, or one slot for all. */
export function fillNumbers32(slots: usize, source: usize, rows: u32): void {
  for (let row: u32 = 0; row < rows; row++) {
    const i = load<u32>(accepted + (row << 2))
    store<u64>(slots + (row << 3), <u64>load<u32>(source + (i << 2)))
  }
}
export function fillNumbers64(slots: usize, source: usize, rows: u32): void {
  for (let row: u32 = 0; row < rows; row++) {
    const i = load<u32>(accepted + (row << 2))
    store<u64>(slots + (row << 3), load<u64>(source + (i << 3)))
  }
}
export function fillSame(slots: usize, low: u32, high: u32, rows: u32): void {
  const value = (<u64>high << 32) | <u64>low
  for (let row: u32 = 0; row < rows; row++) store<u64>(slots + (row << 3), value)
}

/** Forgets the parsed rows and leaves the arena zero. */
export function clearRows(program: Program): void {
  clearRowSets(program)
}

// Builders.

/**
 * @param plainOnly 1 when values outside of dictionaries are to be plain.
 */
export function openFile(program: Program, plainOnly: u32): File {
  const count = program.leafCount
  const bytes = offsetof<File>() + count * offsetof<Column>()
  const file = changetype<File>(allocate(bytes))
  memory.fill(changetype<usize>(file), 0, bytes)
  file.columns = changetype<usize>(file) + offsetof<File>()
  file.columnCount = count
  setHeldBytes(bytes)
  for (let i: u32 = 0; i < count; i++) {
    const leaf = changetype<Leaf>(pointerAt(program.leaves, i))
    const c = columnAt(file, i)
    c.kind = leaf.kind
    c.definitionMax = leaf.definitionMax
    c.repetitionMax = leaf.repetitionMax
    c.unsigned = leaf.unsigned
    c.plainOnly = plainOnly
    resetColumn(c)
  }
  file.heldBytes = heldBytes
  return file
}

/**
 * What the column's values have shown: 1 when a dictionary was of little use to them, and 2 more
 * when there were repeats all the same; above these two bits the entries that its hash needs.
 */
export function columnHabit(file: File, column: u32): u32 {
  const c = columnAt(file, column)
  const shown = c.skipDictionary | c.seldomRepeats | ((c.repeats | c.seldomRepeats) << 1)
  return shown | (c.hashFirst << 2)
}
/** Has an empty column begin as one of the same values ended. */
export function setColumnHabit(file: File, column: u32, habit: u32): void {
  const c = columnAt(file, column)
  c.skipDictionary = habit & 1
  c.repeats = (habit >> 1) & 1
  c.hashFirst = habit >> 2
  openDictionary(c)
}

export function releaseFile(file: File): void {
  setHeldBytes(file.heldBytes)
  for (let i: u32 = 0; i < file.columnCount; i++) releaseColumn(columnAt(file, i))
  release(changetype<usize>(file), offsetof<File>() + file.columnCount * offsetof<Column>())
}

function appendColumn(c: Column, leaf: Leaf, rootRows: u32): void {
  const context = changetype<Context>(leaf.context)
  const rowSet = changetype<RowSet>(context.rowSet)
  if (!c.levels) resetRange(c)
  appendLevels(c, leaf)
  c.rows += rootRows
  const rows = rowSet.rows
  const presence = leaf.presence ? leaf.presence : context.presence
  const dead = rowSet.deadCount ? rowSet.dead : 0
  const count = presence || dead ? select(presence, dead, rows) : rows
  const selected = count != rows
  switch (c.kind) {
    case Kind.TEXT: {
      appendTexts(c, leaf.slots, count, selected)
      break
    }
    case Kind.ENUM: {
      appendEnums(c, leaf, count, selected)
      break
    }
    case Kind.INT32: {
      appendNumbers<i32>(c, leaf.slots, count, selected)
      break
    }
    case Kind.INT64: {
      appendNumbers<i64>(c, leaf.slots, count, selected)
      break
    }
    case Kind.FLOAT: {
      appendNumbers<f32>(c, leaf.slots, count, selected)
      break
    }
    case Kind.DOUBLE: {
      appendNumbers<f64>(c, leaf.slots, count, selected)
      break
    }
    case Kind.INT96: {
      appendInt96(c, leaf, count, selected)
      break
    }
    default:
      appendBools(c, leaf.slots, count, selected)
  }
}

/** Appends the parsed rows to a file's open pages. Returns 1 when some page is full. */
export function encode(program: Program, file: File): u32 {
  setHeldBytes(0)
  dropOversized()
  buryReplacedEntries(program)
  computeContexts(program)
  forgetSelection()
  setHeldBytes(file.heldBytes)
  const rows = changetype<RowSet>(pointerAt(program.rowSets, 0)).rows
  let full: u32 = 0
  for (let i: u32 = 0; i < file.columnCount; i++) {
    const c = columnAt(file, i)
    appendColumn(c, changetype<Leaf>(pointerAt(program.leaves, i)), rows)
    full |= u32(isFull(c))
  }
  file.rows += rows
  file.heldBytes = heldBytes
  return full
}

export function fileRows(file: File): u32 {
  return file.rows
}
export function fileBytes(file: File): u32 {
  return file.heldBytes
}
export function pageIsFull(file: File, column: u32): u32 {
  return u32(isFull(columnAt(file, column)))
}
/** Memory of the column's open page, its dictionary apart. */
export function pageHeld(file: File, column: u32): u32 {
  return openPageBytes(columnAt(file, column))
}
/** The same of all columns that hold at least so much. */
export function pagesHeld(file: File, least: u32): u32 {
  let sum: u32 = 0
  for (let i: u32 = 0; i < file.columnCount; i++) {
    const held = openPageBytes(columnAt(file, i))
    if (held >= least) sum += held
  }
  return sum
}
/** Gives the memory of a closed page back; the next row takes some anew. */
export function shrinkColumn(file: File, column: u32): void {
  setHeldBytes(file.heldBytes)
  dropPage(columnAt(file, column))
  file.heldBytes = heldBytes
}
export function openLevels(file: File, column: u32): u32 {
  return columnAt(file, column).levels
}

/** Closes a page that has levels; the results are read by the functions below. */
export function takePage(file: File, column: u32): usize {
  setHeldBytes(0)
  dropOversized()
  setHeldBytes(file.heldBytes)
  const c = columnAt(file, column)
  closePage(c)
  file.heldBytes = heldBytes
  return pageBody
}
export function takenBytes(): u32 {
  return pageBytes
}
export function takenLevels(): u32 {
  return pageLevels
}
export function takenRows(): u32 {
  return pageRows
}
export function takenNulls(): u32 {
  return pageNulls
}
export function takenEncoding(): u32 {
  return pageEncoding
}
/** 1 when the page has a minimum and a maximum. */
export function rangeKnown(file: File, column: u32): u32 {
  return columnAt(file, column).hasRange
}
export function rangeStart(file: File, column: u32, isMax: u32): usize {
  const c = columnAt(file, column)
  if (c.kind <= <u32>Kind.ENUM) return isMax ? c.max : c.min
  return plainRange(c, isMax != 0)
}
export function rangeSize(file: File, column: u32, isMax: u32): u32 {
  const c = columnAt(file, column)
  if (c.kind <= <u32>Kind.ENUM) return isMax ? c.maxLength : c.minLength
  return rangeWidth(c)
}
/** From here on pages and dictionaries of the column come with hashes of their values. */
export function hashColumn(file: File, column: u32): void {
  columnAt(file, column).hashed = 1
}
export function takenHashes(): usize {
  return pageHashes
}
export function takenHashCount(): u32 {
  return pageHashCount
}

// Chunks.

/** Entries of the chunk's dictionary; 0 when no page uses one. */
export function dictionaryCount(file: File, column: u32): u32 {
  const c = columnAt(file, column)
  return c.dictionaryPages ? c.distinct : 0
}
export function dictionaryStart(file: File, column: u32): usize {
  return columnAt(file, column).dictionary
}
export function dictionarySize(file: File, column: u32): u32 {
  return columnAt(file, column).dictionaryBytes
}
export function chunkNulls(file: File, column: u32): u32 {
  return columnAt(file, column).nulls
}
/** Hashes of the dictionary's entries, in their order; 0 when the column is not hashed. */
export function hashDictionary(file: File, column: u32): usize {
  const c = columnAt(file, column)
  return c.hashed ? hashDictionaryOf(c) : 0
}

export function nextRowGroup(file: File): void {
  setHeldBytes(file.heldBytes)
  for (let i: u32 = 0; i < file.columnCount; i++) resetColumn(columnAt(file, i))
  file.rows = 0
  file.heldBytes = heldBytes
}

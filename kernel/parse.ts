/**
 * Protobuf wire format into scratch slots, steered by a program.
 *
 * What comes for free: slots start at zero, so an absent field is its default; a later occurrence
 * overwrites, so the last scalar wins; a message given twice writes into the same row, so it is
 * merged. A refused row is taken back with all its elements before the next one is parsed.
 */
import { capture, dropCaptures, forgetCaptures, keptCaptures } from './capture'
import { deriveRow } from './derive'
import { isKnown } from './enums'
import { buryInRow, unburyInRow } from './maps'
import { addRow, fail, failure, popRows } from './row-sets'
import {
  Clear,
  ClearItem,
  ClearList,
  Entry,
  ENTRY_SHIFT,
  EnumTable,
  Failure,
  Message,
  Oneof,
  Operation,
  pointerAt,
  Program,
  Required,
  RowSet,
} from './structures'
import { beginRow, countUnknown, dropRow, keepRow } from './unknown-counts'
import { enter, leave, readLength, readTag, skipField, startRow } from './unknown'
import { isUtf8 } from './utf8'
import {
  lengthOf,
  lengthOf32,
  readVarint,
  stopBits,
  stopBits32,
  valueOf,
  valueOf32,
  varintValue,
} from './varint'

/** 1 when the map entry that is being parsed has a value that its closed enum does not name. */
let entryIsUnknown: u32 = 0

function findSparse(message: Message, tag: u32): usize {
  let low: u32 = 0
  let high = message.sparseCount
  while (low < high) {
    const middle = (low + high) >> 1
    const found = load<u32>(message.sparseTags + (middle << 2))
    if (found == tag) return message.sparseEntries + (middle << ENTRY_SHIFT)
    if (found < tag) low = middle + 1
    else high = middle
  }
  return 0
}

/** Value of the last scalar that `readScalar` read. */
let scalar: u64 = 0

/** Of the field under way: numbers and map entries that a closed enum makes unknown. */
let strays: u32 = 0

function countStrays(message: Message, tag: u32): void {
  for (; strays; strays--) countUnknown(message, tag)
}

@inline
function put(e: Entry, row: u32, value: u64): void {
  store<u64>(e.slots + (row << 3), value)
  store<u8>(e.presence + row, 1)
}

/** One scalar at `p` by operation, value in `scalar`; for repeated fields. 0 when malformed. */
function readScalar(operation: u32, p: usize): usize {
  switch (operation) {
    case Operation.FIXED64: {
      scalar = load<u64>(p)
      return p + 8
    }
    case Operation.FIXED32: {
      scalar = <u64>load<u32>(p)
      return p + 4
    }
  }
  const next = readVarint(p)
  if (!next) return fail(Failure.MALFORMED)
  scalar = canonical(operation, varintValue)
  return next
}

/** The slot's value for a varint: truncated, unfolded or made a truth value. */
@inline
function canonical(operation: u32, value: u64): u64 {
  switch (operation) {
    case Operation.VARINT64:
      return value
    case Operation.ZIGZAG64:
      return (value >> 1) ^ (0 - (value & 1))
    case Operation.ZIGZAG32: {
      const folded = <u32>value
      return <u64>((folded >> 1) ^ (0 - (folded & 1)))
    }
    case Operation.BOOL:
      return u64(value != 0)
    default:
      return <u64>(<u32>value)
  }
}

/** Appends one element, unless it is a number that its closed enum does not name. */
@inline
function addValue(e: Entry, row: u32): bool {
  if (e.oneof && !isKnown(changetype<EnumTable>(e.oneof), <i32>scalar)) {
    strays++
    return true
  }
  const element = addRow(changetype<RowSet>(e.rowSet), row)
  if (element < 0) return false
  store<u64>(e.slots + (element << 3), scalar)
  return true
}

/** Packed values fill their field exactly; a value that passes its end is refused. */
function parsePacked(e: Entry, p: usize, end: usize, row: u32): usize {
  while (p < end) {
    p = readScalar(e.detail, p)
    if (!p) return 0
    if (p > end) return fail(Failure.TRUNCATED)
    if (!addValue(e, row)) return 0
  }
  return p
}

/** A value on its own: text of a repeated field, or one number. */
function parseRowValue(e: Entry, p: usize, end: usize, row: u32): usize {
  const operation = e.detail
  if (operation <= <u32>Operation.STRING) {
    p = readLength(p, end)
    if (!p) return 0
    const length = <u32>varintValue
    if (operation == Operation.STRING && !isUtf8(p, length)) return fail(Failure.INVALID_UTF8)
    scalar = ((<u64>length) << 32) | <u64>p
    return addValue(e, row) ? p + length : 0
  }
  p = readScalar(operation, p)
  if (!p) return 0
  if (p > end) return fail(Failure.TRUNCATED)
  return addValue(e, row) ? p : 0
}

/** An element of a repeated message, or a map's entry. */
function parseRowMessage(e: Entry, p: usize, end: usize, row: u32): usize {
  const rowSet = changetype<RowSet>(e.rowSet)
  const element = addRow(rowSet, row)
  if (element < 0) return 0
  const around = entryIsUnknown
  entryIsUnknown = 0
  if (!enter()) return fail(Failure.TOO_DEEP)
  p = parseMessage(changetype<Message>(e.message), p, end, element)
  leave()
  if (entryIsUnknown && p) {
    popRows(rowSet, element)
    const count = rowSet.counts + (row << 2)
    store<u32>(count, load<u32>(count) - 1)
    strays++
  }
  entryIsUnknown = around
  return p
}

/** 1 when the message that was parsed last ended at the end tag of its group. */
let groupEnded: u32 = 0

/** A message that ends at its own end tag, which its table knows. */
function parseGroup(e: Entry, p: usize, end: usize, row: u32): usize {
  if (!enter()) return fail(Failure.TOO_DEEP)
  p = parseMessage(changetype<Message>(e.message), p, end, row)
  if (!p) return 0
  leave()
  if (!groupEnded) return fail(Failure.TRUNCATED)
  groupEnded = 0
  return p
}

/** What few schemas have, out of the way of what all have. */
function parseRare(e: Entry, tag: u32, operation: u32, p: usize, end: usize, row: u32): usize {
  switch (operation) {
    case Operation.GROUP: {
      store<u8>(e.presence + row, 1)
      return parseGroup(e, p, end, row)
    }
    case Operation.ROW_GROUP: {
      const element = addRow(changetype<RowSet>(e.rowSet), row)
      return element < 0 ? 0 : parseGroup(e, p, end, element)
    }
    case Operation.CLOSED_ENUM:
      return parseClosedEnum(e, p, row)
    default:
      return capture(e, tag, operation, p, end, row)
  }
}

function parseClosedEnum(e: Entry, p: usize, row: u32): usize {
  p = readVarint(p)
  if (!p) return fail(Failure.MALFORMED)
  const number = <u32>varintValue
  const known = isKnown(changetype<EnumTable>(e.detail), <i32>number)
  // A map's value has its row set: with a value it does not know, the whole entry is unknown.
  if (e.rowSet) entryIsUnknown = u32(!known)
  if (!known) {
    if (!e.rowSet) strays++
    return p
  }
  if (e.oneof) enterOneof(e, row)
  put(e, row, <u64>number)
  return p
}

/** The last member given wins: what another member left behind is taken back. */
function enterOneof(e: Entry, row: u32): void {
  const oneof = changetype<Oneof>(e.oneof)
  const at = oneof.cases + (row << 1)
  const current = <u32>load<u16>(at)
  if (current == e.caseId) return
  store<u16>(at, <u16>e.caseId)
  if (!current) return
  const list = pointerAt(oneof.members, current - 1)
  const count = changetype<ClearList>(list).count
  let item = list + offsetof<ClearList>()
  for (let i: u32 = 0; i < count; i++, item += offsetof<ClearItem>()) {
    clearItem(changetype<ClearItem>(item), row)
  }
}

function clearItem(item: ClearItem, row: u32): void {
  switch (item.kind) {
    case Clear.SLOT: {
      store<u64>(item.target + (row << 3), 0)
      break
    }
    case Clear.PRESENCE: {
      store<u8>(item.target + row, 0)
      break
    }
    case Clear.CASE: {
      store<u16>(item.target + (row << 1), 0)
      break
    }
    default: {
      // The elements of the row that is being parsed are the last ones of their set.
      const rowSet = changetype<RowSet>(item.target)
      const count = rowSet.counts + (row << 2)
      popRows(rowSet, rowSet.rows - load<u32>(count))
      store<u32>(count, 0)
    }
  }
}

/** Parses `[p, end)` into the row. The position behind it, or 0 with `failure` set. */
export function parseMessage(message: Message, p: usize, end: usize, row: u32): usize {
  const directNext = message.directNext
  const entries = message.entries
  while (p < end) {
    let tag = <u32>load<u16>(p)
    if (!(tag & 0x80)) {
      tag &= 0x7f
      p++
    } else if (!(tag & 0x8000)) {
      tag = (tag & 0x7f) | ((tag >> 1) & 0x3f80)
      p += 2
    } else {
      p = readTag(p)
      if (!p) return 0
      tag = <u32>varintValue
    }
    let found: usize
    if (tag < directNext) found = entries + (tag << ENTRY_SHIFT)
    else {
      found = message.sparseCount ? findSparse(message, tag) : 0
      if (!found) {
        p = skipField(p, end, tag)
        if (!p) return 0
        countUnknown(message, tag)
        continue
      }
    }
    const e = changetype<Entry>(found)
    let operation = e.operation
    if (operation >= <u32>Operation.IN_ONEOF) {
      operation -= Operation.IN_ONEOF
      if (operation != Operation.CLOSED_ENUM) enterOneof(e, row)
    }
    switch (operation) {
      case Operation.SKIP: {
        p = skipField(p, end, tag)
        if (!p) return 0
        countUnknown(message, tag)
        break
      }
      case Operation.BYTES: {
        let length = <u32>load<u8>(p)
        if (length < 0x80) p++
        else {
          p = readLength(p, end)
          if (!p) return 0
          length = <u32>varintValue
        }
        if (<i32>length > <i32>(end - p)) return fail(Failure.TRUNCATED)
        put(e, row, ((<u64>length) << 32) | <u64>p)
        p += length
        break
      }
      case Operation.STRING: {
        let length = <u32>load<u8>(p)
        if (length < 0x80) p++
        else {
          p = readLength(p, end)
          if (!p) return 0
          length = <u32>varintValue
        }
        if (<i32>length > <i32>(end - p)) return fail(Failure.TRUNCATED)
        if (!isUtf8(p, length)) return fail(Failure.INVALID_UTF8)
        put(e, row, ((<u64>length) << 32) | <u64>p)
        p += length
        break
      }
      case Operation.VARINT32: {
        const word = load<u32>(p)
        const stops = stopBits32(word)
        if (stops) {
          put(e, row, valueOf32(word, stops))
          p += lengthOf32(stops)
        } else {
          p = readVarint(p)
          if (!p) return fail(Failure.MALFORMED)
          put(e, row, <u64>(<u32>varintValue))
        }
        break
      }
      case Operation.VARINT64: {
        const word = load<u64>(p)
        const stops = stopBits(word)
        if (stops) {
          put(e, row, valueOf(word, stops))
          p += lengthOf(stops)
        } else {
          p = readVarint(p)
          if (!p) return fail(Failure.MALFORMED)
          put(e, row, varintValue)
        }
        break
      }
      case Operation.FIXED64: {
        put(e, row, load<u64>(p))
        p += 8
        break
      }
      case Operation.FIXED32: {
        put(e, row, <u64>load<u32>(p))
        p += 4
        break
      }
      case Operation.BOOL:
      case Operation.ZIGZAG32:
      case Operation.ZIGZAG64: {
        p = readVarint(p)
        if (!p) return fail(Failure.MALFORMED)
        put(e, row, canonical(operation, varintValue))
        break
      }
      case Operation.MESSAGE: {
        let length = <u32>load<u8>(p)
        if (length < 0x80) p++
        else {
          p = readLength(p, end)
          if (!p) return 0
          length = <u32>varintValue
        }
        if (<i32>length > <i32>(end - p)) return fail(Failure.TRUNCATED)
        store<u8>(e.presence + row, 1)
        if (!enter()) return fail(Failure.TOO_DEEP)
        p = parseMessage(changetype<Message>(e.message), p, p + length, row)
        if (!p) return 0
        leave()
        break
      }
      case Operation.ROW_MESSAGE: {
        p = readLength(p, end)
        if (!p) return 0
        p = parseRowMessage(e, p, p + <usize>varintValue, row)
        if (!p) return 0
        if (strays) countStrays(message, tag)
        break
      }
      case Operation.ROW_VALUE: {
        p = parseRowValue(e, p, end, row)
        if (!p) return 0
        if (strays) countStrays(message, tag)
        break
      }
      case Operation.PACKED: {
        p = readLength(p, end)
        if (!p) return 0
        p = parsePacked(e, p, p + <usize>varintValue, row)
        if (!p) return 0
        if (strays) countStrays(message, tag)
        break
      }
      case Operation.END_GROUP: {
        groupEnded = 1
        return p
      }
      default: {
        p = parseRare(e, tag, operation, p, end, row)
        if (!p) return 0
        if (strays) countStrays(message, tag)
      }
    }
  }
  return p == end ? p : fail(Failure.TRUNCATED)
}

/** True when every required field stands where its group does; the dead need nothing. */
function isComplete(program: Program): bool {
  for (let i: u32 = 0; i < program.requiredCount; i++) {
    const required = changetype<Required>(program.requireds + i * offsetof<Required>())
    const rowSet = changetype<RowSet>(required.rowSet)
    for (let row = rowSet.mark; row < rowSet.rows; row++) {
      const group = required.groupPresence
      if (group && !load<u8>(group + row)) continue
      if (load<u8>(required.presence + row)) continue
      if (!rowSet.deadCount || !load<u8>(rowSet.dead + row)) return false
    }
  }
  return true
}

/** Map entries are replaced when all rows are there; a row that lacks some is judged before. */
function isCompleteWhereLiving(program: Program): bool {
  if (isComplete(program)) return true
  buryInRow(program)
  const complete = isComplete(program)
  unburyInRow(program)
  return complete
}

function markRowSets(program: Program): void {
  for (let i: u32 = 0; i < program.rowSetCount; i++) {
    const rowSet = changetype<RowSet>(pointerAt(program.rowSets, i))
    rowSet.mark = rowSet.rows
  }
}

/** No single read passes a row's end by more. Must stay below the padding behind payloads. */
const OVERRUN: usize = 32
const neighbour = memory.data(32, 16)

/**
 * Why a payload is refused, whatever stands behind it.
 *
 * That it is refused does not depend on its neighbour, but the reason may: a tag that is cut off
 * goes on in the next payload. So the refused row is parsed once more with zeros behind it.
 */
function reasonOf(root: RowSet, message: Message, start: usize, end: usize): u32 {
  const first = failure
  memory.copy(neighbour, end, OVERRUN)
  memory.fill(end, 0, OVERRUN)
  const row = root.rows
  root.rows = row + 1
  startRow()
  groupEnded = 0
  strays = 0
  const parsed = parseMessage(message, start, end, row)
  popRows(root, row)
  dropRow()
  memory.copy(end, neighbour, OVERRUN)
  return parsed || failure == Failure.FULL ? first : failure
}

const ROWS_PER_CALL_MAX: u32 = 2048
/** Of each row parsed: its place in the batch. */
export const accepted = memory.data(8192, 16)
/** Pairs of place in the batch and reason. */
export const refused = memory.data(16384, 16)
export let refusedCount: u32 = 0

/**
 * Parses payloads `[starts[i], ends[i])` one after the other.
 *
 * Stops early when a row set is full. The row that did not fit is taken back and is not counted.
 * Returns how many payloads were dealt with, accepted or refused.
 */
export function parseRows(program: Program, starts: usize, ends: usize, count: u32): u32 {
  const root = changetype<RowSet>(pointerAt(program.rowSets, 0))
  const message = changetype<Message>(program.message)
  if (count > ROWS_PER_CALL_MAX) count = ROWS_PER_CALL_MAX
  if (count > root.capacity) count = root.capacity
  refusedCount = 0
  forgetCaptures()
  const judged = program.requiredCount || program.derivationCount
  let row: u32 = 0
  let i: u32 = 0
  for (; i < count; i++) {
    if (judged) markRowSets(program)
    root.rows = row + 1
    startRow()
    beginRow()
    groupEnded = 0
    strays = 0
    const captures = keptCaptures(row)
    const start = <usize>load<u32>(starts + (i << 2))
    const end = <usize>load<u32>(ends + (i << 2))
    let parsed = parseMessage(message, start, end, row)
    if (parsed && program.requiredCount && !isCompleteWhereLiving(program)) {
      parsed = fail(Failure.MALFORMED)
    }
    if (parsed && program.derivationCount && !deriveRow(program)) parsed = 0
    if (parsed) {
      keepRow()
      store<u32>(accepted + (row << 2), i)
      row++
      continue
    }
    popRows(root, row)
    dropRow()
    dropCaptures(captures)
    if (failure == Failure.FULL) break
    store<u32>(refused + (refusedCount << 3), i)
    store<u32>(refused + (refusedCount << 3), reasonOf(root, message, start, end), 4)
    // Asking for the reason captured once more.
    dropCaptures(captures)
    refusedCount++
  }
  root.rows = row
  return i
}

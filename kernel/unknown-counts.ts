/**
 * Fields that the schema does not know, counted per message and number; of refused rows none.
 *
 * Field numbers come from outside, so the table is bounded: what finds no place is counted in one
 * sum. Everything here is off the hot path: a schema that knows all fields never comes here.
 */
import { Message } from './structures'

/** Entry: message u32, field number u32, count u64. */
const ENTRY_BYTES: u32 = 16
const ENTRIES_MAX: u32 = 256
const table = memory.data(4096, 16)
let entries: u32 = 0
let others: u64 = 0

/** Places in the table (or `ENTRIES_MAX` for none) of the row that is being parsed. */
const ROW_MAX: u32 = 4096
const ofRow = memory.data(8192, 16)
let rowCount: u32 = 0
let rowOthers: u32 = 0
let entriesBefore: u32 = 0

export function beginRow(): void {
  rowCount = 0
  rowOthers = 0
  entriesBefore = entries
}

/** The row is refused: what it gave is as if it had never been. */
export function dropRow(): void {
  rowCount = 0
  rowOthers = 0
  entries = entriesBefore
}

export function keepRow(): void {
  if (rowCount | rowOthers) countRow()
}

function countRow(): void {
  for (let i: u32 = 0; i < rowCount; i++) {
    const at = table + <u32>load<u16>(ofRow + (i << 1)) * ENTRY_BYTES
    store<u64>(at, load<u64>(at, 8) + 1, 8)
  }
  others += rowOthers
  rowCount = 0
  rowOthers = 0
}

function placeOf(message: u32, number: u32): u32 {
  const key = (<u64>number << 32) | message
  for (let i: u32 = 0; i < entries; i++) {
    if (load<u64>(table + i * ENTRY_BYTES) == key) return i
  }
  if (entries == ENTRIES_MAX) return ENTRIES_MAX
  store<u64>(table + entries * ENTRY_BYTES, key)
  store<u64>(table + entries * ENTRY_BYTES, 0, 8)
  return entries++
}

/** A field that was skipped. Its row may still be refused. */
export function countUnknown(message: Message, tag: u32): void {
  const place = rowCount == ROW_MAX ? ENTRIES_MAX : placeOf(message.id, tag >> 3)
  if (place == ENTRIES_MAX) rowOthers++
  else store<u16>(ofRow + (rowCount++ << 1), <u16>place)
}

export function unknownCount(): u32 {
  return entries
}
export function unknownList(): usize {
  return table
}
/** Occurrences that had no place in the table. */
export function unknownOthers(): u32 {
  return others > 0xffffffff ? 0xffffffff : <u32>others
}
export function forgetUnknown(): void {
  entries = 0
  others = 0
}

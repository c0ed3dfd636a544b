/** Enum numbers to names: tables sorted by number, made by the host. */
import { EnumItem, EnumTable } from './structures'

/**
 * Text found by `enumText`; an unknown number's lies in a scratch that the next call overwrites.
 */
export let textStart: usize = 0
export let textLength: u32 = 0
/** 11 characters at most, and room for reads of whole vectors. */
const decimal = memory.data(64, 16)
const DECIMAL_END: usize = 16

function find(table: EnumTable, number: i32): usize {
  let low: u32 = 0
  let high = table.count
  while (low < high) {
    const middle = (low + high) >> 1
    const item = changetype<EnumItem>(table.items + middle * offsetof<EnumItem>())
    if (item.number == number) return changetype<usize>(item)
    if (item.number < number) low = middle + 1
    else high = middle
  }
  return 0
}

export function isKnown(table: EnumTable, number: i32): bool {
  return find(table, number) != 0
}

/** The value's name; a number without one as its decimal. */
export function enumText(table: EnumTable, number: i32): void {
  const found = find(table, number)
  if (found) {
    textStart = changetype<EnumItem>(found).text
    textLength = changetype<EnumItem>(found).length
    return
  }
  let p = decimal + DECIMAL_END
  let rest: u32 = number < 0 ? 0 - <u32>number : <u32>number
  do {
    p--
    store<u8>(p, 48 + (rest % 10))
    rest /= 10
  } while (rest)
  if (number < 0) {
    p--
    store<u8>(p, 45)
  }
  textStart = p
  textLength = <u32>(decimal + DECIMAL_END - p)
}

/**
 * A batch's slots into a column's open page: by dictionary index where that pays, plain otherwise.
 *
 * Each loop exists twice, for all rows and for selected ones, because the test inside would cost
 * more than the loop; `selected` is a constant where the functions are inlined.
 */
import { Column } from './column'
import {
  addNumber,
  addText,
  fallBack,
  growHash,
  NUMBER_SHIFT,
  pays,
  placeOfText,
  PROBES_MAX,
  TextEntry,
} from './dictionary'
import { enumText, textLength, textStart } from './enums'
import { hashLong, placeOf, placeOfNumber, placeOfPair, sameLong, shortText } from './hash'
import { Buffer, reserve, reserveShared } from './memory'
import { seeIndexes } from './page-range'
import { maximum, minimum, ordered, seeText, storeRange } from './statistics'
import { EnumTable, Leaf } from './structures'

/** Rows that have a value, u32 each; shared by neighbouring columns with equal presence. */
const selectionBuffer = memory.data(8, 8)
let selection: usize = 0
let selectedCount: u32 = 0
let selectedBy: usize = 0

export function forgetSelection(): void {
  selectedBy = 0
}

/** Rows that are present and alive. At least one of the two arrays is given. */
export function select(presence: usize, dead: usize, rows: u32): u32 {
  const by = presence ? presence : dead
  if (selectedBy == by) return selectedCount
  selectedBy = by
  selection = reserveShared(changetype<Buffer>(selectionBuffer), (rows << 2) + 64)
  selectedCount = dead ? selectLiving(presence, dead, rows) : selectPresent(presence, rows)
  return selectedCount
}

/** Every row is written; the place moves on only behind a present one, so there is no branch. */
function selectPresent(presence: usize, rows: u32): u32 {
  const to = selection
  let count: u32 = 0
  for (let row: u32 = 0; row < rows; row++) {
    store<u32>(to + (count << 2), row)
    count += <u32>load<u8>(presence + row)
  }
  return count
}

function selectLiving(presence: usize, dead: usize, rows: u32): u32 {
  let count: u32 = 0
  for (let row: u32 = 0; row < rows; row++) {
    if (load<u8>(dead + row) || (presence && !load<u8>(presence + row))) continue
    store<u32>(selection + (count++ << 2), row)
  }
  return count
}

@inline
export function slotAt(slots: usize, k: u32, selected: bool): usize {
  return selected ? slots + (load<u32>(selection + (k << 2)) << 3) : slots + (k << 3)
}

/** The open page becomes plain: its values are seen while they are few entries. */
function endDictionary(c: Column): void {
  seeIndexes(c)
  fallBack(c)
}

// Texts.

/** Adds a text at an empty entry of the hash: its id, or -1 when the dictionary does not pay. */
function insertText(c: Column, at: usize, slot: u64, head: u64, tail: u64, seen: u32): i32 {
  if (!pays(c, seen)) return -1
  const p = <usize>slot
  const length = <u32>(slot >> 32)
  const entry = changetype<TextEntry>(at)
  entry.head = head
  entry.tail = length <= 16 ? tail : <u64>c.dictionaryBytes
  entry.length = length
  entry.id = c.distinct + 1
  addText(c, p, length)
  if (c.distinct << 1 > c.hashMask) growHash(c)
  return c.distinct - 1
}

/** Looks on from the first probe. The id, or -1 when the dictionary ends. */
function findText(c: Column, slot: u64, head: u64, tail: u64, seen: u32): i32 {
  const p = <usize>slot
  const length = <u32>(slot >> 32)
  let at = placeOfText(head, tail, length)
  const last = at + PROBES_MAX
  for (; at != last; at++) {
    const entry = changetype<TextEntry>(c.hash + (at & c.hashMask) * offsetof<TextEntry>())
    const found = entry.id
    if (!found) return insertText(c, changetype<usize>(entry), slot, head, tail, seen)
    if ((entry.head ^ head) | <u64>(entry.length ^ length)) continue
    const same = length <= 16 ? entry.tail == tail : isText(c.dictionary, entry, p, length)
    if (same) return found - 1
  }
  return -1
}

/** Whether an entry of a long text is of this one; their hashes and lengths are equal. */
@inline
function isText(dictionary: usize, entry: TextEntry, p: usize, length: u32): bool {
  return sameLong(p, dictionary + <usize>entry.tail + 4, length)
}

/** Values taken into the dictionary; fewer than `count` when it fell back. */
@inline
function textsByDictionary(c: Column, slots: usize, count: u32, selected: bool): u32 {
  if (!c.hashMask) growHash(c)
  const values = c.values
  const indexes = reserve(c.indexesBuffer(), values << 1, (values + count) * 2 + 64) + (values << 1)
  const seen = c.dictionaryValues + values
  // Held in locals: the loop's stores would make the compiler fetch them again for each value.
  let hash = c.hash
  let mask = c.hashMask
  let dictionary = c.dictionary
  for (let k: u32 = 0; k < count; k++) {
    const slot = load<u64>(slotAt(slots, k, selected))
    const p = <usize>slot
    const length = <u32>(slot >> 32)
    let head: u64
    let tail: u64 = 0
    if (length <= 16) {
      const whole = shortText(p, length)
      head = i64x2.extract_lane(whole, 0)
      tail = i64x2.extract_lane(whole, 1)
      const at = placeOfPair(head, tail + length)
      const entry = changetype<TextEntry>(hash + (at & mask) * offsetof<TextEntry>())
      const differs = (entry.head ^ head) | (entry.tail ^ tail) | <u64>(entry.length ^ length)
      const found = entry.id
      if (differs == 0 && found) {
        store<u16>(indexes + (k << 1), <u16>(found - 1))
        continue
      }
    } else {
      head = hashLong(p, length)
      const at = placeOf(head)
      const entry = changetype<TextEntry>(hash + (at & mask) * offsetof<TextEntry>())
      const differs = (entry.head ^ head) | <u64>(entry.length ^ length)
      const found = entry.id
      if (differs == 0 && found && isText(dictionary, entry, p, length)) {
        store<u16>(indexes + (k << 1), <u16>(found - 1))
        continue
      }
    }
    c.values = values + k
    const id = findText(c, slot, head, tail, seen + k)
    if (id < 0) {
      endDictionary(c)
      return k
    }
    hash = c.hash
    mask = c.hashMask
    dictionary = c.dictionary
    store<u16>(indexes + (k << 1), <u16>id)
  }
  c.values = values + count
  return count
}

/** Copies whole vectors, which may overlap; the target has room for one behind its end. */
@inline
function copyText(to: usize, from: usize, length: u32): void {
  if (length <= 16) v128.store(to, v128.load(from))
  else if (length > 48) copyLong(to, from, length)
  else {
    const last = v128.load(from + length - 16)
    v128.store(to, v128.load(from))
    if (length > 32) v128.store(to, v128.load(from, 16), 16)
    v128.store(to + length - 16, last)
  }
}
function copyLong(to: usize, from: usize, length: u32): void {
  if (length > 512) {
    memory.copy(to, from, length)
    return
  }
  const last = v128.load(from + length - 16)
  for (let i: u32 = 0; i + 16 < length; i += 16) v128.store(to + i, v128.load(from + i))
  v128.store(to + length - 16, last)
}

@inline
function textsPlain(c: Column, slots: usize, first: u32, count: u32, selected: bool): void {
  const values = c.values
  const lengthsBytes = (values + count - first) << 2
  let lengths = reserve(c.lengthsBuffer(), values << 2, lengthsBytes + 64) + (values << 2)
  let need = c.plainBytes
  for (let k = first; k < count; k++) {
    const length = <u32>(load<u64>(slotAt(slots, k, selected)) >> 32)
    store<u32>(lengths, length)
    lengths += 4
    need += length
  }
  let to = reserve(c.plainBuffer(), c.plainBytes, need + 64) + c.plainBytes
  for (let k = first; k < count; k++) {
    const slot = load<u64>(slotAt(slots, k, selected))
    const from = <usize>slot
    const length = <u32>(slot >> 32)
    copyText(to, from, length)
    seeText(c, from, length)
    to += length
  }
  c.plainBytes = need
  c.values += count - first
}

function allTextsByDictionary(c: Column, slots: usize, count: u32): u32 {
  return textsByDictionary(c, slots, count, false)
}
function selectedTextsByDictionary(c: Column, slots: usize, count: u32): u32 {
  return textsByDictionary(c, slots, count, true)
}
function allTextsPlain(c: Column, slots: usize, first: u32, count: u32): void {
  textsPlain(c, slots, first, count, false)
}
function selectedTextsPlain(c: Column, slots: usize, first: u32, count: u32): void {
  textsPlain(c, slots, first, count, true)
}

export function appendTexts(c: Column, slots: usize, count: u32, selected: bool): void {
  let first: u32 = 0
  if (c.dictionaryOpen) {
    first = selected
      ? selectedTextsByDictionary(c, slots, count)
      : allTextsByDictionary(c, slots, count)
    if (c.dictionaryOpen) return
  }
  if (selected) selectedTextsPlain(c, slots, first, count)
  else allTextsPlain(c, slots, first, count)
}

// Numbers, and enums, whose keys are numbers and whose entries are texts.

/** Adds a number at an empty entry: its id, or -1 when the dictionary does not pay any more. */
function insertNumber<T>(c: Column, entry: usize, slot: usize, seen: u32): i32 {
  if (!pays(c, seen)) return -1
  store<u64>(entry, keyOf<T>(slot))
  addNumber<T>(c, load<T>(slot))
  store<u64>(entry, c.distinct, 8)
  if (c.distinct << 1 > c.hashMask) growHash(c)
  return c.distinct - 1
}

@inline
function keyOf<T>(slot: usize): u64 {
  return sizeof<T>() == 4 ? <u64>load<u32>(slot) : load<u64>(slot)
}

@inline
function numbersByDictionary<T>(c: Column, slots: usize, count: u32, selected: bool): u32 {
  if (!c.hashMask) growHash(c)
  const values = c.values
  const indexes = reserve(c.indexesBuffer(), values << 1, (values + count) * 2 + 64) + (values << 1)
  const seen = c.dictionaryValues + values
  let hash = c.hash
  let mask = c.hashMask
  let k: u32 = 0
  for (; k < count; k++) {
    const slot = slotAt(slots, k, selected)
    const key = keyOf<T>(slot)
    let at = placeOfNumber(key)
    const last = at + PROBES_MAX
    let id: i32 = -1
    for (; at != last; at++) {
      const entry = hash + ((at & mask) << NUMBER_SHIFT)
      const found = <u32>load<u64>(entry, 8)
      if (load<u64>(entry) == key && found) {
        id = found - 1
        break
      }
      if (!found) {
        id = insertNumber<T>(c, entry, slot, seen + k)
        hash = c.hash
        mask = c.hashMask
        break
      }
    }
    if (id < 0) break
    store<u16>(indexes + (k << 1), <u16>id)
  }
  c.values = values + k
  if (k < count) endDictionary(c)
  return k
}

@inline
function numbersPlain<T>(c: Column, slots: usize, first: u32, count: u32, selected: bool): void {
  const bytes = (count - first) * sizeof<T>()
  let to = reserve(c.plainBuffer(), c.plainBytes, c.plainBytes + bytes + 64) + c.plainBytes
  let min = minimum<T>(c)
  let max = maximum<T>(c)
  for (let k = first; k < count; k++) {
    const value = load<T>(slotAt(slots, k, selected))
    store<T>(to, value)
    to += sizeof<T>()
    const place = ordered<T>(c, value)
    min = select_<T>(place, min, place < min)
    max = select_<T>(place, max, place > max)
  }
  storeRange<T>(c, min, max)
  c.plainBytes += bytes
  c.values += count - first
}
@inline
function select_<T>(a: T, b: T, first: bool): T {
  return first ? a : b
}

function numbers<T>(c: Column, slots: usize, count: u32): void {
  const first = c.dictionaryOpen ? numbersByDictionary<T>(c, slots, count, false) : 0
  if (!c.dictionaryOpen) numbersPlain<T>(c, slots, first, count, false)
}
function selectedNumbers<T>(c: Column, slots: usize, count: u32): void {
  const first = c.dictionaryOpen ? numbersByDictionary<T>(c, slots, count, true) : 0
  if (!c.dictionaryOpen) numbersPlain<T>(c, slots, first, count, true)
}
export function appendNumbers<T>(c: Column, slots: usize, count: u32, selected: bool): void {
  if (selected) selectedNumbers<T>(c, slots, count)
  else numbers<T>(c, slots, count)
}

/** Adds an enum's name at an empty entry: its id, or -1 when the dictionary does not pay. */
function insertEnum(c: Column, leaf: Leaf, entry: usize, number: u32, seen: u32): i32 {
  if (!pays(c, seen)) return -1
  enumText(changetype<EnumTable>(leaf.enumTable), <i32>number)
  addText(c, textStart, textLength)
  store<u64>(entry, <u64>number)
  store<u64>(entry, c.distinct, 8)
  if (c.distinct << 1 > c.hashMask) growHash(c)
  return c.distinct - 1
}

function enumsByDictionary(c: Column, leaf: Leaf, count: u32, selected: bool): u32 {
  if (!c.hashMask) growHash(c)
  const values = c.values
  const indexes = reserve(c.indexesBuffer(), values << 1, (values + count) * 2 + 64) + (values << 1)
  const seen = c.dictionaryValues + values
  for (let k: u32 = 0; k < count; k++) {
    const number = load<u32>(slotAt(leaf.slots, k, selected))
    let at = placeOfNumber(<u64>number)
    const last = at + PROBES_MAX
    let id: i32 = -1
    for (; at != last; at++) {
      const entry = c.hash + ((at & c.hashMask) << NUMBER_SHIFT)
      const found = <u32>load<u64>(entry, 8)
      if (!found) {
        id = insertEnum(c, leaf, entry, number, seen + k)
        break
      }
      if (load<u64>(entry) != <u64>number) continue
      id = found - 1
      break
    }
    if (id < 0) {
      c.values = values + k
      endDictionary(c)
      return k
    }
    store<u16>(indexes + (k << 1), <u16>id)
  }
  c.values = values + count
  return count
}

function enumsPlain(c: Column, leaf: Leaf, first: u32, count: u32, selected: bool): void {
  for (let k = first; k < count; k++) {
    enumText(changetype<EnumTable>(leaf.enumTable), load<i32>(slotAt(leaf.slots, k, selected)))
    const used = c.plainBytes
    const to = reserve(c.plainBuffer(), used, used + textLength + 64) + used
    memory.copy(to, textStart, textLength)
    seeText(c, textStart, textLength)
    c.plainBytes = used + textLength
    const at = c.values++ << 2
    store<u32>(reserve(c.lengthsBuffer(), at, at + 64) + at, textLength)
  }
}

export function appendEnums(c: Column, leaf: Leaf, count: u32, selected: bool): void {
  const first = c.dictionaryOpen ? enumsByDictionary(c, leaf, count, selected) : 0
  if (!c.dictionaryOpen) enumsPlain(c, leaf, first, count, selected)
}

/** One byte each; packed into bits when the page closes. */
export function appendBools(c: Column, slots: usize, count: u32, selected: bool): void {
  const used = c.plainBytes
  const to = reserve(c.plainBuffer(), used, used + count + 64) + used
  let trues: u32 = 0
  for (let k: u32 = 0; k < count; k++) {
    const value = load<u8>(slotAt(slots, k, selected))
    store<u8>(to + k, value)
    trues += value
  }
  c.plainBytes = used + count
  c.values += count
  if (!count) return
  const min = minimum<i32>(c)
  const max = maximum<i32>(c)
  storeRange<i32>(c, trues == count && min ? 1 : 0, trues || max > 0 ? 1 : 0)
}

/**
 * Minimum and maximum of a page of dictionary indexes.
 *
 * Plain values are seen one by one as they come. For indexes that would cost as much as the indexes
 * themselves, so it is done when the page closes: entries that the page uses are marked, and each
 * of them is seen once.
 */
import { Column } from './column'
import { isTextDictionary, textAt } from './dictionary'
import { Buffer, reserveShared } from './memory'
import { maximum, minimum, ordered, seeText, storeRange } from './statistics'
import { Kind } from './structures'

/** One byte an entry, shared by all columns. */
const marksBuffer = memory.data(8, 8)

/** Of a small dictionary a page soon uses all entries: then there is nothing left to look for. */
const FEW_ENTRIES_MAX: u32 = 256
const INDEXES_BETWEEN_LOOKS: u32 = 1024

function areAllMarked(marks: usize, entries: u32): bool {
  for (let i: u32 = 0; i < entries; i += 16) {
    if (!i8x16.all_true(v128.load(marks + i))) return false
  }
  return true
}

function markUsed(c: Column): usize {
  const entries = c.distinct
  const values = c.values
  const indexes = c.indexes
  const marks = reserveShared(changetype<Buffer>(marksBuffer), entries + 16)
  memory.fill(marks, 0, entries)
  memory.fill(marks + entries, 1, 16)
  const step = entries <= FEW_ENTRIES_MAX ? INDEXES_BETWEEN_LOOKS : values
  for (let first: u32 = 0; first < values; first += step) {
    const next = values - first > step ? first + step : values
    for (let i = first; i < next; i++) {
      store<u8>(marks + <u32>load<u16>(indexes + (i << 1)), 1)
    }
    if (next < values && areAllMarked(marks, entries)) break
  }
  return marks
}

function seeTexts(c: Column, marks: usize): void {
  for (let id: u32 = 0; id < c.distinct; id++) {
    if (marks && !load<u8>(marks + id)) continue
    const text = textAt(c, id)
    seeText(c, text + 4, load<u32>(text))
  }
}

function seeNumbers<T>(c: Column, marks: usize): void {
  let min = minimum<T>(c)
  let max = maximum<T>(c)
  for (let id: u32 = 0; id < c.distinct; id++) {
    if (marks && !load<u8>(marks + id)) continue
    const place = ordered<T>(c, load<T>(c.dictionary + id * sizeof<T>()))
    if (place < min) min = place
    if (place > max) max = place
  }
  storeRange<T>(c, min, max)
}

/** Takes the values of the open page, which are dictionary indexes, into the page's range. */
export function seeIndexes(c: Column): void {
  if (!c.values) return
  // Every entry of a dictionary that no page before has used comes from this one.
  const marks = c.dictionaryPages ? markUsed(c) : 0
  if (isTextDictionary(c)) seeTexts(c, marks)
  else if (c.kind == Kind.INT32) seeNumbers<i32>(c, marks)
  else if (c.kind == Kind.INT64) seeNumbers<i64>(c, marks)
  else if (c.kind == Kind.FLOAT) seeNumbers<f32>(c, marks)
  else seeNumbers<f64>(c, marks)
}

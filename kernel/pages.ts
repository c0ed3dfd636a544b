/**
 * Closing pages and chunks.
 *
 * Body of a data page, version 1:
 *
 *     [repetition levels]   u32 length, hybrid; only under a repeated field
 *     [definition levels]   u32 length, hybrid; only under an optional or repeated field
 *     values                plain, or: u8 bit width, hybrid of dictionary indexes
 */
import { Column } from './column'
import { dropDictionary, openDictionary, widthOf } from './dictionary'
import { Buffer, drop, heldBytes, reserve, reserveShared, setHeldBytes } from './memory'
import { packBools, packIndexStream, packLevels } from './packing'
import { resetRange } from './statistics'
import { Kind } from './structures'

/** The page last closed; its body is valid until the next call. */
export let pageBody: usize = 0
export let pageBytes: u32 = 0
export let pageLevels: u32 = 0
export let pageRows: u32 = 0
export let pageNulls: u32 = 0
export let pageIsDictionary: u32 = 0

/** Shared by all columns of all files. */
const output = memory.data(8, 8)
/** A column's plain buffer that one page has grown beyond use; its body may still be read. */
const oversized = memory.data(8, 8)
const KEEP_BYTES_MAX: u32 = 1 << 20

/** Gives back what the last page's body needed. At the start of every call that makes new bytes. */
export function dropOversized(): void {
  drop(changetype<Buffer>(oversized))
  if (changetype<Buffer>(output).capacity > KEEP_BYTES_MAX << 2) drop(changetype<Buffer>(output))
}

@inline
function levelBytes(c: Column): u32 {
  return c.levels + (c.levels >> 2) + 64
}

/** Closes the column's open page, which has levels. */
export function closePage(c: Column): void {
  const levels = c.levels
  const values = c.values
  pageLevels = levels
  pageRows = c.rows
  pageNulls = levels - values
  // Before the first value there is no dictionary that a page of nulls could point into.
  const byIndex = c.dictionaryOpen && c.distinct
  pageIsDictionary = u32(byIndex != 0)
  c.nulls += pageNulls
  const bare = !c.definitionMax && !byIndex && c.kind != Kind.BOOL
  if (bare) {
    // The column's own buffer is the body: nothing to put in front, nothing to copy.
    pageBody = c.plain
    pageBytes = c.plainBytes
  } else assemble(c, levels, values)
  if (byIndex) {
    c.dictionaryPages++
    c.dictionaryValues += values
  }
  c.levels = 0
  c.values = 0
  c.rows = 0
  c.plainBytes = 0
  if (c.plainCapacity > KEEP_BYTES_MAX) retirePlain(c)
}

function assemble(c: Column, levels: u32, values: u32): void {
  const need = 2 * levelBytes(c) + c.plainBytes + values * 2 + (values >> 2) + 256
  let to = reserveShared(changetype<Buffer>(output), need)
  pageBody = to
  if (c.repetitionMax) to = packLevels(c.repetitions, levels, c.repetitionMax, to)
  if (c.definitionMax) to = packLevels(c.definitions, levels, c.definitionMax, to)
  if (pageIsDictionary) {
    const width = c.distinct > 1 ? 32 - clz<u32>(c.distinct - 1) : 1
    store<u8>(to++, width)
    const indexes = reserve(c.indexesBuffer(), values << 1, (values << 1) + 64)
    to = packIndexStream(indexes, values, width, to)
  } else if (c.kind == Kind.BOOL) {
    to = packBools(reserve(c.plainBuffer(), values, values + 64), values, to)
  } else {
    memory.copy(to, c.plain, c.plainBytes)
    to += c.plainBytes
  }
  pageBytes = <u32>(to - pageBody)
}

function retirePlain(c: Column): void {
  const kept = changetype<Buffer>(oversized)
  kept.start = c.plain
  kept.capacity = c.plainCapacity
  setHeldBytes(heldBytes - c.plainCapacity)
  c.plain = 0
  c.plainCapacity = 0
}

/** A page is large enough when readers and compression gain nothing from a larger one. */
const PAGE_LEVELS: u32 = 20480
const PAGE_BYTES: u32 = 262144
export function isFull(c: Column): bool {
  return c.levels >= PAGE_LEVELS || (!c.dictionaryOpen && c.plainBytes >= PAGE_BYTES)
}

/** Bytes of a numeric minimum or maximum. */
export function rangeWidth(c: Column): u32 {
  return c.kind == Kind.BOOL ? 1 : widthOf(c)
}

/** Makes the builder ready for the next row group. */
export function resetColumn(c: Column): void {
  c.levels = 0
  c.values = 0
  c.rows = 0
  c.plainBytes = 0
  c.nulls = 0
  dropDictionary(c)
  openDictionary(c)
  resetRange(c)
}

export function releaseColumn(c: Column): void {
  dropDictionary(c)
  drop(changetype<Buffer>(c.definitionsAt()))
  drop(changetype<Buffer>(c.repetitionsAt()))
  drop(c.indexesBuffer())
  drop(c.plainBuffer())
  drop(c.minBuffer())
  drop(c.maxBuffer())
}

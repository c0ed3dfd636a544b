/**
 * Closing pages and chunks.
 *
 * Body of a data page, version 1:
 *
 *     [repetition levels]   u32 length, hybrid; only under a repeated field
 *     [definition levels]   u32 length, hybrid; only under an optional or repeated field
 *     values                by encoding:
 *       plain               numbers; of texts u32 length and characters, one behind the other
 *       dictionary          u8 bit width, hybrid of dictionary indexes
 *       deltas              integers, as kernel/delta.ts packs them
 *       delta texts         bytes that each text shares with the one before, as deltas: always
 *                           none; lengths of texts as deltas; then the characters of all of them
 *
 * Texts outside of a dictionary have their lengths apart: characters that stand next to each other
 * compress better and faster than with lengths between them. What texts share, compression finds.
 * (DELTA_LENGTH_BYTE_ARRAY says the same with less, and Spark before 3.5.7 misreads it.)
 * Integers have deltas where those save enough over plain ones; the first page of a chunk where
 * they do not ends it for the chunk. Both depend on nothing but the rows of the chunk (and, from
 * row group to row group, of the file; and on what the host says of files before, `columnHabit`).
 * A page without values is plain: readers know no other that is empty.
 */
import { Column } from './column'
import { deltaBytesMax, packDeltas, packZeros, zerosBytesMax } from './delta'
import { dropDictionary, openDictionary, widthOf } from './dictionary'
import { Buffer, drop, heldBytes, reserve, reserveShared, setHeldBytes } from './memory'
import { packBools, packIndexStream, packLevels } from './packing'
import { seeIndexes } from './page-range'
import { resetRange } from './statistics'
import { Kind, PageEncoding } from './structures'
import { dropHashes, hashOpenPage } from './value-hash'

/** The page last closed; its body is valid until the next call. */
export let pageBody: usize = 0
export let pageBytes: u32 = 0
export let pageLevels: u32 = 0
export let pageRows: u32 = 0
export let pageNulls: u32 = 0
export let pageEncoding: u32 = PageEncoding.PLAIN
/** Hashes of its values, where they are wanted and not dictionary indexes; 0 otherwise. */
export let pageHashes: usize = 0
export let pageHashCount: u32 = 0

/** Shared by all columns of all files. */
const output = memory.data(8, 8)
/** A column's plain buffer that one page has grown beyond use; its body may still be read. */
const oversized = memory.data(8, 8)
const KEEP_BYTES_MAX: u32 = 1 << 20

/** Gives back what the last page's body needed. At the start of every call that makes new bytes. */
export function dropOversized(): void {
  drop(changetype<Buffer>(oversized))
  dropHashes()
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
  pageEncoding = byIndex ? PageEncoding.DICTIONARY : PageEncoding.PLAIN
  c.nulls += pageNulls
  if (byIndex) seeIndexes(c)
  pageHashCount = c.hashed && !byIndex ? values : 0
  pageHashes = pageHashCount ? hashOpenPage(c) : 0
  const isNumber = c.kind > <u32>Kind.ENUM && c.kind != Kind.BOOL
  if (isNumber && !byIndex && !c.definitionMax && !mayHaveDeltas(c, values)) {
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
  if (c.lengthsCapacity > KEEP_BYTES_MAX) drop(c.lengthsBuffer())
}

function assemble(c: Column, levels: u32, values: u32): void {
  const need = 2 * levelBytes(c) + valueBytes(c, values) + 256
  let to = reserveShared(changetype<Buffer>(output), need)
  pageBody = to
  if (c.repetitionMax) to = packLevels(c.repetitions, levels, c.repetitionMax, to)
  if (c.definitionMax) to = packLevels(c.definitions, levels, c.definitionMax, to)
  if (pageEncoding == PageEncoding.DICTIONARY) {
    const width = c.distinct > 1 ? 32 - clz<u32>(c.distinct - 1) : 1
    store<u8>(to++, width)
    const indexes = reserve(c.indexesBuffer(), values << 1, (values << 1) + 64)
    to = packIndexStream(indexes, values, width, to)
  } else if (c.kind == Kind.BOOL) {
    to = packBools(reserve(c.plainBuffer(), values, values + 64), values, to)
  } else if (c.kind <= <u32>Kind.ENUM) to = putTexts(c, values, to)
  else to = putNumbers(c, values, to)
  pageBytes = <u32>(to - pageBody)
}

/** Most bytes that the values of the open page take in any encoding. */
function valueBytes(c: Column, values: u32): u32 {
  const indexes = values * 2 + (values >> 2)
  const deltas = widthOf(c) == 4 ? deltaBytesMax<u32>(values) : deltaBytesMax<u64>(values)
  return c.plainBytes + deltas + zerosBytesMax(values) + indexes
}

/** Copies a page's characters behind their lengths. */
function putTexts(c: Column, values: u32, to: usize): usize {
  if (!values) return to
  if (c.plainOnly) return putPlainTexts(c, values, to)
  pageEncoding = PageEncoding.DELTA_TEXTS
  to = packZeros(values, to)
  to = packDeltas<i32>(c.lengths, values, to)
  memory.copy(to, c.plain, c.plainBytes)
  return to + c.plainBytes
}

function putPlainTexts(c: Column, values: u32, to: usize): usize {
  let from = c.plain
  for (let i: u32 = 0; i < values; i++) {
    const length = load<u32>(c.lengths + (i << 2))
    store<u32>(to, length)
    memory.copy(to + 4, from, length)
    from += length
    to += 4 + length
  }
  return to
}

function mayHaveDeltas(c: Column, values: u32): bool {
  const isInteger = c.kind == Kind.INT32 || c.kind == Kind.INT64
  return isInteger && !c.plainOnly && !c.deltasLost && values > 1
}

/**
 * Whether packed differences are the better page.
 *
 * Compression gains nothing on them, and on plain integers a little: it folds the bytes that are
 * always zero, at many times the cost of packing. So packed ones must only be smaller than plain
 * ones by a sixteenth, which random numbers of the type's whole width are not. Where values repeat
 * without enough of them to fill a dictionary, compression finds the repeats in plain ones and none
 * in differences: there packed ones must be less than three eighths.
 */
function deltasPay(c: Column, bytes: u32): bool {
  const plain = c.plainBytes
  return c.repeats ? bytes < (plain >> 3) * 3 : bytes <= plain - (plain >> 4)
}

function putNumbers(c: Column, values: u32, to: usize): usize {
  if (mayHaveDeltas(c, values)) {
    const end =
      c.kind == Kind.INT32
        ? packDeltas<i32>(c.plain, values, to)
        : packDeltas<i64>(c.plain, values, to)
    if (deltasPay(c, <u32>(end - to))) {
      pageEncoding = PageEncoding.DELTAS
      return end
    }
    c.deltasLost = 1
  }
  memory.copy(to, c.plain, c.plainBytes)
  return to + c.plainBytes
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

/**
 * A dictionary takes a hundred bytes of memory for each entry, and a file smaller by little where
 * an entry stands for less than three values.
 */
@inline
function isLarge(c: Column): bool {
  return c.distinct >= 512
}

/** Makes the builder ready for the next row group. */
export function resetColumn(c: Column): void {
  c.levels = 0
  c.values = 0
  c.rows = 0
  c.plainBytes = 0
  c.nulls = 0
  c.deltasLost = 0
  if (c.dictionaryValues) c.seldomRepeats = u32(isLarge(c) && c.distinct * 3 > c.dictionaryValues)
  dropDictionary(c)
  openDictionary(c)
  resetRange(c)
}

/** Memory of the open page alone. */
export function openPageBytes(c: Column): u32 {
  const levels = c.definitionsCapacity + c.repetitionsCapacity
  return levels + c.indexesCapacity + c.plainCapacity + c.lengthsCapacity
}

/** Gives it back; the page has no levels. */
export function dropPage(c: Column): void {
  drop(changetype<Buffer>(c.definitionsAt()))
  drop(changetype<Buffer>(c.repetitionsAt()))
  drop(c.indexesBuffer())
  drop(c.plainBuffer())
  drop(c.lengthsBuffer())
}

export function releaseColumn(c: Column): void {
  dropDictionary(c)
  dropPage(c)
  drop(c.minBuffer())
  drop(c.maxBuffer())
}

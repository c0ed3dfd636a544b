/**
 * Dictionaries of column chunks: distinct values in the order of their first appearance.
 *
 * A dictionary must pay. It is given up when most values are distinct, when it would grow past its
 * bounds, or when a probe takes too long (values chosen to collide): the open page is turned into
 * plain values, earlier pages keep what they have.
 *
 * Hash tables use open addressing with linear probing, at most half full:
 *     text entry    up to 16 bytes: head u64, tail u64, length u32, id + 1 u32
 *                   longer: hash u64, place in the dictionary u64, length u32, id + 1 u32
 *     number entry  value u64, id + 1 u64
 */
import { Column } from './column'
import { placeOf, placeOfNumber, placeOfPair } from './hash'
import { allocate, Buffer, drop, reserve } from './memory'
import { Kind } from './structures'

@unmanaged
export class TextEntry {
  /** The first eight bytes of a short text, or the hash of a long one. */
  head: u64
  /** The next eight bytes of a short text; of a long one where it lies in the dictionary. */
  tail: u64
  length: u32
  id: u32
}
export const NUMBER_SHIFT: u32 = 4

/** A longer run of occupied entries means luck beyond belief, or an attack. */
export const PROBES_MAX: u32 = 192
const HASH_FIRST: u32 = 16
/** No hash begins larger, however large the last one was: a file may have few rows. */
const HASH_FIRST_MAX: u32 = 1024
const DICTIONARY_BYTES_MAX: u32 = 1 << 20
const TEXTS_MAX: u32 = 32768
const NUMBERS_MAX: u32 = 16384

@inline
export function isTextDictionary(c: Column): bool {
  return c.kind <= <u32>Kind.ENUM
}
@inline
export function widthOf(c: Column): u32 {
  return c.kind == Kind.INT32 || c.kind == Kind.FLOAT ? 4 : 8
}
@inline
function entrySize(c: Column): u32 {
  return c.kind == Kind.TEXT ? offsetof<TextEntry>() : 1 << NUMBER_SHIFT
}

/** Starts a chunk's dictionary; it holds no memory before the first value. */
export function openDictionary(c: Column): void {
  c.dictionaryOpen = u32(c.kind < <u32>Kind.BOOL && !c.skipDictionary)
  c.dictionaryPages = 0
  c.dictionaryValues = 0
  c.distinct = 0
  c.dictionaryBytes = 0
  c.hashMask = 0
}

export function dropDictionary(c: Column): void {
  if (c.distinct) c.hashFirst = hashFor(c.distinct + (c.distinct >> 3))
  drop(c.hashBuffer())
  drop(c.offsetsBuffer())
  drop(c.dictionaryBuffer())
  c.hashMask = 0
}

let isMemoryShort: bool = false
export function setMemoryShort(isShort: u32): void {
  isMemoryShort = isShort != 0
}

/**
 * Whether one more distinct value may be taken. `seen` counts the chunk's values so far.
 *
 * Judged at 512, 1,024, 2,048, … entries only, and at its bounds. Of texts it ends at 512 to 2,048
 * when more than 31 of 32 values were distinct: such a pool is too large to pay later; at 4,096
 * when more than three of four were, at 8,192 and above when more than half. Where memory is short
 * all are judged so from 128 on: hundreds of files would find out at the same time.
 */
export function pays(c: Column, seen: u32): bool {
  const distinct = c.distinct
  const judgedFrom: u32 = isMemoryShort ? 128 : 512
  if (distinct < judgedFrom || (distinct & (distinct - 1)) != 0) {
    return c.dictionaryBytes <= DICTIONARY_BYTES_MAX
  }
  if (c.dictionaryBytes > DICTIONARY_BYTES_MAX) return false
  if (distinct < 512) return distinct * 32 <= seen * 31
  if (!isTextDictionary(c)) return distinct < NUMBERS_MAX && numbersPay(distinct, seen)
  if (distinct >= TEXTS_MAX) return false
  if (distinct < 4096) return distinct * 32 <= seen * 31
  if (distinct < 8192) return distinct * 4 <= seen * 3
  return distinct * 2 <= seen
}

/**
 * Plain numbers compress badly: a dictionary of theirs pays wherever the pool fits in. Drawn from a
 * pool of N, the first d distinct ones come with d² / 2N repeats: so many as of the largest pool
 * are asked for, half as many of the first 512, where chance has its say. Numbers that are repeated
 * at once, and then never again, are found out at 8,192.
 */
function numbersPay(distinct: u32, seen: u32): bool {
  if (distinct >= 8192) return distinct * 8 <= seen * 5
  const repeats = (seen - distinct) << (distinct == 512 ? 1 : 0)
  return repeats * (2 * NUMBERS_MAX / 512) >= distinct * (distinct / 512)
}

/** Entries of a hash that is at most half full with so many values. */
function hashFor(distinct: u32): u32 {
  const entries = <u32>1 << (32 - clz<u32>(distinct << 1))
  return entries < HASH_FIRST ? HASH_FIRST : entries < HASH_FIRST_MAX ? entries : HASH_FIRST_MAX
}
/** Where memory is short, files may have fewer rows than those before. */
@inline
function hashFirst(c: Column): u32 {
  return c.hashFirst && !isMemoryShort ? c.hashFirst : HASH_FIRST
}

/** Doubles the hash table (a small one twice; first: makes it) and puts every entry in place. */
export function growHash(c: Column): void {
  const size = entrySize(c)
  const count = c.hashMask ? (c.hashMask + 1) << (c.hashMask < 1023 ? 2 : 1) : hashFirst(c)
  const old = c.hash
  const oldCapacity = c.hashCapacity
  const oldCount = c.hashMask ? c.hashMask + 1 : 0
  c.hash = 0
  c.hashCapacity = 0
  const table = reserve(c.hashBuffer(), 0, count * size)
  memory.fill(table, 0, count * size)
  c.hashMask = count - 1
  for (let i: u32 = 0; i < oldCount; i++) {
    if (c.kind == Kind.TEXT) moveText(table, count - 1, old + i * offsetof<TextEntry>())
    else moveNumber(table, count - 1, old + (i << NUMBER_SHIFT))
  }
  if (!oldCapacity) return
  // Given back by its own fields, as the column's already name the new table.
  store<usize>(retired, old)
  store<u32>(retired, oldCapacity, 4)
  drop(changetype<Buffer>(retired))
}
const retired = memory.data(8, 8)

@inline
export function placeOfText(head: u64, tail: u64, length: u32): u32 {
  return length <= 16 ? placeOfPair(head, tail + length) : placeOf(head)
}

function moveText(table: usize, mask: u32, from: usize): void {
  const entry = changetype<TextEntry>(from)
  if (!entry.id) return
  let at = placeOfText(entry.head, entry.tail, entry.length) & mask
  while (changetype<TextEntry>(table + at * offsetof<TextEntry>()).id) at = (at + 1) & mask
  memory.copy(table + at * offsetof<TextEntry>(), from, offsetof<TextEntry>())
}

function moveNumber(table: usize, mask: u32, from: usize): void {
  const id = load<u64>(from, 8)
  if (!id) return
  const value = load<u64>(from)
  let at = placeOfNumber(value) & mask
  while (load<u64>(table + (at << NUMBER_SHIFT), 8)) at = (at + 1) & mask
  store<u64>(table + (at << NUMBER_SHIFT), value)
  store<u64>(table + (at << NUMBER_SHIFT), id, 8)
}

/** Appends a text to the dictionary's plain page: length, bytes. */
export function addText(c: Column, p: usize, length: u32): void {
  const at = c.dictionaryBytes
  const id = c.distinct
  const start = reserve(c.dictionaryBuffer(), at, at + length + 20) + at
  store<u32>(start, length)
  memory.copy(start + 4, p, length)
  store<u32>(reserve(c.offsetsBuffer(), id << 2, (id << 2) + 4) + (id << 2), at)
  c.dictionaryBytes = at + 4 + length
  c.distinct = id + 1
}

/** Address of a dictionary text: its length, then its bytes. */
@inline
export function textAt(c: Column, id: u32): usize {
  return c.dictionary + load<u32>(c.offsets + (id << 2))
}

export function addNumber<T>(c: Column, value: T): void {
  const at = c.dictionaryBytes
  store<T>(reserve(c.dictionaryBuffer(), at, at + 8) + at, value)
  c.dictionaryBytes = at + sizeof<T>()
  c.distinct++
}

/** Turns the open page plain and ends the chunk's dictionary; earlier pages keep it. */
export function fallBack(c: Column): void {
  const values = c.values
  c.repeats = u32(c.distinct < (c.dictionaryValues + values) / 4 * 3)
  if (isTextDictionary(c)) indexesToTexts(c, values)
  else if (widthOf(c) == 4) indexesToNumbers<u32>(c, values)
  else indexesToNumbers<u64>(c, values)
  c.dictionaryOpen = 0
  drop(c.hashBuffer())
  drop(c.indexesBuffer())
  drop(c.offsetsBuffer())
  if (c.dictionaryPages) return
  c.skipDictionary = 1
  c.distinct = 0
  c.dictionaryBytes = 0
  drop(c.dictionaryBuffer())
}

function indexesToTexts(c: Column, values: u32): void {
  const lengths = reserve(c.lengthsBuffer(), 0, (values << 2) + 64)
  let need: u32 = 0
  for (let i: u32 = 0; i < values; i++) {
    const length = load<u32>(textAt(c, load<u16>(c.indexes + (i << 1))))
    store<u32>(lengths + (i << 2), length)
    need += length
  }
  let to = reserve(c.plainBuffer(), 0, need + 64)
  for (let i: u32 = 0; i < values; i++) {
    const length = load<u32>(lengths + (i << 2))
    memory.copy(to, textAt(c, load<u16>(c.indexes + (i << 1))) + 4, length)
    to += length
  }
  c.plainBytes = need
}

function indexesToNumbers<T>(c: Column, values: u32): void {
  const bytes = values * sizeof<T>()
  const to = reserve(c.plainBuffer(), c.plainBytes, c.plainBytes + bytes + 64) + c.plainBytes
  for (let i: u32 = 0; i < values; i++) {
    const id = <u32>load<u16>(c.indexes + (i << 1))
    store<T>(to + i * sizeof<T>(), load<T>(c.dictionary + id * sizeof<T>()))
  }
  c.plainBytes += bytes
}

/**
 * Hashes of a column's values for Bloom filters: XXH64 with seed 0 over the plain form, of texts
 * without their length.
 *
 * Source: Apache Parquet, BloomFilter.md; xxHash fast digest algorithm, doc/xxhash_spec.md (XXH64).
 */
import { Column } from './column'
import { isTextDictionary, widthOf } from './dictionary'
import { Buffer, drop, reserveShared } from './memory'

const PRIME_1: u64 = 0x9e3779b185ebca87
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f
const PRIME_3: u64 = 0x165667b19e3779f9
const PRIME_4: u64 = 0x85ebca77c2b2ae63
const PRIME_5: u64 = 0x27d4eb2f165667c5

/** Hashes of the page last closed or the dictionary last asked for, u64 each. */
const hashes = memory.data(8, 8)
const KEEP_BYTES_MAX: u32 = 1 << 20

@inline
function round(lane: u64, input: u64): u64 {
  return rotl<u64>(lane + input * PRIME_2, 31) * PRIME_1
}
@inline
function mergeRound(hash: u64, lane: u64): u64 {
  return (hash ^ round(0, lane)) * PRIME_1 + PRIME_4
}
@inline
function take8(hash: u64, input: u64): u64 {
  return rotl<u64>(hash ^ round(0, input), 27) * PRIME_1 + PRIME_4
}
@inline
function take4(hash: u64, input: u64): u64 {
  return rotl<u64>(hash ^ (input * PRIME_1), 23) * PRIME_2 + PRIME_3
}
@inline
function avalanche(value: u64): u64 {
  let hash = value
  hash = (hash ^ (hash >> 33)) * PRIME_2
  hash = (hash ^ (hash >> 29)) * PRIME_3
  return hash ^ (hash >> 32)
}

/** The lanes over whole stripes of 32 bytes. */
function stripes(p: usize, length: u32): u64 {
  let a = PRIME_1 + PRIME_2
  let b = PRIME_2
  let c: u64 = 0
  let d = 0 - PRIME_1
  for (const end = p + (length & ~31); p < end; p += 32) {
    a = round(a, load<u64>(p))
    b = round(b, load<u64>(p, 8))
    c = round(c, load<u64>(p, 16))
    d = round(d, load<u64>(p, 24))
  }
  const hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18)
  return mergeRound(mergeRound(mergeRound(mergeRound(hash, a), b), c), d)
}

function hashBytes(start: usize, length: u32): u64 {
  let hash = (length >= 32 ? stripes(start, length) : PRIME_5) + <u64>length
  const end = start + length
  let p = start + (length & ~31)
  for (; p + 8 <= end; p += 8) hash = take8(hash, load<u64>(p))
  if (p + 4 <= end) {
    hash = take4(hash, <u64>load<u32>(p))
    p += 4
  }
  for (; p < end; p++) hash = rotl<u64>(hash ^ (<u64>load<u8>(p) * PRIME_5), 11) * PRIME_1
  return avalanche(hash)
}

@inline
function roomFor(count: u32): usize {
  return reserveShared(changetype<Buffer>(hashes), count << 3)
}

function hashNumbers(c: Column, start: usize, count: u32): usize {
  const to = roomFor(count)
  const width = widthOf(c)
  const first = PRIME_5 + <u64>width
  for (let i: u32 = 0; i < count; i++) {
    const at = start + i * width
    const hash = width == 4 ? take4(first, <u64>load<u32>(at)) : take8(first, load<u64>(at))
    store<u64>(to + (i << 3), avalanche(hash))
  }
  return to
}

/** Hashes the values of the open page, which are not dictionary indexes. */
export function hashOpenPage(c: Column): usize {
  const count = c.values
  if (!isTextDictionary(c)) return hashNumbers(c, c.plain, count)
  const to = roomFor(count)
  let from = c.plain
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(c.lengths + (i << 2))
    store<u64>(to + (i << 3), hashBytes(from, length))
    from += length
  }
  return to
}

/** Of an ended dictionary the texts are there, and where each of them starts is not any more. */
export function hashDictionaryOf(c: Column): usize {
  const count = c.distinct
  if (!isTextDictionary(c)) return hashNumbers(c, c.dictionary, count)
  const to = roomFor(count)
  let text = c.dictionary
  for (let id: u32 = 0; id < count; id++) {
    const length = load<u32>(text)
    store<u64>(to + (id << 3), hashBytes(text + 4, length))
    text += 4 + length
  }
  return to
}

/** Gives back what an unusually large page needed. */
export function dropHashes(): void {
  if (changetype<Buffer>(hashes).capacity > KEEP_BYTES_MAX) drop(changetype<Buffer>(hashes))
}

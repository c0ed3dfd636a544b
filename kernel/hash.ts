/**
 * Hashes and comparisons of dictionary keys.
 *
 * Keys come from outside, so the multipliers are drawn from a seed: whoever does not know it cannot
 * choose values that collide. Reads may pass a text's end by up to 15 bytes (padding, masked away).
 *
 * Words are multiplied and added up; a bit of a word reaches only those above it in the sum. So the
 * sum is folded and multiplied once more before a place in a table is taken from it, and words are
 * turned against each other: texts that differ at the ends of their words alone (two columns of a
 * fixed width) would share a few places otherwise.
 */

let multiplierA: u64 = 0x9e3779b97f4a7c15
let multiplierB: u64 = 0xd6e8feb86659fd93
let multiplierC: u64 = 0xc2b2ae3d27d4eb4f
let multiplierD: u64 = 0x165667b19e3779f9
let seedMix: u64 = 0

function mix(seed: u64): u64 {
  let x = seed + 0x9e3779b97f4a7c15
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb
  return x ^ (x >> 31)
}

export function seedHash(seed: u64): void {
  multiplierA = mix(seed) | 1
  multiplierB = mix(seed ^ 0x5851f42d4c957f2d) | 1
  multiplierC = mix(seed ^ 0x14057b7ef767814f) | 1
  multiplierD = mix(seed ^ 0x2545f4914f6cdd1d) | 1
  seedMix = mix(~seed)
}

/** A place from a sum; the caller takes as many of its low bits as the table has. */
@inline
export function placeOf(sum: u64): u32 {
  return <u32>(((sum ^ (sum >> 32)) * multiplierC) >> 32)
}
@inline
export function placeOfPair(a: u64, b: u64): u32 {
  return placeOf(a * multiplierA + rotl<u64>(b, 32) * multiplierB)
}
@inline
export function placeOfNumber(value: u64): u32 {
  return placeOf((value ^ seedMix) * multiplierA)
}

/** 16 bytes of ones before 16 of zeros. */
const masks = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
])

/** A text of up to 16 bytes, zero-filled: with its length it is the whole. */
@inline
export function shortText(p: usize, length: u32): v128 {
  return v128.and(v128.load(p), v128.load(masks + 16 - length))
}

/** 64 bits over a text longer than 16 bytes. */
@inline
export function hashLong(p: usize, length: u32): u64 {
  return length <= 32 ? hashHalves(p, p + length - 16, length) : hashBlocks(p, length)
}

/** Up to 32 bytes: the first 16 and the last 16, which may overlap. */
@inline
function hashHalves(first: usize, last: usize, length: u32): u64 {
  return (
    (load<u64>(first) ^ seedMix) * multiplierA +
    rotl<u64>(load<u64>(first, 8), 32) * multiplierB +
    rotl<u64>(load<u64>(last), 16) * multiplierC +
    (rotl<u64>(load<u64>(last, 8), 48) + length) * multiplierD
  )
}

/** Whole blocks of 32 bytes, then the last 32, which may overlap. Four sums wait for nobody. */
function hashBlocks(p: usize, length: u32): u64 {
  let a = seedMix ^ <u64>length
  let b = multiplierA
  let c = multiplierB
  let d = multiplierC
  const last = p + length - 32
  for (; p < last; p += 32) {
    a = rotl<u64>((a ^ load<u64>(p)) * multiplierA, 31)
    b = rotl<u64>((b ^ load<u64>(p, 8)) * multiplierB, 31)
    c = rotl<u64>((c ^ load<u64>(p, 16)) * multiplierC, 31)
    d = rotl<u64>((d ^ load<u64>(p, 24)) * multiplierD, 31)
  }
  a = (a ^ load<u64>(last)) * multiplierA
  b = (b ^ load<u64>(last, 8)) * multiplierB
  c = (c ^ load<u64>(last, 16)) * multiplierC
  d = (d ^ load<u64>(last, 24)) * multiplierD
  return a + rotl<u64>(b, 17) + rotl<u64>(c, 33) + rotl<u64>(d, 49)
}

@inline
function same16(a: usize, b: usize): bool {
  return !v128.any_true(v128.xor(v128.load(a), v128.load(b)))
}

/** Texts of equal length above 16 bytes. */
@inline
export function sameLong(a: usize, b: usize, length: u32): bool {
  if (length > 32) return sameBlocks(a, b, length)
  const last = length - 16
  const first = v128.xor(v128.load(a), v128.load(b))
  const rest = v128.xor(v128.load(a + last), v128.load(b + last))
  return !v128.any_true(v128.or(first, rest))
}

function sameBlocks(a: usize, b: usize, length: u32): bool {
  const lastA = a + length - 16
  const lastB = b + length - 16
  while (a < lastA) {
    if (!same16(a, b)) return false
    a += 16
    b += 16
  }
  return same16(lastA, lastB)
}

/** Text slots: length in the upper half, address in the lower. */
export function sameText(left: u64, right: u64): bool {
  const length = <u32>(left >> 32)
  if (length != <u32>(right >> 32)) return false
  const a = <usize>left
  const b = <usize>right
  if (length > 16) return sameLong(a, b, length)
  return !v128.any_true(v128.xor(shortText(a, length), shortText(b, length)))
}

export function placeOfSlot(slot: u64, isText: bool): u32 {
  if (!isText) return placeOfNumber(slot)
  const length = <u32>(slot >> 32)
  const p = <usize>slot
  if (length > 16) return placeOf(hashLong(p, length))
  const whole = shortText(p, length)
  return placeOfPair(i64x2.extract_lane(whole, 0), i64x2.extract_lane(whole, 1) + length)
}

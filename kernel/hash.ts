/**
 * Hashes and comparisons of dictionary keys.
 *
 * Keys come from outside, so the multipliers are drawn from a seed: whoever does not know it cannot
 * choose values that collide. Reads may pass a text's end by up to 15 bytes (padding, masked away).
 */

let multiplierA: u64 = 0x9e3779b97f4a7c15
let multiplierB: u64 = 0xd6e8feb86659fd93
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
  seedMix = mix(~seed)
}

/** Multiply and take the top: every bit of both halves reaches the 24 that are used. */
@inline
export function hashPair(a: u64, b: u64): u32 {
  return <u32>((a * multiplierA + b * multiplierB) >> 40)
}
@inline
export function hashNumber(value: u64): u32 {
  const x = (value ^ seedMix) * multiplierA
  return <u32>((x ^ (x >> 29)) >> 32) ^ <u32>(x >> 40)
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
export function hashLong(p: usize, length: u32): u64 {
  let h = seedMix ^ <u64>length
  let g = multiplierB
  const last = p + length - 16
  for (; p < last; p += 16) {
    h = (h ^ load<u64>(p)) * multiplierA
    h ^= h >> 29
    g = (g ^ load<u64>(p, 8)) * multiplierB
    g ^= g >> 31
  }
  h = (h ^ load<u64>(last)) * multiplierA
  g = (g ^ load<u64>(last, 8)) * multiplierB
  h ^= h >> 32
  g ^= g >> 29
  return h * multiplierB + g
}

/** Texts of equal length above 16 bytes. */
export function sameLong(a: usize, b: usize, length: u32): bool {
  const lastA = a + length - 16
  const lastB = b + length - 16
  while (a < lastA) {
    if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false
    a += 16
    b += 16
  }
  return !v128.any_true(v128.xor(v128.load(lastA), v128.load(lastB)))
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

export function hashSlot(slot: u64, isText: bool): u32 {
  if (!isText) return hashNumber(slot)
  const length = <u32>(slot >> 32)
  const p = <usize>slot
  if (length > 16) return hashNumber(hashLong(p, length))
  const whole = shortText(p, length)
  return hashPair(i64x2.extract_lane(whole, 0), i64x2.extract_lane(whole, 1) + length)
}

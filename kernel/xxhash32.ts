/**
 * xxHash32 with seed 0, the checksum of LZ4 frames.
 *
 * Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */
const PRIME_1: u32 = 0x9e3779b1
const PRIME_2: u32 = 0x85ebca77
const PRIME_3: u32 = 0xc2b2ae3d
const PRIME_4: u32 = 0x27d4eb2f
const PRIME_5: u32 = 0x165667b1

@inline
function round(lane: u32, input: u32): u32 {
  return rotl<u32>(lane + input * PRIME_2, 13) * PRIME_1
}

export function xxhash32(from: usize, size: u32): u32 {
  const end = from + size
  let hash = PRIME_5
  if (size >= 16) {
    let a = PRIME_1 + PRIME_2
    let b = PRIME_2
    let c: u32 = 0
    let d: u32 = 0 - PRIME_1
    for (; end - from >= 16; from += 16) {
      a = round(a, load<u32>(from))
      b = round(b, load<u32>(from, 4))
      c = round(c, load<u32>(from, 8))
      d = round(d, load<u32>(from, 12))
    }
    hash = rotl<u32>(a, 1) + rotl<u32>(b, 7) + rotl<u32>(c, 12) + rotl<u32>(d, 18)
  }
  hash += size
  for (; end - from >= 4; from += 4) {
    hash = rotl<u32>(hash + load<u32>(from) * PRIME_3, 17) * PRIME_4
  }
  for (; from < end; from++) hash = rotl<u32>(hash + <u32>load<u8>(from) * PRIME_5, 11) * PRIME_1
  hash = (hash ^ (hash >> 15)) * PRIME_2
  hash = (hash ^ (hash >> 13)) * PRIME_3
  return hash ^ (hash >> 16)
}

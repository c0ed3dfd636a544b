/** UTF-8 as RFC 3629 has it: no surrogates, nothing above U+10FFFF, no over-long forms. */

/** True when the bytes are valid. May read up to 15 bytes beyond, which are not judged. */
@inline
export function isUtf8(p: usize, length: u32): bool {
  if (length <= 16) {
    const high = i8x16.bitmask(v128.load(p)) & ((<u32>1 << length) - 1)
    return !high || isUtf8Slow(p, length)
  }
  return isAsciiLong(p, length) || isUtf8Slow(p, length)
}

/** Longer than 16 bytes: whole blocks, then the last 16 bytes, which may overlap. */
function isAsciiLong(p: usize, length: u32): bool {
  const last = p + length - 16
  let seen = v128.load(last)
  while (p < last) {
    seen = v128.or(seen, v128.load(p))
    p += 16
  }
  return !i8x16.bitmask(seen)
}

function isUtf8Slow(p: usize, length: u32): bool {
  const end = p + length
  while (p < end) {
    const lead = <u32>load<u8>(p)
    if (lead < 0x80) {
      // Text in Latin script is mostly ASCII: leap over runs of it.
      while (p + 16 <= end && !i8x16.bitmask(v128.load(p))) p += 16
      while (p < end && load<u8>(p) < 0x80) p++
      continue
    }
    const size = sequenceSize(p, <u32>(end - p), lead)
    if (!size) return false
    p += size
  }
  return true
}

/** Bytes of the sequence that starts with a lead byte ≥ 0x80, or 0 when it is not allowed. */
@inline
function sequenceSize(p: usize, left: u32, lead: u32): u32 {
  if (lead < 0xc2) return 0
  const second = <u32>load<u8>(p, 1)
  if ((second & 0xc0) != 0x80) return 0
  if (lead < 0xe0) return left >= 2 ? 2 : 0
  if ((load<u8>(p, 2) & 0xc0) != 0x80) return 0
  if (lead < 0xf0) {
    if (left < 3 || (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0
    return 3
  }
  if (lead > 0xf4 || left < 4 || (load<u8>(p, 3) & 0xc0) != 0x80) return 0
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0
  return 4
}

/**
 * Parquet's RLE and bit-packed hybrid.
 *
 *     run        = header varint (count << 1), value in ⌈width / 8⌉ bytes
 *     bit-packed = header varint (groups << 1 | 1), groups × 8 values of `width` bits, low first
 *
 * Values are taken in groups of eight; a run is written when it saves more than the header of the
 * next packed stretch costs. A packed stretch reserves two bytes for its header and gives one back
 * when it stays short.
 */

/** A packed header of two bytes counts up to this many groups. */
const GROUPS_MAX: u32 = 8191
/** Shorter runs cost more in headers than they save. */
const RUN_MIN: u32 = 16
const BIT_RUN_MIN: u32 = 40

@inline
function putVarint(to: usize, value: u32): usize {
  while (value > 127) {
    store<u8>(to++, value | 128)
    value >>= 7
  }
  store<u8>(to++, value)
  return to
}

/** Writes the header of a packed stretch of `groups` at `header`; the new end. */
function closePacked(header: usize, groups: u32, width: u32, to: usize): usize {
  if (!groups) return to
  const value = (groups << 1) | 1
  if (value < 128) {
    store<u8>(header, value)
    memory.copy(header + 1, header + 2, groups * width)
    return to - 1
  }
  store<u8>(header, value | 128)
  store<u8>(header, value >> 7, 1)
  return to
}

/** Eight u16 values of up to 16 bits each: neighbours are joined three times. */
@inline
function packIndexes(from: usize, width: u32, to: usize): void {
  const v = v128.load(from)
  const pairs = v128.or(
    v128.and(v, i32x4.splat(0xffff)),
    i32x4.shl(i32x4.shr_u(v, 16), width),
  )
  const quads = v128.or(
    v128.and(pairs, i64x2.splat(0xffffffff)),
    i64x2.shl(i64x2.shr_u(pairs, 32), width << 1),
  )
  const low = <u64>i64x2.extract_lane(quads, 0)
  const high = <u64>i64x2.extract_lane(quads, 1)
  const shift = <u64>width << 2
  if (shift < 64) {
    store<u64>(to, low | (high << shift))
    store<u64>(to, shift ? high >> (64 - shift) : 0, 8)
  } else {
    store<u64>(to, low)
    store<u64>(to, high, 8)
  }
}

@inline
function allEqual16(from: usize): bool {
  return i16x8.all_true(i16x8.eq(v128.load(from), v128.load16_splat(from)))
}

/**
 * u16 values of `width` 1..16 bits. The source needs 8 spare entries, the target 32 spare bytes.
 */
export function packIndexStream(from: usize, count: u32, width: u32, to: usize): usize {
  const last = count ? load<u16>(from + ((count - 1) << 1)) : 0
  v128.store(from + (count << 1), i16x8.splat(last))
  let i: u32 = 0
  let header: usize = 0
  let groups: u32 = 0
  while (i < count) {
    const at = from + (i << 1)
    if (allEqual16(at)) {
      const value = load<u16>(at)
      let next = i + 8
      while (next + 8 <= count) {
        const eight = from + (next << 1)
        if (load<u16>(eight) != value || !allEqual16(eight)) break
        next += 8
      }
      while (next < count && load<u16>(from + (next << 1)) == value) next++
      if (next > count) next = count
      if (next - i >= RUN_MIN || next == count) {
        to = closePacked(header, groups, width, to)
        groups = 0
        to = putVarint(to, (next - i) << 1)
        store<u8>(to++, value)
        if (width > 8) store<u8>(to++, value >> 8)
        i = next
        continue
      }
    }
    if (!groups) {
      header = to
      to += 2
    }
    packIndexes(at, width, to)
    to += width
    i += 8
    if (++groups == GROUPS_MAX) {
      to = closePacked(header, groups, width, to)
      groups = 0
    }
  }
  return closePacked(header, groups, width, to)
}

/** Low bits of 16 bytes. */
@inline
export function bitsOf(from: usize): u32 {
  return i8x16.bitmask(i8x16.shl(v128.load(from), 7))
}

/** Bytes that are 0 or 1, as levels of one bit. The source needs 32 spare bytes. */
function packBitStream(from: usize, count: u32, to: usize): usize {
  const last = count ? load<u8>(from + count - 1) : 0
  v128.store(from + count, i8x16.splat(last))
  let i: u32 = 0
  let header: usize = 0
  let groups: u32 = 0
  while (i < count) {
    const bits = bitsOf(from + i)
    if (bits == 0 || bits == 0xffff) {
      const value = bits & 1
      let next = i + 16
      while (next + 16 <= count && bitsOf(from + next) == bits) next += 16
      while (next < count && <u32>load<u8>(from + next) == value) next++
      if (next > count) next = count
      if (next - i >= BIT_RUN_MIN || next == count) {
        to = closePacked(header, groups, 1, to)
        groups = 0
        to = putVarint(to, (next - i) << 1)
        store<u8>(to++, value)
        i = next
        continue
      }
    }
    if (!groups) {
      header = to
      to += 2
    }
    store<u16>(to, bits)
    to += 2
    groups += 2
    i += 16
    if (groups >= GROUPS_MAX - 1) {
      to = closePacked(header, groups, 1, to)
      groups = 0
    }
  }
  // The last half of sixteen may lie wholly behind the end.
  if (groups && i >= count + 8) {
    groups--
    to--
  }
  return closePacked(header, groups, 1, to)
}

/** Eight bytes of up to 8 bits each: neighbours are joined three times. */
@inline
function packBytes(word: u64, width: u64): u64 {
  let x = (word & 0x00ff00ff00ff00ff) | (((word >> 8) & 0x00ff00ff00ff00ff) << width)
  x = (x & 0x0000ffff0000ffff) | (((x >> 16) & 0x0000ffff0000ffff) << (width << 1))
  return (x & 0xffffffff) | ((x >> 32) << (width << 2))
}

/** Levels of more than one bit, a byte each. The source needs 8 spare bytes. */
function packByteStream(from: usize, count: u32, width: u32, to: usize): usize {
  const last = count ? <u64>load<u8>(from + count - 1) : 0
  store<u64>(from + count, last * 0x0101010101010101)
  let i: u32 = 0
  let header: usize = 0
  let groups: u32 = 0
  while (i < count) {
    const word = load<u64>(from + i)
    const value = word & 0xff
    const repeated = value * 0x0101010101010101
    if (word == repeated) {
      let next = i + 8
      while (next + 8 <= count && load<u64>(from + next) == repeated) next += 8
      while (next < count && <u64>load<u8>(from + next) == value) next++
      if (next > count) next = count
      if (next - i >= RUN_MIN || next == count) {
        to = closePacked(header, groups, width, to)
        groups = 0
        to = putVarint(to, (next - i) << 1)
        store<u8>(to++, <u32>value)
        i = next
        continue
      }
    }
    if (!groups) {
      header = to
      to += 2
    }
    store<u64>(to, packBytes(word, width))
    to += width
    i += 8
    if (++groups == GROUPS_MAX) {
      to = closePacked(header, groups, width, to)
      groups = 0
    }
  }
  return closePacked(header, groups, width, to)
}

/** A level stream with its length in front, as data pages of version 1 have it. */
export function packLevels(from: usize, count: u32, levelMax: u32, to: usize): usize {
  const width = 32 - clz<u32>(levelMax)
  const end =
    width == 1
      ? packBitStream(from, count, to + 4)
      : packByteStream(from, count, width, to + 4)
  store<u32>(to, <u32>(end - to - 4))
  return end
}

/** Bytes that are 0 or 1 as bits, low bits first. The source needs 16 spare bytes. */
export function packBools(from: usize, count: u32, to: usize): usize {
  v128.store(from + count, i8x16.splat(0))
  for (let i: u32 = 0; i < count; i += 16) store<u16>(to + (i >> 3), bitsOf(from + i))
  return to + ((count + 7) >> 3)
}

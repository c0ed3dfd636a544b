/**
 * Parquet's DELTA_BINARY_PACKED: the differences of neighbouring integers, bit-packed.
 *
 *     header     varint 128 (values a block), varint 4 (miniblocks a block), varint count,
 *                zigzag varint first value
 *     block      zigzag varint least difference, u8 bit width × 4, miniblocks
 *     miniblock  32 differences, less the least one, of `width` bits each, low bits first
 *
 * Differences wrap around at the type's width, as the values do in the reader. The last block has
 * only the miniblocks it needs; what the last one lacks is filled with the least difference.
 */
const BLOCK: u32 = 128
const MINIBLOCK: u32 = 32
const MINIBLOCKS: u32 = 4
/** Wider values do not fit into a word behind up to seven bits of the one before. */
const WIDTH_STORED_AT_ONCE: u32 = 56

/** The block's differences; later less the least one. */
const differences = memory.data(1024, 16)

/** Most bytes that `packDeltas` writes for values of a type, room for whole words included. */
@inline
export function deltaBytesMax<T>(count: u32): u32 {
  return 32 + ((count + BLOCK - 1) / BLOCK) * (10 + MINIBLOCKS + BLOCK * sizeof<T>()) + 16
}

@inline
function putVarint(to: usize, value: u64): usize {
  while (value > 127) {
    store<u8>(to++, <u32>value | 128)
    value >>= 7
  }
  store<u8>(to++, <u32>value)
  return to
}

@inline
function zigzag<T>(value: T): u64 {
  const wide = <i64>value
  return <u64>((wide << 1) ^ (wide >> 63))
}

@inline
function unsignedWidth<T>(bits: T): u32 {
  if (sizeof<T>() == 4) return 32 - clz<u32>(<u32>bits)
  else return 64 - <u32>clz<u64>(<u64>bits)
}

/** Puts differences of `count` values, up to a block, in their place. The least one. */
@inline
function takeDifferences<T>(from: usize, count: u32): T {
  let least = load<T>(from) - load<T>(from - sizeof<T>())
  for (let i: u32 = 0; i < count; i++) {
    const at = from + i * sizeof<T>()
    const difference = load<T>(at) - load<T>(at - sizeof<T>())
    store<T>(differences + i * sizeof<T>(), difference)
    least = difference < least ? difference : least
  }
  return least
}

/** `takeDifferences` of a whole block, in vectors. */
@inline
function takeBlock<T>(from: usize): T {
  const lanes: u32 = 16 / sizeof<T>()
  const first = difference16<T>(from)
  let least = first
  v128.store(differences, first)
  for (let i = lanes; i < BLOCK; i += lanes) {
    const vector = difference16<T>(from + i * sizeof<T>())
    v128.store(differences + i * sizeof<T>(), vector)
    if (sizeof<T>() == 4) least = i32x4.min_s(least, vector)
    else least = v128.bitselect(vector, least, i64x2.gt_s(least, vector))
  }
  if (sizeof<T>() == 4) {
    const a = i32x4.extract_lane(least, 0)
    const b = i32x4.extract_lane(least, 1)
    const c = i32x4.extract_lane(least, 2)
    const d = i32x4.extract_lane(least, 3)
    const ab = a < b ? a : b
    const cd = c < d ? c : d
    return <T>(ab < cd ? ab : cd)
  } else {
    const a = i64x2.extract_lane(least, 0)
    const b = i64x2.extract_lane(least, 1)
    return <T>(a < b ? a : b)
  }
}

@inline
function difference16<T>(from: usize): v128 {
  const here = v128.load(from)
  const before = v128.load(from - sizeof<T>())
  if (sizeof<T>() == 4) return i32x4.sub(here, before)
  else return i64x2.sub(here, before)
}

/** Takes the least one off a miniblock's differences. The bits that any of them has. */
@inline
function takeOff<T>(at: usize, least: T): T {
  let seen = i64x2.splat(0)
  const vector = sizeof<T>() == 4 ? i32x4.splat(<i32>least) : i64x2.splat(<i64>least)
  for (let i: u32 = 0; i < MINIBLOCK * sizeof<T>(); i += 16) {
    const rest =
      sizeof<T>() == 4
        ? i32x4.sub(v128.load(at + i), vector)
        : i64x2.sub(v128.load(at + i), vector)
    v128.store(at + i, rest)
    seen = v128.or(seen, rest)
  }
  const bits = i64x2.extract_lane(seen, 0) | i64x2.extract_lane(seen, 1)
  if (sizeof<T>() == 4) return <T>(<u32>bits | <u32>(bits >> 32))
  else return <T>bits
}

@inline
function bitsAt<T>(at: usize): u64 {
  return sizeof<T>() == 4 ? <u64>load<u32>(at) : load<u64>(at)
}

/**
 * Packs 32 values. Eight of them fill whole bytes, so that each eight start anew; narrow ones are
 * joined to pairs first.
 */
@inline
function packMiniblock<T>(from: usize, width: u32, to: usize): void {
  if (width > WIDTH_STORED_AT_ONCE) {
    packWide(from, width, to)
    return
  }
  const isNarrow = width <= WIDTH_STORED_AT_ONCE / 2
  for (let eight: u32 = 0; eight < 4; eight++) {
    if (isNarrow) packPairs<T>(from, width, to)
    else packSingles<T>(from, width, to)
    from += 8 * sizeof<T>()
    to += width
  }
}

@inline
function packSingles<T>(from: usize, width: u32, to: usize): void {
  let word: u64 = 0
  let bit: u32 = 0
  for (let i: u32 = 0; i < 8; i++) {
    word |= bitsAt<T>(from + i * sizeof<T>()) << bit
    store<u64>(to, word)
    bit += width
    to += bit >> 3
    word >>= <u64>(bit & ~7)
    bit &= 7
  }
}

@inline
function packPairs<T>(from: usize, width: u32, to: usize): void {
  let word: u64 = 0
  let bit: u32 = 0
  for (let i: u32 = 0; i < 8; i += 2) {
    const at = from + i * sizeof<T>()
    const pair = bitsAt<T>(at) | (bitsAt<T>(at + sizeof<T>()) << width)
    word |= pair << bit
    store<u64>(to, word)
    bit += width << 1
    to += bit >> 3
    word >>= <u64>(bit & ~7)
    bit &= 7
  }
}

/** 57 to 64 bits each. */
function packWide(from: usize, width: u32, to: usize): void {
  let word: u64 = 0
  let bit: u32 = 0
  for (let i: u32 = 0; i < MINIBLOCK; i++) {
    const value = load<u64>(from + (i << 3))
    store<u64>(to, word | (value << bit))
    const free = 64 - bit
    bit += width
    if (bit < 64) {
      word |= value << (bit - width)
      continue
    }
    to += 8
    bit -= 64
    word = bit ? value >> free : 0
  }
  if (bit) store<u64>(to, word)
}

/** Most bytes that `packZeros` writes. */
@inline
export function zerosBytesMax(count: u32): u32 {
  return 32 + ((count + BLOCK - 1) / BLOCK) * (1 + MINIBLOCKS)
}

/** Packs as many zeros: no difference has a bit. */
export function packZeros(count: u32, to: usize): usize {
  to = putHeader(count, 0, to)
  for (let first: u32 = 1; first < count; first += BLOCK) {
    store<u8>(to, 0)
    store<u32>(to + 1, 0)
    to += 1 + MINIBLOCKS
  }
  return to
}

@inline
function putHeader(count: u32, first: u64, to: usize): usize {
  to = putVarint(to, BLOCK)
  to = putVarint(to, MINIBLOCKS)
  to = putVarint(to, count)
  return putVarint(to, first)
}

/**
 * Packs values that lie one behind the other. No values are a header and nothing else.
 *
 * The target needs `deltaBytesMax` bytes. The source is read 16 bytes beyond its end at most.
 */
export function packDeltas<T>(from: usize, count: u32, to: usize): usize {
  to = putHeader(count, count ? zigzag<T>(load<T>(from)) : 0, to)
  for (let first: u32 = 1; first < count; first += BLOCK) {
    const size = count - first < BLOCK ? count - first : BLOCK
    const at = from + first * sizeof<T>()
    const least = size == BLOCK ? takeBlock<T>(at) : takeDifferences<T>(at, size)
    for (let i = size; i & (MINIBLOCK - 1); i++) store<T>(differences + i * sizeof<T>(), least)
    to = putVarint(to, zigzag<T>(least))
    const widths = to
    store<u32>(widths, 0)
    to += MINIBLOCKS
    for (let i: u32 = 0; i < size; i += MINIBLOCK) {
      const miniblock = differences + i * sizeof<T>()
      const width = unsignedWidth<T>(takeOff<T>(miniblock, least))
      if (!width) continue
      store<u8>(widths + i / MINIBLOCK, width)
      packMiniblock<T>(miniblock, width, to)
      to += width << 2
    }
  }
  return to
}

/**
 * Varints without a loop: eight bytes are loaded at once, the stop bit is found by counting zeros,
 * the seven-bit groups are pulled together by masks and shifts.
 *
 * A load may run past the row's end into padding or the next row. That is harmless: the caller sees
 * that the position passed the end and refuses the row, so what was read is never interpreted.
 */

/** Value of the last `readVarint`. */
export let varintValue: u64 = 0

/** Stop bits of eight bytes; 0 when the varint is longer than that. */
@inline
export function stopBits(word: u64): u64 {
  return ~word & 0x8080808080808080
}
/** Length in bytes, from non-zero stop bits. */
@inline
export function lengthOf(stops: u64): usize {
  return (<usize>ctz<u64>(stops) >> 3) + 1
}
/** Value of up to 56 bits. */
@inline
export function valueOf(word: u64, stops: u64): u64 {
  let x = word & (stops ^ (stops - 1))
  x = ((x & 0x7f007f007f007f00) >> 1) | (x & 0x007f007f007f007f)
  x = ((x & 0x3fff00003fff0000) >> 2) | (x & 0x00003fff00003fff)
  return ((x & 0x0fffffff00000000) >> 4) | (x & 0x0fffffff)
}

@inline
export function stopBits32(word: u32): u32 {
  return ~word & 0x80808080
}
@inline
export function lengthOf32(stops: u32): usize {
  return (<usize>ctz<u32>(stops) >> 3) + 1
}
/** Value of up to 28 bits. */
@inline
export function valueOf32(word: u32, stops: u32): u64 {
  let x = word & (stops ^ (stops - 1))
  x = ((x & 0x7f007f00) >> 1) | (x & 0x007f007f)
  return <u64>(((x & 0x3fff0000) >> 2) | (x & 0x3fff))
}

/** Any length up to ten bytes, value in `varintValue` (bits above 64 are dropped). 0: longer. */
export function readVarint(p: usize): usize {
  const word = load<u64>(p)
  const stops = stopBits(word)
  if (stops) {
    varintValue = valueOf(word, stops)
    return p + lengthOf(stops)
  }
  let value = valueOf(word, 0x8000000000000000)
  const ninth = <u64>load<u8>(p, 8)
  value |= (ninth & 0x7f) << 56
  if (ninth < 0x80) {
    varintValue = value
    return p + 9
  }
  const tenth = <u64>load<u8>(p, 9)
  varintValue = value | (tenth << 63)
  return tenth < 0x80 ? p + 10 : 0
}

/**
 * Minimum and maximum of a page, exact: numbers in their own order (unsigned where the type is),
 * NaN passed over, texts by their bytes.
 *
 * A zero of floating point is written as -0 when it is the minimum and +0 when it is the maximum,
 * as the Parquet specification asks: readers may tell the two apart, the comparison here does not.
 */
import { Column } from './column'
import { shortText } from './hash'
import { reserve } from './memory'
import { Kind } from './structures'

/**
 * Of longer texts only this much is kept as minimum or maximum. Bounds are cut much shorter than
 * that (src/codec/parquet/statistics.ts), and the order of beginnings is that of the whole texts.
 */
const TEXT_MAX: u32 = 65536

export function resetRange(c: Column): void {
  c.hasRange = 0
  c.minLength = 0
  c.maxLength = 0
}

/**
 * The value in the column's order as a signed number: unsigned types have their sign bit turned.
 */
@inline
export function ordered<T>(c: Column, value: T): T {
  if (isFloat<T>()) return value
  else return <T>(value ^ (c.unsigned ? <T>(<T>1 << <T>((sizeof<T>() << 3) - 1)) : <T>0))
}

/** Least and greatest so far; the caller keeps them in locals over a batch. */
@inline
export function minimum<T>(c: Column): T {
  if (c.hasRange) return load<T>(changetype<usize>(c) + offsetof<Column>('minValue'))
  if (isFloat<T>()) return <T>Infinity
  else if (sizeof<T>() == 4) return <T>i32.MAX_VALUE
  else return <T>i64.MAX_VALUE
}
@inline
export function maximum<T>(c: Column): T {
  if (c.hasRange) return load<T>(changetype<usize>(c) + offsetof<Column>('maxValue'))
  if (isFloat<T>()) return <T>-Infinity
  else if (sizeof<T>() == 4) return <T>i32.MIN_VALUE
  else return <T>i64.MIN_VALUE
}
/** Stores them. Nothing but NaN leaves the range empty: minimum above maximum. */
@inline
export function storeRange<T>(c: Column, min: T, max: T): void {
  if (min > max) return
  c.hasRange = 1
  store<T>(changetype<usize>(c) + offsetof<Column>('minValue'), min)
  store<T>(changetype<usize>(c) + offsetof<Column>('maxValue'), max)
}

const plainEnd = memory.data(8, 8)

/** A number's minimum or maximum as plain bytes, in a place that the next call overwrites. */
export function plainRange(c: Column, isMax: bool): usize {
  switch (c.kind) {
    case Kind.FLOAT: {
      const value = isMax ? maximum<f32>(c) : minimum<f32>(c)
      store<f32>(plainEnd, value != 0 ? value : isMax ? <f32>0 : -(<f32>0))
      break
    }
    case Kind.DOUBLE: {
      const value = isMax ? maximum<f64>(c) : minimum<f64>(c)
      store<f64>(plainEnd, value != 0 ? value : isMax ? <f64>0 : -(<f64>0))
      break
    }
    case Kind.INT64: {
      store<i64>(plainEnd, ordered<i64>(c, isMax ? maximum<i64>(c) : minimum<i64>(c)))
      break
    }
    default:
      store<i32>(plainEnd, ordered<i32>(c, isMax ? maximum<i32>(c) : minimum<i32>(c)))
  }
  return plainEnd
}

@inline
function bigEndian(x: u64): u64 {
  return bswap<u64>(x)
}

/** First eight bytes as a number in the order of texts. */
@inline
function prefixOf(p: usize, length: u32): u64 {
  const head = shortText(p, length < 8 ? length : 8)
  const turned = v128.shuffle<u8>(
    head, head, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8,
  )
  return i64x2.extract_lane(turned, 0)
}

function compare(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  let left = aLength < bLength ? aLength : bLength
  while (left >= 8) {
    const x = load<u64>(a)
    const y = load<u64>(b)
    if (x != y) return bigEndian(x) < bigEndian(y) ? -1 : 1
    a += 8
    b += 8
    left -= 8
  }
  while (left) {
    const difference = <i32>load<u8>(a) - <i32>load<u8>(b)
    if (difference) return difference
    a++
    b++
    left--
  }
  return aLength < bLength ? -1 : i32(aLength > bLength)
}

function keepMin(c: Column, p: usize, length: u32, prefix: u64): void {
  memory.copy(reserve(c.minBuffer(), 0, length + 16), p, length)
  c.minLength = length
  c.minValue = prefix
}
function keepMax(c: Column, p: usize, length: u32, prefix: u64): void {
  memory.copy(reserve(c.maxBuffer(), 0, length + 16), p, length)
  c.maxLength = length
  c.maxValue = prefix
}

/** Takes a text into the range. The prefix decides nearly always. */
@inline
export function seeText(c: Column, p: usize, length: u32): void {
  const prefix = prefixOf(p, length)
  if (c.hasRange && prefix > c.minValue && prefix < c.maxValue) return
  widenText(c, p, length, prefix)
}

function widenText(c: Column, p: usize, wholeLength: u32, prefix: u64): void {
  const length = wholeLength < TEXT_MAX ? wholeLength : TEXT_MAX
  if (!c.hasRange) {
    c.hasRange = 1
    keepMin(c, p, length, prefix)
    keepMax(c, p, length, prefix)
    return
  }
  if (prefix <= c.minValue) {
    const below = prefix < c.minValue || compare(p, length, c.min, c.minLength) < 0
    if (below) keepMin(c, p, length, prefix)
  }
  if (prefix >= c.maxValue) {
    const above = prefix > c.maxValue || compare(p, length, c.max, c.maxLength) > 0
    if (above) keepMax(c, p, length, prefix)
  }
}

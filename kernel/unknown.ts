/** Fields that the schema does not know: skipped, but their framing must be sound. */
import { clearFailure, fail, failure } from './row-sets'
import { Failure } from './structures'
import { readVarint, varintValue } from './varint'

/**
 * Nesting below the root message, groups among unknown fields included, as the reference counts.
 */
const DEPTH_MAX: u32 = 100
export let depth: u32 = 0
@inline
export function enter(): bool {
  return ++depth <= DEPTH_MAX
}
@inline
export function leave(): void {
  depth--
}
export function startRow(): void {
  depth = 0
  clearFailure()
}

/** A tag of up to 32 bits in at most five bytes, in `varintValue`. */
export function readTag(p: usize): usize {
  const next = readVarint(p)
  if (!next || next - p > 5 || varintValue > 0xffffffff) return fail(Failure.MALFORMED)
  return next
}

/**
 * Position behind a length-delimited field's length, which is in `varintValue`.
 *
 * Lengths have at most five bytes and 31 bits. 0 for others, and when the field passes `end`.
 */
export function readLength(p: usize, end: usize): usize {
  const next = readVarint(p)
  if (!next || next - p > 5 || varintValue > 0x7fffffff) return fail(Failure.MALFORMED)
  if (next > end || varintValue > <u64>(end - next)) return fail(Failure.TRUNCATED)
  return next
}

/** Position behind the field whose tag was read; it may lie past `end`, which the caller checks. */
export function skipField(p: usize, end: usize, tag: u32): usize {
  if (tag < 8) return fail(Failure.MALFORMED)
  switch (tag & 7) {
    case 0: {
      p = readVarint(p)
      return p ? p : fail(Failure.MALFORMED)
    }
    case 1:
      return p + 8
    case 2: {
      p = readLength(p, end)
      return p ? p + <usize>varintValue : 0
    }
    case 3:
      return skipGroup(p, end, tag >> 3)
    case 5:
      return p + 4
    default:
      return fail(Failure.MALFORMED)
  }
}

/** Where the end tag of the group that was skipped last begins. */
export let groupStop: usize = 0

/** Position behind the end tag of the group whose start tag was read. */
export function skipGroup(p: usize, end: usize, number: u32): usize {
  if (!enter()) return fail(Failure.TOO_DEEP)
  while (p < end) {
    const start = p
    p = readTag(p)
    if (!p) return 0
    if (p > end) break
    const tag = <u32>varintValue
    if ((tag & 7) == 4) {
      leave()
      groupStop = start
      return tag >> 3 == number ? p : fail(Failure.MALFORMED)
    }
    p = skipField(p, end, tag)
    if (!p) return 0
  }
  return failure == Failure.NONE ? fail(Failure.TRUNCATED) : 0
}

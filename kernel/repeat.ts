/**
 * The two copies that LZ77 codecs are made of. Callers check the bounds of what is copied; where
 * sixteen bytes more have no room, copies go to the byte.
 */

/** Literals longer than this are copied by the host's own routine. */
const LOOP_BYTES_MAX: usize = 192

/** Copies `length` input bytes to `out`; may read and write up to their ends. */
@inline
export function copyLiteral(
  from: usize,
  fromEnd: usize,
  out: usize,
  outEnd: usize,
  length: usize,
): void {
  const isRoomy = fromEnd - from >= length + 16 && outEnd - out >= length + 16
  if (!isRoomy || length > LOOP_BYTES_MAX) {
    memory.copy(out, from, length)
    return
  }
  const next = out + length
  do {
    v128.store(out, v128.load(from))
    out += 16
    from += 16
  } while (out < next)
}

/** Repeats `length` bytes from `distance` before `out`; both may overlap, `length` is not 0. */
@inline
export function repeat(out: usize, outEnd: usize, distance: usize, length: usize): void {
  const next = out + length
  if (outEnd - out < length + 16) {
    repeatToTheByte(out, next, distance)
    return
  }
  if (distance < 8) {
    // Eight bytes one by one; from there on a multiple of the distance reaches back as far.
    for (let i: usize = 0; i < 8; i++) store<u8>(out + i, load<u8>(out - distance + i))
    out += 8
    distance *= (distance + 7) / distance
  }
  if (distance < 16) {
    for (; out < next; out += 8) store<u64>(out, load<u64>(out - distance))
    return
  }
  for (; out < next; out += 16) v128.store(out, v128.load(out - distance))
}

function repeatToTheByte(out: usize, next: usize, distance: usize): void {
  for (; out < next; out++) store<u8>(out, load<u8>(out - distance))
}

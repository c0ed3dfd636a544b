/**
 * LZ4 blocks: literals and copies in turn, ending with literals.
 *
 * Invariants: no read beyond `from … fromEnd` and no copy from before `outFirst`; no write beyond
 * `out … outEnd`. Most sequences are short and lie within: they are copied whole, sixteen bytes at
 * a time, and what is too much is written over by the next.
 *
 *     token: 4 bits literals, 4 bits copy | more of the first | literals | distance u16 | more
 *
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
import { copyLiteral, repeat } from './repeat'

/** Instead of an end: addresses are larger. */
export const enum Unpacked {
  MALFORMED = 0,
  NO_ROOM = 1,
}

const COPY_MIN: usize = 4
/** Longer lengths than any output: they need not add up further. */
const LENGTH_MAX: usize = 0x40000000

/** Where the bytes of a length end; `lengthRead` is their sum. 0 when there is no end. */
let lengthRead: usize = 0
function readLength(from: usize, fromEnd: usize, length: usize): usize {
  while (from < fromEnd) {
    const byte = <usize>load<u8>(from++)
    if (length < LENGTH_MAX) length += byte
    if (byte != 255) {
      lengthRead = length
      return from
    }
  }
  return 0
}

/**
 * @param outFirst where copies may reach back to: the start of a frame whose blocks are linked.
 * @returns the end of what was written, or why there is none: MALFORMED or NO_ROOM.
 */
export function inflateLz4(
  from: usize,
  fromEnd: usize,
  outFirst: usize,
  out: usize,
  outEnd: usize,
): usize {
  while (from < fromEnd) {
    const token = <usize>load<u8>(from++)
    let length = token >> 4
    let copy = token & 15
    if (length != 15 && fromEnd - from >= 16 && outEnd - out >= 32) {
      // Fourteen literals and a distance fit into what was looked at: the block does not end here.
      v128.store(out, v128.load(from))
      out += length
      const distance = <usize>load<u16>(from + length)
      from += length + 2
      if (copy != 15 && distance >= 16 && distance <= out - outFirst) {
        const source = out - distance
        v128.store(out, v128.load(source))
        store<u16>(out, load<u16>(source, 16), 16)
        out += copy + COPY_MIN
        continue
      }
      from -= 2
    } else {
      if (length == 15) {
        from = readLength(from, fromEnd, length)
        if (!from) return Unpacked.MALFORMED
        length = lengthRead
      }
      if (length > fromEnd - from) return Unpacked.MALFORMED
      if (length > outEnd - out) return Unpacked.NO_ROOM
      copyLiteral(from, fromEnd, out, outEnd, length)
      from += length
      out += length
      if (from == fromEnd) return out
      if (fromEnd - from < 2) return Unpacked.MALFORMED
    }
    const distance = <usize>load<u16>(from)
    from += 2
    if (copy == 15) {
      from = readLength(from, fromEnd, copy)
      if (!from) return Unpacked.MALFORMED
      copy = lengthRead
    }
    copy += COPY_MIN
    if (distance == 0 || distance > out - outFirst) return Unpacked.MALFORMED
    if (copy > outEnd - out) return Unpacked.NO_ROOM
    repeat(out, outEnd, distance, copy)
    out += copy
  }
  return Unpacked.MALFORMED
}

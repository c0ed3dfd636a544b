/**
 * Elements of raw snappy blocks: literals and copies, whose output has a size announced before.
 *
 * Invariants: no read beyond `from … fromEnd`, no copy from before `out`, no write beyond `outEnd`.
 *
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */
import { Unpacked } from './lz4'
import { copyLiteral, repeat } from './repeat'

/** @returns `outEnd`, or MALFORMED when the elements do not fill the output exactly. */
export function inflateSnappy(from: usize, fromEnd: usize, out: usize, outEnd: usize): usize {
  const outFirst = out
  while (from < fromEnd) {
    const tag = <u32>load<u8>(from++)
    const kind = tag & 3
    if (kind == 0) {
      let length = <usize>(tag >> 2)
      if (length >= 60) {
        const extra = length - 59
        if (extra > fromEnd - from) return Unpacked.MALFORMED
        length = littleEndian(from, extra)
        from += extra
      }
      // One more than what is said, which may be all that 32 bits can say.
      if (length >= fromEnd - from || length >= outEnd - out) return Unpacked.MALFORMED
      length++
      copyLiteral(from, fromEnd, out, outEnd, length)
      from += length
      out += length
      continue
    }
    const extra: usize = kind == 3 ? 4 : kind
    if (extra > fromEnd - from) return Unpacked.MALFORMED
    const length = <usize>(kind == 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2))
    const high: usize = kind == 1 ? <usize>(tag >> 5) << 8 : 0
    const distance = high + littleEndian(from, extra)
    from += extra
    if (distance == 0 || distance > out - outFirst) return Unpacked.MALFORMED
    if (length > outEnd - out) return Unpacked.MALFORMED
    repeat(out, outEnd, distance, length)
    out += length
  }
  return out == outEnd ? outEnd : Unpacked.MALFORMED
}

/** Number of one to four bytes. */
@inline
function littleEndian(from: usize, count: usize): usize {
  if (count == 1) return <usize>load<u8>(from)
  if (count == 2) return <usize>load<u16>(from)
  const low = <usize>load<u16>(from)
  return count == 3 ? low | (<usize>load<u8>(from, 2) << 16) : <usize>load<u32>(from)
}

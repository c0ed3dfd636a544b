/**
 * Slots that are made of two: times, which the wire has as seconds and nanoseconds.
 *
 * Done when a row is whole, since both numbers may come in any order, and in several pieces; and
 * before the next row, since a time that its column cannot hold refuses the row.
 */
import { buryInRow, unburyInRow } from './maps'
import { fail } from './row-sets'
import { Derivation, Derive, Failure, Program, RowSet } from './structures'

const MICROS_PER_SECOND: i64 = 1000000
const NANOS_PER_SECOND: i64 = 1000000000
const SECONDS_PER_DAY: i64 = 86400
/** What 64 bits hold of microseconds begins and ends within these seconds, at these parts. */
const SECONDS_MIN: i64 = -9223372036855
const SECONDS_MAX: i64 = 9223372036854
const FIRST_PART: i64 = 224192
const LAST_PART: i64 = 775807
const JULIAN_EPOCH_DAY: i64 = 2440588
const JULIAN_DAY_MAX: i64 = 0x7fffffff

@inline
function floorDivide(a: i64, b: i64): i64 {
  const quotient = a / b
  return quotient - i64(a % b < 0)
}

/** Of a Timestamp rounded down, of a Duration towards zero. */
function micros(d: Derivation, row: u32): bool {
  const at = d.slots + (row << 3)
  const sent = load<i64>(at)
  // Nanoseconds may be more than a second, and of the other sign than the seconds.
  if (sent > SECONDS_MAX + 3 || sent < SECONDS_MIN - 3) return false
  const nanos = <i64>load<i32>(d.nanos + (row << 3))
  const carried = floorDivide(nanos, NANOS_PER_SECOND)
  const seconds = sent + carried
  const rest = nanos - carried * NANOS_PER_SECOND
  const isCut = d.kind != Derive.TIMESTAMP_MICROS && seconds < 0 && rest % 1000 > 0
  const part = rest / 1000 + i64(isCut)
  if (seconds > SECONDS_MAX || (seconds == SECONDS_MAX && part > LAST_PART)) return false
  if (seconds < SECONDS_MIN || (seconds == SECONDS_MIN && part < FIRST_PART)) return false
  store<i64>(at, seconds * MICROS_PER_SECOND + part)
  return true
}

/** The slot gets the Julian day, the other one the nanoseconds of the day. */
function int96(d: Derivation, row: u32): bool {
  const at = d.slots + (row << 3)
  const rest = d.nanos + (row << 3)
  const nanos = <i64>load<i32>(rest)
  let seconds = load<i64>(at)
  if (seconds > JULIAN_DAY_MAX * SECONDS_PER_DAY || seconds < -JULIAN_DAY_MAX * SECONDS_PER_DAY) {
    return false
  }
  const carried = floorDivide(nanos, NANOS_PER_SECOND)
  seconds += carried
  const epochDay = floorDivide(seconds, SECONDS_PER_DAY)
  const day = epochDay + JULIAN_EPOCH_DAY
  if (day < 0 || day > JULIAN_DAY_MAX) return false
  const secondOfDay = seconds - epochDay * SECONDS_PER_DAY
  store<i64>(at, day)
  store<i64>(rest, secondOfDay * NANOS_PER_SECOND + nanos - carried * NANOS_PER_SECOND)
  return true
}

function derive(d: Derivation, row: u32): bool {
  switch (d.kind) {
    case Derive.TRUE: {
      store<u64>(d.slots + (row << 3), 1)
      return true
    }
    case Derive.TEXT: {
      const at = d.slots + (row << 3)
      if (!load<u64>(at)) store<u64>(at, load<u64>(d.nanos))
      return true
    }
    case Derive.TIMESTAMP_INT96:
      return int96(d, row)
    default:
      return micros(d, row)
  }
}

/**
 * Over the rows since the row sets were marked. False, with `failure` set, when one cannot be: of
 * those that live, since an entry that a later one replaces is as if it was not sent.
 */
export function deriveRow(program: Program): bool {
  let isBuried = false
  let isWhole = true
  for (let i: u32 = 0; i < program.derivationCount && isWhole; i++) {
    const d = changetype<Derivation>(program.derivations + i * offsetof<Derivation>())
    const rowSet = changetype<RowSet>(d.rowSet)
    for (let row = rowSet.mark; row < rowSet.rows; row++) {
      if (derive(d, row)) continue
      if (!isBuried) buryInRow(program)
      isBuried = true
      if (rowSet.deadCount && load<u8>(rowSet.dead + row)) continue
      fail(Failure.OUT_OF_RANGE)
      isWhole = false
      break
    }
  }
  if (isBuried) unburyInRow(program)
  return isWhole
}

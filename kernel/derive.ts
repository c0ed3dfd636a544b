/**
 * Slots that are made of two: times, which the wire has as seconds and nanoseconds.
 *
 * Done when a row is whole, since both numbers may come in any order, and in several pieces; and
 * before the next row, since a time that its column cannot hold refuses the row.
 */
import { fail } from './row-sets'
import { Derivation, Derive, Failure, Program, RowSet } from './structures'

const MICROS_PER_SECOND: i64 = 1000000
const NANOS_PER_SECOND: i64 = 1000000000
const SECONDS_PER_DAY: i64 = 86400
/** Seconds whose microseconds are sure to fit into 64 bits, with any nanoseconds. */
const SECONDS_MAX: i64 = 9223372036850
const JULIAN_EPOCH_DAY: i64 = 2440588
const JULIAN_DAY_MAX: i64 = 0x7fffffff

@inline
function floorDivide(a: i64, b: i64): i64 {
  const quotient = a / b
  return quotient - i64(a % b < 0)
}

function micros(d: Derivation, row: u32): bool {
  const at = d.slots + (row << 3)
  const seconds = load<i64>(at)
  const nanos = <i64>load<i32>(d.nanos + (row << 3))
  if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX) return false
  if (d.kind == Derive.TIMESTAMP_MICROS) {
    store<i64>(at, seconds * MICROS_PER_SECOND + floorDivide(nanos, 1000))
    return true
  }
  // Nanoseconds of the other sign than the seconds are allowed on the wire: the sum is cut.
  const whole = seconds * MICROS_PER_SECOND + nanos / 1000
  const rest = nanos % 1000
  store<i64>(at, whole + i64(whole < 0 && rest > 0) - i64(whole > 0 && rest < 0))
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

/** Over the rows since the row sets were marked. False, with `failure` set, when one cannot be. */
export function deriveRow(program: Program): bool {
  for (let i: u32 = 0; i < program.derivationCount; i++) {
    const d = changetype<Derivation>(program.derivations + i * offsetof<Derivation>())
    const rowSet = changetype<RowSet>(d.rowSet)
    for (let row = rowSet.mark; row < rowSet.rows; row++) {
      if (derive(d, row)) continue
      fail(Failure.OUT_OF_RANGE)
      return false
    }
  }
  return true
}

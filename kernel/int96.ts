/**
 * INT96 times for readers that know no other: nanoseconds of the day, then the Julian day.
 *
 * Plain only, and without a range: the order of INT96 was never defined.
 */
import { slotAt } from './append'
import { Column } from './column'
import { reserve } from './memory'
import { Leaf } from './structures'

const VALUE_BYTES: u32 = 12

export function appendInt96(c: Column, leaf: Leaf, count: u32, selected: bool): void {
  const used = c.plainBytes
  const bytes = count * VALUE_BYTES
  let to = reserve(c.plainBuffer(), used, used + bytes + 64) + used
  for (let k: u32 = 0; k < count; k++) {
    store<u64>(to, load<u64>(slotAt(leaf.nanos, k, selected)))
    store<u32>(to, load<u32>(slotAt(leaf.slots, k, selected)), 8)
    to += VALUE_BYTES
  }
  c.plainBytes = used + bytes
  c.values += count
}

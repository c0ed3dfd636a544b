/** Bytes that were right once, changed by seeded chance. */
import { present } from '../../src/base/assert.ts'
import type { Chance } from '../../src/demo/chance.ts'

/** One change: the bytes, another event's bytes, chance. */
type Change = (bytes: Uint8Array, other: Uint8Array, chance: Chance) => Uint8Array

const cutsOf = (bytes: Uint8Array, chance: Chance): readonly [number, number] => {
  const [one, other] = [chance.integer(0, bytes.length + 1), chance.integer(0, bytes.length + 1)]
  return [Math.min(one, other), Math.max(one, other)]
}
const telling = [0, 1, 0x7f, 0x80, 0xff, 0x0b, 0x0c, 0x08, 0x12] as const

const withByte = (bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array => {
  const changed = Uint8Array.from(bytes)
  changed[at] = change(present(bytes[at], 'a byte of the event'))
  return changed
}

const changes: Readonly<Record<string, Change>> = {
  flip: (bytes, _, chance) =>
    withByte(bytes, chance.integer(0, bytes.length), (byte) => byte ^ (1 << chance.integer(0, 8))),
  set: (bytes, _, chance) =>
    withByte(bytes, chance.integer(0, bytes.length), () => chance.pick(telling)),
  truncate: (bytes, _, chance) => bytes.slice(0, chance.integer(0, bytes.length)),
  insert: (bytes, _, chance) => {
    const at = chance.integer(0, bytes.length + 1)
    const more = Array.from({ length: chance.integer(1, 4) }, () => chance.integer(0, 256))
    return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(more), bytes.subarray(at)])
  },
  remove: (bytes, _, chance) => {
    const [first, next] = cutsOf(bytes, chance)
    return Buffer.concat([bytes.subarray(0, first), bytes.subarray(next)])
  },
  repeat: (bytes, _, chance) => {
    const [first, next] = cutsOf(bytes, chance)
    return Buffer.concat([bytes.subarray(0, next), bytes.subarray(first)])
  },
  splice: (bytes, other, chance) => {
    const [first] = cutsOf(bytes, chance)
    const [from] = cutsOf(other, chance)
    return Buffer.concat([bytes.subarray(0, first), other.subarray(from)])
  },
  join: (bytes, other) => Buffer.concat([bytes, other]),
}
const kinds = Object.keys(changes)

/** How often each change was made. */
export type ChangeCounts = Map<string, number>

/** How many changes an event gets: most get one. */
const changeCounts = [0, 1, 1, 1, 2, 3] as const
const sizeBytesMax = 16_384

/** An event with up to three changes; a few stay as they are. */
export function mutated(
  events: readonly Uint8Array[],
  chance: Chance,
  counts: ChangeCounts,
): Uint8Array {
  let bytes = chance.pick(events)
  for (let left: number = chance.pick(changeCounts); left > 0 && bytes.length > 0; left--) {
    const kind = chance.pick(kinds)
    const change = present(changes[kind], 'a change of this name')
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    bytes = change(bytes, chance.pick(events), chance).subarray(0, sizeBytesMax)
  }
  return Uint8Array.from(bytes)
}

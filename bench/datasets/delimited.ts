/**
 * Events in a file, each behind its length as a varint: the delimited form that protobuf runtimes
 * write (`writeDelimitedTo`).
 *
 *     03 08 96 01 | 00 | …        an event of three bytes, one of none, …
 */

/** The bytes are not delimited events. */
export class BrokenFraming extends Error {}

const lengthBytesMax = 5

/** Where some events lie: start and end by turns, and where the next one's length begins. */
export interface EventPlaces {
  readonly places: Uint32Array
  readonly next: number
}

export interface WalkLimits {
  readonly events: number
  readonly bytes: number
  /** Where the places go, instead of memory of their own: room for two numbers an event. */
  readonly into?: Uint32Array
  /** More bytes follow that are not here: an event that is cut off is left for later. */
  readonly isCut?: boolean
}

/**
 * Walks over the lengths.
 *
 * @param at     where the first event's length begins.
 * @param limits at least one event is walked over, if there is one that is whole.
 * @throws {BrokenFraming}
 */
export function walkEvents(bytes: Uint8Array, at: number, limits: WalkLimits): EventPlaces {
  const places = limits.into ?? new Uint32Array(2 * limits.events)
  const lastStart = at + limits.bytes
  let used = 0
  let next = at
  while (next < bytes.length && used < places.length && (used === 0 || next < lastStart)) {
    let start = next + 1
    let size = bytes[next] ?? 0
    const second = bytes[start] ?? 0x80
    if (size >= 0x80 && second < 0x80) {
      size = (size & 0x7f) | (second << 7)
      start++
    } else if (size >= 0x80) {
      if (limits.isCut === true && bytes.length - next < lengthBytesMax) break
      const long = longLength(bytes, next)
      size = long.size
      start = long.start
    }
    if (start + size > bytes.length) {
      if (limits.isCut === true) break
      throw passesEnd(bytes, next, { start, size })
    }
    places[used] = start
    next = start + size
    places[used + 1] = next
    used += 2
  }
  return { places: places.subarray(0, used), next }
}

function longLength(bytes: Uint8Array, at: number): { size: number; start: number } {
  let size = 0
  for (let index = 0; index < lengthBytesMax; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) throw new BrokenFraming(`the event's length at byte ${at} is cut off`)
    size += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { size, start: at + index + 1 }
  }
  const what = `the event's length at byte ${at}`
  throw new BrokenFraming(`${what} has more than ${lengthBytesMax} bytes`)
}

const passesEnd = (
  bytes: Uint8Array,
  at: number,
  { start, size }: { readonly start: number; readonly size: number },
): BrokenFraming =>
  new BrokenFraming(
    `the event at byte ${at} has ${size} bytes by its length, ${bytes.length - start} are left`,
  )

/** Where every event lies: start and end by turns. @throws {BrokenFraming} */
export function eventPlaces(bytes: Uint8Array): Uint32Array {
  const limits = { events: 65_536, bytes: bytes.length }
  const found: Uint32Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const { places, next } = walkEvents(bytes, at, limits)
    found.push(places)
    at = next
  }
  const all = new Uint32Array(found.reduce((sum, { length }) => sum + length, 0))
  let used = 0
  for (const places of found) {
    all.set(places, used)
    used += places.length
  }
  return all
}

/** The event's bytes behind their length. */
export function delimited(event: Uint8Array): Uint8Array {
  const head: number[] = []
  let left = event.length
  for (; left >= 0x80; left = Math.floor(left / 128)) head.push((left & 0x7f) | 0x80)
  head.push(left)
  return Buffer.concat([Uint8Array.from(head), event])
}

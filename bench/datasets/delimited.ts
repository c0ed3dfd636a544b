/**
 * Events in a file, each behind its length as a varint: the delimited form that protobuf runtimes
 * write (`writeDelimitedTo`).
 *
 *     03 08 96 01 | 00 | …        an event of three bytes, one of none, …
 */

/** The bytes are not delimited events. */
export class BrokenFraming extends Error {}

const lengthBytesMax = 5

/** Where each event lies: start and end by turns. */
export function eventPlaces(bytes: Uint8Array): Uint32Array {
  let places = new Uint32Array(1_024)
  let used = 0
  for (let at = 0; at < bytes.length; used += 2) {
    const { value, next } = lengthAt(bytes, at, used / 2)
    if (next + value > bytes.length) {
      throw new BrokenFraming(
        `event ${used / 2} at byte ${at} has ${value} bytes by its length, ` +
          `${bytes.length - next} are left`,
      )
    }
    if (used === places.length) {
      const larger = new Uint32Array(places.length * 2)
      larger.set(places)
      places = larger
    }
    places[used] = next
    places[used + 1] = next + value
    at = next + value
  }
  return places.subarray(0, used)
}

function lengthAt(bytes: Uint8Array, at: number, event: number): { value: number; next: number } {
  let value = 0
  for (let index = 0; index < lengthBytesMax; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) {
      throw new BrokenFraming(`the length of event ${event} at byte ${at} is cut off`)
    }
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, next: at + index + 1 }
  }
  throw new BrokenFraming(
    `the length of event ${event} at byte ${at} has more than ${lengthBytesMax} bytes`,
  )
}

/** The event's bytes behind their length. */
export function delimited(event: Uint8Array): Uint8Array {
  const head: number[] = []
  let left = event.length
  for (; left >= 0x80; left = Math.floor(left / 128)) head.push((left & 0x7f) | 0x80)
  head.push(left)
  return Buffer.concat([Uint8Array.from(head), event])
}

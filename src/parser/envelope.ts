/**
 * The envelope `RawEvent` of `proto/raw_event.proto`, read in place.
 *
 * One object is reused for all records: `read` overwrites it. Last value wins, unknown fields are
 * passed by, a known field of another wire type is malformed.
 */
import { WireCursor, wire } from '../codec/wire/wire-cursor.ts'

/** First bytes of the fields that every envelope has. */
const tags = { stream: 0x0a, eventTime: 0x10, eventId: 0x1a, payload: 0x2a }

export class Envelope {
  streamStart = 0
  streamEnd = 0
  eventTimeMs = 0
  eventIdStart = 0
  eventIdEnd = 0
  compression = 0
  payloadStart = 0
  payloadEnd = 0
  schemaVersion = 0
  /** Fields `headers` that were seen; their names may repeat. */
  headerCount = 0
  batched = false
  /** A hint of the producer's, never relied on. */
  eventCount = 0
  readonly #cursor = new WireCursor()
  readonly #entry = new WireCursor()

  /** Reads bytes `[start, end)`. @returns false when they are malformed; fields are then void. */
  read(u8: Uint8Array, start: number, end: number): boolean {
    this.#clear(start)
    let at = start
    while (at < end) {
      const tag = u8[at] ?? 0
      let next = 0
      if (end - at > 10) {
        if (tag === tags.eventTime) next = this.#shortTime(u8, at + 1)
        else if (tag === tags.stream || tag === tags.payload || tag === tags.eventId) {
          next = this.#shortBytes(u8, at, end)
        }
      }
      at = next === 0 ? this.#anyField(u8, at, end) : next
    }
    return at === end
  }

  /** The usual case: a length of one or two bytes. @returns 0 for all others. */
  #shortBytes(u8: Uint8Array, at: number, end: number): number {
    let length = u8[at + 1] ?? 0
    let start = at + 2
    if (length >= 0x80) {
      const second = u8[at + 2] ?? 0
      if (second >= 0x80) return 0
      length = (length & 0x7f) | (second << 7)
      start++
    }
    const next = start + length
    if (next > end) return 0
    this.#keepBytes(u8[at] ?? 0, start, next)
    return next
  }

  /** The usual case: six bytes of varint, the years 2004 to 2109. @returns 0 for all others. */
  #shortTime(u8: Uint8Array, at: number): number {
    const fifth = u8[at + 4] ?? 0
    const sixth = u8[at + 5] ?? 0
    const first = u8[at] ?? 0
    const second = u8[at + 1] ?? 0
    const third = u8[at + 2] ?? 0
    const fourth = u8[at + 3] ?? 0
    if ((first & second & third & fourth & fifth) < 0x80 || sixth >= 0x80) return 0
    const low =
      (first & 0x7f) | ((second & 0x7f) << 7) | ((third & 0x7f) << 14) | ((fourth & 0x7f) << 21)
    this.eventTimeMs = low + ((fifth & 0x7f) | (sixth << 7)) * 268_435_456
    return at + 6
  }

  #keepBytes(tag: number, start: number, next: number): void {
    if (tag === tags.payload) {
      this.payloadStart = start
      this.payloadEnd = next
    } else if (tag === tags.stream) {
      this.streamStart = start
      this.streamEnd = next
    } else {
      this.eventIdStart = start
      this.eventIdEnd = next
    }
  }

  /** Reads any field, by the book. @returns where it ends, or past `end` when it is malformed. */
  #anyField(u8: Uint8Array, at: number, end: number): number {
    const cursor = this.#cursor
    cursor.reset(u8, at, end)
    const field = cursor.next()
    if (field > 9) cursor.skip(field)
    else if (cursor.wireType === wire.bytes) this.#bytesField(field)
    else if (cursor.wireType === wire.varint) this.#varintField(field)
    else cursor.fail()
    return cursor.failed ? end + 1 : cursor.at
  }

  #clear(at: number): void {
    this.streamStart = at
    this.streamEnd = at
    this.eventTimeMs = 0
    this.eventIdStart = at
    this.eventIdEnd = at
    this.compression = 0
    this.payloadStart = at
    this.payloadEnd = at
    this.schemaVersion = 0
    this.headerCount = 0
    this.batched = false
    this.eventCount = 0
  }

  #bytesField(field: number): void {
    const cursor = this.#cursor
    const start = cursor.bytes()
    if (field === 1 || field === 3 || field === 5) {
      this.#keepBytes(field * 8 + wire.bytes, start, cursor.at)
    } else if (field === 7) {
      this.headerCount++
      this.#checkHeader(start)
    } else cursor.fail()
  }

  #varintField(field: number): void {
    const cursor = this.#cursor
    cursor.varint()
    switch (field) {
      case 2:
        this.eventTimeMs = cursor.signed()
        return
      case 4:
        this.compression = cursor.low
        return
      case 6:
        this.schemaVersion = cursor.low >>> 0
        return
      case 8:
        this.batched = (cursor.low | cursor.high) !== 0
        return
      case 9:
        this.eventCount = cursor.low >>> 0
        return
      default:
        cursor.fail()
    }
  }

  /** A map entry holds a key and a value, both text; the names themselves are not looked at. */
  #checkHeader(start: number): void {
    const entry = this.#entry
    entry.reset(this.#cursor.u8, start, this.#cursor.at)
    for (let field = entry.next(); field !== 0; field = entry.next()) {
      if (field <= 2 && entry.wireType !== wire.bytes) entry.fail()
      else entry.skip(field)
    }
    if (entry.failed) this.#cursor.fail()
  }
}

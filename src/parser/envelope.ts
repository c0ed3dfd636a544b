/**
 * The envelope `RawEvent` of `proto/raw_event.proto`, read in place.
 *
 * One object is reused for all records: `read` overwrites it. Last value wins, unknown fields are
 * passed by, a known field of another wire type is malformed.
 */
import { WireCursor, wire } from '../codec/wire/wire-cursor.ts'

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
    const cursor = this.#cursor
    cursor.reset(u8, start, end)
    for (let field = cursor.next(); field !== 0; field = cursor.next()) {
      if (field > 9) cursor.skip(field)
      else if (cursor.wireType === wire.bytes) this.#bytesField(field)
      else if (cursor.wireType === wire.varint) this.#varintField(field)
      else cursor.fail()
    }
    return !cursor.failed
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
    switch (field) {
      case 1:
        this.streamStart = start
        this.streamEnd = cursor.at
        return
      case 3:
        this.eventIdStart = start
        this.eventIdEnd = cursor.at
        return
      case 5:
        this.payloadStart = start
        this.payloadEnd = cursor.at
        return
      case 7:
        this.headerCount++
        this.#checkHeader(start)
        return
      default:
        cursor.fail()
    }
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

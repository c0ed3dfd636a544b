/**
 * `PbEventBatch`, read in place: first its frame (how many events, is it whole), then event by
 * event, so that a cut batch is refused before any of its events is taken.
 */
import { WireCursor, wire } from '../codec/wire/wire-cursor.ts'

export class EventBatch {
  /** The event that `next` found. */
  eventTimeMs = 0
  payloadStart = 0
  payloadEnd = 0
  schemaVersion = 0
  /** The event that `next` found is whole; when not, its fields are void. */
  whole = false
  readonly #cursor = new WireCursor()
  readonly #event = new WireCursor()

  /** @returns how many events `[start, end)` holds, or -1 when it is not a batch. */
  count(u8: Uint8Array, start: number, end: number): number {
    const cursor = this.#cursor
    cursor.reset(u8, start, end)
    let count = 0
    for (let field = cursor.next(); field !== 0; field = cursor.next()) {
      if (field === 1 && cursor.wireType !== wire.bytes) cursor.fail()
      else cursor.skip(field)
      if (field === 1) count++
    }
    return cursor.failed ? -1 : count
  }

  /** Stands before the first event of a batch that `count` has looked through. */
  rewind(u8: Uint8Array, start: number, end: number): void {
    this.#cursor.reset(u8, start, end)
  }

  /** Reads the next event. @returns false when there is none. */
  next(): boolean {
    const cursor = this.#cursor
    for (let field = cursor.next(); field !== 0; field = cursor.next()) {
      if (field !== 1) cursor.skip(field)
      else {
        const start = cursor.bytes()
        this.#read(start, cursor.at)
        return true
      }
    }
    return false
  }

  #read(start: number, end: number): void {
    this.eventTimeMs = 0
    this.payloadStart = start
    this.payloadEnd = start
    this.schemaVersion = 0
    const event = this.#event
    event.reset(this.#cursor.u8, start, end)
    for (let field = event.next(); field !== 0; field = event.next()) {
      if (field > 4) event.skip(field)
      else if (event.wireType !== (field === 1 || field === 4 ? wire.varint : wire.bytes)) {
        event.fail()
      } else this.#field(field)
    }
    this.whole = !event.failed
  }

  #field(field: number): void {
    const event = this.#event
    if (field === 1) {
      event.varint()
      this.eventTimeMs = event.signed()
    } else if (field === 4) {
      event.varint()
      this.schemaVersion = event.low >>> 0
    } else {
      const start = event.bytes()
      if (field !== 3) return
      this.payloadStart = start
      this.payloadEnd = event.at
    }
  }
}

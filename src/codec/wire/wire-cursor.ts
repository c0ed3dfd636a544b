/**
 * A position in protobuf wire bytes that moves forward and makes no objects.
 *
 * - Never reads at or past `end`, whatever the bytes say.
 * - A malformation is sticky: `failed` is set, every later read ends at once. Readers look at
 *   `failed` once, after their loop.
 * - 64-bit values come in two halves of 32 bits, so that no bigint is made on the way.
 *
 *     08 96 01      field 1, varint, 150
 *     12 02 68 69   field 2, two bytes "hi"
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

export const wire = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 }

/** Deeper groups are malformed, so that hostile bytes cannot use up the stack. */
const groupDepthMax = 100

export class WireCursor {
  u8: Uint8Array
  at = 0
  end = 0
  failed = false
  /** Wire type of the field that `next` found. */
  wireType = 0
  /** Low half of the value read last, as a signed 32-bit number. */
  low = 0
  /** High half of the value read last, as a signed 32-bit number. */
  high = 0

  constructor() {
    this.u8 = new Uint8Array(0)
  }

  /** Stands before byte `start` of `u8`; `end` is exclusive. */
  reset(u8: Uint8Array, start: number, end: number): void {
    this.u8 = u8
    this.at = start
    this.end = end
    this.failed = false
  }

  /** Marks the bytes as malformed. @returns 0, for readers that end with it. */
  fail(): 0 {
    this.failed = true
    this.at = this.end
    return 0
  }

  /** Number of the next field, or 0 at the end and when malformed. */
  next(): number {
    if (this.at >= this.end) return 0
    let tag = this.u8[this.at] ?? 0
    if (tag < 0x80) this.at++
    else {
      this.varint()
      if (this.failed || this.high !== 0) return this.fail()
      tag = this.low >>> 0
    }
    this.wireType = tag & 7
    const field = tag >>> 3
    return field === 0 ? this.fail() : field
  }

  /** Reads a varint of up to ten bytes into `low` and `high`. */
  varint(): void {
    const { u8, end } = this
    let at = this.at
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) return void this.fail()
      const byte = u8[at++] ?? 0
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        this.low = low
        this.high = 0
        return
      }
    }
    this.at = at
    this.#longVarint(low)
  }

  /** The fifth to tenth byte: four bits of the fifth belong to the low half. */
  #longVarint(lowSoFar: number): void {
    const { u8, end } = this
    let at = this.at
    if (at >= end) return void this.fail()
    let byte = u8[at++] ?? 0
    this.low = lowSoFar | ((byte & 0x0f) << 28)
    let high = (byte & 0x7f) >>> 4
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (at >= end || shift > 31) return void this.fail()
      byte = u8[at++] ?? 0
      high |= (byte & 0x7f) << shift
    }
    this.at = at
    this.high = high
  }

  /** Reads eight bytes into `low` and `high`. */
  fixed64(): void {
    this.fixed32()
    const low = this.low
    this.fixed32()
    this.high = this.low
    this.low = low
  }

  /** Reads four bytes into `low`. */
  fixed32(): void {
    const { u8, at } = this
    if (this.end - at < 4) return void this.fail()
    this.low =
      (u8[at] ?? 0) |
      ((u8[at + 1] ?? 0) << 8) |
      ((u8[at + 2] ?? 0) << 16) |
      ((u8[at + 3] ?? 0) << 24)
    this.at = at + 4
  }

  /**
   * Reads a length and passes its bytes by.
   * @returns where the bytes start; they end at `at`. Both are `end` when malformed.
   */
  bytes(): number {
    this.varint()
    const length = this.low >>> 0
    if (this.failed || this.high !== 0 || length > this.end - this.at) {
      this.fail()
      return this.end
    }
    const start = this.at
    this.at = start + length
    return start
  }

  /** Passes the value of the current field by. */
  skip(field: number): void {
    this.#skip(field, groupDepthMax)
  }

  #skip(field: number, depth: number): void {
    if (this.wireType === wire.varint) this.varint()
    else if (this.wireType === wire.bytes) this.bytes()
    else if (this.wireType === wire.fixed32) this.fixed32()
    else if (this.wireType === wire.fixed64) this.fixed64()
    else if (this.wireType === wire.startGroup && depth > 0) this.#skipGroup(field, depth - 1)
    else this.fail()
  }

  #skipGroup(field: number, depth: number): void {
    for (;;) {
      const inner = this.next()
      if (inner === 0) return void this.fail()
      if (this.wireType === wire.endGroup) {
        if (inner !== field) this.fail()
        return
      }
      this.#skip(inner, depth)
    }
  }

  /** The value read last as a signed 64-bit integer; rounded beyond 2^53. */
  signed(): number {
    return this.high * 4_294_967_296 + (this.low >>> 0)
  }
}

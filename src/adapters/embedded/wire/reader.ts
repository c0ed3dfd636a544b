/**
 * A cursor over the bytes of one Kafka request or response.
 *
 * Invariants:
 * - never reads past the end of its buffer: short bytes are a `BROKER_REQUEST_MALFORMED` fault;
 * - what it hands out as bytes is a view, valid as long as the frame is.
 *
 * Sample: `00 03 66 6f 6f` is the string "foo" in a rigid layout, `04 66 6f 6f` in a flexible one.
 * Source: Kafka protocol guide, "Protocol Primitive Types"; KIP-482 (compact types, tagged fields).
 */
import { Fault } from '../../../base/fault.ts'

/** Which writing of a message is meant. */
export interface Layout {
  readonly version: number
  /** Compact lengths and tagged fields (KIP-482). */
  readonly flexible: boolean
}

const uuidShape = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/

export class WireReader {
  readonly buffer: Buffer
  position: number

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer
    this.position = position
  }

  get remainingBytes(): number {
    return this.buffer.length - this.position
  }

  /** Moves over `sizeBytes` and returns where they began. */
  skip(sizeBytes: number): number {
    const from = this.position
    if (sizeBytes < 0 || sizeBytes > this.remainingBytes) {
      const reason = `${sizeBytes} bytes wanted at ${from}, ${this.remainingBytes} left`
      throw new Fault('BROKER_REQUEST_MALFORMED', { reason })
    }
    this.position = from + sizeBytes
    return from
  }

  int8(): number {
    return this.buffer.readInt8(this.skip(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.skip(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.skip(4))
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.skip(8))
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.skip(1))
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new Fault('BROKER_REQUEST_MALFORMED', { reason: 'a varint is longer than 5 bytes' })
  }

  /** A topic id as text, lower case with dashes. */
  uuid(): string {
    const from = this.skip(16)
    return this.buffer.toString('hex', from, from + 16).replace(uuidShape, '$1-$2-$3-$4-$5')
  }

  /** @returns the length that stands before a string or bytes, -1 for null. */
  textLength(layout: Layout): number {
    return layout.flexible ? this.unsignedVarint() - 1 : this.int16()
  }

  /** @returns the length that stands before bytes or an array, -1 for null. */
  length(layout: Layout): number {
    return layout.flexible ? this.unsignedVarint() - 1 : this.int32()
  }

  text(sizeBytes: number): string {
    const from = this.skip(sizeBytes)
    return this.buffer.toString('utf8', from, from + sizeBytes)
  }

  bytes(sizeBytes: number): Buffer {
    const from = this.skip(sizeBytes)
    return this.buffer.subarray(from, from + sizeBytes)
  }
}

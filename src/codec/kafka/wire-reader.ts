/**
 * Reads the primitive types of the Kafka protocol from one answer.
 *
 * Invariants: never reads past the end (a short answer is a fault, not a zero); never copies bytes,
 * `span` gives positions.
 *
 *     00 00 00 07           int32    7
 *     08                    uvarint  8; a compact length is stored as length + 1, 0 is null
 *     06 68 65 6c 6c 6f     compact string "hello"
 *
 * Source: https://kafka.apache.org/protocol, "Protocol Primitive Types"; KIP-482 for tagged fields.
 */
import { Fault } from '../../base/fault.ts'

export class WireReader {
  /** Where the next value starts. */
  at: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #text = new TextDecoder()

  /** Reads `bytes` from position `start` to its end. */
  constructor(bytes: Uint8Array, start = 0) {
    this.at = start
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#take(1))
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new Fault('KAFKA_ANSWER_MALFORMED', { reason: 'a varint has more than 5 bytes' })
  }

  /** A UUID in lower-case text with dashes. */
  uuid(): string {
    const start = this.#take(16)
    const hex = Buffer.from(this.#bytes.subarray(start, start + 16)).toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }

  /** A text; null reads as the empty text. */
  string(compact: boolean): string {
    const length = compact ? this.uvarint() - 1 : this.int16()
    const start = this.skip(Math.max(length, 0))
    return this.#text.decode(this.#bytes.subarray(start, this.at))
  }

  /** Number of elements of an array; null counts as none. */
  arrayCount(compact: boolean): number {
    return Math.max(0, compact ? this.uvarint() - 1 : this.int32())
  }

  /** Where a byte string lies; null is empty. */
  span(compact: boolean): { readonly start: number; readonly end: number } {
    const length = compact ? this.uvarint() - 1 : this.int32()
    const start = this.skip(Math.max(length, 0))
    return { start, end: this.at }
  }

  /** A copy of a byte string. */
  bytes(compact: boolean): Uint8Array {
    const { start, end } = this.span(compact)
    return this.#bytes.slice(start, end)
  }

  /** Tagged fields: `onTag` reads those it knows, the rest is skipped. */
  tags(onTag?: (tag: number) => void): void {
    for (let count = this.uvarint(); count > 0; count--) {
      const tag = this.uvarint()
      const sizeBytes = this.uvarint()
      const end = this.skip(sizeBytes) + sizeBytes
      this.at = end - sizeBytes
      onTag?.(tag)
      this.at = end
    }
  }

  /** Passes over `sizeBytes`. @returns where they start. */
  skip(sizeBytes: number): number {
    return this.#take(sizeBytes)
  }

  #take(sizeBytes: number): number {
    const start = this.at
    if (start + sizeBytes > this.#bytes.length) {
      const reason = `${sizeBytes} bytes at ${start} pass the end at ${this.#bytes.length}`
      throw new Fault('KAFKA_ANSWER_MALFORMED', { reason })
    }
    this.at = start + sizeBytes
    return start
  }
}

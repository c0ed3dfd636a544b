/**
 * Writes the primitive types of the Kafka protocol into one growing buffer.
 *
 * Invariant: `bytes()` shows exactly what was written, from the first to the last value.
 *
 *     new WireWriter().int16(18).string('hello', false).bytes()   00 12 00 05 68 65 6c 6c 6f
 *
 * Source: https://kafka.apache.org/protocol, "Protocol Primitive Types".
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(512)
  #end = 0

  int8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer.writeInt8(value, at)
    return this
  }

  int16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeInt16BE(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
    return this
  }

  int64(value: bigint): this {
    const at = this.#reserve(8)
    this.#buffer.writeBigInt64BE(value, at)
    return this
  }

  uvarint(value: number): this {
    let rest = value
    while (rest > 127) {
      this.#uint8((rest & 127) | 128)
      rest = Math.floor(rest / 128)
    }
    return this.#uint8(rest)
  }

  /** A UUID from its text, with or without dashes. */
  uuid(text: string): this {
    return this.raw(Buffer.from(text.replaceAll('-', ''), 'hex'))
  }

  string(text: string, compact: boolean): this {
    const bytes = Buffer.from(text)
    if (compact) this.uvarint(bytes.length + 1)
    else this.int16(bytes.length)
    return this.raw(bytes)
  }

  byteString(bytes: Uint8Array, compact: boolean): this {
    if (compact) this.uvarint(bytes.length + 1)
    else this.int32(bytes.length)
    return this.raw(bytes)
  }

  /** The head of an array of `count` elements. */
  arrayCount(count: number, compact: boolean): this {
    return compact ? this.uvarint(count + 1) : this.int32(count)
  }

  /** An empty set of tagged fields, when the version has them. */
  noTags(flexible: boolean): this {
    return flexible ? this.uvarint(0) : this
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  /** What was written; valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }

  #uint8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer.writeUInt8(value, at)
    return this
  }

  /** May replace the buffer: to be called before the buffer is named in a write. */
  #reserve(sizeBytes: number): number {
    const start = this.#end
    this.#end += sizeBytes
    if (this.#end > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#end, this.#buffer.length * 2))
      grown.set(this.#buffer.subarray(0, start))
      this.#buffer = grown
    }
    return start
  }
}

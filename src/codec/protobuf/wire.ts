/**
 * Protobuf's wire format, byte by byte: varints, tags, length-delimited values.
 *
 * - A varint has at most 10 bytes; longer ones are refused.
 * - 64-bit values are read and written as two halves of 32 bits, so that none passes through a
 *   double.
 * - Nothing is read beyond the end that the reader was given.
 *
 *     field 1, varint 150:   08 96 01
 *     field 2, "testing":    12 07 74 65 73 74 69 6e 67
 *
 * Source: protobuf documentation, "Encoding".
 */
import { isUtf8 } from 'node:buffer'
import type { RefusalReason } from '../../model/row-batch.ts'

export const wireType = {
  varint: 0,
  fixed64: 1,
  lengthDelimited: 2,
  groupStart: 3,
  groupEnd: 4,
  fixed32: 5,
} as const

/** Nesting of messages and groups beyond which bytes are refused, as by every decoder. */
export const nestingMax = 100

const sizeBytesAtFirst = 256
const varintBytesMax = 10

/** Bytes are not protobuf wire format of what they should be. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly reason: RefusalReason

  /** @param positionBytes where in the input reading stopped. */
  constructor(reason: RefusalReason, what: string, positionBytes: number) {
    super(`${what} at byte ${positionBytes}`)
    this.reason = reason
  }
}

/** Appends wire format to a buffer that grows. */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(sizeBytesAtFirst)
  #sizeBytes = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Forgets what was written and keeps the buffer. */
  clear(): void {
    this.#sizeBytes = 0
  }

  /** A copy of what was written, which outlives the next `clear`. */
  copy(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#sizeBytes))
  }

  tag(fieldNumber: number, type: number): void {
    this.varint(fieldNumber * 8 + type)
  }

  /** @param value integer from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.#room(varintBytesMax)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#sizeBytes++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#sizeBytes++] = rest
  }

  /** A negative number is written as its two's complement of 64 bits: ten bytes. */
  varint64(value: bigint): void {
    if (value >= 0n && value <= Number.MAX_SAFE_INTEGER) return this.varint(Number(value))
    this.#room(varintBytesMax)
    let rest = BigInt.asUintN(64, value)
    while (rest >= 0x80n) {
      this.#bytes[this.#sizeBytes++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#sizeBytes++] = Number(rest)
    return undefined
  }

  /** Zigzag: small numbers of either sign take few bytes. */
  signedVarint64(value: bigint): void {
    this.varint64((value << 1n) ^ (value >> 63n))
  }

  fixed32(value: number): void {
    this.#room(4)
    this.#sizeBytes = this.#bytes.writeInt32LE(value | 0, this.#sizeBytes)
  }

  fixed64(value: bigint): void {
    this.#room(8)
    this.#sizeBytes = this.#bytes.writeBigInt64LE(BigInt.asIntN(64, value), this.#sizeBytes)
  }

  float(value: number): void {
    this.#room(4)
    this.#sizeBytes = this.#bytes.writeFloatLE(value, this.#sizeBytes)
  }

  double(value: number): void {
    this.#room(8)
    this.#sizeBytes = this.#bytes.writeDoubleLE(value, this.#sizeBytes)
  }

  /** Length and UTF-8. A lone surrogate becomes U+FFFD, so that the bytes are always valid. */
  string(text: string): void {
    const sizeBytes = Buffer.byteLength(text, 'utf8')
    this.varint(sizeBytes)
    this.#room(sizeBytes)
    this.#sizeBytes += this.#bytes.write(text, this.#sizeBytes, 'utf8')
  }

  /** Length and bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length)
    this.#room(value.length)
    this.#bytes.set(value, this.#sizeBytes)
    this.#sizeBytes += value.length
  }

  /** Writes what `writeBody` writes with its length before it. */
  delimited(writeBody: () => void): void {
    const lengthAt = this.#sizeBytes
    this.varint(0)
    writeBody()
    this.#insertLength(lengthAt)
  }

  /** One byte was kept for the length; a longer body moves up to make room for the others. */
  #insertLength(lengthAt: number): void {
    const end = this.#sizeBytes
    const bodyBytes = end - lengthAt - 1
    let lengthBytes = 1
    for (let rest = bodyBytes; rest >= 0x80; rest = Math.floor(rest / 0x80)) lengthBytes++
    this.#room(lengthBytes)
    this.#bytes.copyWithin(lengthAt + lengthBytes, lengthAt + 1, end)
    this.#sizeBytes = lengthAt
    this.varint(bodyBytes)
    this.#sizeBytes += bodyBytes
  }

  #room(sizeBytes: number): void {
    const needed = this.#sizeBytes + sizeBytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed))
    this.#bytes.copy(larger, 0, 0, this.#sizeBytes)
    this.#bytes = larger
  }
}

/** Walks wire format within `[position, end)` of some bytes. */
export class WireReader {
  readonly #bytes: Buffer
  #position: number
  #end: number
  #low = 0
  #high = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#position = 0
    this.#end = bytes.length
  }

  get position(): number {
    return this.#position
  }

  get atEnd(): boolean {
    return this.#position >= this.#end
  }

  /** A tag as one number: field number times 8, and the wire type. */
  tag(): number {
    const tag = this.varint32() >>> 0
    if (tag >>> 3 === 0 || this.#high !== 0) throw this.error('malformed', 'no field has number 0')
    return tag
  }

  /** The low 32 bits of a varint, signed: what int32, uint32, bool and enums are made of. */
  varint32(): number {
    this.#varint()
    return this.#low
  }

  /** True unless all 64 bits of a varint are 0. */
  varintIsTrue(): boolean {
    this.#varint()
    return this.#low !== 0 || this.#high !== 0
  }

  varint64(): bigint {
    this.#varint()
    return BigInt.asIntN(64, (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0))
  }

  fixed32(): number {
    const at = this.#advance(4)
    return this.#bytes.readInt32LE(at)
  }

  fixed64(): bigint {
    const at = this.#advance(8)
    return this.#bytes.readBigInt64LE(at)
  }

  float(): number {
    const at = this.#advance(4)
    return this.#bytes.readFloatLE(at)
  }

  double(): number {
    const at = this.#advance(8)
    return this.#bytes.readDoubleLE(at)
  }

  /** A view of the value's bytes. */
  bytes(): Uint8Array {
    const sizeBytes = this.#length()
    const first = this.#advance(sizeBytes)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + first, sizeBytes)
  }

  string(): string {
    const sizeBytes = this.#length()
    const first = this.#advance(sizeBytes)
    const text = this.#bytes.subarray(first, first + sizeBytes)
    if (!isUtf8(text)) throw this.error('invalid-utf8', 'a string is not UTF-8')
    return text.toString('utf8')
  }

  /** Reads the next length-delimited value with `readBody`, which sees only that value. */
  delimited(readBody: () => void): void {
    const sizeBytes = this.#length()
    const outerEnd = this.#end
    const next = this.#advance(sizeBytes) + sizeBytes
    this.#position = next - sizeBytes
    this.#end = next
    readBody()
    this.#end = outerEnd
  }

  /** Passes over the value of a field that nobody asked for. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case wireType.varint:
        return this.#varint()
      case wireType.fixed64:
        return void this.#advance(8)
      case wireType.lengthDelimited:
        return void this.#advance(this.#length())
      case wireType.groupStart:
        return this.#skipGroup(tag, depth + 1)
      case wireType.fixed32:
        return void this.#advance(4)
      default:
        throw this.error('malformed', `no value has wire type ${tag & 7}`)
    }
  }

  error(reason: RefusalReason, what: string): WireError {
    return new WireError(reason, what, this.#position)
  }

  #skipGroup(start: number, depth: number): void {
    if (depth > nestingMax) throw this.error('too-deep', `groups nest deeper than ${nestingMax}`)
    for (;;) {
      const tag = this.tag()
      if ((tag & 7) !== wireType.groupEnd) this.skip(tag, depth)
      else if (tag >>> 3 === start >>> 3) return
      else throw this.error('malformed', 'a group ends that is not open')
    }
  }

  #length(): number {
    this.#varint()
    const sizeBytes = this.#low >>> 0
    const isTooLong = this.#high !== 0 || sizeBytes > this.#end - this.#position
    if (isTooLong) throw this.error('truncated', 'a value is longer than what is left')
    return sizeBytes
  }

  #advance(sizeBytes: number): number {
    const first = this.#position
    if (this.#end - first < sizeBytes) throw this.error('truncated', 'the bytes end in a value')
    this.#position = first + sizeBytes
    return first
  }

  /** Leaves the 64 bits in `#low` and `#high`. The tenth byte gives one bit, no more. */
  #varint(): void {
    let low = 0
    let high = 0
    for (let shift = 0; shift < varintBytesMax * 7; shift += 7) {
      const byte = this.#bytes[this.#advance(1)] ?? 0
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        this.#low = low
        this.#high = high
        return
      }
    }
    throw this.error('malformed', `a varint is longer than ${varintBytesMax} bytes`)
  }
}

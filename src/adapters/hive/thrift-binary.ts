/**
 * Thrift's binary protocol, as a Hive Metastore speaks it: no framing, no SASL.
 *
 *     message  80 01 00 <kind> | name: i32 length, bytes | sequence i32 | struct
 *     struct   { type byte | number i16 | value } … 00
 *     list     type byte | count i32 | values          map  key type, value type | count i32 | …
 *
 * Invariants:
 * - All numbers are big endian.
 * - Nothing says how long an answer is: it is complete when it can be read to its end.
 * - What claims to be longer or deeper than the bounds is no answer, and is refused before it is
 *   waited for or kept.
 *
 * Source: Apache Thrift, "Thrift Binary protocol encoding".
 */
import type { ThriftMessage, ThriftStruct, ThriftType, ThriftValue } from './thrift-value.ts'

const version = 0x80_01_00_00
const versionMask = 0xff_ff_00_00
/** Of a message. */
export const sizeBytesMax = 64 * 1_048_576
/** Of values in values. */
export const depthMax = 32
/** Of a message: a byte of it may be a value, which takes a hundred times as much of memory. */
const valuesMax = 2_000_000

const codes = {
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  binary: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const satisfies Record<ThriftType, number>
const typeOfCode = new Map(
  (Object.entries(codes) as [ThriftType, number][]).map(([type, code]) => [code, type]),
)
const stop = 0

const kindCodes = { call: 1, reply: 2, exception: 3 } as const
const kindOfCode = new Map<number, ThriftMessage['kind']>([
  [kindCodes.call, 'call'],
  [kindCodes.reply, 'reply'],
  [kindCodes.exception, 'exception'],
])

/** The bytes are of no message of this protocol. */
export class ThriftBroken extends Error {
  override readonly name = 'ThriftBroken'
}

/** The message does not end with these bytes. */
class Short extends Error {}

export function encodeMessage({ kind, name, sequence, fields }: ThriftMessage): Uint8Array {
  const writer = new Writer()
  writer.i32(version | kindCodes[kind] | 0)
  writer.binary(Buffer.from(name, 'utf8'))
  writer.i32(sequence)
  writer.struct(fields)
  return writer.bytes()
}

export interface ReadMessage {
  readonly message: ThriftMessage
  readonly sizeBytes: number
}

/**
 * @param bytes from the beginning of a message; more may follow it.
 * @returns undefined when it goes on behind these bytes.
 * @throws {ThriftBroken} it is none.
 */
export function decodeMessage(bytes: Buffer): ReadMessage | undefined {
  if (bytes.length > sizeBytesMax) throw new ThriftBroken(`more than ${sizeBytesMax} bytes`)
  try {
    const reader = new Reader(bytes)
    const head = reader.i32() >>> 0
    const kind = kindOfCode.get(head & 0xff)
    if ((head & versionMask) >>> 0 !== version || kind === undefined) {
      throw new ThriftBroken(`begins with 0x${head.toString(16)}, not with a message`)
    }
    const name = reader.binary().toString('utf8')
    const sequence = reader.i32()
    const fields = reader.struct(0)
    return { message: { kind, name, sequence, fields }, sizeBytes: reader.at }
  } catch (error) {
    if (error instanceof Short) return undefined
    throw error
  }
}

class Writer {
  #bytes = Buffer.allocUnsafe(4_096)
  #size = 0

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  i32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeInt32BE(value, at)
  }

  #i16(value: number): void {
    const at = this.#room(2)
    this.#bytes.writeInt16BE(value, at)
  }

  #i64(value: bigint): void {
    const at = this.#room(8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  #double(value: number): void {
    const at = this.#room(8)
    this.#bytes.writeDoubleBE(value, at)
  }

  binary(value: Uint8Array): void {
    this.i32(value.length)
    const at = this.#room(value.length)
    this.#bytes.set(value, at)
  }

  struct(fields: ThriftStruct): void {
    for (const [id, value] of fields) {
      this.#byte(codes[value.type])
      this.#i16(id)
      this.#value(value)
    }
    this.#byte(stop)
  }

  #value(value: ThriftValue): void {
    switch (value.type) {
      case 'bool':
        return this.#byte(value.value ? 1 : 0)
      case 'byte':
        return this.#byte(value.value & 0xff)
      case 'i16':
        return this.#i16(value.value)
      case 'i32':
        return this.i32(value.value)
      case 'i64':
        return this.#i64(value.value)
      case 'double':
        return this.#double(value.value)
      case 'binary':
        return this.binary(value.value)
      case 'struct':
        return this.struct(value.fields)
      case 'map':
        return this.#map(value)
      case 'list':
      case 'set':
        this.#byte(codes[value.of])
        this.i32(value.values.length)
        for (const each of value.values) this.#value(each)
    }
  }

  #map({ key, of, entries }: Extract<ThriftValue, { type: 'map' }>): void {
    this.#byte(codes[key])
    this.#byte(codes[of])
    this.i32(entries.length)
    for (const [name, value] of entries) {
      this.#value(name)
      this.#value(value)
    }
  }

  #byte(value: number): void {
    const at = this.#room(1)
    this.#bytes[at] = value
  }

  /** Makes room behind what is written, maybe in other memory. @returns where it begins. */
  #room(sizeBytes: number): number {
    const at = this.#size
    this.#size += sizeBytes
    if (this.#size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#size, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    return at
  }
}

class Reader {
  at = 0
  #valueCount = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  /** A copy: the bytes around it are used again. */
  binary(): Buffer {
    const sizeBytes = this.#count(1)
    const first = this.#take(sizeBytes)
    return Buffer.from(this.#bytes.subarray(first, first + sizeBytes))
  }

  struct(depth: number): ThriftStruct {
    if (depth > depthMax) throw new ThriftBroken(`deeper than ${depthMax}`)
    const fields = new Map<number, ThriftValue>()
    for (;;) {
      const code = this.#byte()
      if (code === stop) return fields
      const type = typeOf(code)
      const id = this.#bytes.readInt16BE(this.#take(2))
      fields.set(id, this.#value(type, depth + 1))
    }
  }

  #value(type: ThriftType, depth: number): ThriftValue {
    if (++this.#valueCount > valuesMax) throw new ThriftBroken(`more than ${valuesMax} values`)
    switch (type) {
      case 'bool':
        return { type, value: this.#byte() !== 0 }
      case 'byte':
        return { type, value: this.#bytes.readInt8(this.#take(1)) }
      case 'i16':
        return { type, value: this.#bytes.readInt16BE(this.#take(2)) }
      case 'i32':
        return { type, value: this.i32() }
      case 'i64':
        return { type, value: this.#bytes.readBigInt64BE(this.#take(8)) }
      case 'double':
        return { type, value: this.#bytes.readDoubleBE(this.#take(8)) }
      case 'binary':
        return { type, value: this.binary() }
      case 'struct':
        return { type, fields: this.struct(depth) }
      case 'map':
        return this.#map(depth)
      case 'list':
      case 'set':
        return this.#list(type, depth)
    }
  }

  #list(type: 'list' | 'set', depth: number): ThriftValue {
    if (depth > depthMax) throw new ThriftBroken(`deeper than ${depthMax}`)
    const of = typeOf(this.#byte())
    const count = this.#count(1)
    const values = Array.from({ length: count }, () => this.#value(of, depth + 1))
    return { type, of, values }
  }

  /** An empty map may have no types. */
  #map(depth: number): ThriftValue {
    if (depth > depthMax) throw new ThriftBroken(`deeper than ${depthMax}`)
    const [keyCode, valueCode] = [this.#byte(), this.#byte()]
    const count = this.#count(2)
    if (count === 0) return { type: 'map', key: 'binary', of: 'binary', entries: [] }
    const [key, of] = [typeOf(keyCode), typeOf(valueCode)]
    const entries = Array.from(
      { length: count },
      () => [this.#value(key, depth + 1), this.#value(of, depth + 1)] as const,
    )
    return { type: 'map', key, of, entries }
  }

  /**
   * How many things follow. Each takes `sizeBytes` at least, so that a claim that these bytes
   * cannot hold is short without making room for it.
   */
  #count(sizeBytes: number): number {
    const count = this.i32()
    if (count < 0 || count > sizeBytesMax) throw new ThriftBroken(`${count} things are claimed`)
    if (this.at + count * sizeBytes > this.#bytes.length) throw new Short()
    return count
  }

  #byte(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  #take(sizeBytes: number): number {
    const at = this.at
    if (at + sizeBytes > this.#bytes.length) throw new Short()
    this.at = at + sizeBytes
    return at
  }
}

/** @throws {ThriftBroken} there is no such type. */
export function typeOf(code: number): ThriftType {
  const type = typeOfCode.get(code)
  if (type === undefined) throw new ThriftBroken(`${code} is no type`)
  return type
}

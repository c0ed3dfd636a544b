/**
 * Thrift's compact protocol, as Parquet uses it for page headers and footers: values as a tree.
 *
 * - Fields of a struct are written in the order of their ids, absent ones left out.
 * - Reading keeps what it does not know, so that a footer can be read, changed and written again.
 * - Nothing is read past the end, no list is longer than what is left, nesting has a limit.
 *
 *     15 04      field 1, i32, 2
 *     19 1c      field 2 (delta 1), list of one struct
 *     00         end of the struct
 *
 * Maps and UUIDs do not occur in `parquet.thrift` and are refused.
 *
 * Source: Apache Thrift, "Thrift Compact protocol encoding"; Apache Parquet, `parquet.thrift`.
 */
import { assert } from '../../base/assert.ts'
import { ParquetError } from './parquet-error.ts'

export type ThriftValue =
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'byte' | 'i16' | 'i32'; readonly value: number }
  | { readonly type: 'i64'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'list' | 'set'; readonly of: ThriftType; readonly values: ThriftValue[] }
  | { readonly type: 'struct'; readonly fields: ThriftStruct }

export type ThriftType = ThriftValue['type']

/** Values by field id, ids ascending. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

const nestingMax = 64
const varintBytesMax = 10
const sizeBytesAtFirst = 256

/** The compact protocol's numbers; of a bool in a struct the type is the value. */
const typeCode = {
  bool: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
} as const satisfies Record<ThriftType, number>

const trueCode = 1
const falseCode = 2
const typeOfCode = new Map<number, ThriftType>([
  [trueCode, 'bool'],
  ...(Object.entries(typeCode) as [ThriftType, number][]).map(
    ([type, code]) => [code, type] as const,
  ),
])

export const bool = (value: boolean): ThriftValue => ({ type: 'bool', value })
export const byte = (value: number): ThriftValue => ({ type: 'byte', value })
export const i16 = (value: number): ThriftValue => ({ type: 'i16', value })
export const i32 = (value: number): ThriftValue => ({ type: 'i32', value })
export const i64 = (value: number | bigint): ThriftValue => ({ type: 'i64', value: BigInt(value) })
export const double = (value: number): ThriftValue => ({ type: 'double', value })
export const binary = (value: Uint8Array): ThriftValue => ({ type: 'binary', value })
export const text = (value: string): ThriftValue => binary(Buffer.from(value, 'utf8'))

export const list = (of: ThriftType, values: readonly ThriftValue[]): ThriftValue => ({
  type: 'list',
  of,
  values: [...values],
})

/** A struct of the fields that are there. @param fields ids ascending. */
export function struct(
  fields: readonly (readonly [number, ThriftValue | undefined])[],
): ThriftValue {
  const present = new Map<number, ThriftValue>()
  for (const [id, value] of fields) if (value !== undefined) present.set(id, value)
  return { type: 'struct', fields: present }
}

/** The struct's bytes. @throws {InvariantError} ids do not ascend, or an element is wrong. */
export function encodeThrift(value: ThriftValue): Uint8Array {
  assert(value.type === 'struct', 'a message of thrift is a struct')
  const out = new ThriftWriter()
  out.struct(value.fields)
  return out.taken()
}

class ThriftWriter {
  #bytes = Buffer.allocUnsafe(sizeBytesAtFirst)
  #sizeBytes = 0

  taken(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#sizeBytes))
  }

  struct(fields: ThriftStruct): void {
    let last = 0
    for (const [id, value] of fields) {
      assert(id > last, 'field ids of a struct ascend')
      const code = value.type === 'bool' && value.value ? trueCode : typeCode[value.type]
      if (id - last <= 15) this.#byte(((id - last) << 4) | code)
      else {
        this.#byte(code)
        this.#zigzag32(id)
      }
      last = id
      if (value.type !== 'bool') this.#value(value)
    }
    this.#byte(0)
  }

  #value(value: ThriftValue): void {
    switch (value.type) {
      case 'bool':
        return this.#byte(value.value ? trueCode : falseCode)
      case 'byte':
        return this.#byte(value.value & 0xff)
      case 'i16':
      case 'i32':
        return this.#zigzag32(value.value)
      case 'i64':
        return this.#zigzag(value.value)
      case 'double':
        this.#room(8)
        this.#sizeBytes = this.#bytes.writeDoubleLE(value.value, this.#sizeBytes)
        return
      case 'binary':
        return this.#binary(value.value)
      case 'list':
      case 'set':
        return this.#list(value.of, value.values)
      case 'struct':
        return this.struct(value.fields)
    }
  }

  #list(of: ThriftType, values: readonly ThriftValue[]): void {
    const code = typeCode[of]
    if (values.length < 15) this.#byte((values.length << 4) | code)
    else {
      this.#byte(0xf0 | code)
      this.#varint32(values.length)
    }
    for (const value of values) {
      assert(value.type === of, 'elements of a list have the type of the list')
      this.#value(value)
    }
  }

  #binary(value: Uint8Array): void {
    this.#varint32(value.length)
    this.#room(value.length)
    this.#bytes.set(value, this.#sizeBytes)
    this.#sizeBytes += value.length
  }

  /** Nearly all numbers are small; a bigint costs ten times as much. */
  #zigzag32(value: number): void {
    this.#varint32(((value << 1) ^ (value >> 31)) >>> 0)
  }

  #varint32(value: number): void {
    let rest = value
    for (; rest >= 0x80; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80)
    this.#byte(rest)
  }

  #zigzag(value: bigint): void {
    if (value >= -0x8000_0000n && value < 0x8000_0000n) return this.#zigzag32(Number(value))
    this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
    return undefined
  }

  #varint(value: bigint): void {
    let rest = value
    for (; rest >= 0x80n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80)
    this.#byte(Number(rest))
  }

  #byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#sizeBytes++] = value
  }

  #room(sizeBytes: number): void {
    const needed = this.#sizeBytes + sizeBytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed))
    this.#bytes.copy(larger, 0, 0, this.#sizeBytes)
    this.#bytes = larger
  }
}

/**
 * The struct at the start of `bytes`.
 *
 * @returns its fields, and how many bytes it takes: a page's body stands behind its header.
 * @throws {ParquetError} the bytes are not a struct of the compact protocol.
 */
export function decodeThrift(bytes: Uint8Array): { fields: ThriftStruct; sizeBytes: number } {
  const reader = new ThriftReader(bytes)
  const fields = reader.struct(0)
  return { fields, sizeBytes: reader.position }
}

class ThriftReader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get position(): number {
    return this.#position
  }

  struct(depth: number): ThriftStruct {
    if (depth > nestingMax) throw this.#error(`structs nest deeper than ${nestingMax}`)
    const fields = new Map<number, ThriftValue>()
    let last = 0
    for (let header = this.#byte(); header !== 0; header = this.#byte()) {
      const delta = header >> 4
      const id = delta === 0 ? Number(this.#zigzag()) : last + delta
      if (id <= last) throw this.#error(`field ${id} stands behind field ${last}`)
      last = id
      const code = header & 0x0f
      const isBool = code === trueCode || code === falseCode
      fields.set(id, isBool ? bool(code === trueCode) : this.#value(this.#typeOf(code), depth))
    }
    return fields
  }

  #value(type: ThriftType, depth: number): ThriftValue {
    switch (type) {
      case 'bool':
        return bool(this.#byte() === trueCode)
      case 'byte':
        return byte((this.#byte() << 24) >> 24)
      case 'i16':
      case 'i32':
        return { type, value: Number(this.#zigzag()) }
      case 'i64':
        return { type, value: this.#zigzag() }
      case 'double':
        return double(this.#bytes.readDoubleLE(this.#advance(8)))
      case 'binary':
        return binary(this.#binary())
      case 'list':
      case 'set':
        return this.#list(type, depth)
      case 'struct':
        return { type, fields: this.struct(depth + 1) }
    }
  }

  #list(type: 'list' | 'set', depth: number): ThriftValue {
    if (depth > nestingMax) throw this.#error(`lists nest deeper than ${nestingMax}`)
    const header = this.#byte()
    const of = this.#typeOf(header & 0x0f)
    const count = header >> 4 === 15 ? Number(this.#varint()) : header >> 4
    const left = this.#bytes.length - this.#position
    if (count > left) throw this.#error(`a list of ${count} is longer than the ${left} bytes left`)
    const values: ThriftValue[] = []
    for (let index = 0; index < count; index++) values.push(this.#value(of, depth + 1))
    return { type, of, values }
  }

  #typeOf(code: number): ThriftType {
    const type = typeOfCode.get(code)
    if (type === undefined) throw this.#error(`no value of Parquet has thrift type ${code}`)
    return type
  }

  /** A copy, since the bytes read from may be reused. */
  #binary(): Uint8Array {
    const sizeBytes = Number(this.#varint())
    const first = this.#advance(sizeBytes)
    return new Uint8Array(this.#bytes.subarray(first, first + sizeBytes))
  }

  #zigzag(): bigint {
    const bits = this.#varint()
    return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n))
  }

  #varint(): bigint {
    let value = 0n
    for (let index = 0; index < varintBytesMax; index++) {
      const bits = this.#byte()
      value |= BigInt(bits & 0x7f) << BigInt(7 * index)
      if (bits < 0x80) return BigInt.asUintN(64, value)
    }
    throw this.#error(`a varint is longer than ${varintBytesMax} bytes`)
  }

  #byte(): number {
    return this.#bytes[this.#advance(1)] ?? 0
  }

  #advance(sizeBytes: number): number {
    const first = this.#position
    if (this.#bytes.length - first < sizeBytes) throw this.#error('the bytes end in a value')
    this.#position = first + sizeBytes
    return first
  }

  #error(what: string): ParquetError {
    return new ParquetError(`${what} at byte ${this.#position}`)
  }
}

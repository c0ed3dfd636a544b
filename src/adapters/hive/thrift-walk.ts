/**
 * Finds where a message of Thrift's binary protocol ends, as its bytes come.
 *
 *     80010002 | name | sequence | 0c 0000 { 0f 0001 0b 00000002 "a" "b" 00 } 00
 *                                   └ one value after another is passed over, and none is kept
 *
 * Nothing says how long an answer is. Reading it from its beginning with each piece that comes
 * would take seconds for one of some megabytes; so the walk goes on where the bytes ended.
 *
 * What claims to be longer or deeper than the bounds is refused before it is waited for.
 * Source: Apache Thrift, "Thrift Binary protocol encoding"; ./thrift-binary.ts reads it.
 */
import { depthMax, sizeBytesMax, ThriftBroken, typeOf } from './thrift-binary.ts'
import type { ThriftType } from './thrift-value.ts'

/** What is to be passed over next; of several the last one. */
type Ahead =
  | { readonly kind: 'struct' }
  | { readonly kind: 'value'; readonly type: ThriftType }
  /** Values that are all as long, whatever they are. */
  | { readonly kind: 'bytes'; readonly sizeBytes: number }
  /** Of a list one type, of a map two in turn. */
  | { readonly kind: 'values'; readonly types: readonly ThriftType[]; index: number; left: number }

const headBytes = 8
const sequenceBytes = 4
const fieldBytes = 3
const lengthBytes = 4
/** Of types whose values are all as long. */
const fixedBytes: Partial<Readonly<Record<ThriftType, number>>> = {
  bool: 1,
  byte: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  double: 8,
}
/** Each level of values has a list and a struct of its own. */
const aheadMax = 4 * depthMax

export class ThriftWalk {
  #at = 0
  #hasHead = false
  readonly #ahead: Ahead[] = []

  /**
   * @param bytes of the message from its beginning: those of the call before, and what came since.
   * @returns the length of the message; undefined when it goes on behind these bytes.
   * @throws {ThriftBroken} it is none.
   */
  endIn(bytes: Buffer): number | undefined {
    if (!this.#hasHead && !this.#passHead(bytes)) return undefined
    for (let next = this.#ahead.at(-1); next !== undefined; next = this.#ahead.at(-1)) {
      if (this.#ahead.length > aheadMax) throw new ThriftBroken(`deeper than ${depthMax}`)
      if (!this.#pass(next, bytes)) return undefined
    }
    return this.#at
  }

  #passHead(bytes: Buffer): boolean {
    if (bytes.length < headBytes) return false
    const nameBytes = counted(bytes.readInt32BE(headBytes - lengthBytes))
    if (!this.#skip(bytes, headBytes + nameBytes + sequenceBytes)) return false
    this.#hasHead = true
    this.#ahead.push({ kind: 'struct' })
    return true
  }

  /** @returns false where bytes lack; then nothing was passed. */
  #pass(next: Ahead, bytes: Buffer): boolean {
    switch (next.kind) {
      case 'struct':
        return this.#passField(bytes)
      case 'bytes':
        return this.#passed(this.#skip(bytes, next.sizeBytes))
      case 'values':
        return this.#passOne(next)
      case 'value':
        return this.#passValue(next.type, bytes)
    }
  }

  #passField(bytes: Buffer): boolean {
    const code = bytes[this.#at]
    if (code === undefined) return false
    if (code === 0) {
      this.#ahead.pop()
      return this.#skip(bytes, 1)
    }
    const type = typeOf(code)
    if (!this.#skip(bytes, fieldBytes)) return false
    this.#ahead.push({ kind: 'value', type })
    return true
  }

  #passOne(values: Extract<Ahead, { kind: 'values' }>): true {
    const type = values.types[values.index % values.types.length]
    if (values.left === 0 || type === undefined) {
      this.#ahead.pop()
      return true
    }
    values.left--
    values.index++
    this.#ahead.push({ kind: 'value', type })
    return true
  }

  #passValue(type: ThriftType, bytes: Buffer): boolean {
    const sizeBytes = fixedBytes[type]
    if (sizeBytes !== undefined) return this.#passed(this.#skip(bytes, sizeBytes))
    if (type === 'struct') return this.#passed(true, { kind: 'struct' })
    if (type === 'map') return this.#passHeadOf(2, bytes)
    if (type === 'list' || type === 'set') return this.#passHeadOf(1, bytes)
    const length = this.#lengthAt(this.#at, bytes)
    return length !== undefined && this.#passed(this.#skip(bytes, lengthBytes + length))
  }

  /** The types of a list or map, and how many there are. */
  #passHeadOf(typeCount: number, bytes: Buffer): boolean {
    const count = this.#lengthAt(this.#at + typeCount, bytes)
    if (count === undefined) return false
    const codes = [...bytes.subarray(this.#at, this.#at + typeCount)]
    // An empty map may have no types.
    const types = count === 0 ? [] : codes.map(typeOf)
    this.#skip(bytes, typeCount + lengthBytes)
    const eachBytes = types.reduce((sum, type) => sum + (fixedBytes[type] ?? Number.NaN), 0)
    if (eachBytes > 0) return this.#passed(true, { kind: 'bytes', sizeBytes: count * eachBytes })
    return this.#passed(true, { kind: 'values', types, index: 0, left: count * typeCount })
  }

  #lengthAt(at: number, bytes: Buffer): number | undefined {
    return at + lengthBytes > bytes.length ? undefined : counted(bytes.readInt32BE(at))
  }

  /** Takes the value that is ahead away, for what it consists of. */
  #passed(isThere: boolean, parts?: Ahead): boolean {
    if (!isThere) return false
    this.#ahead.pop()
    if (parts !== undefined) this.#ahead.push(parts)
    return true
  }

  #skip(bytes: Buffer, sizeBytes: number): boolean {
    if (this.#at + sizeBytes > bytes.length) return false
    this.#at += sizeBytes
    return true
  }
}

function counted(count: number): number {
  if (count < 0 || count > sizeBytesMax) throw new ThriftBroken(`${count} things are claimed`)
  return count
}

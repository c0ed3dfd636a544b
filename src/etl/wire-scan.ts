/**
 * Finds the values of a few fields in the wire bytes of one message, in one pass, without objects.
 *
 * By the rules of protobuf: the last value wins, submessages sent twice are merged, a member of a
 * oneof clears the others, a value of another wire type and a number that a closed enum does not
 * name are unknown fields. Fields that nobody asked for are passed by, not looked into.
 */
import { assert } from '../base/assert.ts'
import { WireCursor, wire } from '../codec/wire/wire-cursor.ts'
import type { FieldSchema, FieldType, MessageSchema, ScalarType } from '../model/event-schema.ts'

/** Where a field's value is held. A null value has `state` 0. */
export class WireSlots {
  /** Bytes that `start` and `end` point into. */
  u8: Uint8Array
  readonly state: Uint8Array
  /** Numbers of up to 32 bits, floats, enum numbers; booleans as 0 and 1. */
  readonly number: Float64Array
  readonly low: Int32Array
  readonly high: Int32Array
  readonly start: Uint32Array
  readonly end: Uint32Array

  constructor(count: number) {
    this.u8 = new Uint8Array(0)
    this.state = new Uint8Array(count)
    this.number = new Float64Array(count)
    this.low = new Int32Array(count)
    this.high = new Int32Array(count)
    this.start = new Uint32Array(count)
    this.end = new Uint32Array(count)
  }
}

/** Whether a field distinguishes absent from default. */
const hasPresence = (field: FieldSchema): boolean =>
  field.presence !== 'implicit' || field.type.kind === 'message' || field.oneof !== undefined

interface ScanField {
  readonly type: FieldType
  readonly wireType: number
  /** Index of its slot. */
  readonly slot: number
  readonly presence: boolean
  readonly message: ScanMessage | undefined
  /** Other members of its oneof, which it clears. */
  readonly rivals: ScanField[]
}

/** Where a message lies. A group's end tag is within the bounds. */
interface ScanBounds {
  readonly u8: Uint8Array
  readonly start: number
  readonly end: number
  readonly isGroup: boolean
}

interface ScanMessage {
  readonly schema: MessageSchema
  readonly fields: Map<number, ScanField>
}

export class WireScan {
  readonly #root: ScanMessage
  #slotCount = 0
  #slots = new WireSlots(0)
  readonly #cursors: WireCursor[] = [new WireCursor()]

  constructor(message: MessageSchema) {
    this.#root = { schema: message, fields: new Map() }
  }

  /**
   * Asks for one field.
   * @param path fields from the top; all but the last are singular messages.
   * @returns its slot in what `scan` fills.
   */
  slotOf(path: readonly FieldSchema[]): number {
    let message: ScanMessage | undefined = this.#root
    let slot = -1
    for (const field of path) {
      assert(message !== undefined, 'a path leads through messages')
      const found: ScanField = this.#fieldOf(message, field)
      slot = found.slot
      message = found.message
    }
    this.#slots = new WireSlots(this.#slotCount)
    while (this.#cursors.length < path.length) this.#cursors.push(new WireCursor())
    return slot
  }

  #fieldOf(message: ScanMessage, field: FieldSchema): ScanField {
    const known = message.fields.get(field.number)
    if (known !== undefined) return known
    const members = message.schema.fields.filter(
      ({ oneof, number }) =>
        number === field.number || (oneof !== undefined && oneof === field.oneof),
    )
    const added = members.map((member) => this.#newField(member))
    for (const [index, member] of members.entries()) {
      const scanned = added[index]
      if (scanned === undefined) continue
      scanned.rivals.push(...added.filter((other) => other !== scanned))
      message.fields.set(member.number, scanned)
    }
    return this.#fieldOf(message, field)
  }

  #newField(field: FieldSchema): ScanField {
    const { type } = field
    return {
      type,
      wireType: field.delimited ? wire.startGroup : wireTypeOf(type),
      slot: this.#slotCount++,
      presence: hasPresence(field),
      message: type.kind === 'message' ? { schema: type.message, fields: new Map() } : undefined,
      rivals: [],
    }
  }

  /**
   * Reads the message in `[start, end)`.
   * @returns the slots, valid until the next call, or undefined when the bytes are malformed.
   */
  scan(u8: Uint8Array, start: number, end: number): WireSlots | undefined {
    this.#slots.u8 = u8
    this.#slots.state.fill(0)
    this.#setDefaults(this.#root)
    const bounds = { u8, start, end, isGroup: false }
    return this.#scan(this.#root, bounds, 0) ? this.#slots : undefined
  }

  #scan(message: ScanMessage, { u8, start, end, isGroup }: ScanBounds, depth: number): boolean {
    const cursor = this.#cursors[depth]
    assert(cursor !== undefined, 'a scan has a cursor for each level of its paths')
    cursor.reset(u8, start, end)
    for (let number = cursor.next(); number !== 0; number = cursor.next()) {
      // Groups within are passed over whole, so this is the end of the one that is read.
      if (isGroup && cursor.wireType === wire.endGroup) return true
      const field = message.fields.get(number)
      if (field === undefined || field.wireType !== cursor.wireType) cursor.skip(number)
      else if (field.message === undefined) this.#readLeaf(field, cursor)
      else {
        const inner = this.#passMessage(cursor, number)
        this.#enter(field, field.message)
        const isInnerGroup = field.wireType === wire.startGroup
        const bounds = { u8, start: inner, end: cursor.at, isGroup: isInnerGroup }
        if (field.message.fields.size > 0 && !this.#scan(field.message, bounds, depth + 1)) {
          return false
        }
      }
    }
    return !cursor.failed
  }

  /** @returns where the message begins; the cursor stands behind it, and its end tag. */
  #passMessage(cursor: WireCursor, number: number): number {
    if (cursor.wireType !== wire.startGroup) return cursor.bytes()
    const start = cursor.at
    cursor.skip(number)
    return start
  }

  #setDefaults(message: ScanMessage): void {
    const { state, number, low, high, start, end } = this.#slots
    for (const field of message.fields.values()) {
      if (field.presence) continue
      const { slot } = field
      state[slot] = 1
      number[slot] = 0
      low[slot] = 0
      high[slot] = 0
      start[slot] = 0
      end[slot] = 0
    }
  }

  /** A submessage is seen: the first time, its fields without presence get their defaults. */
  #enter(field: ScanField, message: ScanMessage): void {
    this.#clearRivals(field)
    if (this.#slots.state[field.slot] === 1) return
    this.#slots.state[field.slot] = 1
    this.#setDefaults(message)
  }

  #clearRivals(field: ScanField): void {
    for (const rival of field.rivals) this.#clear(rival)
  }

  #clear(field: ScanField): void {
    this.#slots.state[field.slot] = 0
    for (const inner of field.message?.fields.values() ?? []) this.#clear(inner)
  }

  #readLeaf(field: ScanField, cursor: WireCursor): void {
    const { type, slot, wireType } = field
    if (wireType === wire.varint) cursor.varint()
    else if (wireType === wire.fixed32) cursor.fixed32()
    else if (wireType === wire.fixed64) cursor.fixed64()
    else {
      const start = cursor.bytes()
      this.#slots.start[slot] = start
      this.#slots.end[slot] = cursor.at
    }
    if (type.kind === 'enum') {
      if (type.values.closed && !type.values.names.has(cursor.low)) return
      this.#slots.number[slot] = cursor.low
    } else if (type.kind === 'scalar') this.#keepScalar(type.scalar, slot, cursor)
    this.#clearRivals(field)
    this.#slots.state[slot] = 1
  }

  #keepScalar(scalar: ScalarType, slot: number, cursor: WireCursor): void {
    const { number, low, high } = this.#slots
    switch (scalar) {
      case 'int32':
      case 'sfixed32':
        number[slot] = cursor.low
        return
      case 'uint32':
      case 'fixed32':
        number[slot] = cursor.low >>> 0
        return
      case 'sint32':
        number[slot] = (cursor.low >>> 1) ^ -(cursor.low & 1)
        return
      case 'bool':
        number[slot] = (cursor.low | cursor.high) === 0 ? 0 : 1
        return
      case 'float':
        number[slot] = floatOf(cursor.low)
        return
      case 'double':
        number[slot] = doubleOf(cursor.low, cursor.high)
        return
      case 'sint64': {
        const sign = -(cursor.low & 1)
        low[slot] = ((cursor.low >>> 1) | (cursor.high << 31)) ^ sign
        high[slot] = (cursor.high >>> 1) ^ sign
        return
      }
      case 'int64':
      case 'uint64':
      case 'fixed64':
      case 'sfixed64':
        low[slot] = cursor.low
        high[slot] = cursor.high
        return
      case 'string':
      case 'bytes':
    }
  }
}

const bits = new DataView(new ArrayBuffer(8))

function floatOf(low: number): number {
  bits.setInt32(0, low)
  return bits.getFloat32(0)
}

function doubleOf(low: number, high: number): number {
  bits.setInt32(0, high)
  bits.setInt32(4, low)
  return bits.getFloat64(0)
}

const scalarWireTypes: Readonly<Record<ScalarType, number>> = {
  double: wire.fixed64,
  fixed64: wire.fixed64,
  sfixed64: wire.fixed64,
  float: wire.fixed32,
  fixed32: wire.fixed32,
  sfixed32: wire.fixed32,
  int32: wire.varint,
  int64: wire.varint,
  uint32: wire.varint,
  uint64: wire.varint,
  sint32: wire.varint,
  sint64: wire.varint,
  bool: wire.varint,
  string: wire.bytes,
  bytes: wire.bytes,
}

function wireTypeOf(type: FieldType): number {
  if (type.kind === 'scalar') return scalarWireTypes[type.scalar]
  return type.kind === 'enum' ? wire.varint : wire.bytes
}

import type { ScalarType } from '../../model/event-schema.ts'
import { type WireWriter, wireType } from './wire.ts'

/** How values of one scalar type are judged and written. `Value` is what `take` lets through. */
export interface ScalarWriter {
  readonly wireType: number
  /** What people are told when a value is refused: "an integer from 0 to 4294967295". */
  readonly expected: string
  /** The value as it is written, or undefined when it is not one of this type. */
  readonly take: (value: unknown) => number | bigint | string | Uint8Array | undefined
  readonly write: (out: WireWriter, value: number | bigint | string | Uint8Array) => void
}

type Write<Value> = (out: WireWriter, value: Value) => void

const floatMax = 3.4028234663852886e38

const int32 = { min: -0x8000_0000, next: 0x8000_0000 } as const
const uint32 = { min: 0, next: 0x1_0000_0000 } as const
const int64 = { min: -(1n << 63n), next: 1n << 63n } as const
const uint64 = { min: 0n, next: 1n << 64n } as const

/** Integers of 32 bits: a number, or a bigint that fits. */
function small(
  range: { readonly min: number; readonly next: number },
  type: number,
  write: Write<number>,
): ScalarWriter {
  return {
    wireType: type,
    expected: `an integer from ${range.min} to ${range.next - 1}`,
    take: (value) => {
      const number = typeof value === 'bigint' ? Number(value) : value
      if (typeof number !== 'number' || !Number.isInteger(number)) return undefined
      return number >= range.min && number < range.next ? number : undefined
    },
    write: (out, value) => write(out, Number(value)),
  }
}

/** Integers of 64 bits: a bigint, or a number that is exact. */
function large(
  range: { readonly min: bigint; readonly next: bigint },
  type: number,
  write: Write<bigint>,
): ScalarWriter {
  return {
    wireType: type,
    expected: `a bigint, or a number without loss, from ${range.min} to ${range.next - 1n}`,
    take: (value) => {
      const exact = Number.isSafeInteger(value) ? BigInt(Number(value)) : value
      if (typeof exact !== 'bigint') return undefined
      return exact >= range.min && exact < range.next ? exact : undefined
    },
    write: (out, value) => write(out, BigInt(value as bigint)),
  }
}

function fraction(type: number, max: number, write: Write<number>): ScalarWriter {
  return {
    wireType: type,
    expected: `a number up to ${max}`,
    take: (value) => {
      if (typeof value !== 'number') return undefined
      return Number.isFinite(value) && Math.abs(value) > max ? undefined : value
    },
    write: (out, value) => write(out, Number(value)),
  }
}

const { varint, fixed32, fixed64, lengthDelimited } = wireType

export const scalarWriters: Readonly<Record<ScalarType, ScalarWriter>> = {
  int32: small(int32, varint, (out, value) => out.varint64(BigInt(value))),
  uint32: small(uint32, varint, (out, value) => out.varint(value)),
  sint32: small(int32, varint, (out, value) => out.varint(((value << 1) ^ (value >> 31)) >>> 0)),
  fixed32: small(uint32, fixed32, (out, value) => out.fixed32(value)),
  sfixed32: small(int32, fixed32, (out, value) => out.fixed32(value)),
  int64: large(int64, varint, (out, value) => out.varint64(value)),
  uint64: large(uint64, varint, (out, value) => out.varint64(value)),
  sint64: large(int64, varint, (out, value) => out.signedVarint64(value)),
  fixed64: large(uint64, fixed64, (out, value) => out.fixed64(value)),
  sfixed64: large(int64, fixed64, (out, value) => out.fixed64(value)),
  float: fraction(fixed32, floatMax, (out, value) => out.float(value)),
  double: fraction(fixed64, Number.MAX_VALUE, (out, value) => out.double(value)),
  bool: {
    wireType: varint,
    expected: 'true or false',
    take: (value) => (typeof value === 'boolean' ? Number(value) : undefined),
    write: (out, value) => out.varint(Number(value)),
  },
  string: {
    wireType: lengthDelimited,
    expected: 'a string of whole Unicode characters',
    take: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
    write: (out, value) => out.string(String(value)),
  },
  bytes: {
    wireType: lengthDelimited,
    expected: 'a Uint8Array',
    take: (value) => (value instanceof Uint8Array ? value : undefined),
    write: (out, value) => out.bytes(value as Uint8Array),
  },
}

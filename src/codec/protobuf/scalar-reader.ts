import type { ScalarType } from '../../model/event-schema.ts'
import { type WireReader, wireType } from './wire.ts'

/** How values of one scalar type are read. */
export interface ScalarReader {
  readonly wireType: number
  readonly read: (reader: WireReader) => unknown
  /** The value of a field without presence that was not sent. */
  readonly zero: () => unknown
}

const { varint, fixed32, fixed64, lengthDelimited } = wireType

const scalarReader = (
  type: number,
  zero: number | bigint | boolean | string,
  read: ScalarReader['read'],
): ScalarReader => ({ wireType: type, read, zero: () => zero })

const zigzag32 = (bits: number): number => (bits >>> 1) ^ -(bits & 1)

function zigzag64(bits: bigint): bigint {
  const unsigned = BigInt.asUintN(64, bits)
  return (unsigned >> 1n) ^ -(unsigned & 1n)
}

export const scalarReaders: Readonly<Record<ScalarType, ScalarReader>> = {
  int32: scalarReader(varint, 0, (reader) => reader.varint32()),
  uint32: scalarReader(varint, 0, (reader) => reader.varint32() >>> 0),
  sint32: scalarReader(varint, 0, (reader) => zigzag32(reader.varint32())),
  fixed32: scalarReader(fixed32, 0, (reader) => reader.fixed32() >>> 0),
  sfixed32: scalarReader(fixed32, 0, (reader) => reader.fixed32()),
  int64: scalarReader(varint, 0n, (reader) => reader.varint64()),
  uint64: scalarReader(varint, 0n, (reader) => BigInt.asUintN(64, reader.varint64())),
  sint64: scalarReader(varint, 0n, (reader) => zigzag64(reader.varint64())),
  fixed64: scalarReader(fixed64, 0n, (reader) => BigInt.asUintN(64, reader.fixed64())),
  sfixed64: scalarReader(fixed64, 0n, (reader) => reader.fixed64()),
  float: scalarReader(fixed32, 0, (reader) => reader.float()),
  double: scalarReader(fixed64, 0, (reader) => reader.double()),
  bool: scalarReader(varint, false, (reader) => reader.varintIsTrue()),
  string: scalarReader(lengthDelimited, '', (reader) => reader.string()),
  bytes: {
    wireType: lengthDelimited,
    read: (reader) => reader.bytes().slice(),
    zero: () => new Uint8Array(0),
  },
}

/** A message with every scalar type in every place, in proto3, and its field numbers. */
import { type ScalarType, scalarTypes } from '../../../src/model/event-schema.ts'
import type { Plain } from '../plain-form.ts'
import type { SchemaText } from '../references.ts'
import {
  type Bytes,
  double,
  fixed32,
  fixed64,
  float,
  sized,
  utf8,
  varint,
  wireTypes,
  zigzag,
} from '../wire.ts'

export const scalars = scalarTypes
export const keyTypes = scalars.filter((scalar) => !['double', 'float', 'bytes'].includes(scalar))
export const isText = (scalar: ScalarType): boolean => scalar === 'string' || scalar === 'bytes'

/** Where the field of a scalar stands in each of its places. */
const places = {
  one: 1,
  maybe: 21,
  many: 41,
  loose: 61,
  member: 81,
  map: 101,
  key: 121,
} as const
export type Place = keyof typeof places

export const numberOf = (place: Place, scalar: ScalarType): number =>
  places[place] + scalars.indexOf(scalar)

export const others = {
  one_kind: 141,
  maybe_kind: 142,
  many_kind: 143,
  loose_kind: 144,
  member_kind: 145,
  map_kind: 146,
  inner: 151,
  inners: 152,
  member_inner: 153,
  map_inner: 154,
  far: 2 ** 29 - 1,
} as const

const lines = (
  declare: (scalar: ScalarType) => string,
  of: readonly ScalarType[] = scalars,
): string => of.map((scalar) => `  ${declare(scalar)}`).join('\n')

const numbers = scalars.filter((scalar) => !isText(scalar))

export const allTypes: SchemaText = {
  message: 'conformance.AllTypes',
  text: `syntax = "proto3";
package conformance;
enum Kind { ZERO = 0; ONE = 1; TWO = 2; LESS = -1; ALSO_TWO_UP = 300; }
message Deeper { int64 value = 1; repeated string texts = 2; }
message Inner {
  int32 number = 1;
  string text = 2;
  repeated int32 numbers = 3;
  Deeper deeper = 4;
  optional int32 maybe = 5;
  oneof either { int32 left = 6; string right = 7; }
  map<string, int32> counts = 8;
}
message AllTypes {
${lines((scalar) => `${scalar} one_${scalar} = ${numberOf('one', scalar)};`)}
${lines((scalar) => `optional ${scalar} maybe_${scalar} = ${numberOf('maybe', scalar)};`)}
${lines((scalar) => `repeated ${scalar} many_${scalar} = ${numberOf('many', scalar)};`)}
${lines((s) => `repeated ${s} loose_${s} = ${numberOf('loose', s)} [packed = false];`, numbers)}
${lines((scalar) => `map<string, ${scalar}> map_${scalar} = ${numberOf('map', scalar)};`)}
${lines((s) => `map<${s}, int32> key_${s} = ${numberOf('key', s)};`, keyTypes)}
  oneof choice {
${lines((scalar) => `${scalar} member_${scalar} = ${numberOf('member', scalar)};`)}
  Kind member_kind = ${others.member_kind};
  Inner member_inner = ${others.member_inner};
  }
  Kind one_kind = ${others.one_kind};
  optional Kind maybe_kind = ${others.maybe_kind};
  repeated Kind many_kind = ${others.many_kind};
  repeated Kind loose_kind = ${others.loose_kind} [packed = false];
  map<string, Kind> map_kind = ${others.map_kind};
  Inner inner = ${others.inner};
  repeated Inner inners = ${others.inners};
  map<string, Inner> map_inner = ${others.map_inner};
  int32 far = ${others.far};
}
`,
}

/** A value as wire bytes without tag, and in normal form. */
export interface WireValue {
  readonly bytes: Bytes
  readonly plain: Plain
}

export const wireTypeOf = (scalar: ScalarType): number => {
  if (isText(scalar)) return wireTypes.bytes
  if (['double', 'fixed64', 'sfixed64'].includes(scalar)) return wireTypes.fixed64
  return ['float', 'fixed32', 'sfixed32'].includes(scalar) ? wireTypes.fixed32 : wireTypes.varint
}

export const isVarint = (scalar: ScalarType): boolean => wireTypeOf(scalar) === wireTypes.varint

const max32 = 2 ** 31 - 1
const min32 = -(2 ** 31)
const max64 = 2n ** 63n - 1n
const min64 = -(2n ** 63n)

const int32s = [0, 12_345, max32, min32, -1]
const uint32s = [0, 12_345, 2 ** 32 - 1]
const int64s = [0n, 12_345n, max64, min64, -1n, 2n ** 53n + 1n]
const uint64s = [0n, 12_345n, 2n ** 64n - 1n, 2n ** 63n]
const wide = (value: bigint): Plain => `${value}n`

const doubleForm = (value: number): string =>
  Number.isNaN(value) ? 'nan' : Buffer.from(double(value)).readBigUInt64LE().toString(16)
const floatForm = (value: number): string =>
  Number.isNaN(value) ? 'nan' : Buffer.from(float(value)).readUInt32LE().toString(16)

const of = <Value>(
  values: readonly Value[],
  encode: (value: Value) => Bytes,
  plain: (value: Value) => Plain,
): readonly WireValue[] => values.map((value) => ({ bytes: encode(value), plain: plain(value) }))

const same = (value: number): Plain => value

/** The first of each is the default. */
export const valuesOf: Readonly<Record<ScalarType, readonly WireValue[]>> = {
  int32: of(int32s, varint, same),
  int64: of(int64s, varint, wide),
  uint32: of(uint32s, varint, same),
  uint64: of(uint64s, varint, wide),
  sint32: of(int32s, (value) => zigzag(BigInt(value)), same),
  sint64: of(int64s, zigzag, wide),
  fixed32: of(uint32s, fixed32, same),
  fixed64: of(uint64s, fixed64, wide),
  sfixed32: of(int32s, fixed32, same),
  sfixed64: of(int64s, fixed64, wide),
  float: of([0, 0.5, -0, 3.4028234663852886e38, 1e-45, Infinity, -Infinity, NaN], float, floatForm),
  double: of(
    [0, 0.1, -0, 1.7976931348623157e308, 5e-324, Infinity, -Infinity, NaN],
    double,
    doubleForm,
  ),
  bool: of(
    [false, true],
    (value) => varint(value ? 1 : 0),
    (value) => value,
  ),
  string: of(
    ['', 'Hello world!', '\u2603 ünïcödé', '𝄞', '\u0000', '\ufeffmark'],
    (value) => sized(utf8(value)),
    (value) => value,
  ),
  bytes: of(
    ['', '0102', 'fffefd', '00'],
    (hex) => sized([...Buffer.from(hex, 'hex')]),
    (hex) => `0x${hex}`,
  ),
}

/** Golden files of single values: every scalar type at its ends, presence, enums. */
import type { Feature, FeatureRow } from './feature.ts'
import { bytes, float, int, type Seen } from './seen.ts'

const signed32 = [0, 1, -1, 127, -128, 32_767, -32_768, 2_147_483_647, -2_147_483_648]
const unsigned32 = [0, 1, 255, 256, 65_535, 65_536, 2_147_483_647, 2_147_483_648, 4_294_967_295]
const signed64 = [
  '0',
  '1',
  '-1',
  '2147483648',
  '-2147483649',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
]
const unsigned64 = [
  '0',
  '1',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551614',
  '18446744073709551615',
]

type Values = Readonly<Record<string, readonly (number | string)[]>>

/** Rows whose columns run through lists of one length. */
function rowsOf(values: Values, seenAs: (value: number | string, name: string) => Seen) {
  const [first = []] = Object.values(values)
  return first.map((_, row): FeatureRow => {
    const sent = Object.entries(values).map(([name, each]) => [name, each[row] ?? 0] as const)
    return {
      sent: Object.fromEntries(sent),
      seen: Object.fromEntries(sent.map(([name, value]) => [name, seenAs(value, name)])),
    }
  })
}

const integers: Feature = {
  name: 'integers-signed',
  title: 'int32, int64, sint32, sint64, sfixed32, sfixed64 from end to end',
  proto: `syntax = "proto3"; message A {
    int32 int32 = 1; int64 int64 = 2; sint32 sint32 = 3; sint64 sint64 = 4;
    sfixed32 sfixed32 = 5; sfixed64 sfixed64 = 6; }`,
  rows: rowsOf(
    {
      int32: signed32,
      int64: signed64,
      sint32: signed32,
      sint64: signed64,
      sfixed32: signed32,
      sfixed64: signed64,
    },
    int,
  ),
}

const unsigned: readonly Feature[] = [
  {
    name: 'integers-unsigned-32',
    title: 'uint32, fixed32 from end to end',
    proto: 'syntax = "proto3"; message A { uint32 uint32 = 1; fixed32 fixed32 = 2; }',
    rows: rowsOf({ uint32: unsigned32, fixed32: unsigned32 }, int),
  },
  {
    name: 'integers-unsigned-64',
    title: 'uint64, fixed64 from end to end',
    proto: 'syntax = "proto3"; message A { uint64 uint64 = 1; fixed64 fixed64 = 2; }',
    rows: rowsOf({ uint64: unsigned64, fixed64: unsigned64 }, int),
  },
]

const doubles = [
  0,
  -0,
  1.5,
  -0.1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  5e-324,
  -2.225073858507201e-308,
  1.7976931348623157e308,
  -1.7976931348623157e308,
]
const singles = [
  0,
  -0,
  1.5,
  -0.1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  1.401298464324817e-45,
  -1.1754942106924411e-38,
  3.4028234663852886e38,
  -3.4028234663852886e38,
]

const floats: Feature = {
  name: 'floating-point',
  title: 'float, double: NaN, -0.0, infinities, denormals, largest',
  proto: 'syntax = "proto3"; message A { float float = 1; double double = 2; }',
  rows: rowsOf({ float: singles, double: doubles }, (value, name) =>
    float(name === 'float' ? Math.fround(Number(value)) : Number(value)),
  ),
}

const booleans: Feature = {
  name: 'booleans',
  title: 'bool, required and optional',
  proto: 'syntax = "proto3"; message A { bool bool = 1; optional bool maybe = 2; }',
  rows: [
    { sent: { bool: true, maybe: true }, seen: { bool: true, maybe: true } },
    { sent: { bool: false, maybe: false }, seen: { bool: false, maybe: false } },
    { sent: {}, seen: { bool: false, maybe: null } },
    ...Array.from({ length: 30 }, (_, row): FeatureRow => {
      const bool = row % 3 === 0
      return { sent: { bool, maybe: !bool }, seen: { bool, maybe: !bool } }
    }),
  ],
}

const texts = [
  '',
  'a',
  'é',
  '漢字',
  '𝄞 clef 🏳️‍🌈',
  '\u0000',
  'a\u0000b',
  '\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}',
  'line\nbreak\r\n\ttab',
  '"quoted" \'single\' \\ back',
  ' spaces ',
  'null',
  'NaN',
  'e\u0301 is not \u00e9',
  '漢'.repeat(50_000),
]

const strings: Feature = {
  name: 'strings',
  title: 'UTF-8 of every length, empty, NUL, line breaks, 150 kB',
  proto: 'syntax = "proto3"; message A { string text = 1; optional string maybe = 2; }',
  rows: [
    ...texts.map((text) => ({ sent: { text, maybe: text }, seen: { text, maybe: text } })),
    { sent: {}, seen: { text: '', maybe: null } },
  ],
}

const blobs = [
  [],
  [0],
  [255, 254, 0, 128],
  [0xc3, 0x28],
  [104, 105],
  Array.from({ length: 70_000 }, (_, at) => (at * 7) & 255),
]

const binary: Feature = {
  name: 'bytes',
  title: 'bytes: empty, not UTF-8, 70 kB',
  proto: 'syntax = "proto3"; message A { bytes blob = 1; optional bytes maybe = 2; }',
  rows: [
    ...blobs.map((blob) => ({
      sent: { blob, maybe: blob },
      seen: { blob: bytes(blob), maybe: bytes(blob) },
    })),
    { sent: {}, seen: { blob: bytes([]), maybe: null } },
  ],
}

const absent = {
  number: null,
  big: null,
  unsigned: null,
  fraction: null,
  flag: null,
  text: null,
  blob: null,
  kind: null,
}
const presence: Feature = {
  name: 'presence',
  title: 'optional fields: absent, default, value; oneof',
  proto: `syntax = "proto3"; enum Kind { NONE = 0; CLICK = 1; } message A {
    optional int32 number = 1; optional int64 big = 2; optional uint64 unsigned = 3;
    optional double fraction = 4; optional bool flag = 5; optional string text = 6;
    optional bytes blob = 7; optional Kind kind = 8;
    oneof way { string url = 9; int64 code = 10; } }`,
  rows: [
    { sent: {}, seen: { ...absent, url: null, code: null } },
    {
      sent: {
        number: 0,
        big: 0,
        unsigned: 0,
        fraction: 0,
        flag: false,
        text: '',
        blob: [],
        kind: 0,
        url: '',
      },
      seen: {
        number: int(0),
        big: int(0),
        unsigned: int(0),
        fraction: float(0),
        flag: false,
        text: '',
        blob: bytes([]),
        kind: 'NONE',
        url: '',
        code: null,
      },
    },
    {
      sent: { number: -5, code: 0 },
      seen: { ...absent, number: int(-5), url: null, code: int(0) },
    },
    {
      sent: { text: 'x', kind: 1 },
      seen: { ...absent, text: 'x', kind: 'CLICK', url: null, code: null },
    },
    ...Array.from({ length: 40 }, (_, row): FeatureRow => {
      const isThere = row % 4 === 3
      return {
        sent: isThere ? { big: row } : {},
        seen: { ...absent, big: isThere ? int(row) : null, url: null, code: null },
      }
    }),
  ],
}

const enumProto = `syntax = "proto3";
  enum Kind { NONE = 0; CLICK = 1; PAGE_VIEW = 2; BACK = -1; }
  message A { Kind kind = 1; optional Kind maybe = 2; repeated Kind many = 3; }`
const kinds = [
  { number: 0, name: 'NONE' },
  { number: 1, name: 'CLICK' },
  { number: 2, name: 'PAGE_VIEW' },
  { number: -1, name: 'BACK' },
  { number: 77, name: '77' },
  { number: -2_147_483_648, name: '-2147483648' },
]

function enums(seenAs: (kind: (typeof kinds)[number]) => Seen): readonly FeatureRow[] {
  const zero = seenAs({ number: 0, name: 'NONE' })
  return [
    { sent: {}, seen: { kind: zero, maybe: null, many: [] } },
    ...kinds.map((kind) => ({
      sent: { kind: kind.number, maybe: kind.number, many: [kind.number, 0] },
      seen: { kind: seenAs(kind), maybe: seenAs(kind), many: [seenAs(kind), zero] },
    })),
  ]
}

export const scalarFeatures: readonly Feature[] = [
  integers,
  ...unsigned,
  floats,
  booleans,
  strings,
  binary,
  presence,
  {
    name: 'enums',
    title: 'enums as strings: names, and numbers without one',
    proto: enumProto,
    rows: enums(({ name }) => name),
  },
  {
    name: 'enums-as-int',
    title: '`mapping.enums: int`',
    proto: enumProto,
    rows: enums(({ number }) => int(number)),
    mapping: { enums: 'int' },
  },
]

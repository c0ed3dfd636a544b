import { describe, expect, test } from 'vitest'
import { rowsOfA, schemaA } from '../../support/feature-rows.ts'
import { roundTrip } from '../../support/kernel-tables.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const group = (number: number, ...parts: Uint8Array[]): Uint8Array =>
  joined(Uint8Array.from(varint(number * 8 + 3)), ...parts, Uint8Array.from(varint(number * 8 + 4)))
const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]

describe('groups and delimited encoding', () => {
  const text = `edition = "2023";
    message A {
      message One { int32 x = 1; string s = 2; }
      message Many { int32 y = 1; repeated int32 n = 2; }
      message Left { int32 z = 1; }
      One one = 1 [features.message_encoding = DELIMITED];
      repeated Many many = 200 [features.message_encoding = DELIMITED];
      oneof either { Left left = 4 [features.message_encoding = DELIMITED]; int32 right = 5; }
      int32 last = 6 [features.field_presence = LEGACY_REQUIRED];
    }`
  const last = varintField(6, 7n)
  const rows = (...payloads: Uint8Array[]) => roundTrip(schemaA(text), payloads)

  test('are read, merged, repeated and chosen as messages are', () => {
    const one = joined(
      group(1, varintField(1, 1n), bytesField(2, utf8('a'))),
      group(200, varintField(1, 3n), varintField(2, 4n), varintField(2, 5n)),
      group(4, varintField(1, 9n)),
      group(200),
      group(1, varintField(1, 2n)),
      last,
    )
    const other = joined(group(4, varintField(1, 9n)), varintField(5, 1n), last)
    expect(rows(one, other)).toMatchObject({
      refusals: [],
      rows: [
        {
          one: { x: 2, s: 'a' },
          many: [
            { y: 3, n: [4, 5] },
            { y: null, n: [] },
          ],
          left: { z: 9 },
          right: null,
          last: 7,
        },
        { one: null, many: [], left: null, right: 1, last: 7 },
      ],
    })
  })

  test('a field of the other encoding is an unknown field', () => {
    const { rows: read } = rows(joined(bytesField(1, varintField(1, 1n)), last))
    expect(read).toMatchObject([{ one: null }])
  })

  test.each([
    ['a group without its end', joined(last, group(1).subarray(0, 1)), 'truncated'],
    [
      'one without its end behind a whole one',
      joined(last, group(1), group(200).subarray(0, 2)),
      'truncated',
    ],
    ['the end tag of another group', joined(last, Uint8Array.of(0x0b, 0x14)), 'malformed'],
    ['an end tag outside', joined(last, Uint8Array.of(0x0c)), 'malformed'],
    ['a required field missing beside it', group(1), 'malformed'],
    [
      'an end tag within a message of the group that is none',
      joined(last, Uint8Array.of(0x0b, 0x12, 0x05, 0x61, 0x0c)),
      'truncated',
    ],
  ])('%s is refused', (_name, bytes, reason) => {
    expect(rows(last, bytes, last)).toMatchObject({
      refusals: [{ row: 1, reason }],
      rows: [{ last: 7 }, { last: 7 }],
    })
  })

  test('nested more than 100 deep is refused, 100 deep is read', () => {
    const deep = schemaA(`edition = "2023";
      message A { B b = 1 [features.message_encoding = DELIMITED]; }
      message B { int32 x = 1; string text = 2; }`)
    const nested = (depth: number): Uint8Array =>
      joined(
        Uint8Array.of(0x0b),
        ...Array.from({ length: depth }, () => Uint8Array.of(0x1b)),
        ...Array.from({ length: depth }, () => Uint8Array.of(0x1c)),
        Uint8Array.of(0x0c),
      )
    const read = roundTrip(deep, [nested(99), nested(100)])
    expect(read.refusals).toEqual([{ row: 1, reason: 'too-deep' }])
    expect(read.rows).toEqual([{ b: { x: null, text: null } }])
  })
})

test('extensions are columns with their full name', () => {
  const text = `syntax = "proto2"; package p;
    message A { optional int32 x = 1; extensions 100 to 200; }
    message Scope { extend A { repeated string more = 100; } }
    extend A { optional group Extra = 101 { optional int32 y = 1; } }`
  const schema = schemaA(text.replace('package p;', ''))
  const bytes = joined(
    bytesField(100, utf8('a')),
    group(101, varintField(1, 5n)),
    bytesField(100, utf8('b')),
  )
  expect(roundTrip(schema, [bytes]).rows).toEqual([
    { x: null, Scope_more: ['a', 'b'], extra: { y: 5 } },
  ])
})

const times = `syntax = "proto3";
  import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
  message A {
    google.protobuf.Timestamp at = 1;
    google.protobuf.Duration took = 2;
    repeated google.protobuf.Timestamp all = 3;
    map<string, google.protobuf.Timestamp> by = 4;
    oneof either { google.protobuf.Timestamp begin = 5; google.protobuf.Duration length = 6; }
  }`
const at = (seconds: string | number, nanos = 0) => ({ seconds, nanos })

describe('times', () => {
  test('are microseconds, timestamps rounded down, durations towards zero', () => {
    const { refusals, rows } = rowsOfA(times, [
      { at: at(1, 500_000_999), took: at(-1, -999), all: [at(0), at(-1, 1)], by: { a: at(2) } },
      {},
      { at: at(-62_135_596_800), took: at('315576000000', 999_999_999), length: at(0, 1_000) },
      { at: at(253_402_300_799, 999_999_999), took: at(1, -1), begin: at(0) },
    ])
    expect(refusals).toEqual([])
    expect(rows).toEqual([
      {
        at: 1_500_000n,
        took: -1_000_000n,
        all: [0n, -1_000_000n],
        by: [['a', 2_000_000n]],
        begin: null,
        length: null,
      },
      { at: null, took: null, all: [], by: [], begin: null, length: null },
      {
        at: -62_135_596_800_000_000n,
        took: 315_576_000_000_999_999n,
        all: [],
        by: [],
        begin: null,
        length: 1n,
      },
      {
        at: 253_402_300_799_999_999n,
        took: 999_999n,
        all: [],
        by: [],
        begin: 0n,
        length: null,
      },
    ])
  })

  test('with nanoseconds below zero, which nobody should send, are rounded down all the same', () => {
    const { rows } = rowsOfA(times, [{ at: at(1, -1) }])
    expect(rows).toMatchObject([{ at: 999_999n }])
  })

  test('of two occurrences are merged, and an entry without one is the epoch', () => {
    const seconds = bytesField(1, varintField(1, 3n))
    const nanos = bytesField(1, varintField(2, 4_000n))
    const entry = bytesField(4, bytesField(1, utf8('k')))
    const { rows } = roundTrip(schemaA(times), [joined(seconds, nanos, entry)])
    expect(rows).toMatchObject([{ at: 3_000_004n, by: [['k', 0n]] }])
  })

  test.each([
    ['int64-micros', '9223372036855'],
    ['int64-micros', '-9223372036854775808'],
    ['int96', '9223372036854775807'],
    ['int96', '-210866803201'],
  ] as const)('as %s refuse what does not fit, %s', (timestamps, seconds) => {
    const { refusals, rows } = rowsOfA(times, [{}, { all: [at(0), at(seconds)] }, { at: at(7) }], {
      timestamps,
    })
    expect(refusals).toEqual([{ row: 1, reason: 'out-of-range' }])
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatchObject({ all: [] })
  })

  test('as int96 are the Julian day and the nanoseconds of the day', () => {
    const { rows } = rowsOfA(times, [{ at: at(0) }, { at: at(-1, 5), all: [at(86_400, 7)] }, {}], {
      timestamps: 'int96',
    })
    expect(rows).toMatchObject([
      { at: '2440588 0', all: [] },
      { at: '2440587 86399000000005', all: ['2440589 7'] },
      { at: null },
    ])
  })

  test('as structs keep what was sent', () => {
    const mapping = { timestamps: 'struct', durations: 'struct' } as const
    const { rows } = rowsOfA(
      times,
      [{ at: at('9223372036854775807', -1), took: at(1, 1) }],
      mapping,
    )
    expect(rows).toMatchObject([
      { at: { seconds: 9_223_372_036_854_775_807n, nanos: -1 }, took: { seconds: 1n, nanos: 1 } },
    ])
  })
})

test('wrappers are nullable scalars; in lists and maps absent is the default', () => {
  const text = `syntax = "proto3"; import "google/protobuf/wrappers.proto";
    message A {
      google.protobuf.Int64Value count = 1;
      google.protobuf.StringValue name = 2;
      repeated google.protobuf.BoolValue flags = 3;
      map<int32, google.protobuf.DoubleValue> by = 4;
      oneof either { google.protobuf.UInt32Value a = 5; google.protobuf.BytesValue b = 6; }
    }`
  const { rows } = rowsOfA(text, [
    { count: { value: '-5' }, name: {}, flags: [{ value: true }, {}], by: { 1: { value: 1.5 } } },
    { b: { value: Buffer.from('x') }, by: { 2: {} } },
  ])
  expect(rows).toEqual([
    { count: -5n, name: '', flags: [true, false], by: [[1, 1.5]], a: null, b: null },
    { count: null, name: null, flags: [], by: [[2, 0]], a: null, b: '0x78' },
  ])
  const switched = joined(
    bytesField(6, bytesField(1, utf8('x'))),
    bytesField(5, varintField(1, 3n)),
  )
  expect(roundTrip(schemaA(text), [switched]).rows).toMatchObject([{ a: 3, b: null }])
})

test('a message without fields is a group with one column that is true', () => {
  const text = `syntax = "proto3"; import "google/protobuf/empty.proto";
    message A { google.protobuf.Empty e = 1; repeated None n = 2; map<string, None> m = 3; }
    message None {}`
  const { rows } = rowsOfA(text, [{ e: {}, n: [{}, {}] }, { m: { a: {} } }])
  const there = { _present: true }
  expect(rows).toEqual([
    { e: there, n: [there, there], m: [] },
    { e: null, n: [], m: [['a', there]] },
  ])
  const empty = roundTrip(schemaA('syntax = "proto3"; message A {}'), [new Uint8Array(), utf8('')])
  expect(empty.rows).toEqual([there, there])
})

test('enums are numbers when asked for, and a closed one still skips what it does not name', () => {
  const text = `edition = "2023";
    message A { Open o = 1; Closed c = 2; repeated Closed many = 3; }
    enum Open { Z = 0; }
    enum Closed { option features.enum_type = CLOSED; X = 0; Y = -2; }`
  const bytes = joined(varintField(1, -7n), varintField(2, -2n), varintField(2, 9n))
  const list = bytesField(3, joined(...[0, 5].map((value) => Uint8Array.of(value))))
  const { rows } = roundTrip(schemaA(text), [joined(bytes, list), varintField(2, 9n)], {
    enums: 'int',
  })
  expect(rows).toEqual([
    { o: -7, c: -2, many: [0] },
    { o: null, c: null, many: [] },
  ])
})

describe('flattened messages', () => {
  const text = `syntax = "proto3"; import "google/protobuf/timestamp.proto";
    message A {
      int32 id = 1;
      Page page = 2;
      repeated Page pages = 3;
      oneof either { Page left = 4; int32 right = 5; }
    }
    message Page {
      string name = 1; optional int32 size = 2; repeated int32 n = 3; Inner inner = 4;
      google.protobuf.Timestamp at = 5;
    }
    message Inner { bool flag = 1; Nothing nothing = 2; }
    message Nothing {}`
  const flatten = { nested: 'flatten' } as const

  test('are columns of the message around, null where they are absent', () => {
    const { rows } = rowsOfA(
      text,
      [
        { id: 1, page: { name: 'a', n: [1], inner: {} } },
        { id: 2, pages: [{ inner: { nothing: {} } }, { size: 3 }], left: { at: at(1) } },
      ],
      flatten,
    )
    const absent = { name: null, size: null, inner_flag: null, inner_nothing__present: null }
    const prefixed = (prefix: string, columns: object) =>
      Object.fromEntries(
        Object.entries({ ...absent, n: [], at: null, ...columns }).map(([name, value]) => [
          `${prefix}_${name}`,
          value,
        ]),
      )
    expect(rows).toEqual([
      {
        id: 1,
        ...prefixed('page', { name: 'a', n: [1], inner_flag: false }),
        pages: [],
        ...prefixed('left', {}),
        right: null,
      },
      {
        id: 2,
        ...prefixed('page', {}),
        pages: [
          { ...absent, name: '', n: [], at: null, inner_flag: false, inner_nothing__present: true },
          { ...absent, name: '', n: [], at: null, size: 3 },
        ],
        ...prefixed('left', { name: '', at: 1_000_000n }),
        right: null,
      },
    ])
  })

  test('are cleared when another member of their oneof comes', () => {
    const left = bytesField(4, joined(bytesField(1, utf8('x')), varintField(3, 1n)))
    const { rows } = roundTrip(schemaA(text), [joined(left, varintField(5, 2n))], flatten)
    expect(rows).toMatchObject([{ left_name: null, left_n: [], right: 2 }])
  })

  test('with a required field are refused only where they are there', () => {
    const needing = `syntax = "proto2"; message A { optional B b = 1; optional int32 x = 2; }
      message B { required int32 n = 1; }`
    const payloads = [
      varintField(2, 1n),
      bytesField(1, utf8('')),
      bytesField(1, varintField(1, 3n)),
    ]
    expect(roundTrip(schemaA(needing), payloads, flatten)).toMatchObject({
      refusals: [{ row: 1, reason: 'malformed' }],
      rows: [
        { b_n: null, x: 1 },
        { b_n: 3, x: null },
      ],
    })
  })
})

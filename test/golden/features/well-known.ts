/** Golden files of Google's well-known types, of protobuf's rarer things, and of our own columns. */
import type { Feature } from './feature.ts'
import { bytes, float, int, map, micros, nanos } from './seen.ts'

const at = (seconds: number | string, nanos = 0) => ({ seconds, nanos })

const timestampProto = `syntax = "proto3"; import "google/protobuf/timestamp.proto";
  message A { google.protobuf.Timestamp at = 1; }`
const moments = [
  { sent: at(0), micros: 0n },
  { sent: at(1_795_179_600, 123_456_789), micros: 1_795_179_600_123_456n },
  { sent: at(-1, 999_999_000), micros: -1n },
  { sent: at(-1, 1), micros: -1_000_000n },
  { sent: at(-2_208_988_800), micros: -2_208_988_800_000_000n },
  { sent: at('4102444800', 999_999_999), micros: 4_102_444_800_999_999n },
]
const ends = [
  { sent: at(-62_135_596_800), micros: -62_135_596_800_000_000n },
  { sent: at('253402300799', 999_999_999), micros: 253_402_300_799_999_999n },
]

/** One column, and a row without. */
const timestamps = (
  feature: Pick<Feature, 'name' | 'title' | 'mapping'>,
  values: typeof moments,
): Feature => ({
  ...feature,
  proto: timestampProto,
  rows: [
    { sent: {}, seen: { at: null } },
    ...values.map((value) => ({ sent: { at: value.sent }, seen: { at: micros(value.micros) } })),
  ],
})

const timestampFilters: Feature = {
  name: 'timestamps-nested',
  title: 'Timestamp in lists, maps and messages',
  proto: `syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A {
    repeated google.protobuf.Timestamp all = 1; map<string, google.protobuf.Timestamp> by = 2;
    Inner inner = 3; } message Inner { google.protobuf.Timestamp at = 1; }`,
  rows: [
    { sent: {}, seen: { all: [], by: map(), inner: null } },
    {
      sent: { all: [at(5), at(0, 1_000)], by: { a: at(1) }, inner: { at: at(2, 3_000) } },
      seen: {
        all: [micros(5_000_000), micros(1)],
        by: map(['a', micros(1_000_000)]),
        inner: { at: micros(2_000_003) },
      },
    },
    { sent: { inner: {} }, seen: { all: [], by: map(), inner: { at: null } } },
  ],
}

const durationProto = `syntax = "proto3"; import "google/protobuf/duration.proto";
  message A { google.protobuf.Duration took = 1; repeated google.protobuf.Duration all = 2; }`
const spans = [
  { sent: at(1, 500_000_999), micros: 1_500_000n, seconds: 1, nanos: 500_000_999 },
  { sent: at(-1, -999), micros: -1_000_000n, seconds: -1, nanos: -999 },
  {
    sent: at('315576000000', 999_999_999),
    micros: 315_576_000_000_999_999n,
    seconds: '315576000000',
    nanos: 999_999_999,
  },
]

const times: readonly Feature[] = [
  timestamps({ name: 'timestamps', title: 'Timestamp: INT64, microseconds' }, moments),
  timestamps(
    { name: 'timestamps-ends', title: 'Timestamp: the first of year 1, the last of year 9999' },
    ends,
  ),
  timestampFilters,
  timestamps(
    {
      name: 'timestamps-int96',
      title: '`mapping.timestamps: int96`',
      mapping: { timestamps: 'int96' },
    },
    [
      { sent: at(0), micros: 0n },
      { sent: at(1_795_179_600, 123_456_000), micros: 1_795_179_600_123_456n },
      { sent: at(-1, 999_999_000), micros: -1n },
      { sent: at(-2_208_988_800), micros: -2_208_988_800_000_000n },
    ],
  ),
  {
    name: 'timestamps-int96-nanos',
    title: 'the same with nanoseconds',
    proto: timestampProto,
    mapping: { timestamps: 'int96' },
    rows: [{ sent: { at: at(1, 123_456_789) }, seen: { at: nanos(1_123_456_789n) } }],
  },
  {
    name: 'timestamps-struct',
    title: '`mapping.timestamps: struct`',
    proto: timestampProto,
    mapping: { timestamps: 'struct' },
    rows: [
      { sent: {}, seen: { at: null } },
      {
        sent: { at: at(1, 999_999_999) },
        seen: { at: { seconds: int(1), nanos: int(999_999_999) } },
      },
      { sent: { at: at(-5) }, seen: { at: { seconds: int(-5), nanos: int(0) } } },
    ],
  },
  {
    name: 'durations',
    title: 'Duration: INT64, microseconds',
    proto: durationProto,
    rows: [
      { sent: {}, seen: { took: null, all: [] } },
      ...spans.map((span) => ({
        sent: { took: span.sent, all: [span.sent, at(0)] },
        seen: { took: int(span.micros), all: [int(span.micros), int(0)] },
      })),
    ],
  },
  {
    name: 'durations-struct',
    title: '`mapping.durations: struct`',
    proto: durationProto,
    mapping: { durations: 'struct' },
    rows: [
      { sent: {}, seen: { took: null, all: [] } },
      ...spans.map((span) => {
        const seen = { seconds: int(span.seconds), nanos: int(span.nanos) }
        return { sent: { took: span.sent, all: [span.sent] }, seen: { took: seen, all: [seen] } }
      }),
    ],
  },
]

const wrapperFields = [
  'DoubleValue',
  'FloatValue',
  'Int64Value',
  'UInt64Value',
  'Int32Value',
  'UInt32Value',
  'BoolValue',
  'StringValue',
  'BytesValue',
].map((type, field) => `google.protobuf.${type} ${type.toLowerCase()} = ${field + 1};`)

const noWrappers = {
  doublevalue: null,
  floatvalue: null,
  int64value: null,
  uint64value: null,
  int32value: null,
  uint32value: null,
  boolvalue: null,
  stringvalue: null,
  bytesvalue: null,
  all: [],
}
const wrappers: Feature = {
  name: 'wrappers',
  title: 'DoubleValue … BytesValue: nullable scalars',
  proto: `syntax = "proto3"; import "google/protobuf/wrappers.proto"; message A {
    ${wrapperFields.join(' ')} repeated google.protobuf.Int64Value all = 10; }`,
  rows: [
    { sent: {}, seen: noWrappers },
    {
      sent: {
        doublevalue: {},
        floatvalue: {},
        int64value: {},
        uint64value: {},
        int32value: {},
        uint32value: {},
        boolvalue: {},
        stringvalue: {},
        bytesvalue: {},
        all: [{}],
      },
      seen: {
        doublevalue: float(0),
        floatvalue: float(0),
        int64value: int(0),
        uint64value: int(0),
        int32value: int(0),
        uint32value: int(0),
        boolvalue: false,
        stringvalue: '',
        bytesvalue: bytes([]),
        all: [int(0)],
      },
    },
    {
      sent: {
        doublevalue: { value: 1.5 },
        int64value: { value: '-9223372036854775808' },
        stringvalue: { value: 'x' },
        bytesvalue: { value: [0] },
        boolvalue: { value: true },
      },
      seen: {
        ...noWrappers,
        doublevalue: float(1.5),
        int64value: int('-9223372036854775808'),
        stringvalue: 'x',
        bytesvalue: bytes([0]),
        boolvalue: true,
      },
    },
  ],
}

const number = (numberValue: number) => ({ numberValue })
const json: Feature = {
  name: 'struct-value',
  title: 'Struct, Value, ListValue: JSON in strings',
  proto: `syntax = "proto3"; import "google/protobuf/struct.proto"; message A {
    google.protobuf.Struct shape = 1; google.protobuf.Value value = 2;
    google.protobuf.ListValue list = 3; repeated google.protobuf.Value all = 4; }`,
  rows: [
    { sent: {}, seen: { shape: null, value: null, list: null, all: [] } },
    {
      sent: {
        shape: {
          fields: {
            a: number(1.5),
            b: { stringValue: 'é "q"' },
            c: { structValue: { fields: { d: { boolValue: true } } } },
          },
        },
        value: { nullValue: 0 },
        list: { values: [number(1), { stringValue: 'x' }, { listValue: { values: [] } }] },
        all: [number(-2), { boolValue: false }],
      },
      seen: {
        shape: '{"a":1.5,"b":"é \\"q\\"","c":{"d":true}}',
        value: 'null',
        list: '[1,"x",[]]',
        all: ['-2', 'false'],
      },
    },
    { sent: { shape: {}, list: {} }, seen: { shape: '{}', value: null, list: '[]', all: [] } },
  ],
}

const recursive: Feature = {
  name: 'recursive-messages',
  title: 'a message within itself: JSON in strings',
  proto: `syntax = "proto3"; message A { Node node = 1; }
    message Node { string name = 1; Node left = 2; repeated Node more = 3; }`,
  rows: [
    { sent: {}, seen: { node: null } },
    {
      sent: {
        node: { name: 'a', left: { name: 'b', left: { name: 'c' } }, more: [{ name: 'd' }, {}] },
      },
      seen: {
        node: {
          name: 'a',
          left: '{"name":"b","left":{"name":"c"}}',
          more: ['{"name":"d"}', '{}'],
        },
      },
    },
  ],
}

const any: Feature = {
  name: 'any-field-mask',
  title: 'Any: type and bytes; FieldMask: its paths',
  proto: `syntax = "proto3"; import "google/protobuf/any.proto";
    import "google/protobuf/field_mask.proto";
    message A { google.protobuf.Any any = 1; google.protobuf.FieldMask mask = 2; }`,
  rows: [
    { sent: {}, seen: { any: null, mask: null } },
    {
      sent: {
        any: { type_url: 'type.example.org/x.Y', value: [8, 1] },
        mask: { paths: ['a.b', 'c'] },
      },
      seen: {
        any: { type_url: 'type.example.org/x.Y', value: bytes([8, 1]) },
        mask: { paths: ['a.b', 'c'] },
      },
    },
    {
      sent: { any: {}, mask: {} },
      seen: { any: { type_url: '', value: bytes([]) }, mask: { paths: [] } },
    },
  ],
}

const empty: Feature = {
  name: 'messages-without-fields',
  title: 'a message without fields: a group with `_present`',
  proto: `syntax = "proto3"; message Nothing {} message A {
    Nothing one = 1; repeated Nothing many = 2; map<string, Nothing> by = 3; }`,
  rows: [
    { sent: {}, seen: { one: null, many: [], by: map() } },
    {
      sent: { one: {}, many: [{}, {}], by: { k: {} } },
      seen: {
        one: { _present: true },
        many: [{ _present: true }, { _present: true }],
        by: map(['k', { _present: true }]),
      },
    },
  ],
}

const proto2: Feature = {
  name: 'proto2',
  title: 'proto2: required, optional with a default, groups, extensions',
  proto: `syntax = "proto2"; message A { required int32 id = 1;
    optional string name = 2 [default = "nobody"]; optional int64 big = 3 [default = 5];
    repeated group Item = 4 { optional string sku = 5; }
    extensions 100 to 200; }
    extend A { optional string more = 100; }`,
  rows: [
    { sent: { id: 1 }, seen: { id: int(1), name: null, big: null, item: [], more: null } },
    {
      sent: { id: -2, name: 'nobody', big: 7, item: [{ sku: 'a' }, {}], '.more': 'extended' },
      seen: {
        id: int(-2),
        name: 'nobody',
        big: int(7),
        item: [{ sku: 'a' }, { sku: null }],
        more: 'extended',
      },
    },
  ],
}

/** As `loadBatch` gives them. */
const identity: Feature = {
  name: 'identity-columns',
  title: '`columns`: _topic, _partition, _offset, _index, _ingest_ms',
  proto: 'syntax = "proto3"; message A { int32 id = 1; }',
  identity: ['_topic', '_partition', '_offset', '_index', '_ingest_ms'],
  rows: Array.from({ length: 40 }, (_, id) => ({
    sent: { id },
    seen: {
      id: int(id),
      _topic: 'events',
      _partition: int(id % 3),
      _offset: int(2n ** 40n + BigInt(id)),
      _index: int(id % 5),
      _ingest_ms: micros(1_790_000_000_123_000n),
    },
  })),
  filters: [{ column: '_offset', operator: '>', value: int(2n ** 40n + 37n), rowCount: 2 }],
}

export const wellKnownFeatures: readonly Feature[] = [
  ...times,
  wrappers,
  json,
  recursive,
  any,
  empty,
  proto2,
  identity,
]

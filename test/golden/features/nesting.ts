/** Golden files of what has levels: messages, lists, maps, and what is never there. */
import type { Feature, FeatureRow } from './feature.ts'
import { bytes, float, int, map, type Seen } from './seen.ts'

const messages: Feature = {
  name: 'messages',
  title: 'nested messages: absent, empty, absent within present',
  proto: `syntax = "proto3"; message A { Inner inner = 1; string after = 2; }
    message Inner { int32 number = 1; optional string text = 2; Deep deep = 3; }
    message Deep { optional int64 big = 1; bool flag = 2; }`,
  rows: [
    { sent: { after: 'a' }, seen: { inner: null, after: 'a' } },
    {
      sent: { inner: {}, after: 'b' },
      seen: { inner: { number: int(0), text: null, deep: null }, after: 'b' },
    },
    {
      sent: { inner: { number: 5, deep: {} } },
      seen: { inner: { number: int(5), text: null, deep: { big: null, flag: false } }, after: '' },
    },
    {
      sent: { inner: { text: 'x', deep: { big: '-7', flag: true } } },
      seen: {
        inner: { number: int(0), text: 'x', deep: { big: int(-7), flag: true } },
        after: '',
      },
    },
    { sent: {}, seen: { inner: null, after: '' } },
  ],
}

const flattened: Feature = {
  name: 'messages-flattened',
  title: '`mapping.nested: flatten`',
  proto: messages.proto,
  mapping: { nested: 'flatten' },
  rows: [
    {
      sent: { after: 'a' },
      seen: {
        inner_number: null,
        inner_text: null,
        inner_deep_big: null,
        inner_deep_flag: null,
        after: 'a',
      },
    },
    {
      sent: { inner: { text: 'x', deep: { big: '-7' } } },
      seen: {
        inner_number: int(0),
        inner_text: 'x',
        inner_deep_big: int(-7),
        inner_deep_flag: false,
        after: '',
      },
    },
  ],
}

const listsOf = (length: number): FeatureRow => {
  const numbers = Array.from({ length }, (_, at) => at - 1)
  return {
    sent: {
      numbers,
      bigs: numbers.map((each) => String(BigInt(each) * 2n ** 62n)),
      texts: numbers.map((each) => (each === 0 ? '' : `text ${each}`)),
      fractions: numbers.map((each) => each / 2),
      flags: numbers.map((each) => each > 0),
      blobs: numbers.map((each) => [each & 255]),
    },
    seen: {
      numbers: numbers.map(int),
      bigs: numbers.map((each) => int(BigInt(each) * 2n ** 62n)),
      texts: numbers.map((each) => (each === 0 ? '' : `text ${each}`)),
      fractions: numbers.map((each) => float(each / 2)),
      flags: numbers.map((each) => each > 0),
      blobs: numbers.map((each) => bytes([each & 255])),
    },
  }
}

const lists: Feature = {
  name: 'lists',
  title: 'repeated scalars: none, one, many',
  proto: `syntax = "proto3"; message A {
    repeated int32 numbers = 1; repeated int64 bigs = 2; repeated string texts = 3;
    repeated double fractions = 4 [packed = false]; repeated bool flags = 5;
    repeated bytes blobs = 6; }`,
  rows: [0, 1, 3, 0, 0, 2].map(listsOf),
}

const listsOfMessages: Feature = {
  name: 'lists-of-messages',
  title: 'repeated messages with lists and absent messages within',
  proto: `syntax = "proto3"; message A { repeated Item items = 1; int32 last = 2; }
    message Item {
      string sku = 1; repeated string labels = 2; Deep deep = 3; repeated Deep all = 4;
    }
    message Deep { optional int32 x = 1; repeated int64 marks = 2; }`,
  rows: [
    { sent: {}, seen: { items: [], last: int(0) } },
    {
      sent: { items: [{}], last: 1 },
      seen: { items: [{ sku: '', labels: [], deep: null, all: [] }], last: int(1) },
    },
    {
      sent: {
        items: [
          { sku: 'a', labels: ['x', ''], deep: { x: 5, marks: [1, 2] } },
          { labels: [], all: [{}, { marks: [3] }, { x: -1 }] },
          { sku: 'c', deep: {} },
        ],
      },
      seen: {
        items: [
          { sku: 'a', labels: ['x', ''], deep: { x: int(5), marks: [int(1), int(2)] }, all: [] },
          {
            sku: '',
            labels: [],
            deep: null,
            all: [
              { x: null, marks: [] },
              { x: null, marks: [int(3)] },
              { x: int(-1), marks: [] },
            ],
          },
          { sku: 'c', labels: [], deep: { x: null, marks: [] }, all: [] },
        ],
        last: int(0),
      },
    },
    { sent: { last: 9 }, seen: { items: [], last: int(9) } },
  ],
}

const keyTypes = [
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
]

/** The ends of an integer type, as text. */
function endsOf(type: string): readonly string[] {
  const bits = type.endsWith('32') ? 32n : 64n
  const isUnsigned = type.startsWith('u') || type.startsWith('fixed')
  if (isUnsigned) return ['0', String(2n ** bits - 1n)]
  return [String(-(2n ** (bits - 1n))), '0', String(2n ** (bits - 1n) - 1n)]
}

/** Maps whose keys are of an integer type, the type's name in front of what they are. */
function mapKeys(name: string, title: string, types: readonly string[]): Feature {
  const fields = types.map((type, at) => `map<${type}, string> by_${type} = ${at + 1};`)
  const full = types.map((type) => ({ type, keys: endsOf(type) }))
  return {
    name,
    title,
    proto: `syntax = "proto3"; message A { ${fields.join(' ')} }`,
    rows: [
      { sent: {}, seen: Object.fromEntries(types.map((type) => [`by_${type}`, map()])) },
      {
        sent: Object.fromEntries(
          full.map(({ type, keys }) => [
            `by_${type}`,
            Object.fromEntries(keys.map((key) => [key, `is ${key}`])),
          ]),
        ),
        seen: Object.fromEntries(
          full.map(({ type, keys }) => [
            `by_${type}`,
            map(...keys.map((key) => [int(key), `is ${key}`] as const)),
          ]),
        ),
      },
    ],
  }
}

const isUnsignedType = (type: string): boolean => /^(u|fixed)/.test(type)

const maps: readonly Feature[] = [
  {
    name: 'maps',
    title: 'maps with keys of text and truth, empty, values of each kind',
    proto: `syntax = "proto3"; message A {
      map<string, string> texts = 1; map<string, int64> bigs = 2; map<bool, double> flags = 3;
      map<string, bytes> blobs = 4; }`,
    rows: [
      { sent: {}, seen: { texts: map(), bigs: map(), flags: map(), blobs: map() } },
      {
        sent: {
          texts: { '': '', é: '漢字', k: 'v' },
          bigs: { max: '9223372036854775807', min: '-9223372036854775808' },
          flags: { true: 1.5, false: -0 },
          blobs: { x: [255], y: [] },
        },
        seen: {
          texts: map(['', ''], ['é', '漢字'], ['k', 'v']),
          bigs: map(['max', int('9223372036854775807')], ['min', int('-9223372036854775808')]),
          flags: map([true, float(1.5)], [false, float(-0)]),
          blobs: map(['x', bytes([255])], ['y', bytes([])]),
        },
      },
      {
        sent: { texts: { only: 'one' } },
        seen: { texts: map(['only', 'one']), bigs: map(), flags: map(), blobs: map() },
      },
    ],
  },
  mapKeys(
    'map-keys-signed',
    'maps with keys of each signed integer type',
    keyTypes.filter((type) => !isUnsignedType(type)),
  ),
  mapKeys(
    'map-keys-unsigned',
    'maps with keys of each unsigned integer type',
    keyTypes.filter(isUnsignedType),
  ),
]

const mapsOfMessages: Feature = {
  name: 'maps-of-messages',
  title: 'maps to messages with lists, maps and absent messages within',
  proto: `syntax = "proto3"; message A { map<string, Item> items = 1; }
    message Item {
      int32 x = 1; repeated string labels = 2; map<string, int32> counts = 3; Deep deep = 4;
    }
    message Deep { optional bool flag = 1; }`,
  rows: [
    {
      sent: { items: { a: {}, b: { x: 1, labels: ['l', 'm'], counts: { n: 1, o: 2 }, deep: {} } } },
      seen: {
        items: map(
          ['a', { x: int(0), labels: [], counts: map(), deep: null }],
          [
            'b',
            {
              x: int(1),
              labels: ['l', 'm'],
              counts: map(['n', int(1)], ['o', int(2)]),
              deep: { flag: null },
            },
          ],
        ),
      },
    },
    { sent: {}, seen: { items: map() } },
    {
      sent: { items: { c: { deep: { flag: false } } } },
      seen: { items: map(['c', { x: int(0), labels: [], counts: map(), deep: { flag: false } }]) },
    },
  ],
}

/** message M0 { M1 m = 1; } … down to a leaf. */
const depth = 24
const chain = Array.from(
  { length: depth },
  (_, at) => `message M${at} { M${at + 1} m = 1; optional int32 x = 2; }`,
)

function chainTo(level: number): { readonly sent: object; readonly seen: Seen } {
  const isLast = level === 0
  const inner = isLast ? undefined : chainTo(level - 1)
  return {
    sent: inner === undefined ? { x: 7 } : { m: inner.sent },
    seen: { m: inner?.seen ?? null, x: isLast ? int(7) : null },
  }
}

/** The end of the chain has a text beside it: it is a message without messages. */
function chainThrough(level: number): { readonly sent: object; readonly seen: Seen } {
  if (level === depth) return { sent: { text: 'deep' }, seen: { text: 'deep' } }
  const inner = chainThrough(level + 1)
  return { sent: { m: inner.sent }, seen: { m: inner.seen, x: null } }
}

const deepMessages: Feature = {
  name: 'deep-messages',
  title: `messages ${depth} deep, ending at each depth`,
  proto: `syntax = "proto3"; message A { M0 m = 1; } ${chain.join(' ')}
    message M${depth} { string text = 1; }`,
  rows: [
    { sent: {}, seen: { m: null } },
    ...[0, 1, 2, 7, depth - 1].map((level): FeatureRow => {
      const { sent, seen } = chainTo(level)
      return { sent: { m: sent }, seen: { m: seen } }
    }),
    { sent: { m: chainThrough(0).sent }, seen: { m: chainThrough(0).seen } },
  ],
}

const deepLists: Feature = {
  name: 'deep-lists',
  title: 'lists in maps in lists in messages in lists, five repetitions deep',
  proto: `syntax = "proto3"; message A { repeated L1 l1 = 1; }
    message L1 { Wrap wrap = 1; } message Wrap { repeated L2 l2 = 1; }
    message L2 { map<string, L3> by = 1; } message L3 { repeated L4 l4 = 1; }
    message L4 { repeated int32 n = 1; optional string s = 2; }`,
  rows: [
    { sent: {}, seen: { l1: [] } },
    { sent: { l1: [{}] }, seen: { l1: [{ wrap: null }] } },
    { sent: { l1: [{ wrap: {} }, {}] }, seen: { l1: [{ wrap: { l2: [] } }, { wrap: null }] } },
    {
      sent: {
        l1: [
          { wrap: { l2: [{}, { by: { a: {}, b: { l4: [{ n: [1, 2] }, {}, { s: 'x' }] } } }] } },
          { wrap: { l2: [{ by: { c: { l4: [{ n: [3], s: '' }] } } }] } },
        ],
      },
      seen: {
        l1: [
          {
            wrap: {
              l2: [
                { by: map() },
                {
                  by: map(
                    ['a', { l4: [] }],
                    [
                      'b',
                      {
                        l4: [
                          { n: [int(1), int(2)], s: null },
                          { n: [], s: null },
                          { n: [], s: 'x' },
                        ],
                      },
                    ],
                  ),
                },
              ],
            },
          },
          { wrap: { l2: [{ by: map(['c', { l4: [{ n: [int(3)], s: '' }] }]) }] } },
        ],
      },
    },
  ],
}

const nothing = {
  number: null,
  big: null,
  unsigned: null,
  fraction: null,
  flag: null,
  text: null,
  blob: null,
  inner: null,
  list: [],
  items: [],
  by: map(),
}
const neverProto = `syntax = "proto3"; message A { int32 id = 1;
  optional int32 number = 2; optional int64 big = 3; optional uint64 unsigned = 4;
  optional double fraction = 5; optional bool flag = 6; optional string text = 7;
  optional bytes blob = 8; Inner inner = 9; repeated string list = 10;
  repeated Inner items = 11; map<string, Inner> by = 12; }
  message Inner { int32 x = 1; optional string y = 2; repeated int64 n = 3; }`

export const nestingFeatures: readonly Feature[] = [
  messages,
  flattened,
  lists,
  listsOfMessages,
  ...maps,
  mapsOfMessages,
  deepMessages,
  deepLists,
  {
    name: 'all-null',
    title: 'columns without any value, of each kind',
    proto: neverProto,
    rows: Array.from({ length: 700 }, (_, id) => ({
      sent: { id },
      seen: { id: int(id), ...nothing },
    })),
    file: { rowGroupBytesMax: 1 },
    batchRows: 300,
    claims: { rowGroupCount: 3 },
  },
  {
    name: 'no-rows',
    title: 'a file without rows and row groups',
    proto: neverProto,
    rows: [],
    claims: { rowGroupCount: 0 },
  },
]

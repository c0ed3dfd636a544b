/** Groups, extensions, editions, well-known types and messages within themselves. */
import type { Plain } from '../plain-form.ts'
import type { SchemaText } from '../references.ts'
import { type Bytes, block, tag, textField, varint, varintField } from '../wire.ts'
import { CaseList } from './case.ts'

const group = (number: number, ...content: readonly Bytes[]): Bytes => [
  ...tag(number, 3),
  ...content.flat(),
  ...tag(number, 4),
]

// Groups, as the references read them.
const groups: SchemaText = {
  message: 'conformance.A',
  text: `syntax = "proto2";
package conformance;
message A {
  optional group One = 1 {
    optional int32 x = 1;
    repeated int32 n = 2;
    optional group Deep = 3 { optional string s = 1; }
  }
  repeated group Many = 5 { optional int32 y = 1; }
  optional int32 last = 9;
}
`,
}
const byGroup = new CaseList(groups, 'group')
const last = varintField(9, 5)
byGroup.row('absent', [last])
byGroup.row('empty', [group(1), last])
byGroup.row('fields', [group(1, varintField(1, 3), varintField(2, 4)), last])
byGroup.row('merged', [group(1, varintField(1, 3)), group(1, varintField(2, 4), varintField(1, 5))])
byGroup.row('nested', [group(1, group(3, textField(1, 'a')), varintField(1, 2))])
byGroup.row('repeated', [group(5, varintField(1, 1)), group(5), group(5, varintField(1, 3))])
byGroup.row('unknown-inside', [group(1, group(77, varintField(1, 1)), varintField(1, 3)), last])
byGroup.row('packed-inside', [group(1, block(2, [1, 2, 3]))])
const byNumber = {
  references: ['bufbuild'],
  because: 'it reads a known field by its number, whatever the wire type',
} as const
byGroup.row('with-length-is-unknown', [block(1, varintField(1, 3)), last], { exempt: byNumber })
byGroup.row('over-long-end', [tag(1, 3), varintField(1, 3), tag(1, 4, 4), last])
byGroup.refused('no-end', [tag(1, 3), varintField(1, 3)])
byGroup.refused('end-of-another', [tag(1, 3), varintField(1, 3), tag(5, 4)])
byGroup.refused('end-of-the-outer', [tag(1, 3), tag(3, 3), tag(1, 4), tag(3, 4)])
byGroup.refused('cut-in-value', [tag(1, 3), [8]])
byGroup.refused('end-alone', [tag(1, 4)], { exempt: byNumber })

// Editions: presence, openness and encoding by features.
const editions: SchemaText = {
  message: 'conformance.A',
  byHand: true,
  text: `edition = "2023";
package conformance;
enum Open { NOUGHT = 0; }
enum Closed { option features.enum_type = CLOSED; ZERO = 0; ONE = 1; }
message B { int32 x = 1; }
message A {
  int32 explicit = 1;
  int32 implicit = 2 [features.field_presence = IMPLICIT];
  int32 required = 3 [features.field_presence = LEGACY_REQUIRED];
  Open open = 4;
  Closed closed = 5;
  B delimited = 6 [features.message_encoding = DELIMITED];
  repeated int32 expanded = 7 [features.repeated_field_encoding = EXPANDED];
  string text = 8;
  oneof either { B left = 9 [features.message_encoding = DELIMITED]; int32 right = 10; }
}
`,
}
const byFeature = new CaseList(editions, 'editions')
const needed = varintField(3, 1)
const nothing = { explicit: null, implicit: 0, required: 1, open: null, closed: null }
byFeature.row('nothing', [needed], { fields: nothing })
byFeature.refused('required-missing', [varintField(1, 1)])
byFeature.row('explicit-default', [needed, varintField(1, 0)], { fields: { explicit: 0 } })
byFeature.row('open-unknown', [needed, varintField(4, 9)], { fields: { open: '9' } })
byFeature.row('closed-unknown', [needed, varintField(5, 9)], { fields: { closed: null } })
byFeature.row('closed-known', [needed, varintField(5, 1)], { fields: { closed: 'ONE' } })
byFeature.row('delimited', [needed, group(6, varintField(1, 4))], {
  fields: { delimited: { x: 4 } },
})
byFeature.row('delimited-with-length', [needed, block(6, varintField(1, 4))], {
  fields: { delimited: null },
})
byFeature.row('packed-into-expanded', [needed, block(7, [1, 2]), varintField(7, 3)], {
  fields: { expanded: [1, 2, 3] },
})
byFeature.row('oneof.group', [needed, group(9, varintField(1, 1))], {
  fields: { left: { x: 1 }, right: null },
})
byFeature.row('oneof.group-replaced', [needed, group(9, varintField(1, 1)), varintField(10, 2)], {
  fields: { left: null, right: 2 },
})
byFeature.row('oneof.group-replaces', [needed, varintField(10, 2), group(9)], {
  fields: { left: { x: null }, right: null },
})
byFeature.refused('text-not-utf8', [needed, block(8, [0xff])])

// Extensions.
const extended: SchemaText = {
  message: 'conformance.A',
  byHand: true,
  text: `syntax = "proto2";
package conformance;
message A { optional int32 x = 1; extensions 100 to 199; }
extend A { optional string more = 100; repeated int32 numbers = 101; }
`,
}
const byExtension = new CaseList(extended, 'extension')
byExtension.row('given', [textField(100, 'a'), varintField(101, 1), block(101, [2, 3])], {
  fields: { conformance_more: 'a', conformance_numbers: [1, 2, 3] },
})
byExtension.row('absent', [varintField(1, 1)], {
  fields: { x: 1, conformance_more: null, conformance_numbers: [] },
})
byExtension.row('last-wins', [textField(100, 'a'), textField(100, 'b')], {
  fields: { conformance_more: 'b' },
})
byExtension.row('not-declared-is-unknown', [varintField(150, 1)], { fields: { x: null } })
byExtension.refused('cut', [tag(100, 2), [3], [97]])

// Well-known types.
const files = ['timestamp', 'duration', 'wrappers', 'struct', 'any', 'field_mask', 'empty']
const wellKnown: SchemaText = {
  message: 'conformance.A',
  byHand: true,
  text: `syntax = "proto3";
package conformance;
${files.map((file) => `import "google/protobuf/${file}.proto";`).join('\n')}
message A {
  google.protobuf.Timestamp at = 1;
  google.protobuf.Duration took = 2;
  google.protobuf.Int64Value int64 = 3;
  google.protobuf.StringValue text = 4;
  google.protobuf.BoolValue flag = 5;
  google.protobuf.Struct struct = 6;
  google.protobuf.Value value = 7;
  google.protobuf.ListValue list = 8;
  google.protobuf.Any any = 9;
  google.protobuf.FieldMask mask = 10;
  google.protobuf.Empty empty = 11;
  repeated google.protobuf.Timestamp times = 12;
  map<string, google.protobuf.Duration> durations = 13;
  google.protobuf.BytesValue bytes = 14;
  google.protobuf.UInt64Value uint64 = 15;
}
`,
}
const known = new CaseList(wellKnown, 'well-known')
const value = (name: string, parts: readonly Bytes[], fields: Readonly<Record<string, Plain>>) =>
  known.row(name, parts, { fields })
const time = (seconds: bigint | number, nanos: bigint | number): Bytes => [
  ...varintField(1, seconds),
  ...varintField(2, nanos),
]
value('nothing', [], {
  at: null,
  took: null,
  int64: null,
  text: null,
  flag: null,
  struct: null,
  value: null,
  list: null,
  any: null,
  mask: null,
  empty: null,
  times: [],
})
value('timestamp.epoch', [block(1)], { at: '0n' })
value('timestamp.rounds-down', [block(1, time(1, 1_999))], { at: '1000001n' })
value('timestamp.before-epoch', [block(1, time(-1, 999_999_999))], { at: '-1n' })
value('timestamp.year-1', [block(1, time(-62_135_596_800, 0))], { at: '-62135596800000000n' })
value('timestamp.year-9999', [block(1, time(253_402_300_799, 999_999_999))], {
  at: '253402300799999999n',
})
value('timestamp.merged', [block(1, varintField(1, 2)), block(1, varintField(2, 3_000))], {
  at: '2000003n',
})
value('timestamp.last', [block(1, time(9_223_372_036_854, 775_807_999))], {
  at: '9223372036854775807n',
})
value('timestamp.last-by-carrying', [block(1, time(9_223_372_036_856, -1_224_193_000))], {
  at: '9223372036854775807n',
})
value('timestamp.first', [block(1, time(-9_223_372_036_855, 224_192_000))], {
  at: '-9223372036854775808n',
})
known.refused('timestamp.above-last', [block(1, time(9_223_372_036_854, 775_808_000))])
known.refused('timestamp.below-first', [block(1, time(-9_223_372_036_855, 224_191_999))])
known.refused('timestamp.far-beyond', [block(1, time(2n ** 63n - 1n, 999_999_999))])
known.refused('timestamp.far-before', [block(1, time(-(2n ** 63n), -999_999_999))])
value('timestamp.list', [block(12), block(12, time(1, 0))], { times: ['0n', '1000000n'] })
value('duration.zero', [block(2)], { took: '0n' })
value('duration.towards-zero', [block(2, time(0, -1_999))], { took: '-1n' })
value('duration.negative', [block(2, time(-1, -500_000_000))], { took: '-1500000n' })
value('duration.map', [block(13, textField(1, 'a'), block(2, time(1, 0)))], {
  durations: [['a', '1000000n']],
})
value('duration.first', [block(2, time(-9_223_372_036_854, -775_808_999))], {
  took: '-9223372036854775808n',
})
known.refused('duration.below-first', [block(2, time(-9_223_372_036_854, -775_809_000))])
const endless = block(13, textField(1, 'a'), block(2, time(2n ** 62n, 0)))
value(
  'duration.map.replaced-out-of-range',
  [endless, block(13, textField(1, 'a'), block(2, time(1, 0)))],
  { durations: [['a', '1000000n']] },
)
known.refused('duration.map.out-of-range', [
  block(13, textField(1, 'a'), block(2, time(1, 0))),
  endless,
])
value('duration.map.no-value', [block(13, textField(1, 'a'))], { durations: [['a', '0n']] })
value('wrapper.default', [block(3), block(4), block(5), block(14), block(15)], {
  int64: '0n',
  text: '',
  flag: false,
  bytes: '0x',
  uint64: '0n',
})
value('wrapper.value', [block(3, varintField(1, -5)), block(15, varintField(1, 2n ** 64n - 1n))], {
  int64: '-5n',
  uint64: '18446744073709551615n',
})
value('wrapper.last-wins', [block(4, textField(1, 'a')), block(4, textField(1, 'b')), block(4)], {
  text: 'b',
})
value('wrapper.unknown-inside', [block(3, varintField(7, 1), varintField(1, 2))], { int64: '2n' })
const item = (name: string, content: Bytes): Bytes =>
  block(1, textField(1, name), block(2, content))
value('struct.empty', [block(6)], { struct: '{}' })
value(
  'struct.kinds',
  [
    block(
      6,
      item('s', textField(3, 'é"')),
      item('b', varintField(4, 1)),
      item('n', varintField(1, 0)),
    ),
  ],
  { struct: '{"s":"é\\"","b":true,"n":null}' },
)
value('value.text', [block(7, textField(3, 'a'))], { value: '"a"' })
value('value.null', [block(7, varintField(1, 0))], { value: 'null' })
value('value.last-member-wins', [block(7, textField(3, 'a'), varintField(4, 1))], {
  value: 'true',
})
value('list.empty', [block(8)], { list: '[]' })
value('list.values', [block(8, block(1, varintField(4, 0)), block(1, textField(3, 'x')))], {
  list: '[false,"x"]',
})
value('any', [block(9, textField(1, 'type/x.Y'), block(2, [8, 1]))], {
  any: { type_url: 'type/x.Y', value: '0x0801' },
})
value('field-mask', [block(10, textField(1, 'a.b'), textField(1, 'c'))], {
  mask: { paths: ['a.b', 'c'] },
})
value('empty', [block(11)], { empty: { _present: true } })
value('empty.unknown-inside', [block(11, varintField(3, 1))], { empty: { _present: true } })
known.refused('timestamp.cut', [block(1, [8])])
known.refused('wrapper.not-utf8', [block(4, block(1, [0xff]))])
known.refused('struct.not-utf8', [block(6, item('s', block(3, [0xff])))])
known.refused('struct.cut', [block(6, [10, 5, 10])])
known.refused('any.length-passes-end', [tag(9, 2), [9], [10]])

// Texts that another member of their oneof replaces.
const replaced: SchemaText = {
  message: 'conformance.A',
  byHand: true,
  text: `syntax = "proto2";
package conformance;
import "google/protobuf/struct.proto";
message A {
  oneof either { google.protobuf.Struct struct = 1; int32 n = 2; A a = 3; }
  required int32 id = 4;
}
`,
}
const byReplacing = new CaseList(replaced, 'replaced-json')
const [id, member] = [varintField(4, 1), varintField(2, 3)]
byReplacing.row('whole', [id, block(1, item('s', textField(3, 'x'))), member], {
  fields: { struct: null, n: 3, a: null },
})
byReplacing.row('incomplete', [id, block(3, varintField(2, 1)), member], {
  exempt: {
    references: ['protobufjs'],
    because: 'it judges required fields when one occurrence of a message ends',
  },
  fields: { struct: null, n: 3, a: null },
})
byReplacing.refused('kept-incomplete', [id, member, block(3, varintField(2, 1))])
byReplacing.refused('not-utf8', [id, block(1, item('s', block(3, [0xff]))), member])
byReplacing.refused('cut', [id, block(1, [10, 5, 10]), member])
byReplacing.refused('wire-type-7', [id, block(3, [0x0f]), member])
byReplacing.refused('merged-then-cut', [id, block(3, id), block(3, [10, 5]), member])

// Messages within themselves.
const recursive: SchemaText = {
  message: 'conformance.A',
  byHand: true,
  text: `syntax = "proto3";
package conformance;
message A { int32 n = 1; A next = 2; repeated A all = 3; map<string, A> by = 4; string s = 5; }
`,
}
const recursion = new CaseList(recursive, 'recursion')
recursion.row('absent', [varintField(1, 1)], { fields: { n: 1, next: null, all: [], by: [] } })
recursion.row('empty', [block(2)], { fields: { next: '{}' } })
recursion.row('nested', [block(2, varintField(1, 1), block(2, textField(5, 'x')))], {
  fields: { next: '{"n":1,"next":{"s":"x"}}' },
})
recursion.row('merged', [block(2, varintField(1, 1)), block(2, textField(5, 'x'))], {
  fields: { next: '{"n":1,"s":"x"}' },
})
recursion.row('list', [block(3, varintField(1, 1)), block(3)], {
  fields: { all: ['{"n":1}', '{}'] },
})
recursion.row('map', [block(4, textField(1, 'a'), block(2, varintField(1, 1)))], {
  fields: { by: [['a', '{"n":1}']] },
})
recursion.refused('cut', [block(2, [8])])
recursion.refused('cut-deeper', [block(2, block(2, [8]))])
recursion.refused('not-utf8-deeper', [block(2, block(2, block(5, [0xc0, 0xaf])))])
recursion.refused('zero-deeper', [block(2, block(2, [0, 0]))])
recursion.refused('eleven-bytes-deeper', [block(2, block(2, tag(1, 0), varint(1, 11)))])
const deep = (depth: number): Bytes => (depth === 0 ? varintField(1, 9) : block(2, deep(depth - 1)))
recursion.row('depth-100', [deep(100)], {
  fields: { next: `${'{"next":'.repeat(99)}{"n":9}${'}'.repeat(99)}` },
})
recursion.refused('depth-101', [deep(101)])
recursion.refused('depth-1000', [deep(1_000)])

export const featureCases = [
  ...byGroup.cases,
  ...byFeature.cases,
  ...byExtension.cases,
  ...known.cases,
  ...byReplacing.cases,
  ...recursion.cases,
]

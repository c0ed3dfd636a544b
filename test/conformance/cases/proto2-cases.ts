/** What only proto2 has: required fields, closed enums, defaults. */
import { type Bytes, block, joined, tag, textField, varint, varintField } from '../wire.ts'
import { CaseList } from './case.ts'

const text = `syntax = "proto2";
package conformance;
enum Kind { ONE = 1; TWO = 2; LESS = -1; }
enum FromZero { NOUGHT = 0; FIRST = 1; }
message Part { required int32 a = 1; required string b = 2; optional int32 c = 3; }
message Closed {
  optional Kind kind = 1;
  repeated Kind kinds = 2;
  repeated Kind packed = 3 [packed = true];
  map<string, FromZero> named = 4;
  oneof either { Kind member = 5; string text = 6; }
  optional int32 with_default = 7 [default = 42];
  optional string text_default = 8 [default = "hey"];
  optional Kind kind_default = 9 [default = TWO];
  optional string word = 10;
  repeated string words = 11;
}
message Demanding {
  required int32 id = 1;
  optional Part part = 2;
  repeated Part parts = 3;
  oneof either { Part member = 4; int32 other = 5; }
  map<int32, Part> by = 6;
  map<string, Deep> deep = 7;
}
message Deep { repeated Part parts = 1; map<int64, Part> by = 2; }
`
const closed = new CaseList({ text, message: 'conformance.Closed' }, 'proto2.closed')
closed.row('nothing', [])
closed.row('default.given', [varintField(7, 42), textField(8, 'hey'), varintField(9, 2)])
closed.row('default.zero', [varintField(7, 0), textField(8, '')], {
  fields: { with_default: 0, text_default: '' },
})
closed.row('default.absent-is-null', [], { fields: { with_default: null, text_default: null } })
for (const number of [0, 3, -2, 2n ** 31n, 2n ** 40n]) {
  closed.row(`unknown.${number}`, [varintField(1, number)], { fields: { kind: null } })
  closed.row(`unknown-after-known.${number}`, [varintField(1, 1), varintField(1, number)], {
    fields: { kind: 'ONE' },
  })
  const listed = {
    references: ['bufbuild'],
    because: 'it keeps unknown numbers of a closed enum in lists',
  } as const
  closed.row(`unknown-in-list.${number}`, [varintField(2, 1), varintField(2, number)], {
    fields: { kinds: ['ONE'] },
    exempt: listed,
  })
  closed.row(`unknown-in-packed.${number}`, [block(3, varint(1), varint(number), varint(2))], {
    fields: { packed: ['ONE', 'TWO'] },
    exempt: listed,
  })
  closed.row(`unknown-member.${number}`, [textField(6, 'x'), varintField(5, number)], {
    fields: { member: null, text: 'x' },
  })
}
for (const number of [2n ** 32n + 1n, 2n ** 33n + 2n]) {
  closed.row(`truncated-to-known.${number}`, [varintField(1, number)])
}
const entry = (...parts: readonly Bytes[]): Bytes => block(4, ...parts)
const mapped = {
  references: ['bufbuild'],
  because: 'it keeps map entries with unknown numbers of a closed enum',
} as const
closed.row('map.unknown-drops-entry', [entry(textField(1, 'a'), varintField(2, 5))], {
  fields: { named: [] },
  exempt: mapped,
})
closed.row(
  'map.unknown-leaves-earlier',
  [entry(textField(1, 'a'), varintField(2, 1)), entry(textField(1, 'a'), varintField(2, 5))],
  { fields: { named: [['a', 'FIRST']] }, exempt: mapped },
)
closed.row('map.unknown-then-known', [entry(varintField(2, 5), varintField(2, 1))], {
  fields: { named: [['', 'FIRST']] },
})
closed.row('map.known-then-unknown', [entry(varintField(2, 1), varintField(2, 5))], {
  fields: { named: [] },
  exempt: mapped,
})
closed.row('map.no-value', [entry(textField(1, 'a'))], { fields: { named: [['a', 'NOUGHT']] } })
closed.row('unpacked-into-packed', [varintField(3, 1), varintField(3, 2)], {
  fields: { packed: ['ONE', 'TWO'] },
})
closed.row('packed-into-unpacked', [block(2, [1, 2])], { fields: { kinds: ['ONE', 'TWO'] } })
const textIsJudged = {
  references: ['protobufjs', 'bufbuild'],
  because:
    'proto2 does not judge text; a STRING column that is not UTF-8 is read by nobody, so lakeward does',
} as const
closed.refused('text-not-utf8', [block(10, [0xff])], { exempt: textIsJudged })
closed.refused('texts-not-utf8', [block(11, [0xc3])], { exempt: textIsJudged })

const demanding = new CaseList({ text, message: 'conformance.Demanding' }, 'proto2.required')
const id = varintField(1, 1)
const whole = joined(varintField(1, 1), textField(2, 'b'))
const unjudged = {
  references: ['bufbuild'],
  because: 'it does not judge required fields',
} as const
demanding.row('given', [id])
demanding.refused('missing', [], { exempt: unjudged })
demanding.refused('of-another-wire-type', [[...tag(1, 5), 1, 2, 3, 4]], { exempt: unjudged })
demanding.row('inside.given', [id, block(2, whole)])
demanding.refused('inside.missing', [id, block(2, varintField(1, 1))], { exempt: unjudged })
demanding.row('inside.absent', [id])
demanding.refused('list.missing', [id, block(3, whole), block(3)], { exempt: unjudged })
demanding.row('list.given', [id, block(3, whole), block(3, whole)])
demanding.refused('oneof.missing', [id, block(4)], { exempt: unjudged })
const eachOccurrence = {
  references: ['protobufjs'],
  because: 'it judges every occurrence when it ends; the specification judges the merged message',
} as const
demanding.row(
  'completed-by-a-later-part',
  [id, block(2, varintField(1, 1)), block(2, textField(2, 'b'))],
  {
    exempt: eachOccurrence,
  },
)
demanding.row('oneof.incomplete-then-replaced', [id, block(4), varintField(5, 1)], {
  exempt: eachOccurrence,
})

const by = (key: number, ...value: readonly Bytes[]): Bytes =>
  block(6, varintField(1, key), ...value)
const good = block(2, whole)
const bad = block(2, varintField(1, 1))
const noValue = {
  references: ['protobufjs', 'bufbuild'],
  because: 'protobufjs does not judge an entry without a value, the other one judges nothing',
} as const
const one = { by: [[1, { a: 1, b: 'b', c: null }]] }
demanding.row('map.given', [id, by(1, good)], { fields: one })
demanding.refused('map.missing', [id, by(1, bad)], { exempt: unjudged })
demanding.refused('map.no-value', [id, by(1)], { exempt: noValue })
demanding.row('map.no-value-then-replaced', [id, by(1), by(1, good)], { fields: one })
demanding.row('map.missing-then-replaced', [id, by(1, bad), by(1, good)], {
  fields: one,
  exempt: eachOccurrence,
})
demanding.refused('map.replaced-by-missing', [id, by(1, good), by(1, bad)], { exempt: unjudged })
demanding.refused('map.replaced-by-no-value', [id, by(1, good), by(1)], { exempt: noValue })
demanding.refused('map.another-key-replaced', [id, by(2), by(1), by(1, good)], { exempt: noValue })
demanding.row('map.many-then-replaced', [
  id,
  ...Array.from({ length: 20 }, (_, key) => by(key)),
  ...Array.from({ length: 20 }, (_, key) => by(key, good)),
])
const deep = (key: string, ...parts: readonly Bytes[]): Bytes =>
  block(7, textField(1, key), block(2, ...parts))
demanding.row('map.list-within-replaced', [id, deep('k', block(1, varintField(1, 1))), deep('k')], {
  fields: { deep: [['k', { parts: [], by: [] }]] },
  exempt: eachOccurrence,
})
demanding.row(
  'map.map-within-replaced',
  [id, deep('j'), deep('k', block(2, varintField(1, 5))), deep('k', block(1, whole))],
  {
    fields: {
      deep: [
        ['j', { parts: [], by: [] }],
        ['k', { parts: [{ a: 1, b: 'b', c: null }], by: [] }],
      ],
    },
  },
)
demanding.refused('map.list-within-the-last', [id, deep('k'), deep('k', block(1))], {
  exempt: unjudged,
})

export const proto2Cases = [...closed.cases, ...demanding.cases]

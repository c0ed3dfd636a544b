/** Tags, lengths, ends, groups, nesting and text: where bytes are sound and where they are not. */
import { present } from '../../../src/base/assert.ts'
import { type Bytes, block, tag, textField, utf8, varint, varintField, wireTypes } from '../wire.ts'
import { allTypes, isText, numberOf, others, scalars, valuesOf, wireTypeOf } from './all-types.ts'
import { type Case, CaseList } from './case.ts'

const list = new CaseList(allTypes, 'framing')
const unknown = 1_000
const kept = varintField(numberOf('one', 'int32'), 5)
const stays = { fields: { one_int32: 5 } }

/** @bufbuild/protobuf goes by the field number alone. */
const wireTypeIgnored = {
  references: ['bufbuild'],
  because: 'it reads a known field by its number, whatever the wire type',
} as const
const endIgnored = {
  references: ['bufbuild'],
  because: 'it does not see that a field passes the end of its message',
} as const

// A known field of another wire type is an unknown field.
const payloads: readonly (readonly [number, Bytes])[] = [
  [wireTypes.varint, varint(300)],
  [wireTypes.fixed64, [1, 2, 3, 4, 5, 6, 7, 8]],
  [wireTypes.bytes, [2, 8, 1]],
  [wireTypes.group, [8, 1]],
  [wireTypes.fixed32, [1, 2, 3, 4]],
]
const bodyOf = (field: number, wireType: number, body: Bytes): Bytes => {
  const end = wireType === wireTypes.group ? tag(field, wireTypes.groupEnd) : []
  return [...tag(field, wireType), ...body, ...end]
}
for (const scalar of scalars) {
  for (const place of ['one', 'maybe', 'member', 'many'] as const) {
    for (const [wireType, body] of payloads) {
      const isPacked = place === 'many' && wireType === wireTypes.bytes
      if (wireType === wireTypeOf(scalar) || isPacked) continue
      const bytes = bodyOf(numberOf(place, scalar), wireType, body)
      const name = `wire-type.${place}_${scalar}.${wireType}`
      list.row(name, [bytes, kept], { exempt: wireTypeIgnored })
    }
  }
}
for (const field of [others.inner, others.inners, others.map_inner, others.member_inner]) {
  for (const [wireType, body] of payloads) {
    if (wireType === wireTypes.bytes) continue
    const bytes = bodyOf(field, wireType, body)
    list.row(`wire-type.${field}.${wireType}`, [bytes, kept], { ...stays, exempt: wireTypeIgnored })
  }
}
for (const [wireType, body] of payloads) {
  for (const field of [unknown, 18_999, 19_500, 2 ** 29 - 2]) {
    const bytes = bodyOf(field, wireType, body)
    list.row(`unknown.${field}.${wireType}`, [bytes, kept, bytes], stays)
    list.row(`unknown.inside.${field}.${wireType}`, [block(others.inner, bytes), kept], stays)
  }
}
const skipsUncounted = {
  references: ['protobufjs', 'bufbuild'],
  because: 'they skip the varint of an unknown field without counting its bytes',
} as const
list.row('unknown.varint-of-ten-bytes', [tag(unknown, 0), varint(1, 10), kept], stays)
list.refused('unknown.varint-of-eleven-bytes', [tag(unknown, 0), varint(1, 11), kept], {
  exempt: skipsUncounted,
})
list.row('far-field', [varintField(others.far, 3)], { fields: { far: 3 } })

// Field number 0 and wire types that do not exist.
const illegal: readonly (readonly [string, Bytes])[] = [
  ['zero.varint', [0, 0]],
  ['zero.fixed64', [1, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['zero.bytes', [2, 1, 1]],
  ['zero.group', [3, 4]],
  ['zero.group-end', [4]],
  ['zero.fixed32', [5, 0, 0, 0, 0]],
  ['zero.over-long', [0x80, 0x00, 0]],
  ['type-6', [...tag(unknown, 6), 0]],
  ['type-7', [...tag(unknown, 7), 0]],
  ['known.type-6', [...tag(1, 6), 0]],
  ['known.type-7', [...tag(1, 7), 0]],
  ['number-2-to-29', [0x80, 0x80, 0x80, 0x80, 0x10, 0]],
  ['number-of-35-bits', [0x88, 0x80, 0x80, 0x80, 0x7f, 0]],
  ['six-bytes', tag(unknown, 0, 6)],
  ['ten-bytes', tag(unknown, 0, 10)],
  ['eleven-bytes', tag(unknown, 0, 11)],
]
for (const [name, bytes] of illegal) {
  const laxTag = name.includes('bytes') || name.startsWith('number-')
  const exempt = laxTag
    ? ({ references: ['bufbuild'], because: 'it takes a longer tag' } as const)
    : undefined
  const more = exempt === undefined ? {} : { exempt }
  list.refused(`tag.${name}`, [bytes, [0, 0, 0, 0, 0, 0]], more)
  list.refused(`tag.inside.${name}`, [block(others.inner, bytes)], more)
  list.refused(`tag.in-group.${name}`, [tag(unknown, 3), bytes, tag(unknown, 4)], more)
}
for (let size = 2; size <= 5; size++) {
  const bytes: Bytes = [...tag(1, 0, size), ...varint(1)]
  list.row(`tag.over-long.unknown.${size}`, [tag(unknown, 0, size), varint(1), kept], stays)
  list.row(`tag.over-long.known.${size}`, [tag(3, 0, size), varint(1), kept])
  list.row(`tag.over-long.inside.${size}`, [block(others.inner, bytes)])
  list.row(`length.over-long.${size}`, [tag(others.inner, 2), varint(2, size), varintField(1, 1)])
  list.row(`length.over-long.text.${size}`, [
    tag(numberOf('one', 'string'), 2),
    varint(1, size),
    utf8('a'),
  ])
}

// Ends: within a tag, a length, a value, a packed list, a message.
for (const scalar of scalars) {
  const wireType = wireTypeOf(scalar)
  const value = present(valuesOf[scalar][1], 'every scalar has values').bytes
  for (const place of ['one', 'maybe', 'many', 'member'] as const) {
    const number = numberOf(place, scalar)
    list.refused(`end.before-value.${place}_${scalar}`, [tag(number, wireType)])
    for (let cut = 1; cut < value.length; cut++) {
      list.refused(`end.in-value-${cut}.${place}_${scalar}`, [
        tag(number, wireType),
        value.slice(0, cut),
      ])
    }
  }
  const field: Bytes = [...tag(1, wireType), ...value]
  for (let cut = 1; cut < field.length; cut++) {
    // Field 1 of the map's entry is its key, which makes some of the cuts sound.
    const inner = field.slice(0, cut)
    list.refused(`end.in-unknown-${cut}.${scalar}`, [
      [...tag(unknown, wireType), ...value].slice(0, cut),
    ])
    list.refused(
      `end.in-message-${cut}.${scalar}`,
      [block(others.inner, [...tag(15, wireType), ...inner.slice(1)]), kept],
      { exempt: endIgnored },
    )
  }
  if (isText(scalar)) continue
  const number = numberOf('many', scalar)
  for (let cut = 1; cut < value.length; cut++) {
    list.refused(`end.packed-${cut}.${scalar}`, [block(number, value, value.slice(0, cut))], {
      exempt: endIgnored,
    })
  }
  if (value.length > 1) {
    // The value goes on behind its list, and what follows would be sound.
    const short = [tag(number, 2), varint(value.length - 1), value, kept]
    list.refused(`end.packed-value-passes-list.${scalar}`, short, { exempt: endIgnored })
  }
  list.refused(`end.packed-length.${scalar}`, [tag(number, 2), varint(value.length + 1), value], {
    exempt: endIgnored,
  })
}
for (const field of [others.inner, others.inners, others.map_inner, others.member_inner, unknown]) {
  list.refused(`end.before-length.${field}`, [tag(field, 2)])
  list.refused(`end.in-length.${field}`, [tag(field, 2), [0x80]])
  const exempt = field === unknown ? {} : { exempt: endIgnored }
  list.refused(`end.length-passes-end.${field}`, [tag(field, 2), [5], varintField(1, 1)], exempt)
  list.refused(`end.length-huge.${field}`, [tag(field, 2), varint(2 ** 31 - 1)], exempt)
  list.refused(`end.length-negative.${field}`, [tag(field, 2), varint(-1)], exempt)
  list.refused(`end.length-2-to-31.${field}`, [tag(field, 2), varint(2n ** 31n)], exempt)
  list.refused(`end.length-2-to-32.${field}`, [tag(field, 2), varint(2n ** 32n)], {
    exempt: {
      references: ['bufbuild'],
      because: 'it keeps the low 32 bits of a length, which are 0 here',
    },
  })
}
list.refused('end.field-passes-message', [block(others.inner, [8]), [1]], { exempt: endIgnored })
list.refused(
  'end.nested-passes-outer',
  [block(others.inner, tag(4, 2), [9], varintField(1, 1)), kept, kept, kept, kept, kept],
  { exempt: endIgnored },
)

// Unknown groups.
const group = (number: number, ...content: readonly Bytes[]): Bytes => [
  ...tag(number, 3),
  ...content.flat(),
  ...tag(number, 4),
]
const nested = (depth: number): Bytes => [
  ...Array.from({ length: depth }, () => tag(unknown, 3)).flat(),
  ...Array.from({ length: depth }, () => tag(unknown, 4)).flat(),
]
list.row('group.empty', [group(unknown), kept], stays)
list.row('group.fields', [group(unknown, kept, textField(2, 'x'), block(3, [1]))])
list.row('group.in-group', [group(unknown, group(unknown + 1), group(unknown)), kept], stays)
list.row('group.in-message', [block(others.inner, group(unknown, kept)), kept], stays)
list.row('group.depth-100', [nested(100), kept], {
  ...stays,
  exempt: {
    references: ['bufbuild'],
    because: 'it counts the outermost message as one level',
  },
})
const oneMore = {
  references: ['protobufjs'],
  because: 'it counts unknown groups from 0, whatever is around them, and takes 101',
} as const
list.refused('group.depth-101', [nested(101), kept], { exempt: oneMore })
list.refused('group.depth-102', [nested(102), kept])
list.refused('group.depth-10000', [nested(10_000), kept])
list.refused('group.no-end', [tag(unknown, 3), kept])
list.refused('group.no-end-in-message', [block(others.inner, tag(unknown, 3)), tag(unknown, 4)], {
  exempt: endIgnored,
})
list.refused('group.end-of-another', [tag(unknown, 3), tag(unknown + 1, 4)])
list.refused('group.end-alone', [tag(unknown, 4)])
list.refused('group.end-alone-in-message', [block(others.inner, tag(unknown, 4))])
list.refused('group.end-alone-in-group', [tag(unknown, 3), tag(1, 4), tag(unknown, 4)])
list.refused('group.known-end-alone', [tag(1, 4)], { exempt: wireTypeIgnored })
list.refused('group.broken-inside', [group(unknown, [8])])
list.refused(
  'group.crosses-message',
  [block(others.inner, tag(unknown, 3), [8]), [1], tag(unknown, 4)],
  { exempt: endIgnored },
)
list.row('group.overlong-end', [tag(unknown, 3), tag(unknown, 4, 5), kept], stays)

// Text.
const badTexts = {
  'lone continuation': [0x80],
  'cut off': [0xe2, 0x98],
  'over-long slash': [0xc0, 0xaf],
  'over-long zero': [0xe0, 0x80, 0x80],
  surrogate: [0xed, 0xa0, 0x80],
  'surrogate pair': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
  'above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
  '0xff': [0xff],
  'bad at the end of a long one': [...utf8('a'.repeat(70)), 0xc3],
}
for (const [name, bad] of Object.entries(badTexts)) {
  for (const place of ['one', 'maybe', 'many', 'member'] as const) {
    list.refused(`utf8.${place}.${name}`, [block(numberOf(place, 'string'), bad)])
  }
  list.refused(`utf8.map-key.${name}`, [block(numberOf('map', 'int32'), block(1, bad))])
  list.refused(`utf8.map-value.${name}`, [block(numberOf('map', 'string'), block(2, bad))])
  list.refused(`utf8.inside.${name}`, [block(others.inner, block(2, bad))])
  list.refused(`utf8.overwritten.${name}`, [
    block(numberOf('one', 'string'), bad),
    textField(numberOf('one', 'string'), 'good'),
  ])
  list.row(`utf8.as-bytes.${name}`, [block(numberOf('one', 'bytes'), bad)])
  list.row(`utf8.unknown.${name}`, [block(unknown, bad)])
}

// Messages.
const inner = (...parts: readonly Bytes[]): Bytes => block(others.inner, ...parts)
list.row('message.empty', [inner()])
list.row('message.merged.scalars', [inner(varintField(1, 1)), inner(textField(2, 'a'))])
list.row('message.merged.last-wins', [inner(varintField(1, 1)), inner(varintField(1, 2))])
list.row('message.merged.lists', [inner(varintField(3, 1)), inner(block(3, [2, 3]))])
list.row('message.merged.deeper', [
  inner(block(4, varintField(1, 1), textField(2, 'a'))),
  inner(block(4, textField(2, 'b'))),
])
list.row('message.merged.with-empty', [inner(varintField(1, 1), varintField(5, 0)), inner()])
list.row('message.merged.oneof', [inner(varintField(6, 1)), inner(textField(7, 'x'))])
list.row('message.merged.map', [
  inner(block(8, textField(1, 'a'), varintField(2, 1)), block(8, textField(1, 'b'))),
  inner(block(8, textField(1, 'a'), varintField(2, 2))),
])
list.row('message.repeated-is-not-merged', [
  block(others.inners, varintField(1, 1)),
  block(others.inners, textField(2, 'a')),
])
const member = (...parts: readonly Bytes[]): Bytes => block(others.member_inner, ...parts)
const otherMember = varintField(numberOf('member', 'int32'), 1)
list.row('message.oneof.merged', [member(varintField(1, 1)), member(textField(2, 'a'))])
list.row('message.oneof.replaced-is-forgotten', [
  member(varintField(1, 1), block(3, [1, 2]), varintField(6, 4)),
  otherMember,
  member(textField(2, 'a')),
])
list.row('message.oneof.replaced', [member(varintField(1, 1)), otherMember])
const entry = (...parts: readonly Bytes[]): Bytes => block(others.map_inner, ...parts)
list.row('message.map.last-replaces', [
  entry(textField(1, 'a'), block(2, varintField(1, 1))),
  entry(textField(1, 'a'), block(2, textField(2, 'x'))),
])
list.row('message.map.value-twice-is-merged', [
  entry(textField(1, 'a'), block(2, varintField(1, 1)), block(2, textField(2, 'x'))),
])
list.row('message.map.no-value', [entry(textField(1, 'a'))])
list.row('message.map.lists-of-a-replaced-value', [
  entry(textField(1, 'a'), block(2, block(3, [1, 2, 3]))),
  entry(textField(1, 'b'), block(2, block(3, [4]))),
  entry(textField(1, 'a'), block(2, block(3, [5]))),
])
// Few entries are compared each with each, many are put into a table.
for (const count of [2, 12, 13, 40, 500]) {
  const textEntry = (key: number, value: number): Bytes =>
    block(numberOf('map', 'int32'), textField(1, `key ${key}`), varintField(2, value))
  const numberEntry = (key: number, value: number): Bytes =>
    block(numberOf('key', 'int64'), varintField(1, key * 2 ** 32), varintField(2, value))
  const entries = (make: (key: number, value: number) => Bytes, distinct: number): Bytes[] =>
    Array.from({ length: count }, (_, index) => make((index * 7) % distinct, index))
  for (const distinct of new Set([1, 5, Math.ceil(count / 2), count])) {
    list.row(`message.map.texts.${distinct}-of-${count}`, entries(textEntry, distinct))
    list.row(`message.map.numbers.${distinct}-of-${count}`, entries(numberEntry, distinct))
  }
  const replaced = Array.from({ length: count }, (_, index) =>
    entry(textField(1, `${index % 3}`), block(2, block(3, [index % 100, 1]), textField(2, 'x'))),
  )
  list.row(`message.map.values.${count}`, replaced)
}
list.row('nothing', [])

/** Messages inside each other, the innermost with a number. */
function chainCases(): readonly Case[] {
  const depthMax = 102
  const names = Array.from({ length: depthMax }, (_, index) => `M${index}`)
  const text = `syntax = "proto3";
package conformance;
${names.map((name, index) => `message ${name} { int32 n = 1; ${index + 1 < depthMax ? `M${index + 1} m = 2;` : ''} }`).join('\n')}
`
  const chain = new CaseList({ text, message: 'conformance.M0' }, 'depth')
  const deep = (depth: number): Bytes =>
    depth === 0 ? varintField(1, 9) : block(2, deep(depth - 1))
  chain.row('messages-10', [deep(10)])
  const counting = {
    references: ['bufbuild'],
    because: 'it counts the outermost message as one level',
  } as const
  chain.row('messages-99', [deep(99)])
  chain.row('messages-100', [deep(100)], { exempt: counting })
  chain.refused('messages-101', [deep(101)])
  const within = (depth: number): Bytes => (depth === 0 ? nested(50) : block(2, within(depth - 1)))
  chain.row('messages-50-groups-50', [within(50)], { exempt: counting })
  chain.refused('messages-51-groups-50', [within(51)], { exempt: oneMore })
  return chain.cases
}

export const framingCases: readonly Case[] = [...list.cases, ...chainCases()]

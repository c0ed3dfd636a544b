/** Values of every scalar type in every place a field can have. */
import { present } from '../../../src/base/assert.ts'
import type { ScalarType } from '../../../src/model/event-schema.ts'
import { type Bytes, block, tag, textField, varint, varintField } from '../wire.ts'
import {
  allTypes,
  isText,
  isVarint,
  keyTypes,
  numberOf,
  others,
  type Place,
  scalars,
  valuesOf,
  type WireValue,
  wireTypeOf,
} from './all-types.ts'
import { CaseList } from './case.ts'

const list = new CaseList(allTypes, 'scalar')

const field = (place: Place, scalar: ScalarType, { bytes }: WireValue): Bytes => [
  ...tag(numberOf(place, scalar), wireTypeOf(scalar)),
  ...bytes,
]
const nth = (scalar: ScalarType, index: number): WireValue =>
  present(valuesOf[scalar].at(index), 'every scalar has values')

for (const scalar of scalars) {
  const [zero, some, last] = [nth(scalar, 0), nth(scalar, 1), nth(scalar, -1)]
  for (const [index, value] of valuesOf[scalar].entries()) {
    for (const place of ['one', 'maybe', 'member'] as const) {
      const fields = { [`${place}_${scalar}`]: value.plain }
      list.row(`${scalar}.${place}.value-${index}`, [field(place, scalar, value)], { fields })
    }
  }
  for (const place of ['one', 'maybe', 'member'] as const) {
    const name = `${place}_${scalar}`
    const twice = [field(place, scalar, some), field(place, scalar, last)]
    list.row(`${scalar}.${place}.last-wins`, twice, { fields: { [name]: last.plain } })
    const back = [field(place, scalar, some), field(place, scalar, zero)]
    list.row(`${scalar}.${place}.default-wins-too`, back, { fields: { [name]: zero.plain } })
  }
  const member = `member_${scalar}`
  const inner = block(others.member_inner, varintField(1, 5))
  list.row(`${scalar}.member.replaces-a-message`, [inner, field('member', scalar, some)], {
    fields: { [member]: some.plain, member_inner: null },
  })
  list.row(`${scalar}.member.is-replaced`, [field('member', scalar, some), inner], {
    fields: { [member]: null },
  })
  const all = valuesOf[scalar].map(({ plain }) => plain)
  const unpacked = (place: Place): Bytes[] => valuesOf[scalar].map((v) => field(place, scalar, v))
  list.row(`${scalar}.many.unpacked`, unpacked('many'), { fields: { [`many_${scalar}`]: all } })
  const values = (name: string): object => ({ [`map_${scalar}`]: [[name, some.plain]] })
  const entry = (...parts: readonly Bytes[]): Bytes => block(numberOf('map', scalar), ...parts)
  const key = textField(1, 'a')
  const item = (value: WireValue): Bytes => [...tag(2, wireTypeOf(scalar)), ...value.bytes]
  const mapped = `map_${scalar}`
  list.row(`${scalar}.map.entry`, [entry(key, item(some))], { fields: { ...values('a') } })
  list.row(`${scalar}.map.value-first`, [entry(item(some), key)], { fields: { ...values('a') } })
  list.row(`${scalar}.map.no-key`, [entry(item(some))], { fields: { ...values('') } })
  const missing = { fields: { [mapped]: [['a', zero.plain]] } }
  list.row(`${scalar}.map.no-value`, [entry(key)], missing)
  list.row(`${scalar}.map.empty-entry`, [entry()], { fields: { [mapped]: [['', zero.plain]] } })
  list.row(`${scalar}.map.last-key-wins`, [entry(key, item(last)), entry(key, item(some))], {
    fields: { ...values('a') },
  })
  list.row(`${scalar}.map.value-twice`, [entry(key, item(last), item(some))], {
    fields: { ...values('a') },
  })
  list.row(`${scalar}.map.key-twice`, [entry(textField(1, 'b'), item(some), key)], {
    fields: { ...values('a') },
  })
  list.row(`${scalar}.map.unknown-fields-inside`, [
    entry(varintField(9, 1), key, textField(7, 'x'), item(some)),
  ])
  list.row(`${scalar}.map.default-after-value`, [entry(key, item(some)), entry(key)], missing)
  if (isText(scalar)) continue
  const packed = (place: Place): Bytes =>
    block(numberOf(place, scalar), ...valuesOf[scalar].map(({ bytes }) => bytes))
  for (const place of ['many', 'loose'] as const) {
    const name = `${place}_${scalar}`
    list.row(`${scalar}.${place}.packed`, [packed(place)], { fields: { [name]: all } })
    list.row(`${scalar}.${place}.packed-empty`, [block(numberOf(place, scalar))], {
      fields: { [name]: [] },
    })
    list.row(`${scalar}.${place}.mixed`, [packed(place), ...unpacked(place), packed(place)], {
      fields: { [name]: [...all, ...all, ...all] },
    })
  }
  list.row(`${scalar}.loose.unpacked`, unpacked('loose'), { fields: { [`loose_${scalar}`]: all } })
}

for (const key of keyTypes) {
  const [zero, some, last] = [nth(key, 0), nth(key, 1), nth(key, -1)]
  const name = `key_${key}`
  const entry = (...parts: readonly Bytes[]): Bytes => block(numberOf('key', key), ...parts)
  const keyed = (value: WireValue): Bytes => [...tag(1, wireTypeOf(key)), ...value.bytes]
  const item = varintField(2, 7)
  const many = valuesOf[key].map((value) => entry(keyed(value), item))
  list.row(`${key}.key.every-value`, many)
  list.row(`${key}.key.missing`, [entry(item)], { fields: { [name]: [[zero.plain, 7]] } })
  list.row(`${key}.key.twice`, [entry(keyed(last), item, keyed(some))], {
    fields: { [name]: [[some.plain, 7]] },
  })
  list.row(
    `${key}.key.last-wins`,
    [entry(keyed(some), varintField(2, 1)), entry(keyed(some), item)],
    {
      fields: { [name]: [[some.plain, 7]] },
    },
  )
}

/** Varints that are longer than their value, and wider than their type. */
const wideVarints: readonly (readonly [string, Bytes])[] = [
  ['ten bytes of minus one', varint(-1n)],
  ['two to the 32', varint(2n ** 32n)],
  ['two to the 32 and one', varint(2n ** 32n + 1n)],
  ['two to the 63', varint(2n ** 63n)],
  ['sixty-four ones', varint(2n ** 64n - 1n)],
  ['above 64 bits', [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]],
  ...Array.from({ length: 9 }, (_, more): readonly [string, Bytes] => [
    `one in ${more + 2} bytes`,
    varint(1, more + 2),
  ]),
  ...Array.from({ length: 9 }, (_, more): readonly [string, Bytes] => [
    `zero in ${more + 2} bytes`,
    varint(0, more + 2),
  ]),
]

for (const scalar of scalars.filter(isVarint)) {
  for (const [name, bytes] of wideVarints) {
    for (const place of ['one', 'maybe', 'many'] as const) {
      list.row(`${scalar}.${place}.wide.${name}`, [tag(numberOf(place, scalar), 0), bytes])
    }
    list.row(`${scalar}.many.wide-packed.${name}`, [block(numberOf('many', scalar), bytes)])
  }
  list.refused(`${scalar}.one.eleven-bytes`, [tag(numberOf('one', scalar), 0), varint(1, 11)])
  list.refused(`${scalar}.many.eleven-bytes`, [block(numberOf('many', scalar), varint(1, 11))])
}

const kinds = { 0: 'ZERO', 1: 'ONE', '-1': 'LESS', 300: 'ALSO_TWO_UP', 77: '77', '-5': '-5' }
for (const [number, shown] of Object.entries(kinds)) {
  const value = varint(BigInt(number))
  for (const name of ['one_kind', 'maybe_kind', 'member_kind'] as const) {
    list.row(`enum.${name}.${number}`, [tag(others[name], 0), value], { fields: { [name]: shown } })
  }
  for (const name of ['many_kind', 'loose_kind'] as const) {
    const fields = { [name]: [shown, shown] }
    list.row(`enum.${name}.packed.${number}`, [block(others[name], value, value)], { fields })
    const alone: Bytes = [...tag(others[name], 0), ...value]
    list.row(`enum.${name}.unpacked.${number}`, [alone, alone], { fields })
  }
  list.row(`enum.map.${number}`, [block(others.map_kind, textField(1, 'a'), tag(2, 0), value)], {
    fields: { map_kind: [['a', shown]] },
  })
}
for (const [name, bytes] of wideVarints) {
  list.row(`enum.one_kind.wide.${name}`, [tag(others.one_kind, 0), bytes])
  list.row(`enum.many_kind.wide.${name}`, [block(others.many_kind, bytes)])
}

export const scalarCases = list.cases

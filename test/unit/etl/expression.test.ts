import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { compileFilter } from '../../../src/etl/expression.ts'
import { enumField, messageField, messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const explicit = { presence: 'explicit' } as const
const kinds = {
  fullName: 'test.Kind',
  names: new Map([
    [0, 'UNSET'],
    [1, 'VIEW'],
  ]),
  closed: false,
}
const page = messageOf('test.Page', [
  scalarField(['url', 1], 'string'),
  scalarField(['load_ms', 2], 'uint32', explicit),
])
const message = messageOf('test.Event', [
  scalarField(['country', 1], 'string'),
  scalarField(['views', 2], 'int64'),
  scalarField(['bonus', 3], 'int32', explicit),
  scalarField(['is_test', 4], 'bool'),
  enumField(['kind', 5], kinds),
  messageField(['page', 6], page),
  scalarField(['tags', 7], 'string', { repeated: true }),
  scalarField(['raw', 8], 'bytes'),
  scalarField(['note', 9], 'string', explicit),
  scalarField(['score', 10], 'double'),
  scalarField(['by_card', 11], 'string', { oneof: 'paid', presence: 'explicit' }),
  scalarField(['by_cash', 12], 'int32', { oneof: 'paid', presence: 'explicit' }),
  scalarField(['order', 13], 'uint64'),
  scalarField(['in', 14], 'int32'),
  enumField(['old_kind', 15], { ...kinds, fullName: 'test.Old', closed: true }, explicit),
])

const verdict = (where: string, bytes: Uint8Array) => {
  const framed = joined(Uint8Array.from([0xff, 0xff]), bytes, Uint8Array.from([0xff]))
  return compileFilter(where, message, 'views').matches(framed, 2, 2 + bytes.length)
}

const german = bytesField(1, utf8('DE'))
const double = (value: number) => {
  const bytes = new Uint8Array(9)
  bytes[0] = 0x51
  new DataView(bytes.buffer).setFloat64(1, value, true)
  return bytes
}

describe('a filter keeps an event', () => {
  it.each<[string, Uint8Array]>([
    ["country <> ''", german],
    ["country = 'DE'", german],
    ["'DE' = country", german],
    ["country in ('FR', 'DE')", german],
    ["country not in ('FR', 'IT')", german],
    ["country like 'D%' and country like '_E' and country like '%'", german],
    ["not country like 'D_%E'", german],
    ["country < 'DF' and country > 'D' and country >= 'DE'", german],
    ["country = 'it''s'", bytesField(1, utf8("it's"))],
    ["country like '_x_'", bytesField(1, utf8('éx😀'))],
    ["country like '%ab%abc%'", bytesField(1, utf8('aabab-ababc'))],
    ['views = 9007199254740993', varintField(2, 2n ** 53n + 1n)],
    ['views <> 9007199254740992', varintField(2, 2n ** 53n + 1n)],
    ['views < -9223372036854775807', varintField(2, -(2n ** 63n))],
    ['order > 18446744073709551614', varintField(13, 2n ** 64n - 1n)],
    ['views > 1.5 and views < 2.5e0', varintField(2, 2n)],
    ['views = bonus', joined(varintField(2, 7n), varintField(3, 7n))],
    ['is_test', varintField(4, 1n)],
    ['not is_test and is_test = false', german],
    ["kind = 'VIEW' and kind in ('VIEW') and kind <> 'UNSET'", varintField(5, 1n)],
    ["kind = 'UNSET'", german],
    ["kind <> 'VIEW' and kind <> 'UNSET'", varintField(5, 77n)],
    [
      "page.url = '/a' and page.load_ms is null and page is not null",
      bytesField(6, bytesField(1, utf8('/a'))),
    ],
    ["page.url = ''", bytesField(6, new Uint8Array())],
    ['page is null and page.url is null and bonus is null and note is null', german],
    ['bonus is not null and bonus = 0', varintField(3, 0n)],
    ['"in" = 3', varintField(14, 3n)],
    ['score <> 1', double(Number.NaN)],
    ['(((1 = 1)))', german],
    ['raw is not null', german],
  ])('%s', (where, bytes) => {
    expect(verdict(where, bytes)).toBe('pass')
  })
})

describe('a filter does not keep an event', () => {
  it.each<[string, Uint8Array]>([
    ["country <> ''", new Uint8Array()],
    ['bonus = 1', german],
    ['bonus <> 1', german],
    ['not bonus = 1', german],
    ['bonus = 1 or bonus <> 1', german],
    ['bonus in (1, null)', varintField(3, 2n)],
    ['bonus not in (1, null)', varintField(3, 2n)],
    ['bonus = null', varintField(3, 2n)],
    ["page.url <> 'x'", german],
    ["note like '%'", german],
    ['null', german],
    ['false', german],
    ['score = score', double(Number.NaN)],
    ["country like 'D'", german],
    ["country like '_'", german],
  ])('%s', (where, bytes) => {
    expect(verdict(where, bytes)).toBe('reject')
  })

  it('unless unknown is beside a true "or"', () => {
    expect(verdict("bonus = 1 or country = 'DE'", german)).toBe('pass')
    expect(verdict("country = 'DE' or bonus = 1", german)).toBe('pass')
  })
})

describe('wire format', () => {
  it('the last value wins, and one of another wire type is no value', () => {
    expect(verdict("country = 'DE'", joined(bytesField(1, utf8('FR')), german))).toBe('pass')
    expect(verdict("country = 'DE'", joined(german, varintField(1, 5n)))).toBe('pass')
  })

  it('submessages sent twice are merged', () => {
    const twice = joined(
      bytesField(6, joined(bytesField(1, utf8('/a')), varintField(2, 3n))),
      bytesField(6, bytesField(1, utf8('/b'))),
    )
    expect(verdict("page.url = '/b' and page.load_ms = 3", twice)).toBe('pass')
    const later = joined(
      bytesField(6, bytesField(1, utf8('/a'))),
      bytesField(6, varintField(2, 3n)),
    )
    expect(verdict("page.url = '/a' and page.load_ms = 3", later)).toBe('pass')
  })

  it('a member of a oneof clears the others, asked for or not', () => {
    const card = bytesField(11, utf8('visa'))
    const cash = varintField(12, 5n)
    expect(verdict('by_card is null', joined(card, cash))).toBe('pass')
    expect(verdict("by_card = 'visa'", joined(cash, card))).toBe('pass')
    expect(verdict('by_cash is null', joined(cash, card))).toBe('pass')
  })

  it('a closed enum does not take numbers it has no name for', () => {
    expect(verdict('old_kind is null', varintField(15, 9n))).toBe('pass')
    expect(verdict("old_kind = 'VIEW'", joined(varintField(15, 1n), varintField(15, 9n)))).toBe(
      'pass',
    )
  })

  it.each([
    ['a cut field', Uint8Array.from([10, 5, 97])],
    ['a cut submessage field', bytesField(6, Uint8Array.from([10, 5, 97]))],
    ['field number 0', Uint8Array.from([0, 0])],
    ['a wire type that does not exist', Uint8Array.from([15])],
  ])('%s is malformed', (_, bytes) => {
    expect(verdict("country = '' or page.url = ''", bytes)).toBe('malformed')
  })
})

describe('an expression is refused', () => {
  const refusal = (where: string): Fault => {
    try {
      compileFilter(where, message, 'views')
    } catch (error) {
      if (error instanceof Fault) return error
      throw error
    }
    throw new Error(`"${where}" was taken`)
  }

  it.each([
    ['nothing = 1', 1, 'has no field "nothing"'],
    ["country = '' and page.size = 1", 18, 'message "test.Page" has no field "size"'],
    ['country.size = 1', 1, '"country" is no message'],
    ["tags = 'a'", 1, 'is repeated'],
    ['country = 1', 9, 'cannot be compared'],
    ["views = '1'", 7, 'cannot be compared'],
    ['views = true', 7, 'cannot be compared'],
    ['is_test > false', 9, 'have no order'],
    ["kind > 'VIEW'", 6, 'have no order'],
    ["kind = 'BUY'", 8, 'has no value "BUY"; it has UNSET, VIEW'],
    ['kind = 1', 6, 'cannot be compared'],
    ["raw = 'a'", 5, 'bytes can only be tested with "is null"'],
    ["page = 'a'", 6, 'message can only be tested with "is null"'],
    ["views like '1'", 7, '"like" needs a string'],
    ['country like 5', 14, "a text in '…' is expected here"],
    ['country', 1, 'not a condition'],
    ["'a'", 1, 'not a condition'],
    ['(views = 1) = 2', 8, 'a condition stands where a value is needed'],
    ['1 is null', 3, '"is null" needs a field'],
    ['views =', 8, 'is expected here, not the end'],
    ['views = 1 views', 11, 'is not expected here'],
    ["country = 'a", 11, 'a text starts here and does not end'],
    ['views = 1x', 9, 'this is not a number'],
    ['views # 1', 7, '"#" starts nothing'],
    ['views in ()', 11, 'is expected here'],
    ['views in (1, bonus)', 14, 'is expected here'],
    ['views not 1', 11, '"in" or "like"'],
    ['views is 1', 10, '"null" is expected'],
    ['-country = 1', 1, 'a field or a value is expected'],
    [`${'('.repeat(200)}`, 101, 'nesting of at most 100'],
    [`${'not '.repeat(200)}true`, 401, 'nesting of at most 100'],
  ])('%s', (where, column, reason) => {
    const fault = refusal(where)
    expect(fault.code).toBe('ETL_EXPRESSION_REFUSED')
    expect(fault.message).toContain(reason)
    expect(fault.message).toContain(`at column ${column}:`)
    expect(fault.message).toContain('stream "views"')
  })
})

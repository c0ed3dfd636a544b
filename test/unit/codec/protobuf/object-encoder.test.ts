import { describe, expect, test } from 'vitest'
import { isFault } from '../../../../src/base/fault.ts'
import { ObjectDecoder } from '../../../../src/codec/protobuf/object-decoder.ts'
import { ObjectEncoder } from '../../../../src/codec/protobuf/object-encoder.ts'
import { parseMessageSchema } from '../../../../src/codec/protobuf/parse-schema.ts'
import type { MessageSchema } from '../../../../src/model/event-schema.ts'

const schemaOf = (text: string, message = 'p.A'): MessageSchema =>
  parseMessageSchema(new Map([['a.proto', text]]), 'a.proto', message)

const schema = schemaOf(`syntax = "proto3"; package p;
  message A {
    int32 i = 1; uint32 u = 2; int64 l = 3; uint64 ul = 4; float f = 5; double d = 6; bool b = 7;
    string s = 8; bytes raw = 9; Kind kind = 10; Inner inner = 11; repeated Inner items = 12;
    map<string, int32> counts = 13; map<int64, Inner> byId = 14; map<bool, string> flags = 15;
    oneof way { string url = 16; int32 code = 17; } optional int32 maybe = 18;
  }
  message Inner { int32 qty = 1; A again = 2; }
  enum Kind { NONE = 0; CLICK = 1; BACK = -1; }`)

const encode = (row: unknown, of = schema): string =>
  Buffer.from(new ObjectEncoder(of).encode(row)).toString('hex')

function refusal(row: unknown, of = schema): string {
  try {
    encode(row, of)
  } catch (error) {
    if (isFault(error, 'ETL_RESULT_REFUSED')) return error.message
    throw error
  }
  return 'nothing refused'
}

test('absent values, null and defaults without presence take no byte', () => {
  expect(encode({ i: 0, s: '', b: false, l: 0n, raw: new Uint8Array(0), kind: 'NONE' })).toBe('')
  expect(encode({ i: undefined, inner: null, unknown: undefined })).toBe('')
})

test('defaults with presence, negative zero and empty messages are written', () => {
  expect(encode({ maybe: 0 })).toBe('900100')
  expect(encode({ d: -0 })).toBe('310000000000000080')
  expect(encode({ inner: {} })).toBe('5a00')
  expect(encode({ items: [{}, { qty: 0 }] })).toBe('62006200')
  expect(encode({ code: 0 })).toBe('880100')
})

test('integers are numbers or bigint, as long as they are exact', () => {
  expect(encode({ i: 5n, l: 5, ul: 2n ** 64n - 1n })).toBe('0805180520ffffffffffffffffff01')
  expect(encode({ i: -1 })).toBe('08ffffffffffffffffff01')
})

test('enums are names or numbers, and open ones take numbers without a name', () => {
  expect(encode({ kind: 'CLICK' })).toBe('5001')
  expect(encode({ kind: -1 })).toBe('50ffffffffffffffffff01')
  expect(encode({ kind: 7 })).toBe('5007')
})

test('maps are a Map or an object whose keys are read back', () => {
  expect(encode({ counts: { a: 1 } })).toBe('6a050a01611001')
  expect(encode({ counts: new Map([['a', 1]]) })).toBe('6a050a01611001')
  expect(encode({ byId: { '-1': {} } })).toBe(encode({ byId: new Map([[-1n, {}]]) }))
  expect(encode({ flags: { true: 'x' } })).toBe(encode({ flags: new Map([[true, 'x']]) }))
})

describe('refused with the path, what it must be and what it is', () => {
  const whole = 'of a row of message "p.A" must be'
  test.each<[unknown, string]>([
    [5, `field "(the row)" ${whole} an object for p.A, got 5`],
    [[], `field "(the row)" ${whole} an object for p.A, got an array of 0`],
    [new Map(), `field "(the row)" ${whole} an object for p.A, got a Map`],
    [null, `field "(the row)" ${whole} an object for p.A, got null`],
    [{ i: 1.5 }, `field "i" ${whole} an integer from -2147483648 to 2147483647, got 1.5`],
    [
      { i: 2 ** 31 },
      `field "i" ${whole} an integer from -2147483648 to 2147483647, got 2147483648`,
    ],
    [{ i: '1' }, `field "i" ${whole} an integer from -2147483648 to 2147483647, got "1"`],
    [{ u: -1 }, `field "u" ${whole} an integer from 0 to 4294967295, got -1`],
    [
      { l: 2 ** 53 },
      `field "l" ${whole} a bigint, or a number without loss, from -9223372036854775808 to 9223372036854775807, got 9007199254740992`,
    ],
    [{ l: 2n ** 63n }, /field "l" .* got 9223372036854775808n/ as never],
    [{ ul: -1n }, /field "ul" .* got -1n/ as never],
    [{ f: 1e39 }, /field "f" .* a number up to 3.4\d+e\+38, got 1e\+39/ as never],
    [{ d: '1' }, /field "d" .* got "1"/ as never],
    [{ b: 1 }, `field "b" ${whole} true or false, got 1`],
    [{ s: 1 }, `field "s" ${whole} a string of whole Unicode characters, got 1`],
    [{ s: '\ud800' }, /field "s" .* a string of whole Unicode characters/ as never],
    [{ raw: [1] }, `field "raw" ${whole} a Uint8Array, got an array of 1`],
    [
      { kind: 'TAP' },
      `field "kind" ${whole} a name or number of p.Kind (NONE, CLICK, BACK), got "TAP"`,
    ],
    [{ kind: 1.5 }, /field "kind" .* got 1.5/ as never],
    [{ inner: 'x' }, `field "inner" ${whole} an object for p.Inner, got "x"`],
    [{ inner: new Date(0) }, `field "inner" ${whole} an object for p.Inner, got a Date`],
    [{ items: {} }, `field "items" ${whole} an array, got a Object`],
    [{ items: [{}, { qty: 'many' }] }, /field "items\[1\].qty" .* got "many"/ as never],
    [{ items: [null] }, /field "items\[0\]" .* got null/ as never],
    [{ counts: [1] }, `field "counts" ${whole} a Map or an object, got an array of 1`],
    [{ counts: 'x' }, `field "counts" ${whole} a Map or an object, got "x"`],
    [{ counts: new Date(0) }, `field "counts" ${whole} a Map or an object, got a Date`],
    [{ counts: { a: 'x' } }, /field "counts\["a"\]" .* got "x"/ as never],
    [{ counts: { a: undefined } }, /field "counts\["a"\]" .* got undefined/ as never],
    [{ byId: { x: {} } }, /field "byId\["x"\]" .* got "x"/ as never],
    [{ flags: { no: 'x' } }, /field "flags\["no"\]" .* true or false, got "no"/ as never],
    [{ url: 'x', code: 1 }, `field "code" ${whole} absent beside "url", got 1`],
    [{ typo: 1 }, `field "typo" ${whole} a field of p.A, got 1`],
    [{ s: 'x'.repeat(100).concat('\ud800') }, /got "x{59}…$/ as never],
    [{ s: Symbol('x') }, /got a symbol$/ as never],
    [{ s: Object.create(null) }, /got a Object$/ as never],
  ])('%o', (row, expected) => {
    expect(refusal(row)).toMatch(expected)
  })

  test('a required field that is absent', () => {
    const strict = schemaOf('syntax = "proto2"; package p; message A { required int32 a = 1; }')
    expect(refusal({}, strict)).toMatch(/field "a" .* there, it is required, got undefined/)
  })

  test('a number that a closed enum does not name', () => {
    const closed = schemaOf(
      'syntax = "proto2"; package p; message A { optional E e = 1; } enum E { X = 1; }',
    )
    expect(refusal({ e: 2 }, closed)).toMatch(/field "e" .* got 2/)
    expect(encode({ e: 1 }, closed)).toBe('0801')
  })

  test('an object that holds itself', () => {
    const row: Record<string, unknown> = {}
    row['inner'] = { again: row }
    expect(refusal(row)).toMatch(/nested less than 100/)
  })
})

test('a refused row leaves nothing behind for the next one', () => {
  const encoder = new ObjectEncoder(schema)
  expect(() => encoder.encode({ i: 1, s: 2 })).toThrow('field "s"')
  expect(Buffer.from(encoder.encode({ i: 1 })).toString('hex')).toBe('0801')
})

describe('decoding', () => {
  const decode = (hex: string, of = schema): Record<string, unknown> =>
    new ObjectDecoder(of).decode(Buffer.from(hex, 'hex'))

  test('absent fields have their default, or are no property when they have presence', () => {
    expect(decode('')).toEqual({
      i: 0,
      u: 0,
      l: 0n,
      ul: 0n,
      f: 0,
      d: 0,
      b: false,
      s: '',
      raw: new Uint8Array(0),
      kind: 'NONE',
      items: [],
      counts: new Map(),
      byId: new Map(),
      flags: new Map(),
    })
    expect(Object.keys(decode(''))).not.toContain('maybe')
  })

  test('the last value wins, and submessages are merged', () => {
    expect(decode('0801 0802'.replace(' ', ''))['i']).toBe(2)
    expect(decode('5a0208055a021200')['inner']).toMatchObject({ qty: 5, again: { i: 0 } })
  })

  test('the last member of a oneof wins and removes the others', () => {
    const message = decode('8201017888010a8201017a880109')
    expect(message['code']).toBe(9)
    expect(Object.keys(message)).not.toContain('url')
  })

  test('unknown fields, groups and values of another wire type are passed over', () => {
    expect(decode('a00605 0d00000000 a306a40608 07'.replaceAll(' ', ''))['i']).toBe(7)
  })

  test('an open enum gives the number it cannot name', () => {
    expect(decode('5007')['kind']).toBe(7)
    expect(decode('5001')['kind']).toBe('CLICK')
  })

  test('a closed enum passes over what it cannot name, in lists and maps too', () => {
    const closed = schemaOf(`syntax = "proto2"; package p;
      message A { optional E e = 1; repeated E list = 2; map<int32, E> m = 3; } enum E { X = 1; }`)
    expect(
      decode('08011005 1001 12020501 0805 1a0408011005 1a020802'.replaceAll(' ', ''), closed),
    ).toEqual({
      e: 'X',
      list: ['X', 'X'],
      m: new Map([[2, 'X']]),
    })
  })

  test('a map entry without key or value has their defaults', () => {
    expect(decode('6a00')['counts']).toEqual(new Map([['', 0]]))
    expect(decode('7200')['byId']).toEqual(new Map([[0n, { qty: 0 }]]))
  })

  test('packed and unpacked elements are both read', () => {
    const list = schemaOf(
      'syntax = "proto3"; package p; message A { repeated sint32 n = 1; repeated fixed64 x = 2; }',
    )
    expect(decode('0a020102 0803 0a00'.replaceAll(' ', ''), list)['n']).toEqual([-1, 1, -2])
    expect(decode('1208ffffffffffffffff110100000000000000', list)['x']).toEqual([
      2n ** 64n - 1n,
      1n,
    ])
  })

  test('bytes are a copy of the input', () => {
    const input = Buffer.from('4a0101', 'hex')
    const message = new ObjectDecoder(schema).decode(input)
    input.fill(0)
    expect(message['raw']).toEqual(new Uint8Array([1]))
  })

  test.each([
    ['a message deeper than allowed', 'too-deep', nested(101)],
    ['a value that ends early', 'truncated', '08'],
    ['a string that is not UTF-8', 'invalid-utf8', '4201ff'],
    ['field number 0', 'malformed', '0001'],
  ])('%s is refused', (_name, reason, hex) => {
    expect(() => decode(hex)).toThrow(expect.objectContaining({ reason }))
  })

  test('a message as deep as allowed is read', () => {
    expect(decode(nested(99))).toBeDefined()
  })
})

/** `depth` messages inside the outermost one: inner, again, inner, … */
function nested(depth: number): string {
  let bytes = Buffer.alloc(0)
  for (let level = depth; level > 0; level--) {
    const tag = level % 2 === 1 ? 0x5a : 0x12
    const length =
      bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
    bytes = Buffer.concat([Buffer.from([tag, ...length]), bytes])
  }
  return bytes.toString('hex')
}

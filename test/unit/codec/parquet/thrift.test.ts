import { describe, expect, test } from 'vitest'
import {
  binary,
  bool,
  byte,
  decodeThrift,
  double,
  encodeThrift,
  i16,
  i32,
  i64,
  list,
  struct,
  text,
} from '../../../../src/codec/parquet/thrift.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const decode = (bytes: string): unknown => decodeThrift(Buffer.from(bytes, 'hex'))

describe('bytes', () => {
  test.each([
    ['nothing', struct([]), '00'],
    ['a number', struct([[1, i32(2)]]), '150400'],
    ['a negative number', struct([[1, i32(-1)]]), '150100'],
    ['a 64-bit number', struct([[1, i64(-(2n ** 63n))]]), '16ffffffffffffffffff0100'],
    ['a 16-bit number', struct([[1, i16(-2)]]), '140300'],
    ['a byte', struct([[1, byte(-2)]]), '13fe00'],
    ['a double', struct([[1, double(1)]]), '17000000000000f03f00'],
    [
      'truth in the type',
      struct([
        [1, bool(true)],
        [2, bool(false)],
      ]),
      '111200',
    ],
    ['bytes', struct([[1, binary(Uint8Array.of(0x68, 0xc3, 0xa9))]]), '180368c3a900'],
    ['a gap of 15', struct([[15, i32(0)]]), 'f50000'],
    ['a gap of 16', struct([[16, i32(0)]]), '05200000'],
    [
      'absent fields',
      struct([
        [1, undefined],
        [3, i32(0)],
      ]),
      '350000',
    ],
    ['a list', struct([[1, list('i32', [i32(1), i32(2)])]]), '1925020400'],
    ['a list of truth', struct([[1, list('bool', [bool(true), bool(false)])]]), '1922010200'],
    [
      'structs in a list',
      struct([[1, list('struct', [struct([[1, i32(1)]]), struct([])])]]),
      '192c1502000000',
    ],
    [
      'a long list',
      struct([
        [
          1,
          list(
            'byte',
            Array.from({ length: 15 }, () => byte(7)),
          ),
        ],
      ]),
      `19f30f${'07'.repeat(15)}00`,
    ],
    [
      'a struct in a struct',
      struct([
        [1, struct([[2, i32(0)]])],
        [2, i32(0)],
      ]),
      '1c250000150000',
    ],
  ])('%s', (_name, value, expected) => {
    expect(hex(encodeThrift(value))).toBe(expected)
    if (value.type !== 'struct') throw new Error('not a struct')
    expect(decode(expected)).toEqual({ fields: value.fields, sizeBytes: expected.length / 2 })
  })

  test('longer than the first buffer', () => {
    const value = struct([
      [1, binary(new Uint8Array(5_000).fill(9))],
      [2, i32(1)],
    ])
    expect(hex(encodeThrift(value))).toBe(`188827${'09'.repeat(5_000)}150200`)
  })
})

test('our own mistakes are stopped', () => {
  expect(() => encodeThrift(i32(1))).toThrow('is a struct')
  expect(() =>
    encodeThrift(
      struct([
        [2, i32(1)],
        [1, i32(1)],
      ]),
    ),
  ).toThrow('ascend')
  expect(() => encodeThrift(struct([[1, list('i32', [i64(1)])]]))).toThrow('type of the list')
})

test('what stands behind the struct is left alone', () => {
  expect(decode('15040099')).toEqual({ fields: new Map([[1, i32(2)]]), sizeBytes: 3 })
})

test('text is UTF-8', () => {
  expect(hex(encodeThrift(struct([[1, text('hé')]])))).toBe('180368c3a900')
})

test('a set is read as one', () => {
  expect(decode('1a150200')).toMatchObject({
    fields: new Map([[1, { type: 'set', of: 'i32', values: [i32(1)] }]]),
  })
})

describe('refused', () => {
  test.each([
    ['nothing', '', 'end in a value'],
    ['no end', '1504', 'end in a value'],
    ['a map', '1b00', 'no value of Parquet has thrift type 11'],
    ['type 0 in a list', '1910', 'thrift type 0'],
    ['a list longer than the bytes', '19f5ffffffff0f', 'a list of 4294967295 is longer than'],
    ['bytes longer than what is left', '1805616200', 'end in a value'],
    ['a double cut short', '17000000', 'end in a value'],
    ['a varint of eleven bytes', `15${'ff'.repeat(10)}01`, 'longer than 10 bytes'],
    ['the same field twice', '15020502 02'.replace(' ', ''), 'stands behind field 1'],
    ['structs without end', '1c'.repeat(100), 'nest deeper than 64'],
    ['lists without end', `19${'19'.repeat(100)}`, 'nest deeper than 64'],
  ])('%s', (_name, bytes, expected) => {
    expect(() => decode(bytes)).toThrow(expected)
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ name: 'ParquetError' }))
  })
})

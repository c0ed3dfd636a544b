import { describe, expect, test } from 'vitest'
import {
  decodeMessage,
  encodeMessage,
  ThriftBroken,
} from '../../../../src/adapters/hive/thrift-binary.ts'
import {
  bool,
  i32,
  struct,
  structOf,
  structs,
  type ThriftMessage,
  text,
  textMap,
  texts,
} from '../../../../src/adapters/hive/thrift-value.ts'

const everyType: ThriftMessage = {
  kind: 'reply',
  name: 'get_table_req',
  sequence: 7,
  fields: structOf([
    [0, struct(structOf([[1, text('é')]]))],
    [1, bool(true)],
    [2, { type: 'byte', value: -3 }],
    [3, { type: 'i16', value: -300 }],
    [4, i32(-70_000)],
    [5, { type: 'i64', value: -(2n ** 62n) }],
    [6, { type: 'double', value: 0.1 }],
    [7, texts(['a', ''])],
    [8, textMap({ a: 'b', '': '' })],
    [9, structs([structOf([]), structOf([[300, i32(1)]])])],
    [10, { type: 'set', of: 'i64', values: [{ type: 'i64', value: 5n }] }],
    [11, { type: 'map', key: 'binary', of: 'binary', entries: [] }],
  ]),
}

describe('a message', () => {
  const bytes = Buffer.from(encodeMessage(everyType))

  test('of every type comes back as it was', () => {
    expect(decodeMessage(bytes)).toEqual({ message: everyType, sizeBytes: bytes.length })
  })

  test('that is cut anywhere is waited for', () => {
    for (let size = 0; size < bytes.length; size++) {
      expect(decodeMessage(bytes.subarray(0, size)), `${size}`).toBe(undefined)
    }
  })

  test('ends where it ends, whatever follows', () => {
    const two = Buffer.concat([bytes, bytes])
    expect(decodeMessage(two)?.sizeBytes).toBe(bytes.length)
  })

  test('is written as Thrift writes it', () => {
    const asked = encodeMessage({
      kind: 'call',
      name: 'a',
      sequence: 1,
      fields: structOf([[1, text('b')]]),
    })
    const hex = Buffer.from(asked).toString('hex')
    expect(hex).toBe('80010001000000016100000001' + '0b00010000000162' + '00')
  })

  test('of more than it first had room for is whole', () => {
    const long = { ...everyType, fields: structOf([[1, text('x'.repeat(100_000))]]) }
    expect(decodeMessage(Buffer.from(encodeMessage(long)))?.message).toEqual(long)
  })

  test('is whole wherever its numbers meet the end of the room', () => {
    for (let padding = 4_000; padding < 4_110; padding++) {
      const fields = structOf([[20, text('x'.repeat(padding))], ...everyType.fields])
      const long = { ...everyType, fields }
      const read = decodeMessage(Buffer.from(encodeMessage(long)))
      expect(read?.message, `${padding}`).toEqual(long)
    }
  })
})

describe('bytes of no message', () => {
  const head = Buffer.from('800100020000000161' + '00000001', 'hex')

  test.each([
    ['a page of HTML', Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
    ['a type that there is not', Buffer.concat([head, Buffer.from('630001', 'hex')])],
    ['a length below nothing', Buffer.concat([head, Buffer.from('0b0001ffffffff', 'hex')])],
    ['a list of 2 billion', Buffer.concat([head, Buffer.from('0f0001087fffffff', 'hex')])],
    ['structs in structs without end', Buffer.concat([head, Buffer.alloc(3_000, '0c0001', 'hex')])],
  ])('%s is refused, not waited for', (_name, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow(ThriftBroken)
  })

  test('more values than memory has room for are refused, each though it is a byte', () => {
    const count = 2_000_001
    const list = Buffer.from(`0f000102${count.toString(16).padStart(8, '0')}`, 'hex')
    const bytes = Buffer.concat([head, list, Buffer.alloc(count + 1)])
    expect(() => decodeMessage(bytes)).toThrow('more than 2000000 values')
  })

  test('a list that claims more than there is makes no room for it', () => {
    const claimed = Buffer.concat([head, Buffer.from('0f00010803ffffff', 'hex')])
    expect(decodeMessage(claimed)).toBe(undefined)
  })
})

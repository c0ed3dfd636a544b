import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeMessage,
  encodeMessage,
  ThriftBroken,
} from '../../../../src/adapters/hive/thrift-binary.ts'
import type { ThriftStruct, ThriftValue } from '../../../../src/adapters/hive/thrift-value.ts'
import { ThriftWalk } from '../../../../src/adapters/hive/thrift-walk.ts'

const anyText = fc.string().map((written): ThriftValue => {
  return { type: 'binary', value: Buffer.from(written) }
})
const anyNumber = fc.integer().map((value): ThriftValue => ({ type: 'i32', value }))
const others: readonly ThriftValue[] = [
  { type: 'bool', value: true },
  { type: 'byte', value: -3 },
  { type: 'i16', value: 300 },
  { type: 'i64', value: 5n },
  { type: 'double', value: 0.5 },
  { type: 'map', key: 'i16', of: 'binary', entries: [] },
]
const { struct: anyStruct } = fc.letrec<{ value: ThriftValue; struct: ThriftValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    anyText,
    anyNumber,
    fc.constantFrom(...others),
    tie('struct'),
    fc.array(anyText).map((values): ThriftValue => ({ type: 'list', of: 'binary', values })),
    fc.array(anyNumber).map((values): ThriftValue => ({ type: 'set', of: 'i32', values })),
    fc.array(tie('struct')).map((values): ThriftValue => ({ type: 'list', of: 'struct', values })),
    fc
      .array(fc.tuple(anyText, tie('struct')))
      .map((entries): ThriftValue => ({ type: 'map', key: 'binary', of: 'struct', entries })),
  ),
  struct: fc
    .array(tie('value'), { maxLength: 6 })
    .map((values): ThriftValue => ({ type: 'struct', fields: new Map(values.entries()) })),
}))

const bytesOf = (fields: ThriftStruct): Buffer =>
  Buffer.from(encodeMessage({ kind: 'reply', name: 'get_table_req', sequence: 7, fields }))

test('the end of a message is found when its last byte comes, in whatever pieces', () => {
  fc.assert(
    fc.property(anyStruct, fc.integer({ min: 1, max: 50 }), (value, pieceBytes) => {
      if (value.type !== 'struct') throw new Error('it is a struct')
      const bytes = bytesOf(value.fields)
      expect(decodeMessage(bytes)?.sizeBytes).toBe(bytes.length)
      const walk = new ThriftWalk()
      for (let size = 0; size < bytes.length; size += pieceBytes) {
        expect(walk.endIn(bytes.subarray(0, size))).toBe(undefined)
      }
      expect(walk.endIn(Buffer.concat([bytes, bytes]))).toBe(bytes.length)
    }),
  )
})

test('what was passed over is not looked at again', () => {
  const value = Buffer.from('a text')
  const texts = { type: 'list', of: 'binary', values: [{ type: 'binary', value }] } as const
  const bytes = bytesOf(new Map(Array.from({ length: 9 }, (_, id) => [id, texts] as const)))
  const walk = new ThriftWalk()
  for (let size = 0; size < bytes.length; size++) {
    expect(walk.endIn(bytes.subarray(0, size))).toBe(undefined)
    // Nothing that is passed over as one has more than these bytes.
    bytes.fill(0xff, 0, Math.max(0, size - 25))
  }
  expect(walk.endIn(bytes)).toBe(bytes.length)
})

const head = Buffer.from('800100020000000161' + '00000001', 'hex')

test.each([
  ['a page of HTML', Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
  ['a name below nothing', Buffer.from('80010002ffffffff', 'hex')],
  ['a type that there is not', Buffer.concat([head, Buffer.from('630001', 'hex')])],
  ['a length below nothing', Buffer.concat([head, Buffer.from('0b0001ffffffff', 'hex')])],
  ['a list of 2 billion', Buffer.concat([head, Buffer.from('0f0001087fffffff', 'hex')])],
  ['a map of 2 billion', Buffer.concat([head, Buffer.from('0d00010b0b7fffffff', 'hex')])],
  ['structs in structs without end', Buffer.concat([head, Buffer.alloc(3_000, '0c0001', 'hex')])],
])('%s is refused, not waited for', (_name, bytes) => {
  expect(() => new ThriftWalk().endIn(bytes)).toThrow(ThriftBroken)
})

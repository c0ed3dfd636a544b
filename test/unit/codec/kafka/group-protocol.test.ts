import { expect, test } from 'vitest'
import {
  encodeAssignment,
  encodeSubscription,
  parseAssignment,
  parseSubscription,
} from '../../../../src/codec/kafka/group-protocol.ts'
import { WireWriter } from '../../../../src/codec/kafka/wire-writer.ts'

const owned = [
  { topic: 'a', partition: 2 },
  { topic: 'b', partition: 0 },
  { topic: 'a', partition: 7 },
]
const sorted = [
  { topic: 'a', partition: 2 },
  { topic: 'a', partition: 7 },
  { topic: 'b', partition: 0 },
]

test('what a member tells is what the leader hears', () => {
  const bytes = encodeSubscription({ topics: ['a', 'b'], owned, generationId: 9 })
  const heard = parseSubscription(bytes)
  expect(heard).toEqual({ topics: ['a', 'b'], owned: sorted, generationId: 9 })
})

test('members of older versions are understood: they claim nothing', () => {
  const writer = new WireWriter().int16(0).int32(1).string('a', false).int32(-1)
  expect(parseSubscription(writer.bytes())).toEqual({ topics: ['a'], owned: [], generationId: -1 })
})

test('an assignment has the bytes of the protocol, and none is none', () => {
  const partitions = [
    { topic: 't', partition: 0 },
    { topic: 't', partition: 2 },
  ]
  const bytes = encodeAssignment({ partitions, mark: '' })
  expect(bytes.toString('hex')).toBe('0001000000010001740000000200000000' + '00000002' + 'ffffffff')
  expect(parseAssignment(bytes)).toEqual({ partitions, mark: '' })
  expect(parseAssignment(new Uint8Array())).toEqual({ partitions: [], mark: '' })
})

test('a leader’s mark travels as user data', () => {
  const bytes = encodeAssignment({ partitions: [], mark: 'abc' })
  expect(bytes.toString('hex')).toBe('0001' + '00000000' + '00000003' + '616263')
  expect(parseAssignment(bytes)).toEqual({ partitions: [], mark: 'abc' })
})

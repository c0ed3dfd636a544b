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
  const bytes = encodeAssignment([
    { topic: 't', partition: 0 },
    { topic: 't', partition: 2 },
  ])
  expect(bytes.toString('hex')).toBe('0001000000010001740000000200000000' + '00000002' + 'ffffffff')
  expect(parseAssignment(bytes).map(({ partition }) => partition)).toEqual([0, 2])
  expect(parseAssignment(new Uint8Array())).toEqual([])
})

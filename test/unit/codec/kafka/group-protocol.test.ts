import { expect, test } from 'vitest'
import {
  bytesPerSecondMax,
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
  const loads = sorted.map((at, index) => ({ ...at, bytesPerSecond: index * 1_000_000 }))
  const bytes = encodeSubscription({ topics: ['a', 'b'], owned, generationId: 9, loads })
  const heard = parseSubscription(bytes)
  expect(heard).toEqual({ topics: ['a', 'b'], owned: sorted, generationId: 9, loads })
})

test('members of older versions are understood: they claim nothing', () => {
  const writer = new WireWriter().int16(0).int32(1).string('a', false).int32(-1)
  const heard = parseSubscription(writer.bytes())
  expect(heard).toEqual({ topics: ['a'], owned: [], generationId: -1, loads: [] })
})

/** A subscription of version 2 for "t" with this user data. */
const withUserData = (hex: string): Uint8Array => {
  const writer = new WireWriter().int16(2).int32(1).string('t', false)
  return writer.byteString(Buffer.from(hex, 'hex'), false).int32(0).int32(7).bytes()
}

test('loads have the bytes of their version, and without any there is no user data', () => {
  const loads = [{ topic: 't', partition: 0, bytesPerSecond: 256 }]
  const bytes = encodeSubscription({ topics: ['t'], owned: [], generationId: 7, loads })
  const userData = '0001' + '00000001' + '000174' + '00000001' + '00000000' + '0000000000000100'
  expect(bytes).toEqual(withUserData(userData))
  const none = encodeSubscription({ topics: ['t'], owned: [], generationId: 7, loads: [] })
  expect(none.toString('hex')).toContain('ffffffff' + '00000000' + '00000007')
})

test('loads that cannot be read are none, and the subscription is heard all the same', () => {
  const one = '0001' + '00000001' + '000174' + '00000001' + '00000000'
  const told: [string, readonly number[]][] = [
    // Of a later version, cut, not loads at all, less than nothing, more than there can be.
    ['0002' + '00000001' + '000174' + '00000001' + '00000000' + '0000000000000100', []],
    [one + '00000000', []],
    ['00', []],
    ['0001' + '7fffffff' + '000174' + '7fffffff', []],
    [one + 'ffffffffffffff00', [0]],
    [one + '7fffffffffffffff', [bytesPerSecondMax]],
  ]
  for (const [userData, expected] of told) {
    const { topics, generationId, loads } = parseSubscription(withUserData(userData))
    expect([topics, generationId]).toEqual([['t'], 7])
    expect(loads.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual(expected)
  }
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

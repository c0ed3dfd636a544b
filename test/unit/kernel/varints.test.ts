import { describe, expect, test } from 'vitest'
import type { ScalarType } from '../../../src/model/event-schema.ts'
import { roundTrip } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, varintBytes } from '../../support/raw-events.ts'

const overlong = (value: bigint, size: number): number[] => [
  ...Array.from({ length: size - 1 }, (_, i) => Number((value >> BigInt(7 * i)) & 0x7fn) | 0x80),
  Number((value >> BigInt(7 * (size - 1))) & 0x7fn),
]

const all64 = 2n ** 64n - 1n
const cases: readonly (readonly [ScalarType, string, number[], unknown])[] = [
  ['int32', 'ten bytes of a negative number', varintBytes(-5n), -5],
  ['int32', 'bits above 32', varintBytes(2n ** 32n + 7n), 7],
  ['int32', 'bit 31', varintBytes(2n ** 31n), -(2 ** 31)],
  ['uint32', 'bits above 32', varintBytes(2n ** 35n + 2n ** 31n), 2 ** 31],
  ['sint32', 'bits above 32', varintBytes(2n ** 32n + 4n), 2],
  ['sint32', 'bits above 32 of a negative number', varintBytes(2n ** 33n + 2n ** 32n + 5n), -3],
  ['sint32', 'the lowest number', varintBytes(2n ** 32n - 1n), -(2 ** 31)],
  ['sint64', 'the lowest number', varintBytes(all64), -(2n ** 63n)],
  ['bool', 'only a bit above 32', varintBytes(2n ** 40n), true],
  ['bool', 'a zero in ten bytes', overlong(0n, 10), false],
  [
    'int64',
    'a tenth byte with more than its one bit',
    [...overlong(all64, 10).slice(0, 9), 0x7f],
    -1n,
  ],
  [
    'uint64',
    'a tenth byte without its one bit',
    [...overlong(all64, 10).slice(0, 9), 0x7e],
    2n ** 63n - 1n,
  ],
]

describe('numbers wider than their type, or in more bytes than they need', () => {
  for (const repeated of [false, true]) {
    const message = (scalar: ScalarType) =>
      messageOf('T', [scalarField(['a', 1], scalar, { repeated })])
    test.each(cases)(`%s (repeated: ${repeated}): %s`, (scalar, _, bytes, value) => {
      const single = Uint8Array.from([8, ...bytes])
      const { refusals, rows } = roundTrip(message(scalar), [single])
      expect(refusals).toEqual([])
      expect(rows).toEqual([{ a: repeated ? [value] : value }])
      if (!repeated) return
      const packed = bytesField(1, Uint8Array.from([...bytes, 0, ...bytes]))
      const zero = typeof value === 'bigint' ? 0n : typeof value === 'number' ? 0 : false
      expect(roundTrip(message(scalar), [packed]).rows).toEqual([{ a: [value, zero, value] }])
    })
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('any value in %i bytes', (size) => {
    const values = [0n, 1n, 2n ** BigInt(7 * size - 1) - 1n, 0x155_5555_5555_5555n].map((value) =>
      BigInt.asUintN(Math.min(64, 7 * size), value),
    )
    const payloads = values.map((value) => Uint8Array.from([8, ...overlong(value, size)]))
    expect(roundTrip(messageOf('T', [scalarField(['a', 1], 'uint64')]), payloads).rows).toEqual(
      values.map((a) => ({ a })),
    )
    const narrow = roundTrip(messageOf('T', [scalarField(['a', 1], 'uint32')]), payloads).rows
    expect(narrow).toEqual(values.map((value) => ({ a: Number(BigInt.asUintN(32, value)) })))
  })
})

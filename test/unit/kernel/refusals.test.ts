import { describe, expect, test } from 'vitest'
import type { RefusalReason } from '../../../src/model/row-batch.ts'
import {
  appendPayloads,
  GroupReader,
  openKernel,
  planOf,
  roundTrip,
} from '../../support/kernel-tables.ts'
import { messageField, messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, joined, utf8, varintBytes, varintField } from '../../support/raw-events.ts'

const inner = messageOf('Inner', [
  scalarField(['n', 1], 'int32'),
  scalarField(['tags', 2], 'string', { repeated: true }),
])
const message = messageOf('Event', [
  scalarField(['id', 1], 'int64'),
  scalarField(['name', 2], 'string'),
  scalarField(['raw', 3], 'bytes'),
  scalarField(['numbers', 4], 'fixed32', { repeated: true }),
  messageField(['inner', 5], inner),
  messageField(['inners', 6], inner, { repeated: true }),
  scalarField(['flag', 7], 'bool'),
])

const tag = (field: number, wireType: number): number[] => varintBytes(BigInt(field * 8 + wireType))
const bytes = (...parts: readonly (number | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flat())

const good = joined(
  varintField(1, 5n),
  bytesField(2, utf8('five')),
  bytesField(6, joined(varintField(1, 1n), bytesField(2, utf8('a')), bytesField(2, utf8('b')))),
)
const nestedGroups = (depth: number): number[] => [
  ...Array.from({ length: depth }, () => tag(100, 3)).flat(),
  ...Array.from({ length: depth }, () => tag(100, 4)).flat(),
]

const refused: readonly (readonly [string, RefusalReason, Uint8Array])[] = [
  ['a tag cut off', 'truncated', bytes(0x88)],
  ['a varint cut off', 'truncated', bytes(tag(1, 0), 0x80)],
  ['a value missing', 'truncated', bytes(tag(1, 0))],
  ['a text longer than the row', 'truncated', bytes(tag(2, 2), 200, 97)],
  ['a text whose length is cut off', 'truncated', bytes(tag(2, 2))],
  ['a message longer than the row', 'truncated', bytes(tag(5, 2), 10, tag(1, 0), 1)],
  ['a field that passes its message', 'truncated', bytes(tag(5, 2), 1, tag(1, 0), 1)],
  ['a packed number cut off', 'truncated', bytes(tag(4, 2), 6, 1, 2, 3, 4, 5, 6)],
  ['eight fixed bytes cut off', 'truncated', bytes(tag(99, 1), 1, 2, 3)],
  ['field number 0', 'malformed', bytes(0, 1)],
  ['wire type 6', 'malformed', bytes(tag(1, 6), 1)],
  ['wire type 7', 'malformed', bytes(tag(99, 7), 1)],
  ['a tag of 33 bits', 'malformed', bytes(0x88, 0x80, 0x80, 0x80, 0x10, 1)],
  ['a tag of six bytes', 'malformed', bytes(0x88, 0x80, 0x80, 0x80, 0x80, 0, 1)],
  [
    'a varint of eleven bytes',
    'malformed',
    bytes(
      tag(1, 0),
      Array.from({ length: 10 }, () => 0x80),
      0,
    ),
  ],
  ['a length of 2^31', 'malformed', bytes(tag(2, 2), 0x80, 0x80, 0x80, 0x80, 0x08)],
  ['a length of six bytes', 'malformed', bytes(tag(2, 2), 0x81, 0x80, 0x80, 0x80, 0x80, 0, 97)],
  ['a group that does not end', 'truncated', bytes(tag(99, 3), tag(1, 0), 1)],
  ['a group that ends as another', 'malformed', bytes(tag(99, 3), tag(98, 4))],
  ['the end of no group', 'malformed', bytes(tag(99, 4))],
  ['groups nested 101 deep', 'too-deep', bytes(nestedGroups(101))],
  [
    'an overwritten text that is not UTF-8',
    'invalid-utf8',
    joined(bytesField(2, bytes(0xff)), good),
  ],
]

const accepted: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', bytes()],
  ['an unknown varint', varintField(99, 2n ** 64n - 1n)],
  ['an unknown group with fields', bytes(tag(99, 3), tag(1, 0), 1, tag(2, 2), 1, 255, tag(99, 4))],
  ['groups nested 100 deep', bytes(nestedGroups(100))],
  ['a known field of another wire type', bytes(tag(1, 5), 1, 2, 3, 4)],
  ['a field with the largest number', varintField(2 ** 29 - 1, 1n)],
]

describe('bytes that the format forbids are refused', () => {
  test.each(refused)('%s', (_, reason, payload) => {
    const { refusals, rows } = roundTrip(message, [good, payload, good])
    expect(refusals).toEqual([{ row: 1, reason }])
    const [clean] = roundTrip(message, [good]).rows
    expect(rows).toEqual([clean, clean])
  })
})

describe('bytes that the format allows are taken', () => {
  test.each(accepted)('%s', (_, payload) => {
    const { refusals, rows } = roundTrip(message, [payload])
    expect(refusals).toEqual([])
    expect(rows).toEqual(roundTrip(message, [bytes()]).rows)
  })
})

test('the reason does not depend on the payload behind', () => {
  const behind = [good, bytes(), bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80), bytes(6), bytes(0)]
  for (const [, reason, payload] of refused) {
    for (const next of behind) {
      expect(roundTrip(message, [payload, next]).refusals).toContainEqual({ row: 0, reason })
    }
  }
})

describe('a refused row leaves nothing behind', () => {
  test('in slots, presence, lists and lists within lists', () => {
    const dirty = joined(
      varintField(1, 77n),
      bytesField(2, utf8('dirty')),
      bytesField(4, bytes(1, 0, 0, 0, 2, 0, 0, 0)),
      bytesField(5, joined(varintField(1, 9n), bytesField(2, utf8('x')))),
      bytesField(6, joined(varintField(1, 8n), bytesField(2, utf8('y')))),
      bytes(0xff),
    )
    const { refusals, rows } = roundTrip(message, [dirty, bytes(), dirty, good, dirty])
    expect(refusals.map(({ row }) => row)).toEqual([0, 2, 4])
    expect(rows).toEqual(roundTrip(message, [bytes(), good]).rows)
  })

  test('in statistics and dictionaries', () => {
    const low = joined(varintField(1, -(2n ** 40n)), bytesField(2, utf8('\u0000')), bytes(0))
    const { chunks } = roundTrip(message, [good, low])
    expect(chunks[0]).toMatchObject({ min: 5n, max: 5n })
    expect(chunks[1]).toMatchObject({ min: 'five', dictionaryCount: 1 })
  })

  test('when every row of a batch is refused', () => {
    const kernel = openKernel()
    const plan = planOf(message)
    const file = kernel.compile(plan).openFile()
    expect(appendPayloads(kernel, file, [bytes(0), bytes(0)])).toHaveLength(2)
    expect(file.rowsBuffered).toBe(0)
    expect(new GroupReader(plan, file).rows()).toEqual([])
  })

  test('when good and refused rows alternate over many calls', () => {
    const kernel = openKernel()
    const plan = planOf(message)
    const file = kernel.compile(plan).openFile()
    const payloads = Array.from({ length: 5_000 }, (_, row) =>
      row % 3 === 1 ? bytes(tag(2, 2), 1, 0xff) : varintField(1, BigInt(row)),
    )
    const refusals = appendPayloads(kernel, file, payloads)
    expect(refusals).toHaveLength(1_667)
    expect(refusals.every(({ row, reason }) => row % 3 === 1 && reason === 'invalid-utf8')).toBe(
      true,
    )
    const ids = new GroupReader(plan, file).rows().map((row) => Object.entries(row ?? {})[0]?.[1])
    expect(ids).toEqual(payloads.flatMap((_, row) => (row % 3 === 1 ? [] : [BigInt(row)])))
  })
})

describe('UTF-8 is judged as RFC 3629 has it', () => {
  const invalid = [
    '80',
    'c0af',
    'c1bf',
    'c3',
    'e0809f',
    'e28228',
    'eda080',
    'edbfbf',
    'f08080af',
    'f4908080',
    'f5808080',
    'f09f98',
    'ff',
  ]
  const valid = [
    '00',
    '7f',
    'c280',
    'dfbf',
    'e0a080',
    'ed9fbf',
    'ee8080',
    'efbfbf',
    'f0908080',
    'f48fbfbf',
  ]
  const texts = (hex: string): Uint8Array[] => {
    const core = Buffer.from(hex, 'hex')
    // In front, behind and across the borders of the vectors in which ASCII is looked for.
    return [0, 1, 13, 14, 15, 16, 17, 31, 40].flatMap((before) =>
      [0, 1, 15, 16, 20].map((after) =>
        bytesField(2, joined(utf8('a'.repeat(before)), core, utf8('b'.repeat(after)))),
      ),
    )
  }
  test.each(invalid)('%s is refused wherever it stands', (hex) => {
    const payloads = texts(hex)
    const { refusals } = roundTrip(message, payloads)
    expect(refusals).toHaveLength(payloads.length)
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(['invalid-utf8']))
  })
  test.each(valid)('%s is taken wherever it stands', (hex) => {
    expect(roundTrip(message, texts(hex)).refusals).toEqual([])
  })

  test('bytes are not judged', () => {
    const { refusals, rows } = roundTrip(message, [bytesField(3, bytes(0xff, 0xfe))])
    expect(refusals).toEqual([])
    expect(rows).toMatchObject([{ raw: '0xfffe' }])
  })

  test('a proto2 string is judged too: no reader takes a STRING column that is not UTF-8', () => {
    const proto2 = { ...message, syntax: 'proto2' } as const
    const { refusals } = roundTrip(proto2, [bytesField(2, bytes(0xff))])
    expect(refusals).toEqual([{ row: 0, reason: 'invalid-utf8' }])
  })

  test('elements and map keys are judged', () => {
    const map = {
      ...scalarField(['m', 1], 'int32'),
      repeated: true,
      type: { kind: 'map', key: 'string', value: { kind: 'scalar', scalar: 'int32' } },
    } as const
    const list = scalarField(['l', 2], 'string', { repeated: true })
    const table = messageOf('T', [map, list])
    const bad = bytes(0xc3)
    const { refusals } = roundTrip(table, [bytesField(1, bytesField(1, bad)), bytesField(2, bad)])
    expect(refusals.map(({ reason }) => reason)).toEqual(['invalid-utf8', 'invalid-utf8'])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ObjectDecoder } from '../../../../src/codec/protobuf/object-decoder.ts'
import { ObjectEncoder } from '../../../../src/codec/protobuf/object-encoder.ts'
import { compileFilter } from '../../../../src/etl/expression.ts'
import { schemaA, wiresOfA } from '../../../support/feature-rows.ts'
import { joined, varintField } from '../../../support/raw-events.ts'

const text = `edition = "2023"; option features.message_encoding = DELIMITED;
  message A {
    B one = 1; repeated B many = 300;
    oneof either { B left = 3; int32 right = 4; }
    map<string, B> by = 5; int32 last = 6;
  }
  message B { string s = 1; B inner = 2; int32 n = 3; }`
const schema = schemaA(text)
const b = (depth: number): fc.Arbitrary<object> =>
  fc.record(
    {
      s: fc.string({ maxLength: 5 }),
      n: fc.integer({ min: -5, max: 300 }),
      ...(depth > 0 ? { inner: b(depth - 1) } : {}),
    },
    { requiredKeys: [] },
  )
const rows = fc.record(
  {
    one: b(2),
    many: fc.array(b(1), { maxLength: 3, minLength: 1 }),
    left: b(1),
    by: fc.dictionary(fc.constantFrom('a', 'b'), b(1)),
    last: fc.nat(9),
  },
  { requiredKeys: [] },
)

describe('groups of ETL modules', () => {
  test('are decoded as protobufjs encodes them, and encoded as they are decoded', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const [wire = new Uint8Array()] = wiresOfA(text, [row])
        const decoded = new ObjectDecoder(schema).decode(wire)
        expect(decoded).toEqual({
          many: [],
          ...row,
          by: new Map(Object.entries('by' in row ? (row.by as object) : {})),
        })
        const again = new ObjectEncoder(schema).encode(decoded)
        expect(new ObjectDecoder(schema).decode(again)).toEqual(decoded)
      }),
      { numRuns: 100 },
    )
  })

  test.each([
    ['without an end', [0x0b, 0x18, 0x01]],
    ['with the end of another', [0x0b, 0x14]],
    ['that end and never began', [0x0c]],
  ])('%s are refused', (_name, bytes) => {
    expect(() => new ObjectDecoder(schema).decode(Uint8Array.from(bytes))).toThrow()
  })
})

describe('filters on groups', () => {
  const verdict = (where: string, ...parts: readonly Uint8Array[]) => {
    const bytes = joined(...parts)
    return compileFilter(where, schema, 'a').matches(bytes, 0, bytes.length)
  }
  const group = (start: number, ...parts: Uint8Array[]): Uint8Array =>
    joined(Uint8Array.of(start), ...parts, Uint8Array.of(start + 1))
  const one = group(0x0b, varintField(3, 7n), group(0x13, varintField(3, 8n)))

  test.each([
    ['one.n = 7', 'pass'],
    ['one.inner.n = 8', 'pass'],
    ['one.inner.n = 7', 'reject'],
    ['one.inner is null', 'reject'],
    ['left is null', 'pass'],
    ['last = 5', 'pass'],
  ])('%s: %s', (where, expected) => {
    expect(verdict(where, one, varintField(6, 5n))).toBe(expected)
  })

  test('a group of a oneof and another member clear each other', () => {
    const left = group(0x1b, varintField(3, 1n))
    expect(verdict('left is null and right = 2', left, varintField(4, 2n))).toBe('pass')
    expect(verdict('right is null and left.n = 1', varintField(4, 2n), left)).toBe('pass')
  })

  test.each([
    ['without an end', Uint8Array.of(0x0b, 0x18, 0x01)],
    ['whose end stands alone', Uint8Array.of(0x0c)],
    ['whose end stands alone within', group(0x0b, Uint8Array.of(0x14))],
  ])('a group %s is malformed', (_name, bytes) => {
    expect(verdict('one.n = 1', bytes)).toBe('malformed')
  })
})

/** JSON of the log is written by hand: as `JSON.stringify` writes it, where that can write it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCanonicalJson, encodeJson } from '../../../src/codec/log/json.ts'

const key = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('10', '9', 'a"b', '\ud800'))
const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.boolean()),
    fc.constantFrom<unknown>(null, undefined, '\ud800', '\u2028', '', Number.NaN, 2n ** 63n),
    fc.array(tie('plain'), { maxLength: 4 }),
    fc.dictionary(key, tie('plain'), { maxKeys: 6 }),
  ),
}))

/** The same with text for what is too long for a number, and null for what is absent. */
const written = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value === undefined ? null : value

test('plain data is written as JSON, numbers of 64 bits as text and what is absent as null', () => {
  fc.assert(
    fc.property(plain, (value) => {
      expect(encodeJson(value)).toBe(JSON.stringify(value, written))
    }),
  )
})

test('canonical JSON says the same, whatever order the keys were made in', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const text = encodeCanonicalJson(value)
      expect(JSON.parse(text)).toEqual(JSON.parse(encodeJson(value)))
      expect(text).toBe(encodeCanonicalJson(backwards(value)))
    }),
  )
})

test('keys of canonical JSON are sorted as texts, also those that look like numbers', () => {
  expect(encodeCanonicalJson({ b: 1, 9: 2, 10: { d: 3, c: 4 } })).toBe(
    '{"10":{"c":4,"d":3},"9":2,"b":1}',
  )
})

test('what is no plain data is not written', () => {
  expect(() => encodeJson({ call: () => 1 })).toThrow('is no plain data')
})

function backwards(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(backwards)
  const turned = Object.entries(value).map(([name, inner]) => [name, backwards(inner)] as const)
  return Object.fromEntries(turned.reverse())
}

import { expect, test } from 'vitest'
import { canonicalText } from '../../../../src/daemon/config/checksum.ts'

test('the order of keys does not count at any depth; that of lists does', () => {
  const text = canonicalText({ b: [{ d: 1, c: 2 }], a: { f: 1, e: 2 } })
  expect(text).toBe('{"a":{"e":2,"f":1},"b":[{"c":2,"d":1}]}')
  expect(canonicalText({ a: { e: 2, f: 1 }, b: [{ c: 2, d: 1 }] })).toBe(text)
  expect(canonicalText([1, 2])).not.toBe(canonicalText([2, 1]))
})

import { expect, test } from 'vitest'
import { canonicalText } from '../../../../src/daemon/config/checksum.ts'
import { numbersConfig } from '../../../support/lane-world.ts'

test('the order of keys does not count at any depth; that of lists does', () => {
  const text = canonicalText({ b: [{ d: 1, c: 2 }], a: { f: 1, e: 2 } })
  expect(text).toBe('{"a":{"e":2,"f":1},"b":[{"c":2,"d":1}]}')
  expect(canonicalText({ a: { e: 2, f: 1 }, b: [{ c: 2, d: 1 }] })).toBe(text)
  expect(canonicalText([1, 2])).not.toBe(canonicalText([2, 1]))
})

test('how much memory a stream may hold is no part of what shapes the lake; its module is', async () => {
  const checksumWith = async (limits: string) => {
    const more = [`limits: { ${limits} }`]
    return (await numbersConfig([{ name: 'numbers', more }])).checksum
  }
  const [alone, ...others] = await Promise.all(
    ['etlTime: 2s', 'buffers: 16MiB', 'etlTime: 3s'].map(checksumWith),
  )
  expect(others[0]).toBe(alone)
  expect(others[1]).not.toBe(alone)
})

import { expect, test } from 'vitest'
import { StreamNames } from '../../../src/parser/stream-names.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Looks for a name that stands between other bytes. */
function find(names: StreamNames, name: string): number {
  const bytes = utf8(`<${name}>`)
  return names.find(bytes, 1, bytes.length - 1)
}

test('each of thousands of streams is found by its name, however they are asked for', () => {
  const names = new StreamNames()
  const all = Array.from({ length: 3_000 }, (_, stream) => `s${String(stream).padStart(4, '0')}`)
  for (const [stream, name] of all.entries()) names.add(name, stream)
  for (const [stream, name] of all.entries()) expect(find(names, name)).toBe(stream)
  for (const stream of [2_999, 0, 0, 1_500]) expect(find(names, all[stream] ?? '')).toBe(stream)
})

test('a name that is a part of another, the same letters, or nothing at all is another name', () => {
  const names = new StreamNames()
  for (const [stream, name] of ['ab', 'ba', 'abc', 'é'].entries()) names.add(name, stream)
  expect(['ab', 'ba', 'abc', 'é'].map((name) => find(names, name))).toEqual([0, 1, 2, 3])
  expect(['', 'a', 'bc', 'abcd', 'aab', 'e'].map((name) => find(names, name))).toEqual(
    Array.from({ length: 6 }, () => -1),
  )
})

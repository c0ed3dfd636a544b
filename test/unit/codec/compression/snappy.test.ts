import { describe, expect, test } from 'vitest'
import { inflateSnappy } from '../../../../src/codec/compression/snappy.ts'

function textOf(bytes: readonly number[]): string {
  const outcome = inflateSnappy(Uint8Array.from(bytes), 1_000)
  return outcome.kind === 'inflated' ? Buffer.from(outcome.bytes).toString() : outcome.kind
}

describe('a block of snappy', () => {
  test('may have literals whose length follows in one to four bytes', () => {
    const literal = Array.from({ length: 100 }, (_, at) => 97 + (at % 26))
    const text = String.fromCharCode(...literal)
    const lengths = [[99], [99, 0], [99, 0, 0], [99, 0, 0, 0]]
    for (const length of lengths) {
      const tag = (59 + length.length) << 2
      expect(textOf([100, tag, ...length, ...literal]), `${length.length} bytes`).toBe(text)
    }
  })

  test('may copy by distances of one, two and four bytes', () => {
    expect(textOf([8, 0x04, 97, 98, 0x09, 2])).toBe('abababab')
    expect(textOf([8, 0x04, 97, 98, 0x16, 2, 0])).toBe('abababab')
    expect(textOf([8, 0x04, 97, 98, 0x17, 2, 0, 0, 0])).toBe('abababab')
  })

  test('may copy more than forty bytes at once, overlapping or not', () => {
    const literal = Array.from({ length: 60 }, (_, at) => 65 + at)
    const text = String.fromCharCode(...literal)
    expect(textOf([120, 59 << 2, ...literal, 0xee, 60, 0])).toBe(text + text)
    expect(textOf([62, 0x04, 97, 98, 0xee, 2, 0])).toBe('ab'.repeat(31))
  })

  test.each([
    ['a copy from before the start', [4, 0x00, 97, 0x02, 9, 0]],
    ['a copy of distance 0', [4, 0x00, 97, 0x02, 0, 0]],
    ['a copy past the announced length', [2, 0x00, 97, 0x0e, 1, 0]],
    ['a cut copy', [4, 0x00, 97, 0x0b, 1]],
    ['a literal past the end', [4, 0x0c, 97]],
    ['a literal past the announced length', [1, 0x04, 97, 98]],
    ['a cut length of a literal', [4, 0xf4, 1]],
    ['fewer bytes than announced', [9, 0x00, 97]],
    ['no length', [0x80, 0x80]],
    ['a length of more than five bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 1]],
    ['a length of more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f, 0]],
  ])('with %s is malformed', (_name, bytes) => {
    expect(textOf(bytes)).toBe('malformed')
  })
})

import { describe, expect, test } from 'vitest'
import {
  nestingMax,
  WireError,
  WireReader,
  WireWriter,
} from '../../../../src/codec/protobuf/wire.ts'

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

function written(write: (out: WireWriter) => void): string {
  const out = new WireWriter()
  write(out)
  return Buffer.from(out.copy()).toString('hex')
}

function reasonOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof WireError) return error.reason
    throw error
  }
  return 'nothing thrown'
}

describe('writing', () => {
  test.each([
    [0n, '00'],
    [150n, '9601'],
    [0xffff_ffffn, 'ffffffff0f'],
    [2n ** 53n, '8080808080808010'],
    [2n ** 63n - 1n, 'ffffffffffffffff7f'],
    [-1n, 'ffffffffffffffffff01'],
    [-(2n ** 63n), '80808080808080808001'],
    [2n ** 64n - 1n, 'ffffffffffffffffff01'],
  ])('varint %s', (value, expected) => {
    expect(written((out) => out.varint64(value))).toBe(expected)
  })

  test.each([
    [0n, '00'],
    [-1n, '01'],
    [1n, '02'],
    [-(2n ** 63n), 'ffffffffffffffffff01'],
  ])('zigzag %s', (value, expected) => {
    expect(written((out) => out.signedVarint64(value))).toBe(expected)
  })

  test.each([0, 1, 127, 128, 16_383, 16_384, 70_000])(
    'a body of %d bytes gets a length of the right size',
    (sizeBytes) => {
      const inPlace = written((out) => {
        out.varint(99)
        out.delimited(() => {
          for (let at = 0; at < sizeBytes; at++) out.varint(at % 100)
        })
      })
      const known = written((out) => {
        out.varint(99)
        out.bytes(Uint8Array.from({ length: sizeBytes }, (_, at) => at % 100))
      })
      expect(inPlace).toBe(known)
    },
  )

  test('a copy outlives the next use of the writer', () => {
    const out = new WireWriter()
    out.string('one')
    const one = out.copy()
    out.clear()
    out.string('two')
    expect(Buffer.from(one).toString('hex')).toBe('036f6e65')
    expect(out.sizeBytes).toBe(4)
  })

  test('half a surrogate pair is written as a replacement character', () => {
    expect(written((out) => out.string('\ud83d'))).toBe('03efbfbd')
  })
})

describe('reading refuses', () => {
  test.each([
    ['a varint of eleven bytes', 'ffffffffffffffffffff01', 'malformed'],
    ['a varint that ends early', 'ffff', 'truncated'],
    ['nothing', '', 'truncated'],
  ])('%s', (_name, bytes, reason) => {
    expect(reasonOf(() => new WireReader(hex(bytes)).varint64())).toBe(reason)
  })

  test.each([
    ['field number 0', '00', 'malformed'],
    ['a tag beyond 32 bits', '8880808010', 'malformed'],
  ])('%s', (_name, bytes, reason) => {
    expect(reasonOf(() => new WireReader(hex(bytes)).tag())).toBe(reason)
  })

  test('fixed values, strings and messages that end early', () => {
    expect(reasonOf(() => new WireReader(hex('000000')).fixed32())).toBe('truncated')
    expect(reasonOf(() => new WireReader(hex('00000000000000')).fixed64())).toBe('truncated')
    expect(reasonOf(() => new WireReader(hex('05 61')).string())).toBe('truncated')
    expect(reasonOf(() => new WireReader(hex('ffffffffff7f 61')).bytes())).toBe('truncated')
    expect(reasonOf(() => new WireReader(hex('05 61')).delimited(() => undefined))).toBe(
      'truncated',
    )
  })

  test('a string that is not UTF-8', () => {
    expect(reasonOf(() => new WireReader(hex('02 c328')).string())).toBe('invalid-utf8')
  })

  test('a value beyond its message', () => {
    const reader = new WireReader(hex('02 08 80 01'))
    const read = (): unknown => reader.delimited(() => void [reader.tag(), reader.varint64()])
    expect(reasonOf(read)).toBe('truncated')
  })
})

describe('skipping', () => {
  const skipped = (bytes: string): WireReader => {
    const reader = new WireReader(hex(bytes))
    reader.skip(reader.tag())
    return reader
  }

  test.each([
    ['a varint', '08 9601'],
    ['64 bits', '09 0000000000000000'],
    ['bytes', '0a 02 0000'],
    ['a group with a group inside', '0b 13 08 01 14 0c'],
    ['32 bits', '0d 00000000'],
  ])('%s reads it to its end', (_name, bytes) => {
    expect(skipped(bytes).atEnd).toBe(true)
  })

  test.each([
    ['wire type 6', '0e', 'malformed'],
    ['wire type 7', '0f', 'malformed'],
    ['the end of a group that is not open', '0c', 'malformed'],
    ['the end of another group', '0b 14', 'malformed'],
    ['a group that never ends', '0b', 'truncated'],
    ['groups without end', '0b'.repeat(nestingMax + 2), 'too-deep'],
  ])('%s is refused', (_name, bytes, reason) => {
    expect(reasonOf(() => skipped(bytes))).toBe(reason)
  })

  test('as many groups as are allowed are read', () => {
    const bytes = '0b'.repeat(nestingMax) + '0c'.repeat(nestingMax)
    expect(skipped(bytes).atEnd).toBe(true)
  })
})

test('an error says where reading stopped', () => {
  const read = (): unknown => new WireReader(hex('ffff')).varint64()
  expect(read).toThrow('the bytes end in a value at byte 2')
})

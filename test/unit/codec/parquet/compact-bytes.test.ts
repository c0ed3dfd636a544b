import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CompactBytes } from '../../../../src/codec/parquet/compact-bytes.ts'
import {
  binary,
  bool,
  encodeThrift,
  i32,
  i64,
  list,
  struct,
} from '../../../../src/codec/parquet/thrift.ts'
import { takenBytes } from '../../../support/taken-bytes.ts'

const number = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 52 }), fc.constantFrom(0, 2 ** 30))

test('the bytes are those of the tree of values', () => {
  const out = new CompactBytes()
  const numbers = fc.array(number, { maxLength: 20 })
  const texts = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 })
  fc.assert(
    fc.property(numbers, texts, fc.array(fc.boolean(), { maxLength: 20 }), (all, bytes, flags) => {
      out.field(1, 'list')
      out.list('i64', all.length)
      for (const value of all) out.number(value)
      out.field(2, 'list')
      out.list('binary', bytes.length)
      for (const value of bytes) out.binary(value)
      out.field(1, 'list')
      out.list('bool', flags.length)
      for (const value of flags) out.bool(value)
      out.numberField(15, 'i32', all.length)
      out.end()
      const tree = struct([
        [1, list('i64', all.map(i64))],
        [3, list('binary', bytes.map(binary))],
        [4, list('bool', flags.map(bool))],
        [19, i32(all.length)],
      ])
      expect(Buffer.compare(takenBytes(out), encodeThrift(tree))).toBe(0)
    }),
    { numRuns: 300 },
  )
  expect(takenBytes(out)).toHaveLength(0)
})

test('numbers below zero are those of the tree, and are moved to where they are wanted', () => {
  const out = new CompactBytes()
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 20 }), (all) => {
      out.field(1, 'list')
      out.list('i32', all.length)
      for (const value of all) out.signed(value)
      out.end()
      const target = Buffer.alloc(out.sizeBytes + 1, 0xee)
      out.moveTo(target)
      const tree = struct([[1, list('i32', all.map(i32))]])
      expect(target.subarray(0, -1).equals(encodeThrift(tree))).toBe(true)
      expect([out.sizeBytes, target.at(-1)]).toEqual([0, 0xee])
    }),
  )
})

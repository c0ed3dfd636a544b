import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConfluentFrame } from '../../../src/codec/protobuf/confluent-frame.ts'
import { framed } from '../../support/confluent.ts'

const frame = new ConfluentFrame()
const id = fc.integer({ min: 0, max: 0xffffffff })
const path = fc.array(fc.nat(0x3fffffff), { maxLength: 8 })
const payload = fc.uint8Array({ maxLength: 20 })

test('what was framed is read: number, path, and where the message begins', () => {
  fc.assert(
    fc.property(id, path, payload, fc.nat(9), (schemaId, indexes, bytes, before) => {
      const value = Buffer.concat([Buffer.alloc(before, 7), framed(schemaId, indexes, bytes)])
      expect(frame.read(value, before, value.length)).toBe(true)
      expect([frame.schemaId, frame.path]).toEqual([schemaId, indexes])
      expect([...value.subarray(frame.payloadStart)]).toEqual([...bytes])
    }),
  )
})

test('whatever the bytes, nothing beyond their end is read', () => {
  const bytes = fc.uint8Array({ maxLength: 16 }).map((some) => Uint8Array.from([0, ...some]))
  fc.assert(
    fc.property(bytes, fc.uint8Array({ minLength: 8, maxLength: 8 }), (value, behind) => {
      const longer = Buffer.concat([value, behind])
      const alone = frame.read(value, 0, value.length)
      const seen = [frame.schemaId, [...frame.path], frame.payloadStart]
      expect(frame.read(longer, 0, value.length)).toBe(alone)
      if (alone) expect([frame.schemaId, [...frame.path], frame.payloadStart]).toEqual(seen)
      if (alone) expect(frame.payloadStart).toBeLessThanOrEqual(value.length)
    }),
    { numRuns: 500 },
  )
})

test.each([
  ['nothing', []],
  ['another magic', [1, 0, 0, 0, 1, 0, 9]],
  ['a cut number', [0, 0, 0]],
  ['no indexes', [0, 0, 0, 0, 1]],
  ['a cut list', [0, 0, 0, 0, 1, 4, 2]],
  ['a negative count', [0, 0, 0, 0, 1, 1, 2]],
  ['a negative index', [0, 0, 0, 0, 1, 2, 1]],
  ['more indexes than any schema has', [0, 0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f]],
])('%s is no frame', (_what, bytes) => {
  expect(frame.read(Uint8Array.from(bytes), 0, bytes.length)).toBe(false)
})

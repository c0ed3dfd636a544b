/** Fields whose names every JavaScript object has from its prototype. */
import { expect, test } from 'vitest'
import { ObjectDecoder } from '../../../../src/codec/protobuf/object-decoder.ts'
import { ObjectEncoder } from '../../../../src/codec/protobuf/object-encoder.ts'
import { schemaA } from '../../../support/feature-rows.ts'
import { roundTrip } from '../../../support/kernel-tables.ts'
import { bytesField, joined, utf8 } from '../../../support/raw-events.ts'

const names = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'] as const
const texts = names.map((name, index) => `optional string ${name} = ${index + 2};`).join(' ')
const schema = schemaA(`syntax = "proto3"; message A { A again = 1; ${texts} B toLocaleString = 9; }
  message B { optional string keys = 1; }`)

test('absent, they are absent from JSON columns', () => {
  const inner = joined(bytesField(3, utf8('given')))
  const { rows, refusals } = roundTrip(schema, [
    bytesField(1, new Uint8Array()),
    bytesField(1, inner),
  ])
  expect(refusals).toEqual([])
  expect(rows).toMatchObject([{ again: '{}' }, { again: '{"toString":"given"}' }])
})

test('absent, they are absent from objects, and back on the wire', () => {
  const inner = bytesField(4, utf8('given'))
  const decoder = new ObjectDecoder(schema)
  expect(Object.entries(decoder.decode(inner))).toEqual([['valueOf', 'given']])
  expect(decoder.decode(new Uint8Array())['constructor']).toBeUndefined()
  const encoder = new ObjectEncoder(schema)
  expect(Buffer.from(encoder.encode({ valueOf: 'given' }))).toEqual(Buffer.from(inner))
  expect(encoder.encode({}).length).toBe(0)
})

test('a message of such a name is no object that others share', () => {
  const shared = Object(Reflect.get(Object.prototype, 'toLocaleString'))
  const before = Reflect.ownKeys(shared)
  const bytes = bytesField(9, bytesField(1, utf8('k')))
  expect(new ObjectDecoder(schema).decode(bytes)['toLocaleString']).toEqual({ keys: 'k' })
  expect(Reflect.ownKeys(shared)).toEqual(before)
})

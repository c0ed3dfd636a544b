import { create, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import {
  DurationSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_struct,
  TimestampSchema,
  ValueSchema,
} from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assert } from '../../../src/base/assert.ts'
import { parseDescriptorSet } from '../../../src/codec/protobuf/descriptor-set.ts'
import { messageJson } from '../../../src/codec/protobuf/message-json.ts'
import { schemaA } from '../../support/feature-rows.ts'
import { roundTrip } from '../../support/kernel-tables.ts'
import { bytesField } from '../../support/raw-events.ts'

const set = toBinary(
  FileDescriptorSetSchema,
  create(FileDescriptorSetSchema, { file: [file_google_protobuf_struct.proto] }),
)
const valueSchema = parseDescriptorSet(set, 'struct.desc', 'google.protobuf.Value')
const render = messageJson()

function rendered(schema: typeof valueSchema, bytes: Uint8Array): unknown {
  const outcome = render(schema, bytes, 1)
  assert(outcome.kind === 'text', 'what @bufbuild/protobuf wrote is read')
  return JSON.parse(outcome.text)
}

const jsonValues = fc.jsonValue({ maxDepth: 6 })

test('any JSON, as a Value of @bufbuild/protobuf, comes back from its column', () => {
  const holder = schemaA(
    'syntax = "proto3"; import "google/protobuf/struct.proto"; message A { google.protobuf.Value v = 1; }',
  )
  fc.assert(
    fc.property(fc.array(jsonValues, { maxLength: 8 }), (values) => {
      const wires = values.map((value) =>
        bytesField(1, toBinary(ValueSchema, fromJson(ValueSchema, value as JsonValue))),
      )
      const { rows, refusals } = roundTrip(holder, wires)
      expect(refusals).toEqual([])
      expect(rows.map((row) => JSON.parse(String(Reflect.get(Object(row), 'v'))))).toEqual(values)
    }),
    { numRuns: 40 },
  )
})

const timesText = `syntax = "proto3"; import "google/protobuf/timestamp.proto";
  import "google/protobuf/duration.proto";
  message A { google.protobuf.Timestamp t = 1; google.protobuf.Duration d = 2; }`

test('times are written as @bufbuild/protobuf writes them', () => {
  const [timestamp, duration] = schemaA(timesText).fields.map(({ type }) => {
    assert(type.kind === 'message', 'times are messages')
    return type.message
  })
  assert(timestamp !== undefined && duration !== undefined, 'there are two fields')
  const nanos = fc.oneof(fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom(0, 5e8, 1_000))
  const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n })
  fc.assert(
    fc.property(seconds, nanos, (whole, part) => {
      const at = create(TimestampSchema, { seconds: whole, nanos: part })
      expect(Date.parse(String(rendered(timestamp, toBinary(TimestampSchema, at))))).toBe(
        Date.parse(String(toJson(TimestampSchema, at))),
      )
      expect(
        fromJson(TimestampSchema, rendered(timestamp, toBinary(TimestampSchema, at)) as string),
      ).toEqual(at)
      const signed = whole < 0n && part > 0 ? -part : part
      const took = create(DurationSchema, { seconds: whole, nanos: signed })
      expect(
        fromJson(DurationSchema, rendered(duration, toBinary(DurationSchema, took)) as string),
      ).toEqual(took)
    }),
    { numRuns: 300 },
  )
})

import { expect, test } from 'vitest'
import { parseMessageSchema } from '../../../../src/codec/protobuf/parse-schema.ts'
import { messageSchemaChecksum } from '../../../../src/codec/protobuf/schema-checksum.ts'

const checksum = (text: string): string =>
  messageSchemaChecksum(
    parseMessageSchema(new Map([['a.proto', `syntax = "proto3"; ${text}`]]), 'a.proto', 'A'),
  )

const base =
  'message A { int32 x = 1; B b = 2; E e = 3; map<string, B> m = 4; A a = 5; } message B { int32 y = 1; } enum E { Z = 0; }'

test('comments, files and unreachable messages do not change the checksum', () => {
  const same = `message Unused {} enum E { Z = 0; } message B { int32 y = 1; }
    // A comment.
    message A { int32 x = 1; B b = 2; E e = 3; map<string, B> m = 4; A a = 5; }`
  expect(checksum(same)).toBe(checksum(base))
  expect(checksum(base)).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  ['a new name', 'int32 x = 1', 'int32 z = 1'],
  ['a new number', 'int32 x = 1', 'int32 x = 9'],
  ['a new type', 'int32 x = 1', 'sint32 x = 1'],
  ['presence', 'int32 x = 1', 'optional int32 x = 1'],
  ['repetition', 'int32 x = 1', 'repeated int32 x = 1'],
  ['a oneof', 'int32 x = 1;', 'oneof o { int32 x = 1; }'],
  ['a map key', 'map<string, B>', 'map<int32, B>'],
  ['an inner field', 'int32 y = 1', 'int64 y = 1'],
  ['an enum value', 'Z = 0;', 'Z = 0; MORE = 1;'],
  ['the order of fields', 'int32 x = 1; B b = 2;', 'B b = 2; int32 x = 1;'],
])('%s changes the checksum', (_name, from, to) => {
  expect(base).toContain(from)
  expect(checksum(base.replace(from, to))).not.toBe(checksum(base))
})

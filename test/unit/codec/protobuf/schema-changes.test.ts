import { describe, expect, test } from 'vitest'
import { refuseIncompatible, schemaChanges } from '../../../../src/codec/protobuf/schema-changes.ts'
import { schemaA } from '../../../support/feature-rows.ts'
import { faultOf } from '../../../support/thrown.ts'

const messageA = (fields: string) =>
  schemaA(`syntax = "proto3"; import "google/protobuf/timestamp.proto";
    message A { ${fields} } message B { int32 n = 1; A a = 2; } message C { int64 n = 1; }
    enum E { Z = 0; } enum F { Y = 0; X = 1; }`)
const changes = (before: string, after: string) =>
  schemaChanges(messageA(before), messageA(after)).map(
    ({ kind, message, number }) => `${kind} ${message} ${number}`,
  )

test('equal messages have no changes, in circles too', () => {
  expect(changes('int32 x = 1; B b = 2;', 'int32 x = 1; B b = 2;')).toEqual([])
})

describe('compatible', () => {
  test.each([
    ['int32 x = 1;', 'int32 x = 1; int32 y = 2;', ['added A 2']],
    ['int32 x = 1; int32 y = 2;', 'int32 y = 2;', ['removed A 1']],
    ['int32 x = 1;', 'int32 y = 1;', ['renamed A 1']],
    ['int32 x = 1;', 'int64 y = 1;', ['widened A 1', 'renamed A 1']],
    ['sint32 x = 1;', 'sint64 x = 1;', ['widened A 1']],
    ['uint32 x = 1;', 'uint64 x = 1;', ['widened A 1']],
    ['uint32 x = 1;', 'int64 x = 1;', ['widened A 1']],
    ['repeated int32 x = 1;', 'repeated int64 x = 1;', ['widened A 1']],
    ['map<int32, uint32> x = 1;', 'map<int64, uint64> x = 1;', ['widened A 1']],
    ['int32 x = 1;', 'optional int32 x = 1;', ['presence A 1']],
    ['optional int32 x = 1;', 'oneof o { int32 x = 1; }', ['presence A 1']],
    ['E x = 1;', 'F x = 1;', []],
    ['B x = 1;', 'C x = 1;', ['widened C 1', 'removed C 2']],
    ['map<string, B> x = 1;', 'map<string, C> x = 1;', ['widened C 1', 'removed C 2']],
  ])('%s → %s', (before, after, expected) => {
    expect(changes(before, after)).toEqual(expected)
    expect(() => refuseIncompatible(messageA(before), messageA(after))).not.toThrow()
  })
})

describe('incompatible', () => {
  test.each([
    ['int64 x = 1;', 'int32 x = 1;'],
    ['int32 x = 1;', 'sint64 x = 1;'],
    ['int32 x = 1;', 'uint64 x = 1;'],
    ['float x = 1;', 'double x = 1;'],
    ['string x = 1;', 'bytes x = 1;'],
    ['int32 x = 1;', 'E x = 1;'],
    ['int32 x = 1;', 'repeated int32 x = 1;'],
    ['repeated B x = 1;', 'map<int32, A> x = 1;'],
    ['map<int32, int32> x = 1;', 'map<string, int64> x = 1;'],
    ['map<int32, int32> x = 1;', 'map<int32, string> x = 1;'],
    ['google.protobuf.Timestamp x = 1;', 'C x = 1;'],
    ['C x = 1;', 'google.protobuf.Timestamp x = 1;'],
  ])('%s → %s', (before, after) => {
    expect(changes(before, after)).toContain('incompatible A 1')
  })

  test('is refused with the field, and what it was and is', () => {
    const fault = faultOf(() =>
      refuseIncompatible(messageA('repeated int32 x = 1;'), messageA('map<int32, B> y = 1;')),
    )
    expect(fault.code).toBe('SCHEMA_INCOMPATIBLE')
    expect(fault.message).toBe(
      'field 1 of message "A" was "repeated int32 x" and is "map<int32, B> y"',
    )
  })

  test('another framing of a message is another field', () => {
    const edition = (encoding: string) =>
      schemaA(`edition = "2023"; message A { A x = 1 [features.message_encoding = ${encoding}]; }`)
    const found = schemaChanges(edition('DELIMITED'), edition('LENGTH_PREFIXED'))
    expect(found).toMatchObject([{ kind: 'incompatible', before: 'delimited A x', after: 'A x' }])
  })
})

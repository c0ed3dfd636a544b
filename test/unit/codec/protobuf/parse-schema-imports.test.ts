import { describe, expect, test } from 'vitest'
import { parseMessageSchema } from '../../../../src/codec/protobuf/parse-schema.ts'
import type { MessageSchema } from '../../../../src/model/event-schema.ts'
import { fieldNamed as field } from '../../../support/message-schemas.ts'
import { faultOf } from '../../../support/thrown.ts'

const parse = (text: string, message: string): MessageSchema =>
  parseMessageSchema(new Map([['a.proto', text]]), 'a.proto', message)

describe('imports', () => {
  const order = `syntax = "proto3"; package shop; import "money.proto"; import public "common/id.proto";
    import "google/protobuf/timestamp.proto"; import weak "gone.proto";
    message Order { Money total = 1; common.Id id = 2; google.protobuf.Timestamp at = 3; }`
  const sources = new Map([
    ['shop/order.proto', order],
    ['shop/money.proto', 'syntax = "proto3"; package shop; message Money { int64 cents = 1; }'],
    ['money.proto', 'syntax = "proto3"; package wrong; message Money { int64 other = 1; }'],
    ['common/id.proto', 'syntax = "proto2"; package common; message Id { optional string s = 1; }'],
  ])

  test('are found beside the importer first, then from the root, then among the bundled', () => {
    const schema = parseMessageSchema(sources, 'shop/order.proto', 'shop.Order')
    const names = schema.fields.map((f) => f.type.kind === 'message' && f.type.message.fullName)
    expect(names).toEqual(['shop.Money', 'common.Id', 'google.protobuf.Timestamp'])
    const id = field(schema, 'id').type
    expect(id.kind === 'message' && id.message.syntax).toBe('proto2')
    const at = field(schema, 'at').type
    expect(at.kind === 'message' && at.message.syntax).toBe('proto3')
    expect(at.kind === 'message' && at.message.fields.map((f) => f.presence)).toEqual([
      'implicit',
      'implicit',
    ])
  })

  test('bundled definitions have the names of their sources', () => {
    const text =
      'syntax = "proto3"; import "google/protobuf/struct.proto"; message A { google.protobuf.Value v = 1; }'
    const value = field(parse(text, 'A'), 'v').type
    expect(value.kind === 'message' && value.message.fields.map((f) => f.name)).toContain(
      'string_value',
    )
  })

  test('a missing one is named with the places where it was looked for', () => {
    const broken = new Map([['shop/order.proto', 'import "x.proto";']])
    const fault = faultOf(() => parseMessageSchema(broken, 'shop/order.proto', 'A'))
    expect(fault.code).toBe('SCHEMA_UNREADABLE')
    expect(fault.message).toBe(
      'could not read schema "shop/order.proto": it imports "x.proto", which is not there (tried "shop/x.proto", "x.proto")',
    )
  })

  test('a bundled one may be imported by several files, weakly too', () => {
    const several = new Map([
      [
        'a.proto',
        'syntax = "proto3"; import weak "google/protobuf/any.proto"; import "b.proto"; message A { google.protobuf.Any x = 1; B b = 2; }',
      ],
      [
        'b.proto',
        'syntax = "proto3"; import "google/protobuf/any.proto"; import weak "c.proto"; message B { google.protobuf.Any x = 1; C c = 2; }',
      ],
      ['c.proto', 'syntax = "proto3"; message C { int32 y = 1; }'],
    ])
    expect(parseMessageSchema(several, 'a.proto', 'A').fields).toHaveLength(2)
  })

  test("a user's own copy of a bundled one wins", () => {
    const own = new Map([
      [
        'a.proto',
        'syntax = "proto3"; import "google/protobuf/empty.proto"; message A { google.protobuf.Empty e = 1; }',
      ],
      [
        'google/protobuf/empty.proto',
        'syntax = "proto3"; package google.protobuf; message Empty { int32 own_field = 1; }',
      ],
    ])
    const empty = field(parseMessageSchema(own, 'a.proto', 'A'), 'e').type
    expect(empty.kind === 'message' && empty.message.fields.map((f) => f.name)).toEqual([
      'own_field',
    ])
  })

  test('may go in a circle', () => {
    const circle = new Map([
      ['a.proto', 'syntax = "proto3"; import "b.proto"; message A { B b = 1; }'],
      ['b.proto', 'syntax = "proto3"; import "a.proto"; message B { A a = 1; }'],
    ])
    expect(parseMessageSchema(circle, 'a.proto', 'A').fields).toHaveLength(1)
  })

  test('custom options that extend the descriptor are read', () => {
    const text = `syntax = "proto3"; import "google/protobuf/descriptor.proto";
      extend google.protobuf.FieldOptions { string owner = 50001; }
      message A { string s = 1 [(owner) = "me"]; }`
    expect(parse(text, 'A').fields).toHaveLength(1)
  })

  test('a name that two files declare is refused without a line', () => {
    const twice = new Map([
      ['a.proto', 'import "b.proto";\nmessage A {}'],
      ['b.proto', '\n\nmessage A {}\n'],
    ])
    expect(faultOf(() => parseMessageSchema(twice, 'a.proto', 'A')).message).toBe(
      'could not read schema "b.proto": duplicate name \'A\' in Root',
    )
  })

  test('an error inside one names that file and line', () => {
    const broken = new Map([
      ['a.proto', 'syntax = "proto3";\nimport "b.proto";'],
      ['b.proto', 'syntax = "proto3";\nmessage B {\n  int32 b 1;\n}'],
    ])
    expect(faultOf(() => parseMessageSchema(broken, 'a.proto', 'B')).message).toMatch(
      /"b.proto": illegal token '1'.* at line 3$/,
    )
  })
})

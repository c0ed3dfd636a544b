import { describe, expect, test } from 'vitest'
import { parseMessageSchema } from '../../../../src/codec/protobuf/parse-schema.ts'
import type { MessageSchema } from '../../../../src/model/event-schema.ts'
import { fieldNamed as field } from '../../../support/message-schemas.ts'
import { faultOf } from '../../../support/thrown.ts'

const parse = (text: string, message: string): MessageSchema =>
  parseMessageSchema(new Map([['a.proto', text]]), 'a.proto', message)

const refusal = (text: string, message = 'A'): string => faultOf(() => parse(text, message)).message

describe('a proto3 message', () => {
  const text = `
    syntax = "proto3";
    package growth.v1;
    message AppEvent {
      // Who did it.
      string user_id = 1;
      optional int32 battery = 2;
      repeated sint64 deltas = 3 [packed = false];
      map<string, Page> pages = 4;
      Page page = 5; // where it happened
      oneof way { bytes raw = 6; Kind kind = 7; }
      message Page { double seconds = 1; }
    }
    enum Kind { option allow_alias = true; NONE = 0; CLICK = 1; TAP = 1; BACK = -1; }`
  const schema = parse(text, 'growth.v1.AppEvent')

  test('keeps full name, syntax and the order and names of fields as declared', () => {
    expect(schema.fullName).toBe('growth.v1.AppEvent')
    expect(schema.syntax).toBe('proto3')
    expect(schema.fields.map((f) => [f.name, f.number])).toEqual([
      ['user_id', 1],
      ['battery', 2],
      ['deltas', 3],
      ['pages', 4],
      ['page', 5],
      ['raw', 6],
      ['kind', 7],
    ])
  })

  test('has presence where the language gives it', () => {
    expect(schema.fields.map((f) => f.presence)).toEqual([
      'implicit',
      'explicit',
      'implicit',
      'implicit',
      'explicit',
      'explicit',
      'explicit',
    ])
  })

  test('names the oneof of its members, and none for an optional field', () => {
    expect(schema.fields.map((f) => f.oneof)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      'way',
      'way',
    ])
  })

  test('keeps comments before and behind a field', () => {
    expect(field(schema, 'user_id').comment).toBe('Who did it.')
    expect(field(schema, 'page').comment).toBe('where it happened')
    expect(field(schema, 'battery').comment).toBeUndefined()
  })

  test('has types, with one object for one message', () => {
    expect(field(schema, 'deltas')).toMatchObject({
      repeated: true,
      type: { kind: 'scalar', scalar: 'sint64' },
    })
    const pages = field(schema, 'pages')
    const page = field(schema, 'page')
    if (pages.type.kind !== 'map' || page.type.kind !== 'message') throw new Error('wrong kinds')
    expect(pages).toMatchObject({ repeated: false, type: { key: 'string' } })
    expect(pages.type.value).toMatchObject({ kind: 'message' })
    if (pages.type.value.kind === 'message') {
      expect(pages.type.value.message).toBe(page.type.message)
    }
    expect(page.type.message.fullName).toBe('growth.v1.AppEvent.Page')
  })

  test('has open enums with the first name of each number', () => {
    const kind = field(schema, 'kind').type
    if (kind.kind !== 'enum') throw new Error('not an enum')
    expect(kind.values.closed).toBe(false)
    expect([...kind.values.names]).toEqual([
      [0, 'NONE'],
      [1, 'CLICK'],
      [-1, 'BACK'],
    ])
  })
})

test('proto2 has required and explicit fields and closed enums', () => {
  const schema = parse(
    `syntax = "proto2";
     message A { required int32 a = 1; optional E e = 2 [default = Y]; repeated A again = 3; }
     enum E { X = 1; Y = 2; }`,
    'A',
  )
  expect(schema.syntax).toBe('proto2')
  expect(schema.fields.map((f) => f.presence)).toEqual(['required', 'explicit', 'implicit'])
  expect(field(schema, 'e').type).toMatchObject({ kind: 'enum', values: { closed: true } })
})

test('a source without a syntax line is proto2', () => {
  expect(parse('message A { required int32 a = 1; }', 'A').syntax).toBe('proto2')
})

test('editions take presence and openness from features, nearest first', () => {
  const schema = parse(
    `edition = "2023";
     option features.field_presence = IMPLICIT;
     message A {
       int32 plain = 1;
       int32 seen = 2 [features.field_presence = EXPLICIT];
       int32 needed = 3 [features.field_presence = LEGACY_REQUIRED];
       Open open = 4;
       Closed closed = 5 [features.field_presence = EXPLICIT];
       A again = 6;
     }
     enum Open { O = 0; }
     enum Closed { option features.enum_type = CLOSED; C = 0; }`,
    'A',
  )
  expect(schema.syntax).toBe('editions')
  expect(schema.fields.map((f) => f.presence)).toEqual([
    'implicit',
    'explicit',
    'required',
    'implicit',
    'explicit',
    'explicit',
  ])
  expect(field(schema, 'open').type).toMatchObject({ values: { closed: false } })
  expect(field(schema, 'closed').type).toMatchObject({ values: { closed: true } })
})

test('a recursive message refers to itself', () => {
  const schema = parse('syntax = "proto3"; message A { B b = 1; } message B { A a = 1; }', 'A')
  const b = field(schema, 'b').type
  if (b.kind !== 'message') throw new Error('not a message')
  const a = field(b.message, 'a').type
  expect(a.kind === 'message' && a.message).toBe(schema)
})

describe('names of types', () => {
  test('are looked for from the inside outwards', () => {
    const text = `syntax = "proto3"; package p;
      message A { message C { message B { int32 inner = 1; } } B b = 1; }
      message B { int32 outer = 1; }`
    const type = field(parse(text, 'p.A'), 'b').type
    expect(type.kind === 'message' && type.message.fullName).toBe('p.B')
  })

  test('a leading dot is absolute', () => {
    const text = `syntax = "proto3"; package p;
      message A { message B {} .p.B b = 1; }
      message B { int32 outer = 1; }`
    const type = field(parse(text, 'p.A'), 'b').type
    expect(type.kind === 'message' && type.message.fullName).toBe('p.B')
  })

  test('an inner name hides an outer one by its first part', () => {
    const text = `syntax = "proto3";\nmessage A {\n  message B {}\n  B.C c = 1;\n}\nmessage B { message C {} }`
    expect(refusal(text)).toBe(
      'could not read schema "a.proto": type "B.C" of field "c" is not there at line 4',
    )
  })
})

describe('refused with file and line', () => {
  test.each([
    ['a missing semicolon', 'syntax = "proto3";\nmessage A { int32 a = 1\n}', /at line 3$/],
    [
      'a number used twice',
      'syntax="proto3";\nmessage A {\nint32 a=1;\nint32 b=1;\n}\nmessage B{}',
      /duplicate id 1 in Type A at line 4$/,
    ],
    [
      'a name used twice',
      'syntax="proto3";\nmessage A {\nint32 a=1;\nint32 a=2;\n}',
      /duplicate name 'a' in Type A at line 4$/,
    ],
    [
      'a type that is not there',
      'syntax="proto3";\nmessage A {\nFoo f=1;\n}',
      /type "Foo" of field "f" is not there at line 3$/,
    ],
    [
      'number 0',
      'syntax="proto3";\nmessage A {\nint32 zero=0;\n}',
      /field "zero" has number 0, allowed are .* at line 3$/,
    ],
    [
      'a number kept for protobuf itself',
      'syntax="proto3";\nmessage A {\nint32 x=19000;\n}',
      /number 19000.* at line 3$/,
    ],
    [
      'a number beyond 29 bits',
      'syntax="proto3";\nmessage A { int32 x=536870912; }',
      /number 536870912.* at line 2$/,
    ],
    [
      'an enum value beyond 32 bits',
      'syntax="proto3";\nenum E { Z=0;\nBIG=4294967296; }',
      /"BIG" has number 4294967296, beyond 32 bits at line 3$/,
    ],
    [
      'a field that JavaScript would drop',
      'syntax="proto3";\nmessage A { int32 __proto__ = 1; }',
      /"__proto__" at line 2$/,
    ],
    [
      'an edition from the future',
      'edition = "2099";\nmessage A {}',
      /illegal edition '2099' at line 1$/,
    ],
    ['another syntax', 'syntax = "proto4";\nmessage A {}', /proto4/],
    ['text that is no schema', 'hello world', /illegal token 'hello' at line 1$/],
    ['an unfinished comment', 'syntax="proto3";\n/* never ends', /at line \d+$/],
    [
      'an extension of nothing',
      'syntax="proto2"; extend Gone { optional int32 a = 1; }',
      /extend Gone/,
    ],
  ])('%s', (_name, text, expected) => {
    const fault = faultOf(() => parse(text, 'A'))
    expect(fault.code).toBe('SCHEMA_UNREADABLE')
    expect(fault.message).toMatch(expected)
  })

  test('a file that is not there', () => {
    const fault = faultOf(() => parseMessageSchema(new Map(), 'a.proto', 'A'))
    expect(fault.message).toBe('could not read schema "a.proto": there is no such file')
  })
})

test('a message that is not there is refused with those that are', () => {
  const text = `syntax = "proto3"; package p; import "google/protobuf/timestamp.proto";
    message A { message Inner {} } message B {}`
  const fault = faultOf(() => parse(text, 'A'))
  expect(fault.code).toBe('SCHEMA_MESSAGE_NOT_FOUND')
  expect(fault.message).toBe(
    'message "A" is not in schema "a.proto", which has p.A, p.A.Inner, p.B',
  )
})

describe('groups and extensions', () => {
  test('a group is a message that is delimited', () => {
    const text =
      'syntax = "proto2"; message A { optional group Part = 1 { optional int32 x = 1; } }'
    expect(field(parse(text, 'A'), 'part')).toMatchObject({
      number: 1,
      delimited: true,
      type: { kind: 'message', message: { fullName: 'A.Part' } },
    })
  })

  test('editions say by a feature what is delimited, and files for all their messages', () => {
    const text = `edition = "2023"; option features.message_encoding = DELIMITED;
      message A { B b = 1; B c = 2 [features.message_encoding = LENGTH_PREFIXED]; int32 d = 3;
        map<string, B> e = 4; }
      message B {}`
    const { fields } = parse(text, 'A')
    expect(fields.map(({ name, delimited }) => [name, delimited])).toEqual([
      ['b', true],
      ['c', false],
      ['d', false],
      ['e', false],
    ])
  })

  test('extensions are fields with their full name, wherever they are declared', () => {
    const text = `syntax = "proto2"; package p.q;
      message A { extensions 100 to 199; }
      extend A { optional int32 more = 100; }
      message Scope { extend A { optional group Part = 101 { optional int32 x = 1; } } }`
    const { fields } = parse(text, 'p.q.A')
    expect(fields.map(({ name, number, delimited }) => [name, number, delimited])).toEqual([
      ['p_q_more', 100, false],
      ['p_q_Scope_part', 101, true],
    ])
  })

  test('a group in a oneof is refused with the way around', () => {
    const text = 'syntax = "proto2"; message A {\n oneof o {\n group B = 1 {} }}'
    expect(refusal(text)).toContain('is read from a descriptor set only at line 3')
  })

  test('a message set is refused by name', () => {
    const text = `syntax = "proto2";
      message A { option message_set_wire_format = true; extensions 4 to max; }`
    const fault = faultOf(() => parse(text, 'A'))
    expect(fault.code).toBe('SCHEMA_NOT_SUPPORTED')
    expect(fault.message).toContain('needs message_set_wire_format')
  })
})

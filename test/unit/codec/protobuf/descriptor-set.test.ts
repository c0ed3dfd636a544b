import { create, toBinary } from '@bufbuild/protobuf'
import {
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { parseDescriptorSet } from '../../../../src/codec/protobuf/descriptor-set.ts'
import { parseMessageSchema } from '../../../../src/codec/protobuf/parse-schema.ts'
import type { MessageSchema } from '../../../../src/model/event-schema.ts'
import { faultOf } from '../../../support/thrown.ts'

type FileInit = Partial<FileDescriptorProto>

/** A set that @bufbuild/protobuf writes. */
const setOf = (...file: FileInit[]): Uint8Array =>
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: file as never }))

const fromText = (text: string, message: string): MessageSchema =>
  parseMessageSchema(new Map([['a.proto', text]]), 'a.proto', message)

describe('a set means what its sources mean', () => {
  // Without api and type: the copies bundled with protobufjs are older.
  const wellKnown = [
    file_google_protobuf_descriptor,
    file_google_protobuf_any,
    file_google_protobuf_duration,
    file_google_protobuf_field_mask,
    file_google_protobuf_struct,
    file_google_protobuf_timestamp,
    file_google_protobuf_wrappers,
  ]
  const set = setOf(...wellKnown.map(({ proto }) => proto))
  const messages = wellKnown.flatMap(({ name, messages: all }) =>
    all.map(({ typeName }) => [`${name}.proto`, typeName] as const),
  )

  test.each(messages)('%s %s, compiled by protoc', (path, message) => {
    const read = parseDescriptorSet(set, 'a.desc', message)
    const text = `syntax = "proto3"; import "${path}";`
    const shape = ({ fields }: MessageSchema): unknown =>
      fields.map(({ comment: _comment, type, ...field }) => [field, type.kind])
    expect(shape(read)).toEqual(shape(fromText(text, message)))
  })

  test('the well-known messages are many', () => expect(messages.length).toBeGreaterThan(30))
})

describe('features of editions', () => {
  const field = (name: string, number: number, more: object = {}): object => ({
    name,
    number,
    type: 5,
    label: 1,
    ...more,
  })
  const file: FileInit = {
    name: 'a.proto',
    package: 'p',
    syntax: 'editions',
    edition: 1000,
    options: { features: { fieldPresence: 2, messageEncoding: 2 } } as never,
    messageType: [
      {
        name: 'A',
        field: [
          field('implicit', 1),
          field('explicit', 2, { options: { features: { fieldPresence: 1 } } }),
          field('needed', 3, { options: { features: { fieldPresence: 3 } } }),
          field('inner', 4, { type: 11, typeName: '.p.A' }),
          field('prefixed', 5, {
            type: 11,
            typeName: '.p.A',
            options: { features: { messageEncoding: 1 } },
          }),
          field('open', 6, { type: 14, typeName: '.p.Open' }),
          field('closed', 7, { type: 14, typeName: '.p.A.Closed' }),
          field('chosen', 8, { oneofIndex: 0 }),
          field('map', 9, { type: 11, label: 3, typeName: '.p.A.MapEntry' }),
        ],
        oneofDecl: [{ name: 'choice' }],
        nestedType: [
          {
            name: 'MapEntry',
            field: [
              field('key', 1, { type: 9 }),
              field('value', 2, { type: 11, typeName: '.p.A' }),
            ],
            options: { mapEntry: true },
          },
        ],
        enumType: [
          {
            name: 'Closed',
            value: [{ name: 'C', number: 0 }],
            options: { features: { enumType: 2 } },
          },
        ],
      },
    ] as never,
    enumType: [{ name: 'Open', value: [{ name: 'O', number: 0 }] }] as never,
    extension: [field('more', 100, { extendee: '.p.A' })] as never,
  }

  test('are taken from the nearest that says so', () => {
    const schema = parseDescriptorSet(setOf(file), 'a.desc', 'p.A')
    const seen = schema.fields.map(({ name, presence, delimited, oneof, repeated, type }) => {
      const closed = type.kind === 'enum' ? type.values.closed : undefined
      return [name, presence, delimited, oneof, repeated, closed ?? type.kind]
    })
    expect(schema.syntax).toBe('editions')
    expect(seen).toEqual([
      ['implicit', 'implicit', false, undefined, false, 'scalar'],
      ['explicit', 'explicit', false, undefined, false, 'scalar'],
      ['needed', 'required', false, undefined, false, 'scalar'],
      ['inner', 'explicit', true, undefined, false, 'message'],
      ['prefixed', 'explicit', false, undefined, false, 'message'],
      ['open', 'implicit', false, undefined, false, false],
      ['closed', 'implicit', false, undefined, false, true],
      ['chosen', 'explicit', false, 'choice', false, 'scalar'],
      ['map', 'implicit', false, undefined, false, 'map'],
      ['p_more', 'explicit', false, undefined, false, 'scalar'],
    ])
  })

  test('proto2 has groups, in a oneof too; proto3 optional fields are in no oneof', () => {
    const group: FileInit = {
      package: 'p',
      messageType: [
        {
          name: 'A',
          field: [field('part', 1, { type: 10, typeName: '.p.A.Part', oneofIndex: 0 })],
          oneofDecl: [{ name: 'either' }],
          nestedType: [{ name: 'Part', field: [field('x', 1, { label: 2 })] }],
        },
      ] as never,
    }
    expect(parseDescriptorSet(setOf(group), 'a.desc', 'p.A')).toMatchObject({
      syntax: 'proto2',
      fields: [
        {
          delimited: true,
          oneof: 'either',
          presence: 'explicit',
          type: { message: { fields: [{ presence: 'required' }] } },
        },
      ],
    })
    const optional: FileInit = {
      syntax: 'proto3',
      messageType: [
        {
          name: 'A',
          field: [field('x', 1, { proto3Optional: true, oneofIndex: 0 }), field('y', 2)],
          oneofDecl: [{ name: '_x' }],
        },
      ] as never,
    }
    expect(parseDescriptorSet(setOf(optional), 'a.desc', 'A').fields).toMatchObject([
      { presence: 'explicit', oneof: undefined },
      { presence: 'implicit', oneof: undefined },
    ])
  })

  const withMessage = (message: object, more: FileInit = {}): Uint8Array =>
    setOf({ ...file, messageType: [{ name: 'A', ...message }] as never, extension: [], ...more })

  test.each([
    [
      'a type that is not in the set',
      withMessage({ field: [field('a', 1, { type: 11, typeName: '.q.B' })] }),
      /type "q.B" in "p.A" is not there; make the set with --include_imports/,
    ],
    [
      'an enum that is not in the set',
      withMessage({ field: [field('a', 1, { type: 14, typeName: '.q.E' })] }),
      /type "q.E" in "p.A" is not there/,
    ],
    ['a number beyond the range', withMessage({ field: [field('a', 0)] }), /"a" .* number 0/],
    ['a name that is none', withMessage({ field: [field('a-b', 1)] }), /"a-b"/],
    ['a name JavaScript drops', withMessage({ field: [field('__proto__', 1)] }), /"__proto__"/],
    [
      'a number twice',
      withMessage({ field: [field('a', 1), field('b', 1)] }),
      /has "b" or number 1 twice/,
    ],
    ['an edition from the future', withMessage({}, { edition: 9999 as never }), /edition/],
    ['bytes that are no set', Uint8Array.of(0xff, 0xff), /it is no FileDescriptorSet/],
  ])('%s is refused', (_name, bytes, expected) => {
    const fault = faultOf(() => parseDescriptorSet(bytes, 'a.desc', 'p.A'))
    expect(fault.code).toBe('SCHEMA_UNREADABLE')
    expect(fault.message).toMatch(expected)
  })

  test('a message set is refused by name', () => {
    const bytes = withMessage({ options: { messageSetWireFormat: true } })
    const fault = faultOf(() => parseDescriptorSet(bytes, 'a.desc', 'p.A'))
    expect(fault.code).toBe('SCHEMA_NOT_SUPPORTED')
  })

  test('a message that is not there is refused with those that are', () => {
    const fault = faultOf(() => parseDescriptorSet(setOf(file), 'a.desc', 'A'))
    expect(fault.message).toBe('message "A" is not in schema "a.desc", which has p.A')
  })
})

import { createFileRegistry, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import 'protobufjs/ext/descriptor.js'
import { describe, expect, test } from 'vitest'
import { ObjectDecoder } from '../../../src/codec/protobuf/object-decoder.ts'
import { ObjectEncoder } from '../../../src/codec/protobuf/object-encoder.ts'
import { parseMessageSchema } from '../../../src/codec/protobuf/parse-schema.ts'
import { WireError } from '../../../src/codec/protobuf/wire.ts'
import { scalarTypes as scalars } from '../../../src/model/event-schema.ts'

/** One field of every scalar, alone, optional, repeated and packed or not, and as map value. */
const text = `syntax = "proto3"; package p;
  message A {
    ${scalars.map((scalar, at) => `${scalar} one${scalar} = ${at + 1};`).join('\n')}
    ${scalars.map((scalar, at) => `optional ${scalar} maybe${scalar} = ${at + 21};`).join('\n')}
    ${scalars.map((scalar, at) => `repeated ${scalar} many${scalar} = ${at + 41};`).join('\n')}
    ${scalars.map((scalar, at) => `map<string, ${scalar}> map${scalar} = ${at + 61};`).join('\n')}
    repeated int64 loose = 81 [packed = false];
    map<int64, .p.A> inner = 82;
    .p.A self = 83;
    repeated .p.A selves = 84;
    .p.Kind kind = 85;
    repeated .p.Kind kinds = 86;
    map<uint32, .p.Kind> named = 87;
  }
  enum Kind { ZERO = 0; ONE = 1; LESS = -1; }`

const schema = parseMessageSchema(new Map([['a.proto', text]]), 'a.proto', 'p.A')
const { root } = protobuf.parse(text, { keepCase: true })
const oracle = root.lookupType('p.A')
const encoder = new ObjectEncoder(schema)
const decoder = new ObjectDecoder(schema)

const wellFormed = fc.string({ unit: 'grapheme', maxLength: 20 })
const int32 = fc.integer()
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })

const valueOf: Record<(typeof scalars)[number], fc.Arbitrary<unknown>> = {
  double: fc.double(),
  float: fc.float(),
  int32,
  int64,
  uint32,
  uint64,
  sint32: int32,
  sint64: int64,
  fixed32: uint32,
  fixed64: uint64,
  sfixed32: int32,
  sfixed64: int64,
  bool: fc.boolean(),
  string: wellFormed,
  bytes: fc.uint8Array({ maxLength: 200 }),
}

const kind = fc.constantFrom<string | number>('ZERO', 'ONE', 'LESS', 5)
const short = { maxLength: 4 }

const mapOf = (key: fc.Arbitrary<unknown>, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.array(fc.tuple(key, value), short).map((entries) => new Map(entries))

const flat = fc.record(
  {
    ...Object.fromEntries(scalars.map((scalar) => [`one${scalar}`, valueOf[scalar]])),
    ...Object.fromEntries(scalars.map((scalar) => [`maybe${scalar}`, valueOf[scalar]])),
    ...Object.fromEntries(scalars.map((s) => [`many${s}`, fc.array(valueOf[s], short)])),
    ...Object.fromEntries(scalars.map((s) => [`map${s}`, mapOf(wellFormed, valueOf[s])])),
    loose: fc.array(int64, short),
    kind,
    kinds: fc.array(kind, short),
    named: mapOf(uint32, kind),
  },
  { requiredKeys: [] },
)

/** Few fields, so that a row with other rows inside stays small. */
const small = fc.record({ oneint64: int64, manystring: fc.array(wellFormed, short), kind })

const row = fc
  .tuple(
    flat,
    fc.record(
      { self: small, selves: fc.array(small, short), inner: mapOf(int64, small) },
      { requiredKeys: [] },
    ),
  )
  .map(([fields, inside]) => ({ ...fields, ...inside }))

/** What is absent or undefined in one is the default in the other. */
const decoded = (bytes: Uint8Array): unknown => decoder.decode(bytes)
const whole = (value: unknown): unknown => decoded(encoder.encode(value))

/** The schema as a compiler's output, made by protobufjs, which leaves names short. */
function descriptorSet(): FileDescriptorSet {
  const toDescriptor: unknown = Reflect.get(root.resolveAll(), 'toDescriptor')
  if (typeof toDescriptor !== 'function') throw new Error('protobufjs gives no descriptors')
  const made = Reflect.apply(toDescriptor, root, ['proto3']) as protobuf.Message
  const set = fromBinary(FileDescriptorSetSchema, made.$type.encode(made).finish())
  for (const message of set.file.flatMap((file) => file.messageType)) {
    const entries = new Set(message.nestedType.map(({ name }) => name))
    const all = [message, ...message.nestedType].flatMap(({ field }) => field)
    for (const field of all.filter(({ typeName }) => typeName !== '')) {
      field.typeName = entries.has(field.typeName)
        ? `.p.A.${field.typeName}`
        : `.p.${field.typeName}`
    }
  }
  return set
}

const registry = createFileRegistry(descriptorSet())
const bufbuild: DescMessage = registry.getMessage('p.A') ?? expect.unreachable('no p.A')

describe('an encoded object', () => {
  test('is decoded to what it was, with defaults', () => {
    fc.assert(
      fc.property(row, (value) => {
        const once = whole(value) as Record<string, unknown>
        for (const [key, sent] of Object.entries(value as object)) {
          if (sent === undefined || key === 'self' || key === 'selves' || key === 'inner') continue
          expect(once[key]).toEqual(sent)
        }
        expect(whole(once)).toEqual(once)
      }),
      { numRuns: 60 },
    )
  })

  test('means the same after a way through protobufjs', () => {
    fc.assert(
      fc.property(row, (value) => {
        const bytes = encoder.encode(value)
        const back = oracle.encode(oracle.decode(bytes)).finish()
        expect(decoded(back)).toEqual(decoded(bytes))
      }),
      { numRuns: 60 },
    )
  })

  test('means the same after a way through @bufbuild/protobuf', () => {
    fc.assert(
      fc.property(row, (value) => {
        const bytes = encoder.encode(value)
        const back = toBinary(bufbuild, fromBinary(bufbuild, bytes))
        expect(decoded(back)).toEqual(decoded(bytes))
      }),
      { numRuns: 60 },
    )
  })
})

test('bytes that are cut or changed are decoded or refused, never anything else', () => {
  let refused = 0
  fc.assert(
    fc.property(row, fc.nat(), fc.nat(), (value, place, bits) => {
      const bytes = Uint8Array.from(encoder.encode(value))
      if (bytes.length === 0) return
      const at = place % bytes.length
      bytes[at] = bits & 0xff
      for (const input of [bytes, bytes.subarray(0, at)]) {
        try {
          decoder.decode(input)
        } catch (error) {
          refused++
          if (!(error instanceof WireError)) throw error
        }
      }
    }),
    { numRuns: 150 },
  )
  expect(refused).toBeGreaterThan(30)
})

test('what protobufjs refuses as cut short is refused by us too', () => {
  fc.assert(
    fc.property(row, fc.nat(), (value, place) => {
      const bytes = encoder.encode(value)
      const input = bytes.subarray(0, place % (bytes.length + 1))
      let theirs = true
      try {
        oracle.decode(input)
      } catch {
        theirs = false
      }
      let ours = true
      try {
        decoder.decode(input)
      } catch {
        ours = false
      }
      expect(ours).toBe(theirs)
    }),
    { numRuns: 150 },
  )
})

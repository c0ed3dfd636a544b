/** Random values of the types that come with every protobuf compiler, as protobufjs takes them. */
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { present } from '../../src/base/assert.ts'
import { bundledDefinitions } from '../../src/codec/protobuf/schema-files.ts'
import type { FieldType, MessageSchema } from '../../src/model/event-schema.ts'

type PlainMessage = Record<string, unknown>

const files = ['timestamp', 'duration', 'wrappers', 'struct', 'any', 'field_mask', 'empty'] as const
const paths = files.map((file) => `google/protobuf/${file}.proto`)

/** For the head of a source. */
export const wellKnownImports = paths.map((path) => `import "${path}";`).join('\n')

/** Adds to a root what `wellKnownImports` names. */
export function addWellKnown(root: protobuf.Root): void {
  for (const path of paths) {
    root.addJSON(present(bundledDefinitions(path), 'the file comes with protobufjs').nested ?? {})
  }
}

const nanos = fc.oneof(
  fc.constantFrom(0, 1, 999, 1_000, 500_000_000, 999_999_999),
  fc.integer({ min: 0, max: 999_999_999 }),
)
/** Most within the years 1 to 9999, some that no column of microseconds can hold. */
const seconds = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }) },
  { weight: 4, arbitrary: fc.constantFrom(0n, 1n, -1n, 253_402_300_800n, -62_135_596_801n) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 63n - 1n, 9_223_372_036_854n, -(2n ** 63n)) },
)
const time = (signs: fc.Arbitrary<number>): fc.Arbitrary<PlainMessage> =>
  fc
    .tuple(seconds, nanos, signs)
    .map(([whole, part, sign]) => ({ seconds: String(whole), nanos: part * sign }))

const wrapped = (value: fc.Arbitrary<unknown>): fc.Arbitrary<PlainMessage> =>
  fc.record({ value }, { requiredKeys: [] })

const wide = (min: bigint, max: bigint): fc.Arbitrary<string> =>
  fc.oneof(fc.constantFrom(0n, min, max), fc.bigInt({ min, max })).map(String)
const narrow = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(0, min, max), fc.integer({ min, max }))
const text = fc.string({ maxLength: 20, unit: 'grapheme' })

const { value, struct, list } = fc.letrec<{
  value: PlainMessage
  struct: PlainMessage
  list: PlainMessage
}>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom({}, { nullValue: 0 }),
    fc.record({ numberValue: fc.double() }),
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ structValue: tie('struct') }),
    fc.record({ listValue: tie('list') }),
  ),
  struct: fc.record({ fields: fc.dictionary(text, tie('value'), { maxKeys: 3 }) }),
  list: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }),
}))

const values: ReadonlyMap<string, fc.Arbitrary<PlainMessage>> = new Map([
  ['Timestamp', time(fc.constantFrom(1, 1, 1, -1))],
  ['Duration', time(fc.constantFrom(1, -1))],
  ['DoubleValue', wrapped(fc.double())],
  ['FloatValue', wrapped(fc.float())],
  ['Int64Value', wrapped(wide(-(2n ** 63n), 2n ** 63n - 1n))],
  ['UInt64Value', wrapped(wide(0n, 2n ** 64n - 1n))],
  ['Int32Value', wrapped(narrow(-(2 ** 31), 2 ** 31 - 1))],
  ['UInt32Value', wrapped(narrow(0, 2 ** 32 - 1))],
  ['BoolValue', wrapped(fc.boolean())],
  ['StringValue', wrapped(text)],
  ['BytesValue', wrapped(fc.uint8Array({ maxLength: 20 }))],
  ['Struct', struct],
  ['Value', value],
  ['ListValue', list],
  ['Any', fc.record({ type_url: text, value: fc.uint8Array({ maxLength: 20 }) })],
  ['FieldMask', fc.record({ paths: fc.array(text, { maxLength: 3 }) })],
  ['Empty', fc.constant({})],
])

/** By name alone: whoever draws such a field prints it into a source, and reads that. */
export const wellKnownType: fc.Arbitrary<FieldType> = fc
  .constantFrom(...values.keys())
  .map((name) => ({
    kind: 'message',
    message: { fullName: `google.protobuf.${name}`, syntax: 'proto3', fields: [] },
  }))

/** Values of the message when it is a well-known one. */
export const wellKnownValue = ({ fullName }: MessageSchema) =>
  values.get(fullName.replace('google.protobuf.', ''))

export const isWellKnown = (type: FieldType): boolean =>
  type.kind === 'message' && wellKnownValue(type.message) !== undefined

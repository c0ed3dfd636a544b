import fc from 'fast-check'
import {
  type EnumSchema,
  type FieldSchema,
  type MessageSchema,
  scalarTypes,
} from '../../src/model/event-schema.ts'
import { enumField, messageField, messageOf, scalarField } from './message-schemas.ts'
import { bytesField, joined, utf8, varintBytes, varintField } from './raw-events.ts'

/** Random message types of singular fields, and random wire bytes of them, wild ones included. */

export const wideIntegers = [
  0n,
  1n,
  -1n,
  5n,
  2n ** 31n,
  2n ** 53n + 1n,
  -(2n ** 63n),
  2n ** 64n - 1n,
]
export const floats = [0, 1, -1, 0.5, 5, 1e30, Number.NaN, Number.POSITIVE_INFINITY]
export const texts = ['', 'a', 'ab', 'b', "o'k", 'é', '😀a', 'a%b', 'a_b']

const enumOf = (closed: boolean): EnumSchema => ({
  fullName: closed ? 'test.Closed' : 'test.Open',
  names: new Map([
    [0, 'ZERO'],
    [1, 'ONE'],
    [5, 'FIVE'],
  ]),
  closed,
})

interface FieldDraw {
  readonly number: number
  readonly kind: number
  readonly explicit: boolean
  readonly oneof: boolean
}

const fieldDraws = fc.uniqueArray(
  fc.record({
    number: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(2_000, 536_870_911)),
    kind: fc.nat(scalarTypes.length + 3),
    explicit: fc.boolean(),
    oneof: fc.boolean(),
  }),
  { minLength: 1, maxLength: 7, selector: ({ number }) => number },
)

/** Message types up to three levels deep. */
export const messageSchemas = (depth = 2): fc.Arbitrary<MessageSchema> =>
  fc
    .tuple(fieldDraws, depth === 0 ? fc.constant(undefined) : messageSchemas(depth - 1))
    .map(([draws, inner]) =>
      messageOf(
        `test.Level${depth}`,
        draws.map((draw) => drawnField(draw, inner)),
      ),
    )

function drawnField(
  { number, kind, explicit, oneof }: FieldDraw,
  inner: MessageSchema | undefined,
): FieldSchema {
  const place = [`f${number}`, number] as const
  const options = {
    presence: explicit || oneof ? 'explicit' : 'implicit',
    oneof: oneof ? 'choice' : undefined,
  } as const
  const scalar = scalarTypes[kind]
  if (scalar !== undefined) return scalarField(place, scalar, options)
  if (kind > scalarTypes.length + 1 && inner !== undefined)
    return messageField(place, inner, { ...options, presence: 'explicit' })
  const closed = kind === scalarTypes.length
  // A closed enum without presence does not exist.
  return enumField(place, enumOf(closed), closed ? { ...options, presence: 'explicit' } : options)
}

function fixedBytes(number: number, sizeBytes: 4 | 8, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  write(new DataView(bytes.buffer))
  return joined(Uint8Array.from(varintBytes(BigInt(number * 8 + (sizeBytes === 4 ? 5 : 1)))), bytes)
}

const zigzag = (value: bigint): bigint => (value << 1n) ^ (BigInt.asIntN(64, value) >> 63n)

/** One sent value of a scalar or enum field. `pick` chooses among the values of its type. */
function leafBytes({ number, type }: FieldSchema, pick: number): Uint8Array {
  const wide = wideIntegers[pick % wideIntegers.length] ?? 0n
  const float = floats[pick % floats.length] ?? 0
  if (type.kind !== 'scalar') return varintField(number, BigInt(pick % 7))
  switch (type.scalar) {
    case 'double':
      return fixedBytes(number, 8, (view) => view.setFloat64(0, float, true))
    case 'float':
      return fixedBytes(number, 4, (view) => view.setFloat32(0, float, true))
    case 'fixed32':
    case 'sfixed32':
      return fixedBytes(number, 4, (view) => view.setUint32(0, Number(wide & 0xffffffffn), true))
    case 'fixed64':
    case 'sfixed64':
      return fixedBytes(number, 8, (view) => view.setBigUint64(0, BigInt.asUintN(64, wide), true))
    case 'sint32':
      return varintField(number, zigzag(BigInt.asIntN(32, wide)))
    case 'sint64':
      return varintField(number, zigzag(BigInt.asIntN(64, wide)))
    case 'string':
    case 'bytes':
      return bytesField(number, utf8(texts[pick % texts.length] ?? ''))
    default:
      return varintField(number, wide)
  }
}

/** Values sent in any order and number, of unknown fields and wrong wire types, too. */
export const wireMessages = (schema: MessageSchema): fc.Arbitrary<Uint8Array> =>
  fc
    .array(
      fc.oneof({ weight: 8, arbitrary: sentField(schema) }, { weight: 1, arbitrary: strays }),
      {
        maxLength: 8,
      },
    )
    .map((parts) => joined(...parts))

const strays = fc
  .tuple(fc.integer({ min: 1, max: 30 }), fc.boolean())
  .map(([number, text]) => (text ? bytesField(number, utf8('')) : varintField(number, 3n)))

const sentField = (schema: MessageSchema): fc.Arbitrary<Uint8Array> =>
  fc.constantFrom(...schema.fields).chain((field) => {
    const { type, number } = field
    if (type.kind === 'message') {
      return wireMessages(type.message).map((bytes) => bytesField(number, bytes))
    }
    return fc.nat(100).map((pick) => leafBytes(field, pick))
  })

import { expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { openKernelSeed, roundTrip } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, varintField } from '../../support/raw-events.ts'

/** The kernel's hash of numbers, as an attacker who knows the seed would write it. */
function hashOf(seed: bigint): (value: bigint) => bigint {
  const wrap = (value: bigint): bigint => BigInt.asUintN(64, value)
  const mix = (given: bigint): bigint => {
    let x = wrap(given + 0x9e3779b97f4a7c15n)
    x = wrap((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n)
    x = wrap((x ^ (x >> 27n)) * 0x94d049bb133111ebn)
    return x ^ (x >> 31n)
  }
  const multiplier = mix(seed) | 1n
  const last = mix(seed ^ 0x14057b7ef767814fn) | 1n
  const seedMix = mix(wrap(~seed))
  return (value) => {
    const sum = wrap((value ^ seedMix) * multiplier)
    return wrap((sum ^ (sum >> 32n)) * last) >> 32n
  }
}

function colliding(seed: bigint, count: number): readonly bigint[] {
  const hash = hashOf(seed)
  const found: bigint[] = []
  for (let value = 1n; found.length < count; value++) {
    if ((hash(value) & 0x3ffn) === 0x155n) found.push(value)
  }
  return found
}

const texts = messageOf('T', [scalarField(['a', 1], 'string')])
const message = messageOf('T', [scalarField(['a', 1], 'int64')])
const payloadsOf = (values: readonly bigint[]): Uint8Array[] =>
  [...values, ...values, ...values].map((value) => varintField(1, value))

test('values chosen to collide end the dictionary before they slow it down', () => {
  const values = colliding(openKernelSeed, 300)
  const { chunks, rows } = roundTrip(message, payloadsOf(values))
  expect(present(chunks[0], 'one column')).toMatchObject({
    dictionaryCount: 0,
    encodings: ['delta-binary-packed'],
  })
  expect(rows).toEqual([...values, ...values, ...values].map((a) => ({ a })))
}, 20_000)

test('the same values do no harm under another seed', () => {
  const values = colliding(openKernelSeed ^ 0xabcdefn, 300)
  const [chunk] = roundTrip(message, payloadsOf(values)).chunks
  expect(chunk).toMatchObject({ dictionaryCount: 300, encodings: ['rle-dictionary'] })
}, 20_000)

/** Two thousand texts of a length that differ in two characters alone. */
function alike(length: number, places: readonly [number, number]): readonly string[] {
  return Array.from({ length: 2_000 }, (_, index) => {
    const text = Buffer.alloc(length, 'x')
    text[places[0]] = 48 + (index % 50)
    text[places[1]] = 48 + Math.floor(index / 50)
    return text.toString()
  })
}

test.each([
  [8, [6, 7]],
  [8, [0, 1]],
  [16, [7, 15]],
  [16, [6, 7]],
  [24, [15, 23]],
  [24, [7, 15]],
  [32, [7, 15]],
  [32, [15, 23]],
  [32, [23, 31]],
  [40, [7, 39]],
  [40, [8, 9]],
  [96, [7, 39]],
  [96, [71, 95]],
] as const)(
  'texts of %i bytes that differ in bytes %j alone keep their dictionary',
  (length, places) => {
    const all = alike(length, places).flatMap((text) => [text, text, text])
    const payloads = all.map((text) => bytesField(1, Buffer.from(text)))
    const { chunks, rows } = roundTrip(texts, payloads)
    expect(chunks[0]).toMatchObject({ dictionaryCount: 2_000, encodings: ['rle-dictionary'] })
    expect(rows).toEqual(all.map((a) => ({ a })))
  },
)

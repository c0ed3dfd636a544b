import { expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { openKernelSeed, roundTrip } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { varintField } from '../../support/raw-events.ts'

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
  const seedMix = mix(wrap(~seed))
  return (value) => {
    const x = wrap((value ^ seedMix) * multiplier)
    return BigInt.asUintN(32, (x ^ (x >> 29n)) >> 32n) ^ BigInt.asUintN(32, x >> 40n)
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

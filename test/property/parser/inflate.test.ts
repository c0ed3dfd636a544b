import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compression, inflate } from '../../../src/codec/compression/inflate.ts'
import { foreignBlocks } from '../../unit/codec/compression/foreign-sample.ts'

const sizeBytesMax = 5_000

const timeoutMs = 60_000

it(
  'broken bytes of any compression are refused or inflate within the size, and never throw',
  () => {
    const kinds = fc.constantFrom(...Object.values(compression), 9)
    const changed = fc
      .tuple(fc.constantFrom(...foreignBlocks), fc.nat(), fc.nat(255), fc.nat())
      .map(([{ packed }, at, byte, cut]) => {
        const bytes = packed.slice(0, cut % 3 === 0 ? cut % packed.length : undefined)
        if (bytes.length > 0) bytes[at % bytes.length] = byte
        return bytes
      })
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), changed)
    const kindsSeen = new Set<string>()
    fc.assert(
      fc.property(kinds, bytes, (kind, packed) => {
        const outcome = inflate(kind, packed, sizeBytesMax)
        kindsSeen.add(outcome.kind)
        if (outcome.kind === 'inflated') {
          expect(outcome.bytes.length).toBeLessThanOrEqual(sizeBytesMax)
        }
      }),
      { numRuns: 3_000 },
    )
    expect([...kindsSeen].sort()).toEqual(['inflated', 'malformed', 'too-large', 'unknown'])
  },
  timeoutMs,
)

/** Snappy elements drawn at random, with the bytes that they make. */
const snappyBlocks = fc
  .array(
    fc.oneof(
      fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
      fc.record({
        distance: fc.integer({ min: 1, max: 70_000 }),
        length: fc.integer({ min: 1, max: 64 }),
      }),
    ),
    { maxLength: 40 },
  )
  .map((elements) => {
    const packed: number[] = []
    const plain: number[] = []
    for (const element of elements) {
      if ('literal' in element) {
        const { literal } = element
        const size = literal.length - 1
        if (size < 60) packed.push(size << 2)
        else if (size < 256) packed.push(60 << 2, size)
        else packed.push(61 << 2, size & 255, size >> 8)
        packed.push(...literal)
        plain.push(...literal)
      } else if (plain.length > 0) {
        const distance = 1 + (element.distance % plain.length)
        const { length } = element
        if (length >= 4 && length <= 11 && distance < 2_048) {
          packed.push(1 | ((length - 4) << 2) | ((distance >> 8) << 5), distance & 255)
        } else packed.push(2 | ((length - 1) << 2), distance & 255, distance >> 8)
        for (let at = 0; at < length; at++) plain.push(plain[plain.length - distance] ?? 0)
      }
    }
    const size = plain.length
    const head = size < 128 ? [size] : [(size & 127) | 128, size >> 7]
    return { packed: Uint8Array.from([...head, ...packed]), plain: Uint8Array.from(plain) }
  })
  .filter(({ plain }) => plain.length < 16_384)

it(
  'snappy blocks of any elements inflate to what their elements say',
  () => {
    fc.assert(
      fc.property(snappyBlocks, ({ packed, plain }) => {
        expect(inflate(compression.snappy, packed, 20_000)).toEqual({
          kind: 'inflated',
          bytes: plain,
        })
      }),
      { numRuns: 500 },
    )
  },
  timeoutMs,
)

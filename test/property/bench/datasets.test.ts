import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appEventPayloads } from '../../../bench/datasets/app-event-payloads.ts'
import {
  BrokenFraming,
  delimited,
  eventPlaces,
  walkEvents,
} from '../../../bench/datasets/delimited.ts'
import { logLine } from '../../../bench/datasets/log-line.ts'
import { narrow } from '../../../bench/datasets/narrow.ts'
import { spanBatch } from '../../../bench/datasets/span-batch.ts'
import { wide } from '../../../bench/datasets/wide.ts'
import { OurPath } from '../../conformance/our-path.ts'
import { Protobufjs } from '../../conformance/references.ts'

const events = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ minLength: 126, maxLength: 300 })),
  { minLength: 1, maxLength: 40 },
)
const joined = (all: readonly Uint8Array[]): Uint8Array => Buffer.concat(all.map(delimited))
const between = (bytes: Uint8Array, places: Uint32Array): Uint8Array[] =>
  Array.from({ length: places.length / 2 }, (_, index) =>
    Uint8Array.from(bytes.subarray(places[2 * index], places[2 * index + 1])),
  )

describe('delimited events', () => {
  test('are found where they are, at once and a load at a time', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 9 }), fc.nat(700), (all, most, size) => {
        const bytes = joined(all)
        expect(between(bytes, eventPlaces(bytes))).toEqual(all)
        const found: Uint8Array[] = []
        for (let at = 0; at < bytes.length; ) {
          const { places, next } = walkEvents(bytes, at, { events: most, bytes: size })
          expect(places.length).toBeLessThanOrEqual(2 * most)
          expect(next).toBeGreaterThan(at)
          found.push(...between(bytes, places))
          at = next
        }
        expect(found).toEqual(all)
      }),
    )
  })

  test('are found by pieces that are cut anywhere', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 400 }), (all, most) => {
        const bytes = joined(all)
        const found: Uint8Array[] = []
        let size = most
        for (let at = 0; at < bytes.length; ) {
          const piece = bytes.subarray(at, at + size)
          const isCut = at + size < bytes.length
          const { places, next } = walkEvents(piece, 0, { events: 100, bytes: size, isCut })
          found.push(...between(piece, places))
          at += next
          size = next === 0 ? 2 * size : most
        }
        expect(found).toEqual(all)
      }),
    )
  })

  test('that are cut off within the last one are refused', () => {
    fc.assert(
      fc.property(events, fc.nat(), (all, cut) => {
        const last = delimited(all.at(-1) ?? new Uint8Array())
        const whole = joined(all)
        const missing = 1 + (cut % last.length)
        if (missing === last.length) return
        const bytes = whole.subarray(0, whole.length - missing)
        expect(() => eventPlaces(bytes)).toThrow(BrokenFraming)
      }),
    )
  })

  test('with a length of six bytes are refused', () => {
    const bytes = Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x80, 0, 7)
    expect(() => eventPlaces(bytes)).toThrow('more than 5 bytes')
  })
})

describe.each([appEventPayloads, narrow, wide, logLine, spanBatch])('dataset $name', (dataset) => {
  const some = (seed: number, count: number): readonly Uint8Array[] => {
    const next = dataset.events(seed)
    return Array.from({ length: count }, () => Uint8Array.from(next()))
  }

  test('is the same for the same seed, and another for another', () => {
    expect(some(3, 20)).toEqual(some(3, 20))
    expect(some(3, 20)).not.toEqual(some(4, 20))
  })

  test('is taken whole by our way, as protobufjs reads it', async () => {
    const schema = { text: dataset.protoText, message: dataset.message }
    const judge = new Protobufjs(schema)
    const payloads = some(5, 100)
    const verdicts = await new OurPath(schema, judge).verdicts(payloads)
    expect(verdicts.every(({ kind }) => kind === 'row')).toBe(true)
    // A value that holds values is JSON in our columns.
    if (dataset.name === 'span-batch') return
    expect(verdicts).toEqual(payloads.map((bytes) => judge.verdict(bytes)))
  })
})

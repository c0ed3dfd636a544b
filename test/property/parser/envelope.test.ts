import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DeadLetter } from '../../../src/model/dead-letter.ts'
import { eventTable } from '../../../src/model/event-table.ts'
import { Envelope } from '../../../src/parser/envelope.ts'
import { Parser } from '../../../src/parser/parser.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import {
  bytesField,
  encodeBatch,
  encodeRawEvent,
  joined,
  type PbEventFields,
  type RawEventFields,
  varintField,
} from '../../support/raw-events.ts'
import { tableOf } from '../../support/record-table.ts'

const times = fc.oneof(
  fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 127, 128, 2 ** 28, 2 ** 35 - 1, 2 ** 35, 2 ** 41, 2 ** 42 - 1, 2 ** 42),
)
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const payloads = fc.oneof(bytes(40), bytes(200), bytes(20_000))
const uint32 = fc.oneof(fc.nat(10), fc.constantFrom(2 ** 31, 2 ** 32 - 1))

const rawEvents: fc.Arbitrary<RawEventFields> = fc.record(
  {
    stream: fc.constantFrom('views', 'orders', 'ünïcode', ''),
    event_time_ms: times,
    event_id: bytes(20),
    payload: payloads,
    schema_version: uint32,
    headers: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), {
      maxKeys: 3,
    }),
    event_count: uint32,
  },
  { requiredKeys: ['stream'] },
)

/** Fields of later versions of the envelope. */
const unknownFields = fc.oneof(
  bytes(10).map((value) => bytesField(77, value)),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => varintField(10, value)),
  fc.constant(new Uint8Array()),
)

const streams = ['views', 'orders', 'ünïcode', ''].map((name) => ({
  name,
  topics: ['events'],
  format: 'raw-event' as const,
  message: 'm',
  scheme: { by: 'hour', timezone: 'UTC' } as const,
}))

function parse(values: readonly Uint8Array[]) {
  const memory = new LinearMemory()
  const letters: DeadLetter[] = []
  const events = eventTable(256)
  const parser = new Parser(streams, memory, { refuse: (letter) => letters.push(letter) })
  const records = tableOf(
    values.map((value) => ({ value })),
    memory,
  )
  expect(parser.parse(records, 0, events)).toBe(values.length)
  const rows = Array.from({ length: events.count }, (_, at) => ({
    record: events.record[at],
    index: events.index[at],
    stream: streams[events.stream[at] ?? -1]?.name,
    eventTimeMs: events.eventTimeMs[at],
    schemaVersion: events.schemaVersion[at],
    payload: memory.u8.slice(events.payloadStart[at], events.payloadEnd[at]),
  }))
  return { rows, letters }
}

const rowOf = (event: PbEventFields, place: { record: number; index: number; stream: string }) => ({
  ...place,
  eventTimeMs: event.event_time_ms ?? 0,
  schemaVersion: event.schema_version ?? 0,
  payload: event.payload ?? new Uint8Array(),
})

const timeoutMs = 60_000

it(
  'what protobufjs encodes is what the parser finds, with unknown fields around it',
  () => {
    const cases = fc.array(fc.tuple(unknownFields, rawEvents, unknownFields), { maxLength: 12 })
    fc.assert(
      fc.property(cases, (drawn) => {
        const values = drawn.map(([before, raw, behind]) =>
          joined(before, encodeRawEvent(raw), behind),
        )
        const { rows, letters } = parse(values)
        expect(letters).toEqual([])
        const wanted = drawn.map(([, raw], record) =>
          rowOf(raw, { record, index: 0, stream: raw.stream ?? '' }),
        )
        expect(rows).toEqual(wanted)
      }),
      { numRuns: 300 },
    )
  },
  timeoutMs,
)

/** What an encoder writes: fields with their default value are left out. */
const sent = (fields: RawEventFields): RawEventFields =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) =>
      value instanceof Uint8Array ? value.length > 0 : value !== 0 && value !== '',
    ),
  )

it(
  'of two envelopes in one value each field is the last one sent',
  () => {
    fc.assert(
      fc.property(rawEvents, rawEvents, (first, last) => {
        const { rows } = parse([joined(encodeRawEvent(first), encodeRawEvent(last))])
        const merged = { ...first, ...sent(last) }
        expect(rows).toEqual([rowOf(merged, { record: 0, index: 0, stream: merged.stream ?? '' })])
      }),
      { numRuns: 300 },
    )
  },
  timeoutMs,
)

it(
  'the events of a batch are found one by one',
  () => {
    const events = fc.array(
      fc.record(
        { event_time_ms: times, event_id: bytes(5), payload: bytes(50), schema_version: uint32 },
        { requiredKeys: [] },
      ),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(events, (batch) => {
        const value = encodeRawEvent({
          stream: 'views',
          batched: true,
          payload: encodeBatch(batch),
        })
        const { rows, letters } = parse([value])
        expect(letters).toEqual([])
        const wanted = batch.map((event, index) =>
          rowOf(event, { record: 0, index, stream: 'views' }),
        )
        expect(rows).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  },
  timeoutMs,
)

/** Bytes that are nearly an envelope: cut, with one byte changed, or nothing like it. */
const garbage = fc.oneof(
  bytes(60),
  fc.tuple(rawEvents, fc.nat(), fc.nat(255)).map(([raw, at, byte]) => {
    const value = encodeRawEvent({ ...raw, batched: byte % 2 === 0 })
    if (value.length > 0) value[at % value.length] = byte
    return value
  }),
  fc.tuple(rawEvents, fc.nat()).map(([raw, at]) => {
    const value = encodeRawEvent(raw)
    return value.slice(0, at % (value.length + 1))
  }),
)

it(
  'garbage becomes an event or a letter, each record at least one, and never throws',
  () => {
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 10 }), (values) => {
        const { rows, letters } = parse(values)
        const fates = new Set([
          ...rows.map(({ record }) => BigInt(record ?? -1)),
          ...letters.map(({ offset }) => offset - 100n),
        ])
        expect(fates.size).toBe(values.length)
        for (const { offset, value } of letters) {
          expect(value).toEqual(values[Number(offset - 100n)])
        }
      }),
      { numRuns: 500 },
    )
  },
  timeoutMs,
)

it(
  'what stands behind a record changes nothing of it',
  () => {
    const field = fc.constantFrom<keyof Envelope>(
      'streamStart',
      'streamEnd',
      'eventTimeMs',
      'payloadStart',
      'payloadEnd',
      'schemaVersion',
    )
    fc.assert(
      fc.property(garbage, bytes(30), fc.array(field), (value, behind, fields) => {
        const alone = new Envelope()
        const followed = new Envelope()
        const whole = joined(value, behind)
        expect(followed.read(whole, 0, value.length)).toBe(alone.read(value, 0, value.length))
        for (const name of fields) expect(followed[name]).toBe(alone[name])
        expect(followed.payloadEnd).toBeLessThanOrEqual(value.length)
      }),
      { numRuns: 1_000 },
    )
  },
  timeoutMs,
)

import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { parseMessageSchema } from '../../../src/codec/protobuf/parse-schema.ts'
import type { DeadLetter } from '../../../src/model/dead-letter.ts'
import { eventTable } from '../../../src/model/event-table.ts'
import { Parser } from '../../../src/parser/parser.ts'
import { findTimeField, TimeReader, type TimeUnit } from '../../../src/parser/time-field.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import {
  bytesField,
  encodeBatch,
  encodeRawEvent,
  joined,
  utf8,
  varintField,
} from '../../support/raw-events.ts'
import { tableOf } from '../../support/record-table.ts'

const integers = {
  int32: 1,
  int64: 2,
  uint32: 3,
  uint64: 4,
  sint32: 5,
  sint64: 6,
  fixed32: 7,
  fixed64: 8,
  sfixed32: 9,
  sfixed64: 10,
} as const
const fields = Object.entries(integers).map(([type, number]) => `${type} of_${type} = ${number};`)
const source = `syntax = "proto3"; package shop;
import "google/protobuf/timestamp.proto";
message Meta { google.protobuf.Timestamp at = 1; int64 ms = 2; Meta inner = 3; }
message Order {
  ${fields.join('\n  ')}
  Meta meta = 11;
  repeated Meta metas = 12;
  repeated int64 many = 13;
  string text = 14;
  double fraction = 15;
  google.protobuf.Timestamp at = 16;
  map<string, int64> named = 17;
  Status status = 18;
}
enum Status { NONE = 0; }
message Empty { string text = 1; }
`
const schemaOf = (message: string) =>
  parseMessageSchema(new Map([['shop.proto', source]]), 'shop.proto', message)
const order = schemaOf('shop.Order')

/** A judge that is not ours. */
const judged = source.replace(/^import.*$/m, '')
const wellKnown = `syntax = "proto3"; package google.protobuf;
message Timestamp { int64 seconds = 1; int32 nanos = 2; }`
const root = new protobuf.Root()
for (const text of [wellKnown, judged]) protobuf.parse(text, root, { keepCase: true })
const encode = (value: object): Uint8Array => {
  const type = root.lookupType('shop.Order')
  return new Uint8Array(type.encode(type.fromObject(value)).finish())
}

function readerOf(field: string, unit?: TimeUnit): TimeReader {
  const asked = findTimeField(order, { field, unit })
  if (asked?.kind !== 'found') throw new Error(asked?.why ?? 'no field')
  return new TimeReader(asked.field)
}

function timeIn(bytes: Uint8Array, field: string, unit?: TimeUnit): number | string {
  const reader = readerOf(field, unit)
  const found = reader.read(joined(Uint8Array.of(0xff), bytes), 1, 1 + bytes.length)
  return found === 'found' ? reader.timeMs : found
}

const atMs = Date.UTC(2026, 10, 20, 13, 5, 0, 7)

describe('times of integers', () => {
  const ranges: Record<keyof typeof integers, readonly [bigint, bigint]> = {
    int32: [-(2n ** 31n), 2n ** 31n - 1n],
    int64: [-(2n ** 63n), 2n ** 63n - 1n],
    uint32: [0n, 2n ** 32n - 1n],
    uint64: [0n, 2n ** 63n - 1n],
    sint32: [-(2n ** 31n), 2n ** 31n - 1n],
    sint64: [-(2n ** 63n), 2n ** 63n - 1n],
    fixed32: [0n, 2n ** 32n - 1n],
    fixed64: [0n, 2n ** 63n - 1n],
    sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
    sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  }

  const floored = (value: bigint, by: bigint): bigint =>
    value >= 0n ? value / by : -((-value + by - 1n) / by)

  test.each(Object.keys(integers) as (keyof typeof integers)[])('%s in any unit', (type) => {
    const [min, max] = ranges[type]
    const units = fc.constantFrom<TimeUnit>('s', 'ms', 'us', 'ns')
    // Around a whole millisecond of today, where the type has room for it.
    const nearNs = BigInt(atMs) * 1_000_000n
    const today = nearNs + 2_000n <= max ? nearNs : 0n
    const near = fc.bigInt({ min: today, max: today + 2_000n })
    const values = fc.oneof(fc.bigInt({ min, max }), near)
    fc.assert(
      fc.property(values, units, (value, unit) => {
        const text = String(value)
        const bytes = encode({ [`of_${type}`]: text })
        const exact = {
          s: value * 1_000n,
          ms: value,
          us: floored(value, 1_000n),
          ns: floored(value, 1_000_000n),
        }[unit]
        const found = timeIn(bytes, `of_${type}`, unit)
        if (value === 0n) expect(found).toBe('missing')
        else if (Number.isSafeInteger(Number(exact))) expect(found).toBe(Number(exact))
        // No guard lets such a time pass; what it is exactly nobody asks.
        else expect(Math.sign(Number(found)) * Number(exact)).toBeGreaterThan(2 ** 52)
      }),
    )
  })

  test('are milliseconds unless a unit is given', () => {
    expect(timeIn(encode({ of_int64: String(atMs) }), 'of_int64')).toBe(atMs)
  })
})

describe('times of timestamps', () => {
  const at = { seconds: Math.floor(atMs / 1_000), nanos: 7_999_999 }

  test('of the message, and within messages', () => {
    expect(timeIn(encode({ at }), 'at')).toBe(atMs)
    expect(timeIn(encode({ meta: { at } }), 'meta.at')).toBe(atMs)
    expect(timeIn(encode({ meta: { inner: { inner: { at } } } }), 'meta.inner.inner.at')).toBe(atMs)
    expect(timeIn(encode({ meta: { inner: { ms: String(atMs) } } }), 'meta.inner.ms')).toBe(atMs)
  })

  test('before 1970, and an empty one, which is 1970', () => {
    expect(timeIn(encode({ at: { seconds: -1, nanos: 500_000_000 } }), 'at')).toBe(-500)
    expect(timeIn(encode({ at: {} }), 'at')).toBe(0)
  })

  test("are each event's own, whatever the one before had", () => {
    const reader = readerOf('at')
    const [full, empty, none] = [encode({ at }), encode({ at: {} }), encode({ text: 'x' })]
    const told = [full, empty, none, Uint8Array.of(0xff), full].map((bytes) =>
      reader.read(bytes, 0, bytes.length) === 'found' ? reader.timeMs : 'not found',
    )
    expect(told).toEqual([atMs, 0, 'not found', 'not found', atMs])
  })

  test('that come several times are put together, as every decoder does', () => {
    const seconds = encode({ meta: { at: { seconds: 5 } } })
    const nanos = encode({ meta: { at: { nanos: 6_000_000 }, ms: 1 } })
    expect(timeIn(joined(seconds, nanos), 'meta.at')).toBe(5_006)
    expect(timeIn(joined(encode({ of_int64: 1 }), encode({ of_int64: 2 })), 'of_int64')).toBe(2)
  })
})

describe('what has no time', () => {
  test('is missing: another field, a message on the way that is not there', () => {
    expect(timeIn(encode({ text: 'x', of_int32: 5 }), 'of_int64')).toBe('missing')
    expect(timeIn(encode({ text: 'x' }), 'meta.at')).toBe('missing')
    expect(timeIn(encode({ meta: { ms: 1 } }), 'meta.at')).toBe('missing')
    expect(timeIn(new Uint8Array(0), 'at')).toBe('missing')
  })

  test('is missing where the number comes with another wire type', () => {
    expect(timeIn(bytesField(2, utf8('12345678')), 'of_int64')).toBe('missing')
    expect(timeIn(varintField(16, 5n), 'at')).toBe('missing')
    expect(timeIn(varintField(8, 5n), 'of_fixed64')).toBe('missing')
  })

  test('is malformed where bytes are cut, before it, in it or behind it', () => {
    const whole = encode({ meta: { at: { seconds: 5 } }, text: 'behind' })
    for (let length = 1; length < whole.length; length++) {
      const cut = timeIn(whole.subarray(0, length), 'meta.at')
      // One cut falls between two fields.
      expect(['malformed', 5_000]).toContain(cut)
    }
    expect(timeIn(joined(encode({ of_int64: 5 }), Uint8Array.of(0xff)), 'of_int64')).toBe(
      'malformed',
    )
  })
})

describe('a field that is configured', () => {
  test.each([
    ['nothing', undefined, /"nothing" is no field of shop\.Order; accepted: of_int32, .*meta, at$/],
    ['meta.nothing', undefined, /no field of shop\.Meta; accepted: at, ms, inner$/],
    ['of_int64.ms', undefined, /"of_int64" is not a message/],
    ['metas.at', undefined, /"metas" is not a message that comes once/],
    ['many', undefined, /"many" tells no time/],
    ['text', undefined, /"text" tells no time/],
    ['fraction', undefined, /"fraction" tells no time/],
    ['named', undefined, /"named" tells no time/],
    ['status', undefined, /"status" tells no time/],
    ['meta', undefined, /"meta" tells no time/],
    ['at.seconds', 's', undefined],
    ['at', 's', /given for a google\.protobuf\.Timestamp/],
    [undefined, 's', /given without field/],
  ] as const)('%s in %s', (field, unit, why) => {
    const asked = findTimeField(order, { field, unit })
    if (why === undefined) expect(asked?.kind).toBe('found')
    else
      expect(asked).toEqual({
        kind: 'refused',
        key: expect.any(String),
        why: expect.stringMatching(why),
      })
  })

  test('is told when no field could', () => {
    expect(findTimeField(schemaOf('shop.Empty'), { field: 'x' })).toEqual({
      kind: 'refused',
      key: 'field',
      why: '"x" is no field of shop.Empty; no field of it tells times',
    })
  })

  test('may be none', () => expect(findTimeField(order, {})).toBeUndefined())
})

describe('events of the parser', () => {
  const recordMs = Date.UTC(2026, 10, 20, 15, 30)
  const asked = present(findTimeField(order, { field: 'meta.ms' }), 'a field is asked for')
  const timeField = asked.kind === 'found' ? asked.field : undefined

  function parsed(format: 'raw-event' | 'protobuf', values: readonly Uint8Array[]) {
    const memory = new LinearMemory()
    const letters: DeadLetter[] = []
    const events = eventTable(16)
    const scheme = { by: 'hour', timezone: 'UTC' } as const
    const stream = { name: 'orders', topics: ['orders'], format, message: 'shop.Order', scheme }
    const sink = { refuse: (letter: DeadLetter) => letters.push(letter) }
    const parser = new Parser([{ ...stream, timeField }], memory, sink)
    const records = values.map((value) => ({ topic: 'orders', value, timestampMs: recordMs }))
    const next = parser.parse(tableOf(records, memory), 0, events)
    const times = Array.from({ length: events.count }, (_, at) => [
      events.record[at],
      events.index[at],
      events.eventTimeMs[at],
    ])
    return { times, letters, next }
  }

  const timed = encode({ meta: { ms: String(atMs) } })

  test('have the time of the field, not that of the record', () => {
    const result = parsed('protobuf', [timed, encode({ text: 'x' }), Uint8Array.of(0xff), timed])
    expect(result.next).toBe(4)
    expect(result.times).toEqual([
      [0, 0, atMs],
      [3, 0, atMs],
    ])
    expect(
      result.letters.map(({ step, reason, error, partition, eventTimeMs, offset }) => {
        return [step, reason, error, partition.path, eventTimeMs, offset]
      }),
    ).toEqual([
      [
        'event-time',
        'event-time-missing',
        'the event has no "meta.ms"',
        'dt=2026-11-20/hour=15',
        undefined,
        101n,
      ],
      [
        'event-time',
        'event-time-unreadable',
        'what holds "meta.ms" is not protobuf wire format',
        'dt=2026-11-20/hour=15',
        undefined,
        102n,
      ],
    ])
  })

  test('have it not from the envelope either, one by one and in batches', () => {
    const envelope = { stream: 'orders', event_time_ms: 5, schema_version: 7 }
    const batch = encodeBatch([
      { payload: timed, event_time_ms: 6 },
      { payload: encode({ text: 'x' }), event_time_ms: atMs },
      { payload: timed },
    ])
    const result = parsed('raw-event', [
      encodeRawEvent({ ...envelope, payload: timed }),
      encodeRawEvent({ ...envelope, batched: true, payload: batch }),
    ])
    expect(result.times).toEqual([
      [0, 0, atMs],
      [1, 0, atMs],
      [1, 2, atMs],
    ])
    expect(result.letters.map(({ reason, index }) => [reason, index])).toEqual([
      ['event-time-missing', 1],
    ])
  })
})

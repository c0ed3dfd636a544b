import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '../../../src/model/dead-letter.ts'
import { type EventTable, eventTable } from '../../../src/model/event-table.ts'
import type { ParsedStream } from '../../../src/parser/parsed-stream.ts'
import { Parser } from '../../../src/parser/parser.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import {
  bytesField,
  encodeBatch,
  encodeRawEvent,
  joined,
  utf8,
  varintField,
} from '../../support/raw-events.ts'
import { type TestRecord, tableOf } from '../../support/record-table.ts'

const atMs = Date.UTC(2026, 10, 20, 13, 5)
const recordMs = Date.UTC(2026, 10, 20, 15, 30)
const hour = { by: 'hour', timezone: 'UTC' } as const
const day = { by: 'day', timezone: 'UTC' } as const
const streams: ParsedStream[] = [
  { name: 'views', topics: ['events', 'second'], format: 'raw-event', message: 'm', scheme: hour },
  { name: 'orders', topics: ['events'], format: 'raw-event', message: 'm', scheme: day },
  { name: 'bare', topics: ['bare', 'many\\..*'], format: 'protobuf', message: 'm', scheme: hour },
  { name: 'views', topics: ['other'], format: 'raw-event', message: 'm', scheme: hour },
]

interface Parsed {
  readonly memory: LinearMemory
  readonly events: EventTable
  readonly letters: DeadLetter[]
  readonly next: number
}

function parsed(records: readonly TestRecord[], capacity = 16, first = 0): Parsed {
  const memory = new LinearMemory()
  const letters: DeadLetter[] = []
  const events = eventTable(capacity)
  const parser = new Parser(streams, memory, { refuse: (letter) => letters.push(letter) })
  const table = tableOf(
    records.map((record) => ({ timestampMs: recordMs, ...record })),
    memory,
  )
  return { memory, events, letters, next: parser.parse(table, first, events) }
}

const rowsOf = ({ events, memory }: Parsed) =>
  Array.from({ length: events.count }, (_, at) => ({
    record: events.record[at],
    index: events.index[at],
    stream: events.stream[at],
    eventTimeMs: events.eventTimeMs[at],
    schemaVersion: events.schemaVersion[at],
    payload: Buffer.from(
      memory.u8.slice(events.payloadStart[at], events.payloadEnd[at]),
    ).toString(),
  }))

const view = (payload = 'hello') =>
  encodeRawEvent({ stream: 'views', event_time_ms: atMs, payload: utf8(payload) })

describe('events', () => {
  it('of one topic are told apart by the name in the envelope', () => {
    const order = encodeRawEvent({ stream: 'orders', event_time_ms: -5, schema_version: 7 })
    const result = parsed([{ value: view() }, { value: order }, { value: view('again') }])
    expect(result.next).toBe(3)
    expect(result.letters).toEqual([])
    const common = { index: 0, schemaVersion: 0, stream: 0, eventTimeMs: atMs }
    expect(rowsOf(result)).toEqual([
      { ...common, record: 0, payload: 'hello' },
      { ...common, record: 1, stream: 1, eventTimeMs: -5, schemaVersion: 7, payload: '' },
      { ...common, record: 2, payload: 'again' },
    ])
  })

  it('of a name that two topics use go to the stream of their own topic', () => {
    const result = parsed([{ value: view() }, { value: view(), topic: 'other' }])
    expect(rowsOf(result).map(({ stream }) => stream)).toEqual([0, 3])
  })

  it('of a stream on several topics are of the one stream', () => {
    const result = parsed([{ value: view() }, { value: view(), topic: 'second' }])
    expect(rowsOf(result).map(({ stream }) => stream)).toEqual([0, 0])
  })

  it('of a bare topic, named or not, are the value itself, at the time of the record', () => {
    const result = parsed([
      { topic: 'bare', value: utf8('x') },
      { topic: 'many.new', value: utf8('') },
    ])
    const common = { index: 0, schemaVersion: 0, stream: 2, eventTimeMs: recordMs }
    expect(rowsOf(result)).toEqual([
      { ...common, record: 0, payload: 'x' },
      { ...common, record: 1, payload: '' },
    ])
  })

  it('take the last of repeated fields and pass unknown ones by, groups too', () => {
    const group = Uint8Array.from([0xa3, 1, 0xa3, 1, 8, 1, 0xa4, 1, 0xa4, 1])
    const fixed = Uint8Array.from([0xa1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5, 1, 1, 2, 3, 4])
    const value = joined(
      view('first'),
      group,
      fixed,
      bytesField(5, utf8('last')),
      varintField(6, 9n),
    )
    expect(rowsOf(parsed([{ value }]))).toMatchObject([{ payload: 'last', schemaVersion: 9 }])
  })

  it('hold unknown groups down to a depth of a hundred, and are malformed below', () => {
    const nested = (depth: number) => {
      const bracket = (tag: number[]) => Array.from({ length: depth }, () => tag).flat()
      return joined(view(), Uint8Array.from([...bracket([0xa3, 1]), ...bracket([0xa4, 1])]))
    }
    expect(rowsOf(parsed([{ value: nested(100) }]))).toHaveLength(1)
    expect(parsed([{ value: nested(101) }]).letters).toMatchObject([
      { reason: 'envelope-malformed' },
    ])
  })

  it('have their 64-bit times whole, and schema versions unsigned', () => {
    const value = joined(view(), varintField(2, -(2n ** 53n)), varintField(6, 0xffffffffn))
    const [row] = rowsOf(parsed([{ value }]))
    expect(row).toMatchObject({ eventTimeMs: -(2 ** 53), schemaVersion: 0xffffffff })
  })

  it('are inflated, each compression into memory of its own', () => {
    const packed = (compression: number, payload: Uint8Array) => ({
      value: encodeRawEvent({ stream: 'views', compression, payload }),
    })
    const snappy = Uint8Array.from([5, 16, ...utf8('hello')])
    const lz4 = Buffer.from('BCJNGGRApwUAAIBoZWxsbwAAAAD5dwD7', 'base64')
    const result = parsed([
      packed(1, gzipSync(Buffer.from('hello'))),
      packed(2, zstdCompressSync(Buffer.from('hello'))),
      packed(3, snappy),
      packed(4, lz4),
      packed(1, gzipSync(Buffer.alloc(0))),
    ])
    expect(rowsOf(result).map(({ payload }) => payload)).toEqual([
      'hello',
      'hello',
      'hello',
      'hello',
      '',
    ])
  })

  it('of a batched record stand one by one, with time, version and place of their own', () => {
    const batch = encodeBatch([
      { event_time_ms: atMs, payload: utf8('a'), event_id: utf8('id') },
      { event_time_ms: atMs + 1, payload: utf8('b'), schema_version: 3 },
    ])
    const value = encodeRawEvent({
      stream: 'orders',
      batched: true,
      compression: 1,
      payload: gzipSync(batch),
      event_count: 99,
    })
    const common = { record: 0, stream: 1 }
    expect(rowsOf(parsed([{ value }]))).toEqual([
      { ...common, index: 0, eventTimeMs: atMs, schemaVersion: 0, payload: 'a' },
      { ...common, index: 1, eventTimeMs: atMs + 1, schemaVersion: 3, payload: 'b' },
    ])
  })
})

describe('a full table', () => {
  const batch = (count: number) => ({
    value: encodeRawEvent({
      stream: 'views',
      batched: true,
      payload: encodeBatch(Array.from({ length: count }, () => ({ payload: utf8('p') }))),
    }),
  })

  it('ends the call before the record that does not fit, and the next call goes on there', () => {
    const records = [{ value: view() }, batch(3), { value: view() }]
    const result = parsed(records, 3)
    expect(result.next).toBe(1)
    expect(rowsOf(result)).toHaveLength(1)
    const rest = parsed(records, 3, 1)
    expect(rest.next).toBe(2)
    expect(rowsOf(rest).map(({ record, index }) => [record, index])).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
    ])
  })

  it('ends the call after a single event, too', () => {
    expect(parsed([{ value: view() }, { value: view() }], 1).next).toBe(1)
  })

  it('is not the only end: what was inflated ends the call, too, after one record at least', () => {
    const memory = new LinearMemory()
    const payload = gzipSync(Buffer.alloc(1_000))
    const value = encodeRawEvent({ stream: 'views', compression: 1, payload })
    const records = tableOf([{ value }, { value }, { value }], memory)
    const limits = { callInflatedBytesMax: 1_500 }
    const parser = new Parser(streams, memory, { refuse: () => undefined }, { limits })
    const events = eventTable(16)
    expect(parser.parse(records, 0, events)).toBe(2)
    const loadedBytes = memory.loadedBytes
    events.count = 0
    expect(parser.parse(records, 2, events)).toBe(3)
    expect(memory.loadedBytes, 'of the first call is forgotten').toBe(loadedBytes - 1_000)
    expect(events.count).toBe(1)
    const [start = 0, end] = [events.payloadStart[0], events.payloadEnd[0]]
    expect(memory.u8.slice(start, end)).toEqual(new Uint8Array(1_000))
  })

  it('grows when one record alone has more events than it holds', () => {
    const result = parsed([batch(5)], 2)
    expect(result.next).toBe(1)
    expect(rowsOf(result).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a dead letter', () => {
  const letterOf = (record: TestRecord): DeadLetter => {
    const { letters, events } = parsed([record])
    expect(events.count).toBe(0)
    expect(letters).toHaveLength(1)
    const [letter] = letters
    if (letter === undefined) throw new Error('there is no letter')
    return letter
  }
  const recordHour = 'dt=2026-11-20/hour=15'
  const envelopeHour = 'dt=2026-11-20/hour=13'

  it('keeps key, value and headers as copies, with where they came from', () => {
    const bytes = { key: utf8('k'), value: utf8('\xff'), headers: Uint8Array.from([0]) }
    expect(letterOf({ ...bytes, offset: 7n, partition: 4 })).toMatchObject({
      ...bytes,
      stream: '_unknown',
      source: { topic: 'events', partition: 4 },
      offset: 7n,
      index: 0,
      kafkaTimestampMs: recordMs,
      eventTimeMs: undefined,
      step: 'envelope',
      reason: 'envelope-malformed',
      partition: { path: recordHour },
    })
  })

  it.each([
    ['a cut field', view().slice(0, -1)],
    ['a known field of another wire type', joined(view(), varintField(1, 5n))],
    ['text where a number belongs', joined(view(), bytesField(2, utf8('5')))],
    [
      'a fixed number where a varint belongs',
      joined(view(), Uint8Array.from([0x31, 1, 2, 3, 4, 5, 6, 7, 8])),
    ],
    ['field number 0', joined(view(), Uint8Array.from([2, 0]))],
    [
      'a varint of eleven bytes',
      joined(view(), Uint8Array.from([0x10, ...Array.from({ length: 10 }, () => 128), 0])),
    ],
    ['a group without its end', joined(view(), Uint8Array.from([0xa3, 1]))],
    ['a group closed by another', joined(view(), Uint8Array.from([0xa3, 1, 0xac, 1]))],
    ['groups without bottom', joined(view(), new Uint8Array(500).fill(0x5b))],
    ['a header whose key is a number', joined(view(), bytesField(7, varintField(1, 1n)))],
    ['a header that is cut', joined(view(), bytesField(7, Uint8Array.from([10, 9, 97])))],
    ['a name that is not UTF-8', bytesField(1, Uint8Array.from([0xc3, 0x28]))],
  ])('says envelope-malformed of %s', (_, value) => {
    expect(letterOf({ value })).toMatchObject({
      stream: '_unknown',
      step: 'envelope',
      reason: 'envelope-malformed',
      partition: { path: recordHour },
    })
  })

  it('says envelope-empty of a record without a value', () => {
    const common = { step: 'envelope', reason: 'envelope-empty', value: undefined }
    expect(letterOf({ value: undefined })).toMatchObject({ ...common, stream: '_unknown' })
    expect(letterOf({ topic: 'bare', value: undefined })).toMatchObject({
      ...common,
      stream: 'bare',
    })
  })

  it('says unknown-stream, in the hour of the envelope where that can be', () => {
    const unknown = (event_time_ms: number) =>
      letterOf({ value: encodeRawEvent({ stream: 'nobody', event_time_ms }) })
    const common = { stream: '_unknown', step: 'route', reason: 'unknown-stream' }
    expect(unknown(atMs)).toMatchObject({ ...common, partition: { path: envelopeHour } })
    expect(unknown(0).partition.path).toBe('dt=1970-01-01/hour=00')
    expect(unknown(Date.UTC(2199, 11, 31, 23)).partition.path).toBe('dt=2199-12-31/hour=23')
    for (const absurd of [-1, Date.UTC(2200, 0, 1), 2 ** 62, -(2 ** 62)]) {
      expect(unknown(absurd), String(absurd)).toMatchObject({
        eventTimeMs: absurd,
        partition: { path: recordHour },
      })
    }
    expect(unknown(atMs).error).toContain('"nobody"')
  })

  it('has a cell even when the Kafka timestamp is absurd', () => {
    for (const timestampMs of [-1, 2 ** 63, -(2 ** 63)]) {
      const { partition } = letterOf({ value: undefined, timestampMs })
      expect(partition.path).toBe('dt=1970-01-01/hour=00')
    }
  })

  it.each([
    [5, 'compression-unknown'],
    [-1, 'compression-unknown'],
    [1, 'payload-malformed'],
    [2, 'payload-malformed'],
    [3, 'payload-malformed'],
    [4, 'payload-malformed'],
  ])(
    'of compression %i and broken bytes says %s, in the cell of its stream',
    (compression, reason) => {
      const payload = Uint8Array.from([9, 9, 9])
      const value = encodeRawEvent({ stream: 'orders', event_time_ms: atMs, compression, payload })
      expect(letterOf({ value })).toMatchObject({
        stream: 'orders',
        step: 'envelope',
        reason,
        eventTimeMs: atMs,
        partition: { path: 'dt=2026-11-20' },
      })
    },
  )

  it('says payload-too-large above 64 MiB', () => {
    const value = (sizeBytes: number) =>
      encodeRawEvent({
        stream: 'views',
        compression: 2,
        payload: zstdCompressSync(Buffer.alloc(sizeBytes)),
      })
    expect(letterOf({ value: value(64 * 1_048_576 + 1) }).reason).toBe('payload-too-large')
  }, 30_000)

  it('of a batch that is cut stands for the whole record, in the hour of the record', () => {
    const batch = encodeBatch([{ payload: utf8('a') }, { payload: utf8('b') }])
    const value = encodeRawEvent({ stream: 'views', batched: true, payload: batch.slice(0, -1) })
    expect(letterOf({ value })).toMatchObject({
      stream: 'views',
      reason: 'batch-malformed',
      eventTimeMs: undefined,
      partition: { path: recordHour },
    })
  })

  it('of a batch that does not inflate has no time: that of its envelope is of no event', () => {
    const payload = Uint8Array.from([9, 9, 9])
    const envelope = {
      stream: 'views',
      event_time_ms: atMs,
      batched: true,
      compression: 1,
      payload,
    }
    expect(letterOf({ value: encodeRawEvent(envelope) })).toMatchObject({
      stream: 'views',
      reason: 'payload-malformed',
      eventTimeMs: undefined,
      partition: { path: recordHour },
    })
  })

  it('says batch-empty of a batch without events', () => {
    const value = encodeRawEvent({ stream: 'views', batched: true, event_count: 3 })
    expect(letterOf({ value }).reason).toBe('batch-empty')
  })

  it('of one entry of a batch leaves the others, and shares the record with its like', () => {
    const broken = bytesField(1, Uint8Array.from([8]))
    const fine = encodeBatch([{ event_time_ms: atMs, payload: utf8('a') }])
    const payload = joined(broken, fine, broken)
    const result = parsed([{ value: encodeRawEvent({ stream: 'views', batched: true, payload }) }])
    expect(rowsOf(result)).toMatchObject([{ index: 1, payload: 'a' }])
    expect(result.letters.map(({ index, reason }) => [index, reason])).toEqual([
      [0, 'batch-event-malformed'],
      [2, 'batch-event-malformed'],
    ])
    expect(result.letters[0]?.value).toBe(result.letters[1]?.value)
  })

  it('has the fingerprint of those that fail in the same way, and of no others', () => {
    const nobody = (stream: string) => letterOf({ value: encodeRawEvent({ stream }) }).fingerprint
    expect(nobody('a')).toMatch(/^[0-9a-f]{16}$/)
    expect(nobody('a')).toBe(nobody('a'))
    expect(nobody('a')).not.toBe(nobody('b'))
    expect(nobody('a')).not.toBe(letterOf({ value: undefined }).fingerprint)
  })
})

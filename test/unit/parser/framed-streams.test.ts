import { expect, test } from 'vitest'
import { MessagePositions } from '../../../src/codec/protobuf/message-positions.ts'
import type { DeadLetter } from '../../../src/model/dead-letter.ts'
import { eventTable } from '../../../src/model/event-table.ts'
import type { ParsedStream } from '../../../src/parser/parsed-stream.ts'
import { Parser } from '../../../src/parser/parser.ts'
import { WriterSchemas } from '../../../src/parser/writer-schemas.ts'
import { framed } from '../../support/confluent.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import { utf8 } from '../../support/raw-events.ts'
import { tableOf } from '../../support/record-table.ts'

const stream = (name: string, message: string): ParsedStream => ({
  name,
  topics: ['orders'],
  format: 'confluent-protobuf',
  message,
  scheme: { by: 'hour', timezone: 'UTC' },
})
const source = `syntax = "proto3"; package shop;
message Order { message Line {} } message Refund {} message Other {}`
const atMs = Date.UTC(2026, 10, 20, 13, 5)

function world(...values: (Uint8Array | undefined)[]) {
  const schemas = new WriterSchemas()
  const letters: DeadLetter[] = []
  const memory = new LinearMemory()
  const streams = [stream('orders', 'shop.Order'), stream('refunds', 'shop.Refund')]
  const sink = { refuse: (letter: DeadLetter) => letters.push(letter) }
  const parser = new Parser(streams, memory, sink, { schemas })
  const table = tableOf(
    values.map((value) => ({ topic: 'orders', value, timestampMs: atMs })),
    memory,
  )
  const events = eventTable(16)
  const parse = () => {
    parser.parse(table, 0, events)
    return Array.from({ length: events.count }, (_, at) => {
      const payload = memory.u8.slice(events.payloadStart[at], events.payloadEnd[at])
      const text = Buffer.from(payload).toString()
      return `${streams[events.stream[at] ?? -1]?.name} ${text} ${events.eventTimeMs[at]}`
    })
  }
  return { schemas, letters, parse, missing: () => [...parser.missingSchemas(table, 0)] }
}

const learned = { kind: 'messages', messages: new MessagePositions('schema', source) } as const
const told = ({ letters }: { letters: readonly DeadLetter[] }) =>
  letters.map(({ reason, error }) => `${reason}: ${error}`)

test('the message at a record’s position says of which stream it is', () => {
  const one = world(
    framed(7, [], utf8('a')),
    framed(7, [1], utf8('b')),
    framed(7, [0], utf8('c')),
    framed(7, [], utf8('')),
  )
  one.schemas.learn(7, learned)
  expect(one.parse()).toEqual([
    `orders a ${atMs}`,
    `refunds b ${atMs}`,
    `orders c ${atMs}`,
    `orders  ${atMs}`,
  ])
  expect(one.letters).toEqual([])
})

test('numbers that nobody asked for are told, each once', () => {
  const one = world(framed(7, [], utf8('a')), framed(9, [1], utf8('b')), framed(9, [], utf8('c')))
  expect(one.missing()).toEqual([7, 9])
  one.schemas.learn(7, learned)
  expect(one.missing()).toEqual([9])
  one.schemas.learn(9, { kind: 'refused', why: 'is not in the registry' })
  expect(one.missing()).toEqual([])
})

test('what no stream can take is a dead letter that says why', () => {
  const one = world(
    utf8('no frame'),
    framed(9, [], utf8('a')),
    framed(7, [5], utf8('b')),
    framed(7, [0, 0], utf8('c')),
    framed(7, [2], utf8('d')),
    undefined,
  )
  one.schemas.learn(7, learned)
  one.schemas.learn(9, { kind: 'refused', why: 'is of type AVRO' })
  expect(one.parse()).toEqual([])
  expect(told(one)).toEqual([
    "frame-malformed: the value does not begin with the frame of Confluent's wire format",
    'schema-unknown: schema 9 is of type AVRO',
    'message-unknown: schema 7 has no message at 5',
    'message-unknown: no stream of message "shop.Order.Line" is configured for this topic',
    'message-unknown: no stream of message "shop.Other" is configured for this topic',
    'envelope-empty: the record has no value',
  ])
})

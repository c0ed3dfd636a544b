import { expect, test } from 'vitest'
import {
  emptyRecordTable,
  eventTable,
  nowhere,
  recordTable,
} from '../../../src/model/event-table.ts'
import { clusterId, topicId } from '../../../src/model/topic-partition.ts'
import { cellOfRecord, letterOf, recordLetter } from '../../../src/protocol/letter.ts'

const source = {
  clusterId: clusterId('cluster-1'),
  topicId: topicId('7f0e8a4e-2f3b-4f53-9b0b-4f5a2b1c0d9e'),
  topic: 'events',
  partition: 0,
}
const cause = { step: 'decode', reason: 'decode-truncated', error: 'not an event' } as const

/** Offset 7 with this text, as the first record of a table that may have held others before. */
function letterOfText(records: ReturnType<typeof recordTable>, text: string) {
  const memory = Buffer.from(text)
  emptyRecordTable(records)
  records.sources.push(source)
  records.offset[0] = 7n
  records.valueEnd[0] = memory.length
  records.keyStart[0] = nowhere
  records.headersStart[0] = nowhere
  records.count = 1
  const at = { stream: '_unknown', partition: cellOfRecord(0), index: 0 }
  const place = { records, record: 0, memory, eventTimeMs: undefined, schemaVersion: undefined }
  return () => recordLetter({ ...at, ...place }, cause)
}

test('a record that took the offset of another one is kept as itself', () => {
  const records = recordTable(4)
  const before = letterOfText(records, 'before the log was cut off')()
  const after = letterOfText(records, 'after it')()
  expect(Buffer.from(before.value ?? []).toString()).toBe('before the log was cut off')
  expect(Buffer.from(after.value ?? []).toString()).toBe('after it')
})

test('letters of one record share one copy', () => {
  const letter = letterOfText(recordTable(4), 'a batch')
  expect(letter().value).toBe(letter().value)
})

test('a letter of an event says its place in the record, its time and its schema', () => {
  const records = recordTable(4)
  letterOfText(records, 'a batch of two')()
  const events = eventTable(4)
  Object.assign(events, { count: 2 })
  events.record.set([0, 0])
  events.index.set([0, 1])
  events.eventTimeMs.set([5_000, 6_000])
  events.schemaVersion.set([3, 4])
  const load = { records, events, fetchedAtMs: 0 }
  const at = {
    stream: 'events',
    partition: cellOfRecord(6_000),
    memory: Buffer.from('a batch of two'),
  }
  const letter = letterOf({ load, event: 1, ...at }, cause)
  expect(letter).toMatchObject({ index: 1, eventTimeMs: 6_000, schemaVersion: 4, offset: 7n })
  expect(letter).toMatchObject({ stream: 'events', source, reason: 'decode-truncated' })
})

test('one cause has one fingerprint, however many others come between', () => {
  const records = recordTable(4)
  letterOfText(records, 'whatever')()
  const at = { stream: 'events', partition: cellOfRecord(0), index: 0 }
  const place = { records, record: 0, memory: Buffer.alloc(8) }
  const refused = { ...at, ...place, eventTimeMs: undefined, schemaVersion: undefined }
  const printOf = (detail?: string): string =>
    recordLetter(refused, detail === undefined ? cause : { ...cause, detail }).fingerprint
  const before = printOf()
  const others = new Set(Array.from({ length: 1_100 }, (_, at_) => printOf(`cause ${at_}`)))
  expect(others.size).toBe(1_100)
  expect(others).not.toContain(before)
  expect(printOf()).toBe(before)
})

test('a time that names no cell is counted in the first of all', () => {
  expect(cellOfRecord(-1)).toEqual(cellOfRecord(0))
  expect(cellOfRecord(Date.UTC(2200, 0, 1))).toEqual(cellOfRecord(0))
  expect(cellOfRecord(Date.UTC(2026, 10, 20, 13)).path).toBe('dt=2026-11-20/hour=13')
})

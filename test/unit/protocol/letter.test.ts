import { expect, test } from 'vitest'
import { emptyRecordTable, nowhere, recordTable } from '../../../src/model/event-table.ts'
import { clusterId, topicId } from '../../../src/model/topic-partition.ts'
import { cellOfRecord, recordLetter } from '../../../src/protocol/letter.ts'

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

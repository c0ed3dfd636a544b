import { expect, test } from 'vitest'
import { InvariantError } from '../../../../src/base/assert.ts'
import { isFault } from '../../../../src/base/fault.ts'
import { readBatch } from '../../../../src/codec/kafka/record-batch.ts'
import { walkRecords } from '../../../../src/codec/kafka/walk-records.ts'
import { recordTable } from '../../../../src/model/event-table.ts'
import { offset } from '../../../../src/model/offset.ts'
import { anySource, readPlain } from '../../../support/read-batches.ts'
import { encodeBatch, encodeRecord, type TestBatch } from '../../../support/record-batch.ts'

const spanOf = (bytes: Buffer, fetchOffset = 0n) => {
  const batch = readBatch({ source: anySource, bytes, start: 0, end: bytes.length }, 0)
  const place = { memory: bytes, start: batch.recordsStart, end: batch.end }
  return { ...place, batch, source: 0, fetchOffset: offset(fetchOffset) }
}
const tableFor = (capacity: number) => {
  const table = recordTable(capacity)
  table.sources.push(anySource)
  return table
}

test('records become addresses: null, empty and long keys and values are told apart', () => {
  const long = 'x'.repeat(20_000)
  const bytes = encodeBatch({
    records: [{ value: 'v' }, { key: '', value: null }, { key: 'k', value: '' }, { value: long }],
  })
  expect(readPlain(bytes).map(({ key, value }) => [key, value])).toEqual([
    [null, 'v'],
    ['', null],
    ['k', ''],
    [null, long],
  ])
})

test('addresses are positions in the memory given, and headers are where Kafka put them', () => {
  const bytes = encodeBatch({ records: [{ key: 'k', value: 'v', headers: { trace: 'ab' } }] })
  const table = tableFor(1)
  walkRecords(spanOf(bytes), table)
  const part = (start = 0, end = 0) => bytes.subarray(start, end).toString('latin1')
  expect(part(table.valueStart[0], table.valueEnd[0])).toBe('v')
  expect(part(table.headersStart[0], table.headersEnd[0])).toBe('\x02\x0atrace\x04ab')
  expect(table.headersEnd[0]).toBe(bytes.length)
})

test.each([0n, 4_294_967_294n, 4_294_967_295n, 9_007_199_254_740_990n, -1n + (1n << 62n)])(
  'offsets are exact from base offset %s',
  (baseOffset) => {
    const records = [{}, {}, {}, { offsetDelta: 70_000 }]
    const offsets = readPlain(encodeBatch({ baseOffset, records })).map((record) => record.offset)
    expect(offsets).toEqual([0n, 1n, 2n, 70_000n].map((delta) => baseOffset + delta))
  },
)

test('timestamps go back and far forward from the first record', () => {
  const times = [1_700_000_000_000, 1_699_999_999_000, 0, 32_503_680_000_000, 1_700_000_000_001]
  const bytes = encodeBatch({ records: times.map((timestampMs) => ({ timestampMs })) })
  expect(readPlain(bytes).map((record) => record.timestampMs)).toEqual(times)
})

test('a batch stamped by the broker gives every record the time of its append', () => {
  const records = [{ timestampMs: 5 }, { timestampMs: 6 }]
  const bytes = encodeBatch({ records, logAppendTimeMs: 900 })
  expect(readPlain(bytes).map((record) => record.timestampMs)).toEqual([900, 900])
})

test('records below the offset asked for are skipped', () => {
  const records = [{ value: 'a' }, { value: 'b' }, { value: 'c', offsetDelta: 5 }]
  const bytes = encodeBatch({ baseOffset: 100n, records })
  const from = (at: bigint) => readPlain(bytes, at).map((record) => record.value)
  expect(from(99n)).toEqual(['a', 'b', 'c'])
  expect(from(101n)).toEqual(['b', 'c'])
  expect(from(102n)).toEqual(['c'])
  expect(from(106n)).toEqual([])
})

test('a second batch is appended behind the first, with its own source', () => {
  const table = tableFor(4)
  table.sources.push({ ...anySource, partition: 9 })
  expect(walkRecords(spanOf(encodeBatch({ records: [{}, {}] })), table)).toBe(2)
  const more = spanOf(encodeBatch({ baseOffset: 7n, records: [{}, {}] }))
  expect(walkRecords({ ...more, source: 1 }, table)).toBe(2)
  expect([...table.source]).toEqual([0, 0, 1, 1])
  expect([...table.offset]).toEqual([0n, 1n, 7n, 8n])
})

test('a table without room for the batch is our own mistake', () => {
  const span = spanOf(encodeBatch({ records: [{}, {}] }))
  expect(() => walkRecords(span, tableFor(1))).toThrow(InvariantError)
})

const whole = [{ value: 'first' }, { value: 'second' }]
const plain = Buffer.concat(whole.map((record, index) => encodeRecord(record, index, 0)))
const negative = Buffer.concat([Buffer.from([0x15]), plain.subarray(1)])
const corrupt: readonly (readonly [string, Partial<TestBatch>])[] = [
  ['fewer records than the header counts', { recordCount: 3 }],
  ['more records than the header counts', { recordCount: 1 }],
  ['a count below zero', { recordCount: -1 }],
  ['a count that the bytes cannot hold', { recordCount: 2_000_000_000 }],
  ['bytes after the last record', { section: Buffer.concat([plain, Buffer.from([0])]) }],
  ['a record that ends before it starts', { section: negative }],
  ['offsets that do not ascend', { records: [{}, { offsetDelta: 0 }] }],
  ['an offset past the header', { lastOffsetDelta: 0 }],
  ['a negative offset delta', { records: [{ offsetDelta: -1 }], lastOffsetDelta: 0 }],
]

test.each(corrupt)('%s is a fault, and the table stays as it was', (_name, change) => {
  const bytes = encodeBatch({ records: whole, ...change })
  const table = tableFor(10)
  table.count = 3
  let thrown: unknown
  try {
    walkRecords(spanOf(bytes), table)
  } catch (error) {
    thrown = error
  }
  expect(isFault(thrown, 'KAFKA_RECORDS_CORRUPT')).toBe(true)
  expect(table.count).toBe(3)
})

test('a length inside a record that passes its end is a fault', () => {
  for (const at of [4, 5]) {
    const section = Buffer.from(plain)
    section.writeUInt8(0x7e, at)
    expect(() => readPlain(encodeBatch({ records: whole, section }))).toThrow(/contradicts/)
  }
})

test('a section cut at any byte is a fault', () => {
  for (let cut = 0; cut < plain.length; cut++) {
    const bytes = encodeBatch({ records: whole, section: plain.subarray(0, cut) })
    expect(() => readPlain(bytes), `cut=${cut}`).toThrow(/events\/3/)
  }
})

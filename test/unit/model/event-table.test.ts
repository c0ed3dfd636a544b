import { expect, it } from 'vitest'
import { eventTable, growEventTable } from '../../../src/model/event-table.ts'

it('a table that grows keeps its events in every column', () => {
  const table = eventTable(2)
  table.count = 2
  const columns = [
    'record',
    'index',
    'stream',
    'eventTimeMs',
    'payloadStart',
    'payloadEnd',
    'schemaVersion',
  ] as const
  for (const [at, column] of columns.entries()) table[column].set([at + 1, at + 101])
  growEventTable(table, 1)
  expect(table.capacity).toBe(2)
  growEventTable(table, 100)
  expect(table.capacity).toBe(100)
  expect(table.count).toBe(2)
  for (const [at, column] of columns.entries()) {
    expect(table[column].length, column).toBe(100)
    expect([...table[column].subarray(0, 3)], column).toEqual([at + 1, at + 101, 0])
  }
})

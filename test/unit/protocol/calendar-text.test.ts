import { expect, test } from 'vitest'
import type { PartitionScheme } from '../../../src/model/lake-partition.ts'
import { parsePartition, partitionName } from '../../../src/protocol/calendar-text.ts'

const hours: PartitionScheme = { by: 'hour', timezone: 'Europe/Berlin' }
const days: PartitionScheme = { by: 'day', timezone: 'Pacific/Apia' }

function parsed(text: string, scheme: PartitionScheme): string {
  const outcome = parsePartition(text, scheme)
  return outcome.kind === 'parsed' ? outcome.partition.path : outcome.because
}

test('an hour is read as people write it and as its path', () => {
  expect(parsed('2026-11-20T13', hours)).toBe('dt=2026-11-20/hour=13')
  expect(parsed('dt=2026-11-20/hour=13', hours)).toBe('dt=2026-11-20/hour=13')
})

test('a day is read as people write it and as its path', () => {
  expect(parsed('2026-11-20', days)).toBe('dt=2026-11-20')
  expect(parsed('dt=2026-11-20', days)).toBe('dt=2026-11-20')
})

test('an hour for days, and a day for hours, is refused with what to write', () => {
  expect(parsed('2026-11-20T13', days)).toContain('partitioned by day, write "2026-11-20"')
  expect(parsed('dt=2026-11-20', hours)).toContain('partitioned by hour, write "2026-11-20T13"')
})

test('what is no date is refused', () => {
  for (const text of ['2026-02-30T01', '2026-13-01T01', '2026-11-20T24']) {
    expect(parsed(text, hours)).toBe('there is no such date or hour')
  }
  expect(parsed('0026-01-01', days)).toContain('years 1000 to 9999')
  for (const text of ['', 'yesterday', '2026-11-20T13:00', ' 2026-11-20', 'dt=2026-11-20/hour=1']) {
    expect(parsed(text, hours)).toContain('write an hour as')
  }
})

test('an hour or day that the zone skips is refused', () => {
  expect(parsed('2026-03-29T02', hours)).toContain('Europe/Berlin skips this hour')
  expect(parsed('2011-12-30', days)).toContain('Pacific/Apia skips this day')
})

test('the name of a partition reads back as the partition', () => {
  for (const text of ['2026-11-20T13', '2026-10-25T02']) {
    const outcome = parsePartition(text, hours)
    expect(outcome.kind === 'parsed' && partitionName(outcome.partition)).toBe(text)
  }
})

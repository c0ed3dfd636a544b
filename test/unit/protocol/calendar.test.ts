import { describe, expect, test } from 'vitest'
import { isoOf, unixMs } from '../../../src/base/time.ts'
import type { LakePartition, PartitionScheme } from '../../../src/model/lake-partition.ts'
import {
  calendarOf,
  PartitionCalendar,
  partitionAfter,
  partitionAt,
  timezoneKnown,
} from '../../../src/protocol/calendar.ts'

const hours = (timezone: string): PartitionScheme => ({ by: 'hour', timezone })
const days = (timezone: string): PartitionScheme => ({ by: 'day', timezone })
const at = (iso: string) => unixMs(Date.parse(iso))
const shown = (partition: LakePartition) =>
  `${partition.path} ${isoOf(partition.startMs).slice(0, 16)} ${isoOf(partition.nextMs).slice(0, 16)}`

/** `count` partitions from the one that holds `iso` on. */
function walk(iso: string, scheme: PartitionScheme, count: number): string[] {
  const found: string[] = []
  let partition = partitionAt(at(iso), scheme)
  for (let index = 0; index < count; index++) {
    found.push(shown(partition))
    partition = partitionAfter(partition, scheme)
  }
  return found
}

describe('hours', () => {
  test('of UTC begin and end on the hour', () => {
    expect(walk('2026-11-20T13:59:59.999Z', hours('UTC'), 2)).toEqual([
      'dt=2026-11-20/hour=13 2026-11-20T13:00 2026-11-20T14:00',
      'dt=2026-11-20/hour=14 2026-11-20T14:00 2026-11-20T15:00',
    ])
  })

  test('before 1970 are found as well', () => {
    expect(shown(partitionAt(unixMs(-1), hours('UTC')))).toBe(
      'dt=1969-12-31/hour=23 1969-12-31T23:00 1970-01-01T00:00',
    )
  })

  test('that Berlin goes through twice are one partition up to their second end', () => {
    expect(walk('2026-10-24T23:30:00Z', hours('Europe/Berlin'), 3)).toEqual([
      'dt=2026-10-25/hour=01 2026-10-24T23:00 2026-10-25T00:00',
      'dt=2026-10-25/hour=02 2026-10-25T00:00 2026-10-25T02:00',
      'dt=2026-10-25/hour=03 2026-10-25T02:00 2026-10-25T03:00',
    ])
  })

  test('that Berlin skips do not exist', () => {
    expect(walk('2026-03-29T00:30:00Z', hours('Europe/Berlin'), 2)).toEqual([
      'dt=2026-03-29/hour=01 2026-03-29T00:00 2026-03-29T01:00',
      'dt=2026-03-29/hour=03 2026-03-29T01:00 2026-03-29T02:00',
    ])
  })

  test('of Santiago around the change at midnight', () => {
    expect(walk('2026-04-05T01:30:00Z', hours('America/Santiago'), 3)).toEqual([
      'dt=2026-04-04/hour=22 2026-04-05T01:00 2026-04-05T02:00',
      'dt=2026-04-04/hour=23 2026-04-05T02:00 2026-04-05T04:00',
      'dt=2026-04-05/hour=00 2026-04-05T04:00 2026-04-05T05:00',
    ])
    expect(walk('2026-09-06T03:30:00Z', hours('America/Santiago'), 2)).toEqual([
      'dt=2026-09-05/hour=23 2026-09-06T03:00 2026-09-06T04:00',
      'dt=2026-09-06/hour=01 2026-09-06T04:00 2026-09-06T05:00',
    ])
  })

  test('of Kolkata begin at half past in UTC', () => {
    expect(walk('2026-11-20T13:00:00Z', hours('Asia/Kolkata'), 1)).toEqual([
      'dt=2026-11-20/hour=18 2026-11-20T12:30 2026-11-20T13:30',
    ])
  })

  test('of Lord Howe are half an hour longer or shorter at a change', () => {
    expect(walk('2026-04-04T14:30:00Z', hours('Australia/Lord_Howe'), 2)).toEqual([
      'dt=2026-04-05/hour=01 2026-04-04T14:00 2026-04-04T15:30',
      'dt=2026-04-05/hour=02 2026-04-04T15:30 2026-04-04T16:30',
    ])
    expect(walk('2026-10-03T15:00:00Z', hours('Australia/Lord_Howe'), 3)).toEqual([
      'dt=2026-10-04/hour=01 2026-10-03T14:30 2026-10-03T15:30',
      'dt=2026-10-04/hour=02 2026-10-03T15:30 2026-10-03T16:00',
      'dt=2026-10-04/hour=03 2026-10-03T16:00 2026-10-03T17:00',
    ])
  })

  test("of St John's stay one each where the clock goes back over midnight", () => {
    expect(walk('2006-10-29T01:31:00Z', hours('America/St_Johns'), 3)).toEqual([
      'dt=2006-10-28/hour=23 2006-10-29T01:30 2006-10-29T03:30',
      'dt=2006-10-29/hour=00 2006-10-29T03:30 2006-10-29T04:30',
      'dt=2006-10-29/hour=01 2006-10-29T04:30 2006-10-29T05:30',
    ])
  })
})

describe('days', () => {
  test('of New York last 25 and 23 hours at the changes', () => {
    expect(walk('2013-11-03T12:00:00Z', days('America/New_York'), 1)).toEqual([
      'dt=2013-11-03 2013-11-03T04:00 2013-11-04T05:00',
    ])
    expect(walk('2013-03-10T12:00:00Z', days('America/New_York'), 1)).toEqual([
      'dt=2013-03-10 2013-03-10T05:00 2013-03-11T04:00',
    ])
  })

  test('of Apia leave out 30 December 2011', () => {
    expect(walk('2011-12-29T12:00:00Z', days('Pacific/Apia'), 2)).toEqual([
      'dt=2011-12-29 2011-12-29T10:00 2011-12-30T10:00',
      'dt=2011-12-31 2011-12-30T10:00 2011-12-31T10:00',
    ])
  })

  test('of a year in New York are 365, each once', () => {
    const paths = new Set<string>()
    let partition = partitionAt(at('2013-01-01T12:00:00Z'), days('America/New_York'))
    while (partition.path < 'dt=2014') {
      paths.add(partition.path)
      partition = partitionAfter(partition, days('America/New_York'))
    }
    expect(paths.size).toBe(365)
  })
})

describe('the calendar', () => {
  test('answers a time of the partition asked last with the same object', () => {
    const calendar = new PartitionCalendar(hours('Europe/Berlin'))
    const first = calendar.partitionAt(at('2026-11-20T13:00:00Z'))
    expect(calendar.partitionAt(at('2026-11-20T13:59:59.999Z'))).toBe(first)
    expect(calendar.partitionAt(at('2026-11-20T14:00:00Z'))).not.toBe(first)
  })

  test('gives times that have no year of four digits to its first or last partition', () => {
    expect(partitionAt(unixMs(1e18), days('UTC')).path).toBe('dt=9999-12-29')
    expect(partitionAt(unixMs(-1e18), days('UTC')).path).toBe('dt=1000-01-03')
    expect(() => partitionAt(unixMs(Number.NaN), days('UTC'))).toThrow('is a number')
  })

  test('forgets partitions rather than grow without end', () => {
    const calendar = new PartitionCalendar(hours('UTC'))
    const first = calendar.partitionAt(unixMs(0))
    for (let hour = 0; hour < 5_000; hour++) calendar.partitionAt(unixMs(hour * 3_600_000))
    const again = calendar.partitionAt(unixMs(0))
    expect(again).not.toBe(first)
    expect(again).toEqual(first)
  })

  test('is one object for a scheme', () => {
    expect(calendarOf(days('UTC'))).toBe(calendarOf(days('UTC')))
    expect(calendarOf(days('UTC'))).not.toBe(calendarOf(hours('UTC')))
  })

  test('knows which zones there are', () => {
    expect(timezoneKnown('Pacific/Apia')).toBe(true)
    expect(timezoneKnown('Mars/Olympus')).toBe(false)
  })
})

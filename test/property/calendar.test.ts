import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unixMs } from '../../src/base/time.ts'
import type { PartitionScheme } from '../../src/model/lake-partition.ts'
import { PartitionCalendar } from '../../src/protocol/calendar.ts'
import { parsePartition, partitionName } from '../../src/protocol/calendar-text.ts'

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/Santiago',
  'Asia/Kolkata',
  'Pacific/Apia',
  'Australia/Lord_Howe',
  'America/New_York',
  'America/St_Johns',
  'Africa/Casablanca',
  'Asia/Kathmandu',
]
const times = fc
  .oneof(
    fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2060, 0, 1) }),
    // Hours around changes of the clock, where what can go wrong goes wrong.
    fc
      .tuple(
        fc.constantFrom(
          '2026-10-25T01:00Z',
          '2026-03-29T01:00Z',
          '2026-04-05T03:00Z',
          '2026-09-06T04:00Z',
          '2011-12-30T10:00Z',
          '2026-04-04T15:00Z',
          '2026-10-03T15:30Z',
          '2006-10-29T02:31Z',
          '2026-02-15T02:00Z',
        ),
        fc.integer({ min: -3 * 3_600_000, max: 3 * 3_600_000 }),
      )
      .map(([iso, shiftMs]) => Date.parse(iso) + shiftMs),
  )
  .map(unixMs)
const schemes: fc.Arbitrary<PartitionScheme> = fc.record({
  by: fc.constantFrom('hour' as const, 'day' as const),
  timezone: fc.constantFrom(...zones),
})

test('partitions tile time: any time lies in its partition, neighbours meet without a gap', () => {
  fc.assert(
    fc.property(schemes, times, fc.double({ min: 0, max: 1, noNaN: true }), (scheme, at, share) => {
      const calendar = new PartitionCalendar(scheme)
      const partition = calendar.partitionAt(at)
      const { startMs, nextMs } = partition
      expect(startMs).toBeLessThanOrEqual(at)
      expect(at).toBeLessThan(nextMs)
      const inside = unixMs(startMs + Math.floor(share * (nextMs - startMs - 1)))
      const fresh = new PartitionCalendar(scheme)
      expect(fresh.partitionAt(inside)).toEqual(partition)
      expect(fresh.partitionAt(unixMs(nextMs - 1))).toEqual(partition)
      const after = calendar.partitionAfter(partition)
      expect(after.startMs).toBe(nextMs)
      expect(after.path > partition.path).toBe(true)
      expect(fresh.partitionAt(unixMs(startMs - 1)).nextMs).toBe(startMs)
    }),
    { numRuns: 600 },
  )
})

test('what is written for people reads back as the same partition', () => {
  fc.assert(
    fc.property(schemes, times, (scheme, at) => {
      const partition = new PartitionCalendar(scheme).partitionAt(at)
      expect(parsePartition(partitionName(partition), scheme)).toEqual({
        kind: 'parsed',
        partition,
      })
      expect(parsePartition(partition.path, scheme)).toEqual({ kind: 'parsed', partition })
    }),
    { numRuns: 300 },
  )
})

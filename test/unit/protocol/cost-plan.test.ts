import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import {
  type CostFacts,
  costOfDay,
  overLimits,
  planLimits,
} from '../../../src/protocol/cost-plan.ts'

const stream = {
  name: 'a',
  eventBytes: 330,
  rollBytes: 512 * 1_048_576,
  partitionHours: 1,
  grows: false,
  shareBytes: 2 ** 50,
} as const
const facts = (more: Partial<CostFacts> = {}, eventsPerSecond = 1_000): CostFacts => ({
  streams: [{ ...stream, eventsPerSecond }],
  workerCount: 1,
  commitIntervalMs: durationMs(60_000),
  openPartitions: 1,
  bufferBytes: 1_073_741_824,
  lake: 's3',
  ...more,
})
const limitsOf = (of: CostFacts): readonly string[] =>
  overLimits(of, costOfDay(of)).map(({ limit }) => limit)

describe('a day', () => {
  test('of one stream and one worker is a file and its requests in each commit', () => {
    const day = costOfDay(facts())
    expect(day).toMatchObject({ events: 86_400_000, commits: 1_440, files: 1_440 })
    expect([day.writes, day.reads]).toEqual([1_440 * 10, 1_440 * 6])
    expect(day.lakeBytes / 1e9).toBeCloseTo(7.38, 2)
    expect(day.fileBytes * day.files).toBeCloseTo(day.lakeBytes, 0)
    // 86.4 million events at 3.29 CPU-s a million are 284 s, and 18 s for files and commits.
    expect(day.cores * 86_400).toBeCloseTo(284.256 + 3.6 + 14.4, 3)
    expect(day.dollars.requests).toBeCloseTo((14_400 * 0.005 + 8_640 * 0.0004) / 1_000, 6)
  })

  test('on a local lake asks for nothing that is paid', () => {
    const { writes, reads, dollars } = costOfDay(facts({ lake: 'folder' }))
    expect([writes, reads, dollars.requests, dollars.storageMonth]).toEqual([0, 0, 0, 0])
  })

  test('on HDFS asks the namenode for files, folders and entries', () => {
    const day = costOfDay(facts({ lake: 'hdfs' }))
    expect(day.namenodeCalls).toBe(1_440 * (3 + 23) + 24)
    expect([day.writes, day.tails, day.dollars.requests]).toEqual([0, 0, 0])
    expect(costOfDay(facts({ lake: 'hdfs' }, 0)).namenodeCalls).toBe(1_440 * 23)
  })

  test('of a stream whose files grow has a file an hour, and tails', () => {
    const growing = (more: object) =>
      costOfDay(
        facts({
          lake: 'hdfs',
          streams: [{ ...stream, eventsPerSecond: 100, grows: true, ...more }],
        }),
      )
    const hourly = growing({})
    // One in each hour, one more for each 120 tails, and a part of one that is too long.
    expect(hourly.files).toBeCloseTo(24 + 1_440 / 120, 6)
    expect(hourly.files + hourly.tails).toBe(1_440)
    expect(growing({ partitionHours: 24 }).files).toBeCloseTo(1 + 1_440 / 120, 6)
    expect(growing({ rollBytes: 1_048_576 }).files).toBeGreaterThan(600)
    const { namenodeCalls } = hourly
    expect(namenodeCalls).toBeCloseTo(36 * 3 + 1_404 * 3 + 1_440 * 23 + 24, 6)
    expect(hourly.cores).toBe(growing({ grows: false }).cores)
  })

  test('has more files where they would grow beyond rollBytes, none without events', () => {
    expect(costOfDay(facts({}, 200_000)).files).toBe(1_440 * 2)
    expect(costOfDay(facts({}, 0)).files).toBe(0)
    // An event in two minutes gives a file in every second commit at most.
    expect(costOfDay(facts({}, 1 / 120)).files).toBeCloseTo(720, 6)
  })

  test('never costs less for more events or workers, nor for a shorter interval', () => {
    const rate = fc.integer({ min: 0, max: 1_000_000 })
    const worker = fc.integer({ min: 1, max: 100 })
    const seconds = fc.integer({ min: 1, max: 3_600 })
    fc.assert(
      fc.property(rate, worker, seconds, fc.nat(1_000), (events, workerCount, every, more) => {
        const at = (by: { rate?: number; workers?: number; every?: number }) => {
          const commitIntervalMs = durationMs((every + (by.every ?? 0)) * 1_000)
          const workers = workerCount + (by.workers ?? 0)
          // Without files that grow too large: how those are cut depends on who writes them.
          const [one] = facts({}, events + (by.rate ?? 0)).streams
          const streams = one === undefined ? [] : [{ ...one, rollBytes: 2 ** 50 }]
          return costOfDay(facts({ commitIntervalMs, workerCount: workers, streams }))
        }
        const base = at({})
        const larger = [at({ rate: more }), at({ workers: more })]
        for (const { cores, writes } of larger) {
          expect(cores).toBeGreaterThanOrEqual(base.cores - 1e-9)
          expect(writes).toBeGreaterThanOrEqual(base.writes - 1e-6)
        }
        expect(at({ every: more }).writes).toBeLessThanOrEqual(base.writes + 1e-6)
      }),
    )
  })
})

describe('a limit', () => {
  test('is not passed by a thousand events a second', () => {
    expect(limitsOf(facts())).toEqual([])
  })

  const many = (count: number, eventsPerSecond: number) =>
    Array.from({ length: count }, (_, at) => ({
      ...stream,
      name: `s${at}`,
      eventsPerSecond,
      rollBytes: 1_073_741_824,
    }))
  const beyond: [string, CostFacts][] = [
    ['files', facts({ streams: many(1_000, 10) })],
    ['small-files', facts({ streams: many(100, 10) })],
    ['cores', facts({}, 300_000)],
    ['memory', facts({ bufferBytes: 16 * 1_048_576 }, 1_000)],
    ['commits', facts({ workerCount: 65 })],
  ]
  test.each(beyond)('is passed: %s, and its remedy brings the day below it', (limit, of) => {
    const over = overLimits(of, costOfDay(of)).find((one) => one.limit === limit)
    const interval = /commit.interval to (\d+)(s|m|h)/.exec(over?.remedy ?? '')
    const workers = /--workers (\d+)/.exec(over?.remedy ?? '')?.[1]
    const buffers = /memory.buffers to (\d+)MiB/.exec(over?.remedy ?? '')?.[1]
    const unit = { s: 1_000, m: 60_000, h: 3_600_000 }[interval?.[2] ?? ''] ?? 0
    const healed: CostFacts = {
      ...of,
      ...(interval && { commitIntervalMs: durationMs(Number(interval[1]) * unit) }),
      ...(workers && { workerCount: Number(workers) }),
      ...(buffers && { bufferBytes: Number(buffers) * 1_048_576 }),
    }
    expect(over?.text).toMatch(/\d.*at most/)
    expect(limitsOf(healed)).not.toContain(limit)
  })

  // 28.2 MB of rows a commit: more than half of a 100 MiB budget leaves, less than half of it all.
  test('of memory is that of rows: what the process takes by itself is none of it', () => {
    const of = facts({ bufferBytes: 100 * 1_048_576 }, 1_000)
    expect(overLimits(of, costOfDay(of))).toMatchObject([
      { limit: 'memory', text: expect.stringContaining('leaves for rows, 52,428,800 bytes') },
    ])
    const larger = facts({ bufferBytes: 300 * 1_048_576 }, 5_000)
    const [over] = overLimits(larger, costOfDay(larger))
    const wanted = Number(/memory.buffers to (\d+)MiB/.exec(over?.remedy ?? '')?.[1])
    expect(limitsOf({ ...larger, bufferBytes: wanted * 1_048_576 })).toEqual([])
    expect(limitsOf({ ...larger, bufferBytes: (wanted - 1) * 1_048_576 })).toEqual(['memory'])
  })

  test('of memory is that of each stream too, and its remedy is its share', () => {
    const shared = (shareBytes: number): CostFacts =>
      facts({ streams: [{ ...stream, eventsPerSecond: 1_000, shareBytes }] })
    const of = shared(50 * 1_048_576)
    const [over] = overLimits(of, costOfDay(of))
    expect(over).toMatchObject({
      limit: 'memory',
      text:
        '28,200,000 bytes of stream "a" accumulate in a commit of one worker, ' +
        'at most half of its share, 52,428,800 bytes',
      remedy: 'set limits.buffers of "a" to 54MiB, or shorten commit.interval',
    })
    expect(limitsOf(shared(54 * 1_048_576))).toEqual([])
    expect(limitsOf({ ...of, workerCount: 2 })).toEqual([])
  })

  test('is one that the test names', () => {
    expect(Object.keys(planLimits)).toHaveLength(beyond.length + 1)
  })
})

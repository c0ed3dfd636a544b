import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BackPressure,
  decidePressure,
  type HeldBytes,
  type MemoryBounds,
  noPressure,
} from '../../../src/daemon/back-pressure.ts'
import { memoryBoundsOf } from '../../../src/daemon/memory-bounds.ts'
import { topicPartitionName } from '../../../src/model/topic-partition.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { sourceAt } from '../../support/lane-world.ts'

const bounds: MemoryBounds = {
  bytesMax: 100,
  streams: new Map([
    ['hot', { topics: ['hot', 'both'], bytesMax: 40 }],
    ['calm', { topics: ['calm', 'both'], bytesMax: 40 }],
    ['far', { topics: ['far'], bytesMax: 100 }],
  ]),
}

const holding = (
  accumulating: Readonly<Record<string, number>>,
  committing: Readonly<Record<string, number>> = {},
  kernel: Partial<HeldBytes['kernel']> = {},
): HeldBytes => ({
  accumulating: new Map(Object.entries(accumulating)),
  committing: new Map(Object.entries(committing)),
  kernel: { builders: 0, shared: 0, free: 0, ...kernel },
})

test('a stream of a pattern pauses the topics that it selects, and is told as paused', () => {
  const calls: string[] = []
  const held = { hot: 41 }
  const sources = ['hot.a', 'cold.a'].map((topic) => sourceAt(0, topic))
  const pressure = new BackPressure({
    bounds: {
      bytesMax: 1_000,
      streams: new Map([
        ['hot', { topics: ['hot\\..*'], bytesMax: 40 }],
        ['cold', { topics: ['cold\\..*'], bytesMax: 40 }],
      ]),
    },
    held: () => holding(held),
    kernel: () => holding(held).kernel,
    sources: () => sources,
    isRefused: () => false,
    pause: (paused) => calls.push(...paused.map(topicPartitionName)),
    resume: () => {},
    hurry: () => {},
    telemetry: new SimTelemetry(),
  })
  pressure.adjust()
  expect(calls).toEqual(['hot.a/0'])
  expect(['hot', 'cold'].map((name) => pressure.isStreamPaused(name))).toEqual([true, false])
  expect(pressure.isPaused(sourceAt(0, 'hot.new'))).toBe(true)
})

describe('the decision', () => {
  test('half of a share hurries the commit, all of it pauses the stream', () => {
    expect(decidePressure(bounds, holding({ hot: 20 }), noPressure).hurries).toBe(false)
    const half = decidePressure(bounds, holding({ hot: 21 }), noPressure)
    expect(half).toEqual({ hurries: true, all: false, streams: new Set() })
    const full = decidePressure(bounds, holding({ hot: 41 }), noPressure)
    expect(full).toEqual({ hurries: true, all: false, streams: new Set(['hot']) })
  })

  test('a commit under way counts as held, and hurries nothing: it is what is being done', () => {
    const decided = decidePressure(bounds, holding({ hot: 1 }, { hot: 40 }), noPressure)
    expect(decided).toEqual({ hurries: false, all: false, streams: new Set(['hot']) })
  })

  test('what has no stream of its own counts for the process alone', () => {
    const decided = decidePressure(bounds, holding({ _unknown: 90 }, { _x: 11 }), noPressure)
    expect(decided).toEqual({ hurries: true, all: true, streams: new Set() })
  })

  test('whatever is held: above a budget is paused, below a part of it is not, between stays', () => {
    const bytes = fc.nat(120)
    const facts = fc.record({ hot: bytes, calm: bytes, far: bytes, _unknown: bytes })
    const before = fc.record({
      all: fc.boolean(),
      streams: fc.subarray(['hot', 'calm', 'far']).map((names) => new Set(names)),
    })
    fc.assert(
      fc.property(facts, facts, before, (accumulating, committing, was) => {
        const now = decidePressure(bounds, holding(accumulating, committing), was)
        const budgets = [...bounds.streams].map(([name, { bytesMax }]) => {
          const key = name as 'hot'
          const isPaused = [now.streams.has(name), was.streams.has(name)] as const
          const held = accumulating[key] + committing[key]
          return { held, bytesMax, readAgainBelow: bytesMax / 2, isPaused }
        })
        const sum = (by: Readonly<Record<string, number>>): number =>
          Object.values(by).reduce((total, each) => total + each, 0)
        const held = sum(accumulating) + sum(committing)
        const { bytesMax } = bounds
        const readAgainBelow = (bytesMax * 3) / 4
        budgets.push({ held, bytesMax, readAgainBelow, isPaused: [now.all, was.all] })
        for (const { held: own, bytesMax, readAgainBelow, isPaused } of budgets) {
          const [isNow, wasBefore] = isPaused
          const expected = own > bytesMax || (own >= readAgainBelow && wasBefore)
          expect(isNow).toBe(expected)
        }
      }),
    )
  })
})

/** A reader of one topic-partition each of four topics. */
function world(refused: readonly string[] = [], of = bounds) {
  const calls: string[] = []
  const sources = ['hot', 'both', 'calm', 'far'].map((topic) => sourceAt(0, topic))
  const names = (of: readonly (typeof sources)[number][]) => of.map(topicPartitionName).join(' ')
  const telemetry = new SimTelemetry()
  let held = holding({})
  const pressure = new BackPressure({
    bounds: of,
    held: () => held,
    kernel: () => held.kernel,
    sources: () => sources,
    isRefused: ({ topic }) => refused.includes(topic),
    pause: (of) => calls.push(`pause ${names(of)}`),
    resume: (of) => calls.push(`resume ${names(of)}`),
    hurry: () => calls.push('hurry'),
    telemetry,
  })
  const hold = (next: HeldBytes): readonly string[] => {
    held = next
    pressure.adjust()
    return calls.splice(0).filter((call) => call !== 'hurry')
  }
  return { pressure, hold, telemetry }
}

describe('a stream that holds its share', () => {
  test('is not read on any of its topics; the topics of others are', () => {
    const { hold, pressure } = world()
    expect(hold(holding({ hot: 41 }))).toEqual(['pause hot/0 both/0'])
    expect(pressure.isPaused(sourceAt(7, 'both'))).toBe(true)
    expect(pressure.isPaused(sourceAt(7, 'calm'))).toBe(false)
    expect(hold(holding({ hot: 30 }))).toEqual([])
    expect(hold(holding({ hot: 19 }))).toEqual(['resume hot/0 both/0'])
  })

  test('holds up who shares a topic with it, and only there', () => {
    const { hold, pressure } = world()
    hold(holding({ hot: 41 }))
    const streams = ['hot', 'calm', 'far'].map((stream) => pressure.isStreamPaused(stream))
    expect(streams).toEqual([true, true, false])
    expect(hold(holding({ hot: 41, calm: 41 }))).toEqual(['pause calm/0'])
    expect(hold(holding({ hot: 0, calm: 41 }))).toEqual(['resume hot/0'])
    expect(hold(holding({}))).toEqual(['resume both/0 calm/0'])
  })

  test('stays paused beneath a process that is paused, and is not resumed with it', () => {
    const { hold } = world()
    expect(hold(holding({ hot: 41 }))).toEqual(['pause hot/0 both/0'])
    expect(hold(holding({ hot: 41, far: 60 }))).toEqual(['pause calm/0 far/0'])
    expect(hold(holding({ hot: 41 }))).toEqual(['resume calm/0 far/0'])
  })

  test('does not have what an operator must look at read again', () => {
    const { hold } = world(['both'])
    hold(holding({ hot: 41 }))
    expect(hold(holding({}))).toEqual(['resume hot/0'])
  })

  test('is told by a count, the log, and the reason of each topic-partition', () => {
    const { hold, pressure, telemetry } = world()
    expect(pressure.reasons()).toEqual(new Map())
    hold(holding({ hot: 40 }, { hot: 2 }))
    const why = 'stream "hot" holds 42 bytes, limits.buffers is 40B'
    expect([...pressure.reasons()]).toEqual([
      ['hot/0', why],
      ['both/0', why],
    ])
    hold(holding({ hot: 42, far: 60 }))
    const all = 'the process holds 102 bytes, memory.buffers has room for 100B'
    expect(pressure.reasons().get('far/0')).toBe(all)
    hold(holding({}))
    expect(telemetry.events).toMatchObject([
      { event: 'reading paused', fields: { streams: ['hot', 'calm'], full: 'limits.buffers' } },
      { event: 'reading paused', fields: { streams: ['far'], full: 'memory.buffers' } },
      { event: 'reading resumed', fields: { streams: ['hot', 'calm', 'far'] } },
    ])
  })
})

describe('what the kernel keeps', () => {
  const hurries = (held: HeldBytes): boolean => decidePressure(bounds, held, noPressure).hurries
  const isPaused = (held: HeldBytes, all = false): boolean =>
    decidePressure(bounds, held, { all, streams: new Set() }).all

  test('takes from the room of the process, and hurries the commit', () => {
    expect(hurries(holding({ far: 36 }, {}, { shared: 28 }))).toBe(false)
    expect(hurries(holding({ far: 37 }, {}, { shared: 28 }))).toBe(true)
    expect(isPaused(holding({ far: 72 }, {}, { shared: 28 }))).toBe(false)
    expect(isPaused(holding({ far: 73 }, {}, { shared: 28 }))).toBe(true)
  })

  test('pauses and does not hurry where it is free: rows that come go there', () => {
    const kernel = { shared: 48, free: 40 }
    expect(hurries(holding({ far: 46 }, {}, kernel))).toBe(false)
    expect(hurries(holding({ far: 47 }, {}, kernel))).toBe(true)
    expect(isPaused(holding({ far: 46 }, { far: 6 }, kernel))).toBe(false)
    expect(isPaused(holding({ far: 46 }, { far: 7 }, kernel))).toBe(true)
  })

  test('hurries by half of what is in open pages: they are smaller when they are closed', () => {
    expect(hurries(holding({ _unknown: 70 }, {}, { builders: 40 }))).toBe(false)
    expect(hurries(holding({ _unknown: 71 }, {}, { builders: 40 }))).toBe(true)
  })

  test('pauses by what open pages become beside the memory that they had', () => {
    expect(isPaused(holding({ far: 60 }, { far: 30 }, { builders: 40 }))).toBe(false)
    expect(isPaused(holding({ far: 60 }, { far: 31 }, { builders: 40 }))).toBe(true)
  })

  test('takes no more than half, so that who was paused is read again', () => {
    expect(isPaused(holding({ far: 38 }, {}, { shared: 4_000 }), true)).toBe(true)
    expect(isPaused(holding({ far: 37 }, {}, { shared: 4_000 }), true)).toBe(false)
  })

  test('takes rows where it is free, also beyond half of the budget', () => {
    const kernel = { shared: 95, free: 70, builders: 4 }
    expect(isPaused(holding({ _unknown: 73 }, {}, kernel))).toBe(false)
    expect(isPaused(holding({ _unknown: 74 }, {}, kernel))).toBe(true)
  })

  test('lets nobody wait for the interval who is paused while nothing is committed', () => {
    const kernel = { shared: 60, free: 60 }
    const paused = { all: true, streams: new Set<string>() }
    const held = holding({ far: 46 }, {}, kernel)
    expect(decidePressure(bounds, held, noPressure)).toMatchObject({ all: false, hurries: false })
    expect(decidePressure(bounds, held, paused)).toMatchObject({ all: true, hurries: true })
    const committing = holding({ far: 30 }, { far: 16 }, kernel)
    expect(decidePressure(bounds, committing, paused)).toMatchObject({ all: true, hurries: false })
  })
})

describe('a share that nobody configured', () => {
  const both: MemoryBounds = {
    bytesMax: 100,
    streams: new Map([
      ['hot', { topics: ['hot'], bytesMax: 50, shrinks: true }],
      ['calm', { topics: ['calm'], bytesMax: 50 }],
    ]),
  }

  test('leaves the others half of what is left for rows, however much the kernel took', () => {
    const full = decidePressure(both, holding({ hot: 26 }, {}, { shared: 4_000 }), noPressure)
    expect(full).toEqual({ hurries: true, all: false, streams: new Set(['hot']) })
    const fits = decidePressure(both, holding({ hot: 25 }, {}, { shared: 4_000 }), noPressure)
    expect(fits.streams).toEqual(new Set())
  })

  test('is told as what it is, not by a key that nobody wrote', () => {
    const { hold, pressure } = world([], both)
    hold(holding({ hot: 51, calm: 51 }))
    expect(Object.fromEntries(pressure.reasons())).toMatchObject({
      'hot/0': 'stream "hot" holds 51 bytes, its share of memory.buffers is 50B',
      'calm/0': 'stream "calm" holds 51 bytes, limits.buffers is 50B',
    })
  })

  test('is as it was configured otherwise', () => {
    const fits = decidePressure(both, holding({ calm: 50 }, {}, { shared: 4_000 }), noPressure)
    expect(fits).toEqual({ hurries: true, all: false, streams: new Set() })
  })
})

describe('the room for rows', () => {
  const roomOf = (buffers: number, streamCount: number): number => {
    const streams = Array.from({ length: streamCount }, (_, index) => ({
      name: `s${index}`,
      topics: ['events'],
      limits: { etlTime: 0, memory: 0, errorRate: undefined, buffers: undefined } as never,
    }))
    return memoryBoundsOf({ memory: { buffers }, streams }).bytesMax
  }

  test('is the budget without what the process takes with its streams, and half in any case', () => {
    const gib = 2 ** 30
    expect(roomOf(gib, 1)).toBeLessThan(0.85 * gib)
    expect(roomOf(gib, 300)).toBeLessThan(roomOf(gib, 1))
    expect(roomOf(gib, 300)).toBeGreaterThan(gib / 2)
    expect(roomOf(gib, 100_000)).toBe(gib / 2)
    expect(roomOf(1_000, 1)).toBe(500)
  })
})

describe('the share of a stream', () => {
  const stream = (name: string, topics: readonly string[], buffers?: number) => ({
    name,
    topics,
    limits: { etlTime: 0, memory: 0, errorRate: undefined, buffers } as never,
  })
  const shares = (...streams: readonly ReturnType<typeof stream>[]) =>
    [...memoryBoundsOf({ memory: { buffers: 200 }, streams }).streams.values()].map(
      ({ bytesMax }) => bytesMax,
    )

  test('is what is configured, else half where it leaves others to read, else all', () => {
    expect(shares(stream('a', ['x']))).toEqual([100])
    expect(shares(stream('a', ['x']), stream('b', ['y'], 10))).toEqual([50, 10])
    expect(shares(stream('a', ['x']), stream('b', ['x']))).toEqual([100, 100])
    expect(shares(stream('a', ['x', 'y']), stream('b', ['x']), stream('c', ['y']))).toEqual([
      100, 50, 50,
    ])
  })
})

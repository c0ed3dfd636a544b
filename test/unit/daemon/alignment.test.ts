import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { durationMs } from '../../../src/base/time.ts'
import { readParquetMetadata } from '../../../src/codec/parquet/read-file.ts'
import { decideAhead } from '../../../src/daemon/alignment.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import { type SourceKey, topicPartitionName } from '../../../src/model/topic-partition.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  eventsMs,
  fetched,
  type LaneWorld,
  numberRecord,
  numbersConfig,
  openLaneWorld,
  owning,
  pipeline,
  type StreamLines,
} from '../../support/lane-world.ts'

const minuteMs = 60_000
const keyOf = (name: string): SourceKey => name as SourceKey

describe('who is ahead', () => {
  const part = (name: string, eventMs: number, more: object = {}) => ({
    key: keyOf(name),
    eventMs,
    leftOut: false,
    paused: false,
    ...more,
  })
  const ahead = (...parts: readonly ReturnType<typeof part>[]): readonly string[] => [
    ...decideAhead(10, parts).ahead,
  ]

  test('is who is further than the skew from the slowest', () => {
    expect(ahead(part('a', 0), part('b', 10), part('c', 11))).toEqual(['c'])
  })

  test('stays so until half of the skew is left', () => {
    const paused = { paused: true }
    expect(ahead(part('a', 0), part('b', 6, paused))).toEqual(['b'])
    expect(ahead(part('a', 1), part('b', 6, paused))).toEqual([])
  })

  test('is not told by who is left out', () => {
    expect(ahead(part('a', 0, { leftOut: true }), part('b', 50), part('c', 55))).toEqual([])
    expect(ahead(part('a', 0, { leftOut: true }))).toEqual([])
  })
})

const aligned = 'alignment: { maxSkew: 10m }'
const byDay = 'partition: { by: day }'

async function open(streams: readonly StreamLines[], idle = '1h'): Promise<LaneWorld> {
  const ready = `{ delay: 0s, idle: ${idle} }`
  const world = await openLaneWorld({ config: await numbersConfig(streams, { ready }) })
  await owning(world, 0, 1)
  return world
}

/** Hands events to one topic-partition, each so many minutes after the start. */
class Feed {
  readonly #world: LaneWorld
  readonly #next = [0, 0]
  readonly #paused = new Set<string>()

  constructor(world: LaneWorld) {
    this.#world = world
  }

  /** @returns what the lane said to the source meanwhile. */
  async give(
    partition: 0 | 1,
    minutes: readonly number[],
    stream = 'numbers',
  ): Promise<readonly string[]> {
    const first = this.#next[partition] ?? 0
    const records = minutes.map((minute, at) =>
      numberRecord({ n: first + at, stream, eventMs: eventsMs + minute * minuteMs }),
    )
    await this.#world.lane.onFetched([fetched(this.#world.at(partition), first, records)])
    this.#next[partition] = first + records.length
    this.#world.source.ends.set(partition, BigInt(first + records.length))
    return this.calls()
  }

  calls(): readonly string[] {
    const calls = this.#world.source.takeCalls()
    for (const call of calls) {
      const [word = '', ...names] = call.split(' ')
      for (const name of names) {
        if (word === 'pause') this.#paused.add(name)
        if (word === 'resume') this.#paused.delete(name)
      }
    }
    return calls
  }

  isPaused(partition: 0 | 1): boolean {
    this.calls()
    return this.#paused.has(topicPartitionName(this.#world.at(partition)))
  }
}

test('who is ahead waits until the slowest has come near', async () => {
  const world = await open([{ name: 'numbers', more: [aligned] }])
  const feed = new Feed(world)
  expect(await feed.give(0, [0])).toEqual([])
  expect(await feed.give(1, [11])).toEqual(['pause events/1'])
  expect([...world.lane.heldUp]).toEqual([
    ['events/1', expect.stringMatching(/13:11:00.000Z.*13:00:00.000Z.*maxSkew is 10m$/)],
  ])
  await world.commits.commitNow()
  expect(await feed.give(0, [5])).toEqual([])
  expect(await feed.give(0, [6])).toEqual(['resume events/1'])
  expect(world.lane.heldUp.size).toBe(0)
  expect(world.telemetry.values.get('lakeward_event_skew_seconds stream=numbers')).toBe(300)
})

test('without the key nobody waits', async () => {
  const feed = new Feed(await open([{ name: 'numbers' }]))
  await feed.give(0, [0])
  expect(await feed.give(1, [600])).toEqual([])
})

test('one that is proven idle holds nobody, until it brings rows again', async () => {
  const world = await open([{ name: 'numbers', more: [aligned] }], '10s')
  const feed = new Feed(world)
  await feed.give(0, [0])
  expect(await feed.give(1, [30])).toEqual(['pause events/1'])
  await world.clock.run(world.commits.commitNow())
  expect(feed.calls(), 'it may only be slow').toEqual([])
  await world.clock.run(world.clock.sleep(durationMs(15_000)))
  // The first commit asks, and its entry has the answer; the second finds it.
  await world.clock.run(world.commits.commitNow())
  await world.clock.run(world.commits.commitNow())
  expect(feed.calls()).toEqual(['resume events/1'])
  expect(await feed.give(0, [1])).toEqual(['pause events/1'])
})

test('one that has more to bring is never taken for idle', async () => {
  const world = await open([{ name: 'numbers', more: [aligned] }], '10s')
  const feed = new Feed(world)
  await feed.give(0, [0])
  await feed.give(1, [30])
  world.source.ends.set(0, 5n)
  for (let round = 0; round < 4; round++) {
    await world.clock.run(world.clock.sleep(durationMs(15_000)))
    await world.clock.run(world.commits.commitNow())
  }
  expect(feed.isPaused(1)).toBe(true)
})

test('two streams that disagree hold up neither', async () => {
  const names = ['one', 'two']
  const world = await open(names.map((name) => ({ name, more: [aligned] })))
  const feed = new Feed(world)
  await feed.give(0, [0], 'one')
  await feed.give(1, [0], 'two')
  await feed.give(0, [60], 'two')
  await feed.give(1, [60], 'one')
  expect([feed.isPaused(0), feed.isPaused(1)]).toEqual([false, false])
})

test('what is given up and comes back is read', async () => {
  const world = await open([{ name: 'numbers', more: [aligned] }])
  const feed = new Feed(world)
  await feed.give(0, [0])
  await feed.give(1, [30])
  expect(feed.isPaused(1)).toBe(true)
  await world.lane.onRevoked([world.at(1)])
  await world.lane.onAssigned([world.at(1)])
  expect(world.lane.heldUp.size).toBe(0)
  expect(world.source.takeCalls().filter((call) => call.startsWith('pause'))).toEqual([])
})

test('what comes back while it is being given up is not paused for what it was', async () => {
  const world = await open([{ name: 'numbers', more: [aligned] }])
  const feed = new Feed(world)
  await feed.give(1, [30])
  const left = world.lane.onRevoked([world.at(1)])
  const assigned = world.lane.onAssigned([world.at(1)])
  await feed.give(0, [0])
  await left
  await assigned
  expect(feed.isPaused(1)).toBe(false)
})

test('an answer that is under way is taken no further than to where it is too far ahead', async () => {
  const world = await open([{ name: 'numbers', more: [aligned] }])
  const feed = new Feed(world)
  await feed.give(0, [0])
  await feed.give(1, [30])
  const late = fetched(world.at(1), 1, [numberRecord({ n: 9, eventMs: eventsMs + minuteMs })])
  await world.lane.onFetched([late])
  expect(world.source.takeCalls()).toEqual(['seek events/1 1'])
})

/** The slice of event time that a file's footer tells. */
function sliceIn({ store }: LaneWorld, path: string): { min: number; max: number } {
  const outcome = readParquetMetadata(present(store.get(path)?.body, 'the file stands'))
  if (outcome.kind !== 'read') throw new Error('a whole file has its footer')
  const told = outcome.metadata.keyValues.get('lakeward.event-time') ?? ''
  const [min = Number.NaN, max = Number.NaN] = told.split('..').map((time) => Date.parse(time))
  return { min, max }
}

/** How far apart in event time the rows of one file are, at most, in minutes. */
async function skewOfFiles(more: readonly string[]): Promise<number> {
  const world = await open([{ name: 'numbers', more: [byDay, ...more] }])
  const feed = new Feed(world)
  const minutes = [0, 0]
  // One has a record for each minute, the other one for each ten: as fast as they may be read.
  const steps = [1, 10]
  while (minutes.some((at) => at < 240)) {
    for (const partition of [0, 1] as const) {
      const at = minutes[partition] ?? 0
      if (feed.isPaused(partition) || at >= 240) continue
      await feed.give(partition, [at])
      minutes[partition] = at + (steps[partition] ?? 1)
    }
    if ((minutes[0] ?? 0) % 4 === 0) await world.clock.run(world.commits.commitNow())
  }
  await world.clock.run(world.commits.commitNow())
  const files = judgeLog(world.store, pipeline).entries.flatMap(({ entry }): readonly DataFile[] =>
    entry.kind === 'append' ? entry.body.files : [],
  )
  expect(files.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(240 + 24)
  for (const { path, eventTimeMs } of files) expect(sliceIn(world, path)).toEqual(eventTimeMs)
  return Math.max(...files.map(({ eventTimeMs }) => eventTimeMs.max - eventTimeMs.min)) / minuteMs
}

test('files are of about the skew with it, and of hours without', async () => {
  expect(await skewOfFiles([])).toBeGreaterThan(180)
  expect(await skewOfFiles([aligned])).toBeLessThanOrEqual(10 + 10 + 4)
})

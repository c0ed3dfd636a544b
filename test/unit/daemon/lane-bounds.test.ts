/** What keeps a lane within its time and its memory. */
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import type { EtlModule, EtlOutcome } from '../../../src/ports/etl-module.ts'
import { SimRandom } from '../../sim/random.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  eventsMs,
  fetched,
  fetchedNumbers,
  type LaneWorld,
  numberRecord,
  numbersConfig,
  openLaneWorld,
  owning,
  pipeline,
  settle,
  sourceAt,
} from '../../support/lane-world.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'
import { encodeBatch } from '../../support/record-batch.ts'

describe('evidence of idleness', () => {
  const due = { ready: '{ delay: 0s, idle: 10s }' }

  /** Partition 1 is quiet, of partition 0 a record is committed. */
  async function committed() {
    const world = await openLaneWorld({ config: await numbersConfig(undefined, due) })
    await owning(world, 0, 1)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    world.source.ends.set(0, 1n)
    await world.commits.commitNow()
    return world
  }

  /** The same, and the hour of the record is over. */
  async function quiet() {
    const world = await committed()
    await world.announcer.round()
    await world.clock.run(world.clock.sleep(durationMs(15_000)))
    return world
  }

  const evidence = (world: LaneWorld) =>
    judgeLog(world.store, pipeline).entries.flatMap(({ entry }) =>
      entry.kind === 'append' ? entry.body.evidence : [],
    )
  /** When each was asked, without those that showed at the beginning who reads. */
  const proofs = (world: LaneWorld): readonly number[] =>
    evidence(world)
      .slice(2)
      .map(({ askedAtMs }) => askedAtMs)

  test('is committed with what accumulated', async () => {
    const world = await quiet()
    await world.clock.run(world.commits.commitNow())
    expect(proofs(world)).toHaveLength(2)
  })

  test('of all that is read stands in the first entry, once, to show that it is read', async () => {
    const world = await committed()
    expect(evidence(world).map(({ source }) => source.partition)).toEqual([0, 1])
    await world.lane.onFetched([fetchedNumbers(world.at(0), 1, 2)])
    await world.commits.commitNow()
    expect(evidence(world)).toHaveLength(2)
  })

  test.each([2n, 3n])(
    'of another log than was read, which ends at %i, proves nothing',
    async (end) => {
      const config = await numbersConfig(undefined, due)
      const world = await openLaneWorld({ config })
      await owning(world, 0)
      await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 3)])
      world.source.ends.set(0, 3n)
      await world.commits.commitNow()
      const facts = { topicPartition: 'events/0', asked: 3n, leaderEpoch: 0, next: nextOffset(1n) }
      world.lane.onRefused(world.at(0), new Fault('KAFKA_LOG_DIVERGED', facts))
      world.source.ends.set(0, end)
      const other = await openLaneWorld({ config, store: world.store, clock: world.clock, seed: 7 })
      await owning(other, 1)
      for (let round = 0; round < 3; round++) {
        await world.clock.run(world.clock.sleep(durationMs(15_000)))
        for (const each of [world, other]) {
          await world.clock.run(each.announcer.round())
          await world.clock.run(each.commits.commitNow())
        }
      }
      // The other worker knows nothing of the refusal: records of the new log's were never read.
      const kinds = judgeLog(world.store, pipeline).entries.map(({ entry }) => entry.kind)
      expect(kinds).not.toContain('ready')
    },
  )

  test('of a log that parted from what was read proves nothing to who starts on it', async () => {
    const config = await numbersConfig(undefined, due)
    const before = await openLaneWorld({ config })
    await owning(before, 0)
    await before.lane.onFetched([fetchedNumbers(before.at(0), 0, 3)])
    before.source.ends.set(0, 3n)
    await before.commits.commitNow()
    const { store, clock } = before
    const after = await openLaneWorld({ config, store, clock, seed: 7 })
    // An unclean election: two records were lost, others have taken their offsets.
    after.source.parted.set(0, 1n)
    after.source.ends.set(0, 3n)
    await owning(after, 0)
    const known = evidence(after).length
    await clock.run(clock.sleep(durationMs(15_000)))
    for (let round = 0; round < 3; round++) {
      await clock.run(after.announcer.round())
      await clock.run(after.commits.commitNow())
    }
    expect(evidence(after)).toHaveLength(known)
    after.source.parted.clear()
    await clock.run(after.commits.commitNow())
    expect(evidence(after)).toHaveLength(known + 1)
  })

  test('is committed once though nothing else is', async () => {
    const world = await openLaneWorld()
    await owning(world, 1)
    await world.commits.commitNow()
    await world.commits.commitNow()
    expect(evidence(world).map(({ source }) => source.partition)).toEqual([1])
  })

  test('that brokers are slow to give holds no commit up; it comes with the next one', async () => {
    const world = await quiet()
    const { promise, resolve } = Promise.withResolvers<void>()
    world.source.beforeAnswer = () => promise
    const askedAtMs = world.log.lakeNowMs()
    await world.lane.onFetched([fetchedNumbers(world.at(0), 1, 2)])
    const beginMs = world.clock.monotonicMs()
    await world.clock.run(world.commits.commitNow())
    expect(world.clock.monotonicMs() - beginMs).toBeLessThanOrEqual(3_000)
    expect(world.next(0)).toBe(2n)
    expect(proofs(world)).toEqual([])
    resolve()
    await settle(world.clock)
    await world.clock.run(world.commits.commitNow())
    expect(new Set(proofs(world))).toEqual(new Set([askedAtMs]))
  })
})

describe('memory', () => {
  const filtered: EtlOutcome = {
    kind: 'done',
    result: {
      rows: new Uint8Array(),
      rowNext: new Int32Array(),
      eventRowNext: new Int32Array(1),
      failures: [],
    },
  }
  const mib = 1_024 * 1_024
  /** A record whose module runs until it is told to end. */
  async function heavy() {
    const ends: (() => void)[] = []
    const module: EtlModule = {
      run: () => new Promise((resolve) => ends.push(() => resolve(filtered))),
      close: async () => {},
    }
    const world = await openLaneWorld({ modules: new Map([[0, module]]) })
    await owning(world, 0, 1)
    const payload = new Uint8Array(17 * mib).fill(0)
    await world.lane.onFetched([fetched(world.at(0), 0, [numberRecord({ n: 0, payload })])])
    return { world, end: () => ends.splice(0).forEach((end) => end()) }
  }

  test('in use beyond the budget pauses all, hurries the commit, and resumes after it', async () => {
    const { world, end } = await heavy()
    expect(world.lane.isStreamPaused('numbers')).toBe(true)
    expect(world.source.takeCalls()).toEqual(['pause events/0 events/1'])
    const loop = world.commits.run()
    await settle(world.clock)
    end()
    await settle(world.clock)
    expect(world.next(0)).toBe(1n)
    expect(world.source.takeCalls()).toEqual(['resume events/0 events/1'])
    world.commits.stop()
    await world.clock.run(loop)
  })

  test('of thrown away events does not keep a lane paused that has nothing to commit', async () => {
    const { world, end } = await heavy()
    await world.lane.startOver()
    expect(world.lane.isStreamPaused('numbers')).toBe(true)
    world.source.takeCalls()
    end()
    await settle(world.clock)
    await world.commits.commitNow()
    expect(world.lane.isStreamPaused('numbers')).toBe(false)
    expect(world.source.takeCalls()).toEqual(['resume events/0 events/1'])
  })
})

const twoTopics = await numbersConfig([
  { name: 'hot', topics: '[events]' },
  { name: 'calm', topics: '[calm]' },
])
const shareBytes = 1_024 * 1_024
/** With a share below what may be configured: tests need not fill mebibytes. */
const shared = {
  ...twoTopics,
  streams: twoTopics.streams.map((stream) => ({
    ...stream,
    limits: { ...stream.limits, buffers: shareBytes },
  })),
}

describe('a share of memory', () => {
  const calm = sourceAt(0, 'calm')
  const random = new SimRandom(1)
  /** Packs badly. */
  const noise = () => Buffer.from(random.bytes(48 * 1_024)).toString('base64')
  const record = (n: number, stream: string, text = '') => {
    const payload = joined(varintField(1, BigInt(n)), bytesField(2, utf8(`${n} ${text}`)))
    return numberRecord({ n, stream, payload })
  }
  const batch = (first: number, count: number) =>
    fetched(
      sourceAt(0),
      first,
      Array.from({ length: count }, (_, at) => record(first + at, 'hot', noise())),
    )

  async function full() {
    const world = await openLaneWorld({ config: shared })
    world.source.known.push(calm)
    await owning(world, 0)
    await world.lane.onAssigned([calm])
    world.source.takeCalls()
    await world.lane.onFetched([batch(0, 24)])
    return world
  }

  test('that is full pauses the topic of its stream, and the other stream is read on', async () => {
    const world = await full()
    expect(world.source.takeCalls()).toEqual(['pause events/0'])
    expect([...world.lane.heldUp.keys()]).toEqual(['events/0'])
    await world.lane.onFetched([fetched(calm, 0, [record(0, 'calm')])])
    await world.commits.commitNow()
    expect(world.source.takeCalls()).toEqual(['resume events/0'])
    const ranges = judgeLog(world.store, pipeline).entries.flatMap(({ entry }) =>
      entry.kind === 'append' ? entry.ranges : [],
    )
    expect(ranges.filter(({ first, next }) => first < next)).toMatchObject([
      { source: { topic: 'events' }, next: 24n },
      { source: { topic: 'calm' }, next: 1n },
    ])
  })

  test('that is full in the midst of an answer leaves the rest, which is asked for again', async () => {
    const world = await openLaneWorld({ config: shared })
    await owning(world, 0)
    const [one, rest] = [batch(0, 24), batch(24, 22)]
    const bytes = Buffer.concat([one.bytes, rest.bytes])
    const { nextOffset: next, highWatermark } = rest
    const answer = { ...one, bytes, end: bytes.length, nextOffset: next, highWatermark }
    await world.clock.run(world.lane.onFetched([answer]))
    expect(world.source.takeCalls()).toEqual(['pause events/0', 'seek events/0 24'])
    expect(world.lane.bufferedBytes).toBeLessThan(2.5 * shareBytes)
    await world.commits.commitNow()
    expect(world.source.takeCalls()).toEqual(['resume events/0'])
    await world.lane.onFetched([rest])
    await world.commits.commitNow()
    expect(world.next(0)).toBe(46n)
  })

  test('is held by the commit under way until its files stand on the lake', async () => {
    const world = await full()
    const sealed = present(await world.lane.seal(await world.lane.refresh()), 'rows')
    world.lake.fault = { failAt: world.lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
    const committing = world.lane.commit(sealed)
    await settle(world.clock)
    expect(world.lane.bufferedByStream().get('hot')).toBeGreaterThan(shareBytes)
    world.source.takeCalls()
    await world.lane.onFetched([fetched(calm, 0, [record(0, 'calm')])])
    expect([...world.lane.heldUp.keys()]).toEqual(['events/0'])
    world.lake.fault = undefined
    await world.clock.run(committing)
    expect(world.source.takeCalls()).toEqual(['resume events/0'])
  })

  test('holds for a topic-partition that is assigned while it is full', async () => {
    const world = await full()
    world.source.takeCalls()
    await world.lane.onAssigned([world.at(1)])
    expect(world.source.takeCalls()).toEqual(['pause events/1', 'seek events/1 0'])
  })
})

test('a batch that inflates far beyond the budget ends nothing', { timeout: 60_000 }, async () => {
  const world = await openLaneWorld()
  await owning(world, 0)
  const value = new Uint8Array(40 * 1_024 * 1_024)
  const records = [{ value, timestampMs: eventsMs }]
  const bytes = encodeBatch({ records, codec: 'zstd' })
  expect(bytes.length).toBeLessThan(100_000)
  await world.lane.onFetched([{ ...fetchedNumbers(world.at(0), 0, 1), bytes, end: bytes.length }])
  expect(world.fatal).toEqual([])
  await world.commits.commitNow()
  const { counts } =
    [...(world.log.state.streams.get('_unknown')?.partitions.values() ?? [])][0] ?? {}
  expect(counts).toMatchObject({ read: 1, deadLettered: { 'envelope-malformed': 1 } })
})

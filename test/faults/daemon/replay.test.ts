/** Late dead letters taken in again, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { closeLate } from '../../../src/committer/late-closer.ts'
import type { Replayed } from '../../../src/daemon/replay.ts'
import { deadLetterStream } from '../../../src/model/dead-letter.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { EtlModule } from '../../../src/ports/etl-module.ts'
import type { LakeFault } from '../../sim/lake.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  eventsMs,
  fetched,
  hourMs,
  numberPayload,
  numbersConfig,
  pipeline,
} from '../../support/lane-world.ts'
import { encodeBatch, encodeRawEvent } from '../../support/raw-events.ts'
import { RefillWorld } from '../../support/refill-world.ts'
import { deepFindings, type ReplayOptions, replay } from '../../support/replay-world.ts'

type WorldOptions = Parameters<typeof RefillWorld.open>[0]

/** Hours 0 and 1 are announced, and then three late events come, in two commits. */
async function lateWorld(options: WorldOptions = {}): Promise<RefillWorld> {
  const world = await RefillWorld.open(options)
  await world.produce(0, [{ hour: 0 }, { hour: 1 }, { hour: 2 }])
  await world.produce(1, [{ hour: 2 }])
  await world.writer.commits.commitNow()
  for (let rounds = 0; rounds < 5; rounds++) await world.writer.announcer.round()
  await world.produce(0, [{ hour: 0 }, { hour: 2 }, { hour: 1 }])
  await world.writer.commits.commitNow()
  await world.produce(0, [{ hour: 0 }])
  await world.writer.commits.commitNow()
  return world
}

const inTime = ['0:0', '0:1', '0:2', '0:4', '1:0']
const late = ['0:3', '0:5', '0:6']
const allNumbers = [...inTime, ...late].sort()

let seeds = 100
const run = async (
  world: RefillWorld,
  options: Omit<ReplayOptions, 'seed'> = {},
): Promise<readonly Replayed[]> =>
  world.clock.run((await replay(world, { seed: seeds++, ...options })).done)

const stateOf = ({ store }: RefillWorld): FoldState => judgeLog(store, pipeline).state

/** Late, written and appended events, by hour. */
const countsOf = (world: RefillWorld): readonly string[] =>
  [...(stateOf(world).streams.get('numbers')?.partitions.values() ?? [])]
    .sort((a, b) => a.partition.startMs - b.partition.startMs)
    .map(({ counts }) => `${counts.written} written, ${counts.lateAppended} of ${counts.late}`)

async function expectWhole(world: RefillWorld, message?: string): Promise<void> {
  await world.finish()
  expect(await world.rows(), message).toEqual({ numbers: allNumbers, letters: late })
  expect(world.astray(), message).toEqual([])
  expect(world.staged(), message).toEqual([])
  expect(await deepFindings(world), message).toEqual([])
}

describe('late letters', () => {
  test('are rows of their hours after, each once, and no more counted as late', async () => {
    const world = await lateWorld()
    expect(countsOf(world).slice(0, 2)).toEqual(['1 written, 0 of 2', '1 written, 0 of 1'])
    expect(await run(world)).toMatchObject([{ kind: 'replayed', letterCount: 3 }])
    expect(countsOf(world).slice(0, 2)).toEqual(['3 written, 2 of 0', '2 written, 1 of 0'])
    await expectWhole(world)
    expect(await run(world)).toEqual([])
    await expectWhole(world)
  })

  test('are named by a later revision, which says what was added', async () => {
    const world = await lateWorld()
    await run(world)
    await world.finish()
    await world.clock.run(world.clock.sleep(durationMs(3_600_000)))
    for (let rounds = 0; rounds < 5; rounds++) {
      await world.clock.run(world.writer.announcer.round())
    }
    const hours = [...(stateOf(world).streams.get('numbers')?.partitions.values() ?? [])]
    const told = hours.flatMap(({ manifest }) =>
      manifest?.revision === 2 ? [`${manifest.added.length} ${manifest.counts.lateAppended}`] : [],
    )
    expect(told.sort()).toEqual(['1 1', '1 2'])
  })

  test('move no position and no watermark', async () => {
    const world = await lateWorld()
    const before = stateOf(world)
    await run(world)
    const { positions, streams } = stateOf(world)
    expect(positions).toEqual(before.positions)
    expect(streams.get('numbers')?.progress).toEqual(before.streams.get('numbers')?.progress)
  })

  test('of an hour that is closed come into the table beside, and stay counted as late', async () => {
    const world = await lateWorld()
    await world.finish()
    const { lake, log, telemetry } = world.writer
    const closeAfterMs = (stream: string) => durationMs(stream === 'numbers' ? 0 : 1e12)
    await world.clock.run(closeLate({ lake, log, pipeline, telemetry, closeAfterMs }))
    const closed = stateOf(world).streams.get('numbers')?.closed
    expect(closed).toMatchObject({ partitionCount: 2, counts: { late: 3 } })
    expect(await run(world)).toMatchObject([{ kind: 'replayed', letterCount: 3 }])
    const after = stateOf(world).streams
    expect(after.get('numbers')?.closed?.counts).toEqual(closed?.counts)
    const beside = [...(after.get('_late.numbers')?.partitions.values() ?? [])]
    const tables = beside.flatMap(({ files }) =>
      files.map(({ table, rowCount }) => `${table} ${rowCount}`),
    )
    expect(tables.sort()).toEqual(['numbers_late 1', 'numbers_late 2'])
    await world.finish()
    expect(await world.rows()).toEqual({ numbers: allNumbers, letters: late })
    expect(await deepFindings(world)).toEqual([])
    expect(await run(world)).toEqual([])
  })

  test('of many commits come by several entries where memory is short', async () => {
    const config = await numbersConfig([{ name: 'numbers' }], { memory: '{ buffers: 16MiB }' })
    const world = await lateWorld({ config })
    const { clock, store } = world
    const small = { ...config, memory: { ...config.memory, buffers: 1 as never } }
    const { done } = await replay({ clock, store, config: small }, { seed: seeds++ })
    expect(await clock.run(done)).toMatchObject([{ letterCount: 2 }, { letterCount: 1 }])
    await expectWhole(world)
  })

  test.each([
    [3, [3]],
    [2, [2, 1]],
    [1, [2, 1]],
  ])('of three partitions come by entries of at most %i', async (cellsMax, expected) => {
    const world = await lateWorld()
    const done = await run(world, { cellsMax })
    expect(done.map(({ kind, letterCount }) => [kind, letterCount])).toEqual(
      expected.map((count) => ['replayed', count]),
    )
    await expectWhole(world)
  })

  test('that two operators take in at once are taken in once', async () => {
    const world = await lateWorld()
    const meanwhile = async (): Promise<void> => {
      const other = await replay(world, { seed: seeds++ })
      expect(await other.done).toHaveLength(1)
    }
    expect(await run(world, { meanwhile })).toEqual([])
    await expectWhole(world)
  })

  test('that two operators put at the same time are taken in once', async () => {
    const world = await lateWorld()
    const [a, b] = [await replay(world, { seed: 7 }), await replay(world, { seed: 8 })]
    const done = await world.clock.run(Promise.all([a.done, b.done]))
    expect(done.flat()).toHaveLength(1)
    await expectWhole(world)
  })

  test('that a module does not take are dead letters again, and the old ones spent', async () => {
    const module = failing()
    const world = await lateWorld({ modules: new Map([[0, module]]) })
    module.fails = true
    const done = await run(world, { modules: new Map([[0, module]]) })
    expect(done).toMatchObject([{ kind: 'replayed', letterCount: 3 }])
    await world.finish()
    expect(await world.rows()).toEqual({ numbers: inTime, letters: [...late, ...late].sort() })
    const counts = [...(stateOf(world).streams.get('numbers')?.partitions.values() ?? [])].map(
      (at) => at.counts,
    )
    expect(counts.map((at) => at.late)).toEqual([0, 0, 0])
    const failed = counts.map((at) => at.deadLettered['etl-failed'] ?? 0)
    expect(failed.reduce((sum, count) => sum + count, 0)).toBe(3)
    expect(await run(world)).toEqual([])
  })

  test('of a batched record are taken without the others of it, which have their fate', async () => {
    const world = await lateWorld()
    const [source] = world.sources
    if (source === undefined) throw new Error('the topic has partitions')
    const event = (n: number, hour: number) => ({
      event_time_ms: eventsMs + hour * hourMs + 1,
      payload: numberPayload({ n }),
    })
    // Times of three hours, of which two are announced; one does not decode.
    const broken = { ...event(2, 2), payload: Uint8Array.of(8) }
    const payload = encodeBatch([event(0, 3), event(1, 0), broken, event(3, 1), event(4, 3)])
    const value = encodeRawEvent({ stream: 'numbers', payload, batched: true, event_count: 5 })
    const headers = { trace: '0af7' }
    const record = { value, timestampMs: eventsMs, key: 'k', headers }
    const first = Number(world.kafka.append(source, { records: [record] }))
    await world.writer.lane.onFetched([fetched(source, first, [record])])
    await world.writer.commits.commitNow()
    expect(await run(world)).toMatchObject([{ kind: 'replayed', letterCount: 5 }])
    await world.finish()
    const { numbers, letters } = await world.rows()
    expect(numbers.filter((row) => row === '0:7')).toHaveLength(4)
    expect(letters.filter((row) => row === '0:7')).toHaveLength(3)
    expect(await deepFindings(world)).toEqual([])
  })

  test('that do not each give an event are left as they are, and others of the stream taken', async () => {
    const world = await lateWorld()
    const absent = { eventMs: new Map([[7, eventsMs as never]]) }
    const readAs: ReplayOptions['readAs'] = (record) =>
      record.offset === 6n ? { ...record, ...absent } : record
    expect(await run(world, { readAs })).toMatchObject([
      { kind: 'replayed', letterCount: 2 },
      { kind: 'refused', letterCount: 1, because: expect.stringContaining('gave 0 events') },
    ])
    await world.finish()
    expect((await world.rows()).numbers).toEqual([...inTime, '0:3', '0:5'].sort())
    expect(await run(world)).toMatchObject([{ kind: 'replayed', letterCount: 1 }])
    await expectWhole(world)
  })

  test('are left as they are where another configuration is in force', async () => {
    const world = await lateWorld()
    const config = await numbersConfig([{ name: 'numbers', more: ['file: { codec: gzip }'] }])
    const { clock, store } = world
    const { done } = await replay({ clock, store, config }, { seed: seeds++ })
    expect(await clock.run(done)).toMatchObject([
      { kind: 'refused', letterCount: 3, because: expect.stringContaining('give that one') },
    ])
    expect(await world.rows()).toEqual({ numbers: inTime, letters: late })
  })

  test('of a topic that no stream has are left as they are', async () => {
    const world = await lateWorld()
    const [stream] = world.config.streams
    if (stream === undefined) throw new Error('a stream is configured')
    const { clock, store } = world
    const config = { ...world.config, streams: [{ ...stream, topics: ['others'] }] }
    const { done } = await replay({ clock, store, config }, { seed: seeds++ })
    expect(await clock.run(done)).toMatchObject([
      { kind: 'refused', letterCount: 2, because: '"events" is no topic of a stream' },
      { kind: 'refused', letterCount: 1 },
    ])
  })
})

interface FailingModule extends EtlModule {
  fails: boolean
}

/** Gives each event back as it came, or fails for each. */
function failing(): FailingModule {
  const module: FailingModule = {
    fails: false,
    run: async ({ payloads, payloadNext }) => {
      const count = payloadNext.length
      if (!module.fails) {
        const eventRowNext = Int32Array.from(payloadNext, (_, at) => at + 1)
        const result = { rows: payloads.slice(), rowNext: payloadNext.slice(), eventRowNext }
        return { kind: 'done', result: { ...result, failures: [] } }
      }
      const failures = Array.from({ length: count }, (_, event) => {
        return { event, step: 'etl', reason: 'etl-failed', error: 'no', detail: 'd' } as const
      })
      const result = { rows: new Uint8Array(), rowNext: new Int32Array() }
      const eventRowNext = new Int32Array(count)
      return { kind: 'done', result: { ...result, eventRowNext, failures } }
    },
    close: async () => {},
  }
  return module
}

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('a fault %s', (moment) => {
  test('at any one call: it ends right, or the operator asks again', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const world = await lateWorld()
      const fault = { failAt, moment, lasting: 'once' } as const
      const first = await replay(world, { seed: seeds++, fault })
      await world.clock.run(first.done.catch(() => []))
      first.lake.settle()
      await run(world)
      await expectWhole(world, `failAt=${failAt}`)
      if (first.lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(10)
  })

  test('from any call on: the process ends, another finishes it or begins anew', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const world = await lateWorld()
      const isReached = await replayUntilKilled(world, { failAt, moment, lasting: 'forever' })
      await world.finish()
      await run(world)
      await expectWhole(world, `failAt=${failAt}`)
      if (!isReached) break
    }
    expect(failAt).toBeGreaterThan(10)
  })
})

/** @returns whether the fault was reached. */
async function replayUntilKilled(world: RefillWorld, fault: LakeFault): Promise<boolean> {
  const ending = new AbortController()
  const { clock } = world
  const first = await replay(world, { seed: seeds++, fault, signal: ending.signal })
  const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
  await clock.run(Promise.all([first.done.catch(() => undefined), killer]))
  first.lake.settle()
  return first.lake.calls >= fault.failAt
}

test('the days of letters say what was taken in', async () => {
  const world = await lateWorld()
  await run(world)
  const days = [...(stateOf(world).streams.get(deadLetterStream)?.partitions.values() ?? [])]
  expect(days.map(({ replayed = [] }) => replayed.map(({ count }) => count))).toEqual([[2, 1]])
})

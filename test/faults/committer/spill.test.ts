/** A table that refuses, and the way home, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import { journalRoot } from '../../../src/protocol/log-paths.ts'
import { type LakeFault, SimLake } from '../../sim/lake.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { coverage, expectCoveredOnce, expectPublishedExactly } from '../../support/log-oracle.ts'
import { appendDraft, sealedCommit, stream, table } from '../../support/log-samples.ts'
import {
  hour,
  journals,
  other,
  type Process,
  pipeline,
  publishing,
  round,
  spill,
  staging,
  twoTables,
  World,
} from '../../support/spill-world.ts'

const everyWay = [
  ['everything', journals],
  ['files', staging],
  ['to publish', publishing],
] as const

/** A process that begins when the table takes files again: everything finds its end. */
async function settle(world: World): Promise<void> {
  world.weather.refusing = []
  world.weather.otherRefusing = []
  const work = async (): Promise<void> => {
    const process = await world.start()
    const { lake, log } = process
    for (let n = 0; n < 3; n++) {
      await round(process)
      await log.put(appendDraft(log.nextCommitId()))
    }
    const tables = [table, other]
    await cleanStaging({ lake, log, pipeline, tables, telemetry: process.telemetry })
    expect(log.state.unpublished.size).toBe(0)
  }
  await world.clock.run(work())
}

function expectHome(world: World, message: string): void {
  const judged = judgeLog(world.store, pipeline)
  expectCoveredOnce(judged, { 'growth.events/0': 9 })
  expectPublishedExactly(judged, world.store)
  const live = judged.state.streams.get(stream)?.partitions.get(hour.path)?.files ?? []
  const rows = live.reduce((sum, { rowCount }) => sum + rowCount, 0)
  expect(rows, message).toBe('0:[0,5)'.length + '0:[5,9)'.length)
  expect(
    live.every(({ path }) => path.startsWith(`${table}/`)),
    message,
  ).toBe(true)
  expect(world.paths(spill), message).toEqual([])
  expect(
    world.paths('').filter((path) => path.includes('/_staging/')),
    message,
  ).toEqual([])
}

async function commitTwice({ log, committer }: Process): Promise<readonly string[]> {
  const kinds: string[] = []
  for (const [first, next] of [
    [0, 5],
    [5, 9],
  ] as const) {
    kinds.push((await committer.commit(twoTables(log, first, next))).kind)
  }
  return kinds
}

describe.each(everyWay)('a table that refuses %s', (_name, refusing) => {
  test('holds up no other, and its files come home', async () => {
    const world = await World.begun(refusing)
    const process = await world.start()
    expect(await world.clock.run(commitTwice(process))).toEqual(['committed', 'committed'])
    expect(world.parquet(`${other}/`)).toHaveLength(2)
    expect(world.parquet(`${table}/`)).toEqual([])
    expect(process.committer.trouble).toBeUndefined()
    expect(process.committer.setbacks[0]?.message).toContain('quota')
    expect(process.committer.standing.size).toBe(refusing === publishing ? 2 : 0)
    // While it refuses, nothing changes: the log does not grow over it.
    const { next } = await process.log.refresh()
    await world.clock.run(round(process))
    expect((await process.log.refresh()).next).toBe(next)
    // What others need of it is told: only what is refused stays unpublished.
    await process.log.put(appendDraft(process.log.nextCommitId()))
    const unpublished = [...process.log.state.unpublished.values()].flatMap(({ files }) => files)
    expect(unpublished.length).toBe(refusing === publishing ? 4 : 0)
    await settle(world)
    expectHome(world, 'settled')
  })

  test('is well again for the process that saw it refuse', async () => {
    const world = await World.begun(refusing)
    const process = await world.start()
    await world.clock.run(commitTwice(process))
    world.weather.refusing = []
    await world.clock.run(round(process))
    await process.log.put(appendDraft(process.log.nextCommitId()))
    expect([...process.committer.setbacks, ...process.committer.standing]).toEqual([])
    await settle(world)
    expectHome(world, 'settled')
  })
})

test('files come home while another table of their commit still refuses', async () => {
  const world = await World.begun(staging)
  world.weather.otherRefusing = publishing
  const process = await world.start()
  await world.clock.run(commitTwice(process))
  world.weather.refusing = []
  await world.clock.run(round(process))
  expect(world.parquet(`${table}/`)).toHaveLength(2)
  expect(world.parquet(spill)).toEqual([])
  expect(world.parquet(`${other}/`)).toEqual([])
  await settle(world)
  expectHome(world, 'settled')
})

const swapJournals = (world: World): readonly string[] =>
  world.paths(journalRoot(pipeline)).filter((path) => world.textAt(path).includes('"swap"'))

test('a table without rights is left one journal, and takes its files once it has them', async () => {
  const world = await World.begun(journals)
  const process = await world.start()
  await world.clock.run(commitTwice(process))
  for (let n = 0; n < 20; n++) await world.clock.run(round(process))
  expect(swapJournals(world)).toHaveLength(1)
  // A day, by the minute: a right may be missing that its files need not have.
  for (let minute = 0; minute < 1_440; minute++) {
    await world.clock.run(world.clock.sleep(durationMs(60_000)))
    await world.clock.run(round(process))
  }
  expect(swapJournals(world).length).toBeLessThan(32)
  world.weather.refusing = []
  await world.clock.run(round(process))
  expect(world.parquet(`${table}/`)).toHaveLength(2)
  expect(swapJournals(world)).toEqual([])
  await settle(world)
  expectHome(world, 'settled')
})

test('a table that lets nothing be taken away gets its files all the same', async () => {
  const world = await World.begun(journals)
  const process = await world.start()
  await world.clock.run(commitTwice(process))
  await world.clock.run(round(process))
  world.weather.refusing = ['remove']
  await world.clock.run(round(process))
  expect(world.parquet(`${table}/`)).toEqual([])
  await world.clock.run(world.clock.sleep(durationMs(60_000)))
  await world.clock.run(round(process))
  expect(world.parquet(`${table}/`)).toHaveLength(2)
})

test('what is published above a refused commit is told by name', async () => {
  const world = await World.begun(publishing)
  const { log, committer } = await world.start()
  const first = twoTables(log, 0, 5)
  await world.clock.run(committer.commit(first))
  const sealed = sealedCommit(log.nextCommitId(), 5, 9)
  const files = sealed.files.map((file) => ({ ...file, stream: other, table: other }))
  const places = [{ stream: other, partition: hour }]
  await world.clock.run(committer.commit({ ...sealed, files, places }))
  await log.put(appendDraft(log.nextCommitId()))
  expect([...log.state.unpublished.keys()]).toEqual([first.commitId])
})

test('many files that are refused keep none behind them from being published', async () => {
  const world = await World.begun(publishing)
  const { log, committer } = await world.start()
  const sealed = twoTables(log, 0, 5)
  const [refused, taken] = sealed.files
  if (refused === undefined || taken === undefined) throw new Error('there are two files')
  const files = [...Array.from({ length: 40 }, () => refused), taken]
  expect((await world.clock.run(committer.commit({ ...sealed, files }))).kind).toBe('committed')
  expect(world.parquet(`${other}/`)).toHaveLength(1)
})

test('a refusal that came though its effect did leaves nothing in the table', async () => {
  const world = await World.begun([])
  const process = await world.start()
  const { lake } = process
  const stage = lake.stage.bind(lake)
  lake.stage = async (request) => {
    const at = await stage(request)
    const { stagedPath: path } = request
    if (!path.startsWith(`${table}/`)) return at
    throw new Fault('LAKE_REFUSED', { operation: 'stage', path, reason: 'quota' })
  }
  await world.clock.run(process.committer.commit(twoTables(process.log, 0, 5)))
  expect(world.parquet(spill)).toHaveLength(1)
  expect(world.paths('').filter((path) => path.includes('/_staging/'))).toEqual([])
})

test('what a living writer has staged in the spill area is no garbage to others', async () => {
  const world = await World.begun(staging)
  const [process, cleaner] = [await world.start(), await world.start()]
  const { lake } = process
  const putIfAbsent = lake.putIfAbsent.bind(lake)
  lake.putIfAbsent = async (path, body) => {
    // All is staged, and nothing decided: somebody cleans up.
    if (path.includes('/log/')) {
      const { log, telemetry } = cleaner
      const tables = [table, other]
      await cleanStaging({ lake: cleaner.lake, log, pipeline, tables, telemetry })
    }
    return putIfAbsent(path, body)
  }
  await world.clock.run(process.committer.commit(twoTables(process.log, 0, 5)))
  expect(world.parquet(spill)).toHaveLength(1)
  expect(process.committer.stuck.size).toBe(0)
})

test('a lake that refuses the spill area as well is waited for, the table first', async () => {
  const world = await World.begun(staging)
  const process = await world.start()
  const stage = process.lake.stage.bind(process.lake)
  let isFull = true
  process.lake.stage = async (request) => {
    const at = await stage(request)
    const isSpilled = request.stagedPath.startsWith(spill)
    if (isFull && isSpilled)
      await stage({ ...request, stagedPath: `${table}/_staging/full/0.staged` })
    return at
  }
  const commit = process.committer.commit(twoTables(process.log, 0, 5))
  const watch = async (): Promise<string | undefined> => {
    await world.clock.sleep(durationMs(600_000))
    const seen = process.committer.trouble?.code
    world.weather.refusing = []
    isFull = false
    return seen
  }
  const [outcome, seen] = await world.clock.run(Promise.all([commit, watch()]))
  expect(outcome.kind).toBe('committed')
  expect(seen).toBe('LAKE_REFUSED')
  expect(world.parquet(`${table}/`)).toHaveLength(1)
  expect(world.paths(spill)).toEqual([])
})

describe('a file on its way home', () => {
  const spilled = async (): Promise<World> => {
    const world = await World.begun(staging)
    await world.clock.run(commitTwice(await world.start()))
    world.weather.refusing = []
    return world
  }

  test('that is damaged stays where it is, loudly, and keeps no other from going', async () => {
    const world = await spilled()
    const [damaged = '', whole] = world.parquet(spill)
    await new SimLake({ store: world.store }).put(damaged, Buffer.from('0:[0,6)'))
    const process = await world.start()
    await world.clock.run(round(process))
    expect(world.parquet(spill)).toEqual([damaged, whole])
    const errors = process.telemetry.events.filter(({ level }) => level === 'error')
    expect(JSON.stringify(errors)).toContain('crc32c')
  })

  test('that is gone is told, and is none that somebody else has brought home', async () => {
    const world = await spilled()
    const [gone = ''] = world.parquet(spill)
    world.store.delete(gone)
    const process = await world.start()
    await world.clock.run(round(process))
    const errors = process.telemetry.events.filter(({ level }) => level === 'error')
    expect(JSON.stringify(errors)).toContain('it is not there')
  })

  test('of two who bring it home one wins, and the other takes its staging away', async () => {
    const world = await spilled()
    const [one, two] = [await world.start(), await world.start()]
    await world.clock.run(Promise.all([round(one), round(two)]))
    await settle(world)
    expectHome(world, 'raced')
    const swaps = judgeLog(world.store, pipeline).entries.filter(
      ({ entry, decided }) => decided && entry.kind === 'swap',
    )
    expect(swaps).toHaveLength(1)
  })
})

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('fault %s', (moment) => {
  describe.each(everyWay)('while a table refuses %s', (_name, refusing) => {
    test('at any one call: commits end right, and all comes home', async () => {
      let failAt = 1
      for (; ; failAt++) {
        const world = await World.begun(refusing)
        const process = await world.start()
        process.lake.calls = 0
        process.lake.fault = { failAt, moment, lasting: 'once' }
        expect(await world.clock.run(commitTwice(process))).toEqual(['committed', 'committed'])
        await world.clock.run(round(process).catch(() => undefined))
        process.lake.settle()
        await settle(world)
        expectHome(world, `failAt=${failAt}`)
        if (process.lake.calls < failAt) break
      }
      expect(failAt).toBeGreaterThan(20)
    })

    test('from any call on: the process ends, and another goes on from the log', async () => {
      let failAt = 1
      for (; ; failAt++) {
        const world = await World.begun(refusing)
        const isReached = await untilKilled(
          world,
          { failAt, moment, lasting: 'forever' },
          commitTwice,
        )
        await goOn(world)
        await settle(world)
        expectHome(world, `failAt=${failAt}`)
        if (!isReached) break
      }
      expect(failAt).toBeGreaterThan(17)
    })
  })

  test('on the way home, at any one call and from any call on', async () => {
    for (const lasting of ['once', 'forever'] as const) {
      let failAt = 1
      for (; ; failAt++) {
        const world = await World.begun(staging)
        await world.clock.run(commitTwice(await world.start()))
        world.weather.refusing = []
        const isReached = await untilKilled(world, { failAt, moment, lasting }, round)
        await settle(world)
        expectHome(world, `${lasting} failAt=${failAt}`)
        if (!isReached) break
      }
      expect(failAt).toBeGreaterThan(12)
    }
  })
})

/** @returns whether the fault was reached. */
async function untilKilled(
  world: World,
  fault: LakeFault,
  work: (process: Process) => Promise<unknown>,
): Promise<boolean> {
  const ending = new AbortController()
  const process = await world.start(ending.signal)
  process.lake.calls = 0
  process.lake.fault = fault
  const killer = world.clock.sleep(durationMs(600_000)).then(() => ending.abort())
  await world.clock.run(Promise.all([work(process).catch(() => undefined), killer]))
  process.lake.settle()
  return process.lake.calls >= fault.failAt
}

/** Commits what is not in the log yet, still while the table refuses. */
async function goOn(world: World): Promise<void> {
  const process = await world.start()
  const reached = coverage(judgeLog(world.store, pipeline))['growth.events/0'] ?? ''
  for (const [first, next] of [
    [0, 5],
    [5, 9],
  ] as const) {
    if (reached.includes(`[${first},${next})`)) continue
    const outcome = await world.clock.run(
      process.committer.commit(twoTables(process.log, first, next)),
    )
    expect(outcome.kind).toBe('committed')
  }
}

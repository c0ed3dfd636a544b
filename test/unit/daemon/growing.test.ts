/** Files that grow from commit to commit, from Kafka's records to what readers see. */
import { crc32c } from '@node-rs/crc32'
import { describe, expect, test } from 'vitest'
import { verifyLake } from '../../../src/audit/verify.ts'
import { present } from '../../../src/base/assert.ts'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { readParquetMetadata, readParquetRows } from '../../../src/codec/parquet/read-file.ts'
import { growingTables } from '../../../src/daemon/growing-tables.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import type { Lake } from '../../../src/ports/lake.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  eventsMs,
  fetched,
  fetchedNumbers,
  hourMs,
  type LaneWorld,
  type LaneWorldOptions,
  numberRecord,
  numbersConfig,
  openLaneWorld,
  owning,
  pipeline,
} from '../../support/lane-world.ts'
import { expectCoveredOnce } from '../../support/log-oracle.ts'

const growing = new Set(['numbers'])

async function openWorld(options: LaneWorldOptions = {}): Promise<LaneWorld> {
  const world = await openLaneWorld({ growing, ...options })
  await owning(world, 0, 1)
  return world
}

async function commitNumbers(world: LaneWorld, first: number, next: number): Promise<void> {
  await world.lane.onFetched([fetchedNumbers(world.at(0), first, next)])
  await world.commits.commitNow()
}

const dataPaths = ({ store }: Pick<LaneWorld, 'store'>): readonly string[] =>
  [...store.keys()].filter((path) => path.endsWith('.parquet')).sort()

const filesOf = ({ log }: LaneWorld): readonly DataFile[] =>
  [...(log.state.streams.get('numbers')?.partitions.values() ?? [])].flatMap(({ files }) => files)

const bodyAt = ({ store }: LaneWorld, path: string): Buffer =>
  Buffer.from(present(store.get(path), 'a file stands').body)

async function numbersIn(world: LaneWorld, path: string): Promise<readonly unknown[]> {
  const rows = await readParquetRows(bodyAt(world, path))
  return rows.map((row) => Number(row['n']))
}

const upTo = (next: number): readonly number[] => Array.from({ length: next }, (_, n) => n)

/** The log says of each live file what it is. */
async function expectTrue(world: LaneWorld): Promise<void> {
  const files = filesOf(world)
  expect(dataPaths(world)).toEqual(files.map(({ path }) => path).sort())
  for (const { path, sizeBytes, rowCount, crc32c: told } of files) {
    const body = bodyAt(world, path)
    expect(body).toHaveLength(sizeBytes)
    expect((crc32c(body) >>> 0).toString(16).padStart(8, '0')).toBe(told)
    expect(await numbersIn(world, path)).toHaveLength(rowCount)
  }
}

describe('a file that grows', () => {
  test('is one file after many commits, whole after each of them', async () => {
    const world = await openWorld()
    for (let commit = 0; commit < 12; commit++) {
      await commitNumbers(world, 5 * commit, 5 * commit + 5)
      await expectTrue(world)
      const [path = ''] = dataPaths(world)
      expect(await numbersIn(world, path)).toEqual(upTo(5 * commit + 5))
    }
    expect(dataPaths(world)).toHaveLength(1)
    expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 60, 'events/1': 0 })
    expect([...world.store.keys()].filter((path) => path.includes('tail-'))).toEqual([])
  })

  test('says in its footer which offsets it holds, and which commit was its last', async () => {
    const world = await openWorld()
    await commitNumbers(world, 0, 3)
    await commitNumbers(world, 3, 9)
    const [file] = filesOf(world)
    const outcome = readParquetMetadata(bodyAt(world, file?.path ?? ''))
    if (outcome.kind !== 'read') throw new Error('a whole file has its footer')
    const { keyValues, rowGroupRows } = outcome.metadata
    expect(rowGroupRows).toEqual([3, 6])
    expect(JSON.parse(keyValues.get('lakeward.offsets') ?? '')).toEqual([
      { topic: 'events', partition: 0, first: '0', next: '9' },
    ])
    expect(file?.stagedPath).toContain(`.tail-${pipeline}-${keyValues.get('lakeward.commit')}-0`)
    expect(file?.base?.rowCount).toBe(3)
    const { min, max } = present(file, 'a file stands').eventTimeMs
    const slice = [min, max].map((atMs) => new Date(atMs).toISOString()).join('..')
    expect(keyValues.get('lakeward.event-time')).toBe(slice)
  })

  test('says of when its rows are, from its first commit to its last', async () => {
    const world = await openWorld()
    const minutes = [30, 10, 20]
    for (const [n, minute] of minutes.entries()) {
      const record = numberRecord({ n, eventMs: eventsMs + minute * 60_000 })
      await world.lane.onFetched([fetched(world.at(0), n, [record])])
      await world.commits.commitNow()
    }
    const [file, ...others] = filesOf(world)
    expect(others).toEqual([])
    expect(file?.eventTimeMs).toEqual({
      min: eventsMs + 10 * 60_000,
      max: eventsMs + 30 * 60_000,
    })
  })

  test('is one for each partition, and each goes on where it ended', async () => {
    const world = await openWorld()
    for (let commit = 0; commit < 4; commit++) {
      const records = [0, 1].map((hour) =>
        numberRecord({ n: 2 * commit + hour, eventMs: eventsMs + hour * hourMs }),
      )
      await world.lane.onFetched([fetched(world.at(0), 2 * commit, records)])
      await world.commits.commitNow()
    }
    await expectTrue(world)
    const all = await Promise.all(dataPaths(world).map((path) => numbersIn(world, path)))
    expect(all).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5, 7],
    ])
  })

  test('is closed when it is as large as files may be', async () => {
    const more = ['file: { rollBytes: 64KiB, codec: none }']
    const config = await numbersConfig([{ name: 'numbers', more }])
    const world = await openWorld({ config })
    const text = Array.from({ length: 6_000 }, (_, at) => String.fromCharCode(33 + (at % 90)))
    for (let commit = 0; commit < 12; commit++) {
      const record = numberRecord({ n: commit, text: `${commit} ${text.join('')}` })
      await world.lane.onFetched([fetched(world.at(0), commit, [record])])
      await world.commits.commitNow()
    }
    await expectTrue(world)
    const sizes = filesOf(world).map(({ sizeBytes }) => sizeBytes)
    expect(sizes.length).toBeGreaterThan(1)
    expect(sizes.length).toBeLessThan(6)
    expect(Math.max(...sizes)).toBeLessThan(80_000)
  })

  test('is another one for another process, and neither touches the other', async () => {
    const world = await openWorld()
    await commitNumbers(world, 0, 4)
    await commitNumbers(world, 4, 6)
    const other = await openWorld({ store: world.store, clock: world.clock, seed: 2 })
    await commitNumbers(other, 6, 8)
    await commitNumbers(other, 8, 9)
    await expectTrue(other)
    const all = await Promise.all(dataPaths(world).map((path) => numbersIn(world, path)))
    expect(all.map((rows) => rows.length).sort((a, b) => a - b)).toEqual([3, 6])
    expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 9, 'events/1': 0 })
  })
})

describe('a commit that falls', () => {
  test('leaves the file as it was, and the next one goes on from there', async () => {
    const world = await openWorld()
    await commitNumbers(world, 0, 4)
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 2, growing })
    await owning(other, 1)
    await other.lane.onFetched([fetchedNumbers(other.at(1), 0, 2)])
    await other.commits.commitNow()
    // Its range of partition 1 has moved: all that it sealed is thrown away, tail and all.
    await world.lane.onFetched([
      fetchedNumbers(world.at(0), 4, 6),
      fetchedNumbers(world.at(1), 0, 1),
    ])
    await world.commits.commitNow()
    expect([...world.store.keys()].filter((path) => path.includes('.tail-'))).toEqual([])
    await commitNumbers(world, 4, 7)
    await expectTrue(world)
    expect(dataPaths(world)).toHaveLength(2)
    const [file] = filesOf(world)
    expect(file?.rowCount).toBe(7)
    expect(file?.base?.rowCount).toBe(4)
  })
})

describe('a table that refuses', () => {
  const refuseNext = (world: LaneWorld, operation: string): void => {
    const reason = `quota of "${operation}"`
    const fail = async (): Promise<never> => {
      throw new Fault('LAKE_REFUSED', { operation, path: 'numbers', reason })
    }
    const { lake } = world
    const own = { stage: lake.stage.bind(lake), join: lake.join.bind(lake) }
    if (operation === 'join') lake.join = fail
    else lake.stage = (request) => (request.path.startsWith('_') ? own.stage(request) : fail())
    mend = () => Object.assign(lake, own)
  }
  let mend = (): void => {}

  test('while staging: the rows are a file of their own in the spill area', async () => {
    const world = await openWorld()
    await commitNumbers(world, 0, 4)
    refuseNext(world, 'stage')
    await commitNumbers(world, 4, 6)
    mend()
    const [file, spilled] = filesOf(world)
    expect([file?.rowCount, file?.base]).toEqual([4, undefined])
    expect(spilled?.path).toMatch(/^_lakeward\/sim\/spill\/numbers\//)
    expect(await numbersIn(world, spilled?.path ?? '')).toEqual([4, 5])
    await expectTrue(world)
    await commitNumbers(world, 6, 7)
    await expectTrue(world)
  })

  test('while publishing: its tail waits, later rows begin a file, and all is there', async () => {
    const world = await openWorld()
    await commitNumbers(world, 0, 4)
    refuseNext(world, 'join')
    await commitNumbers(world, 4, 6)
    expect(world.committer.setbacks).toHaveLength(1)
    await commitNumbers(world, 6, 8)
    expect(filesOf(world).map(({ rowCount }) => rowCount)).toEqual([6, 2])
    mend()
    await world.committer.publishPending(durationMs(0))
    expect(world.committer.setbacks).toEqual([])
    await expectTrue(world)
  })
})

describe('verify', () => {
  async function verified(world: LaneWorld): Promise<readonly string[]> {
    const checks = await verifyLake({
      lake: world.lake,
      pipeline,
      tables: ['numbers', 'sim_dead_letters'],
      scope: { stream: undefined, spans: undefined },
      isDeep: true,
      ruleOf: ({ config }) => ({ configVersion: config.version, moduleStreams: new Set() }),
      askKafka: async () => ({ kind: 'silent', why: 'nobody asked' }),
      onFile: () => {},
    })
    return checks
      .filter(({ name }) => name !== 'kafka')
      .flatMap(({ name, state, findings }) => (state === 'ok' ? [] : [`${name}: ${findings[0]}`]))
  }

  test('finds each entry of a file that grew in it: its rows and its bytes', async () => {
    const world = await openWorld()
    for (let commit = 0; commit < 4; commit++)
      await commitNumbers(world, 3 * commit, 3 * commit + 3)
    expect(filesOf(world)[0]?.base?.rowCount).toBe(9)
    expect(await verified(world)).toEqual([])
  })

  test('tells a byte that is another one in the midst, and one too many', async () => {
    const world = await openWorld()
    for (let commit = 0; commit < 3; commit++)
      await commitNumbers(world, 3 * commit, 3 * commit + 3)
    const [path = ''] = dataPaths(world)
    const body = bodyAt(world, path)
    const { base } = present(filesOf(world)[0], 'a file is live')
    const flipped = Buffer.from(body)
    const at = (base?.sizeBytes ?? 0) + 30
    flipped[at] = (flipped[at] ?? 0) ^ 1
    world.store.set(path, { body: flipped, modifiedMs: 0 })
    expect((await verified(world)).join()).toMatch(/^checksums: /)
    world.store.set(path, { body: Buffer.concat([body, Buffer.of(0)]), modifiedMs: 0 })
    expect((await verified(world)).join()).toMatch(/^files: .* bytes on the lake/)
  })

  test('takes a tail that waits to be joined for what it is', async () => {
    const world = await openWorld()
    await commitNumbers(world, 0, 4)
    const join = world.lake.join.bind(world.lake)
    const reason = 'quota'
    world.lake.join = () =>
      Promise.reject(new Fault('LAKE_REFUSED', { operation: 'join', path: 'numbers', reason }))
    await commitNumbers(world, 4, 6)
    world.lake.join = join
    expect(world.log.state.unpublished.size).toBeGreaterThan(0)
    expect(await verified(world)).toEqual([])
  })
})

describe('which tables grow', () => {
  const telemetry = new SimTelemetry()
  const config = {
    streams: [
      { table: 'numbers', file: { mode: 'continue' } },
      { table: 'others', file: { mode: 'new' } },
    ],
  } as unknown as Parameters<typeof growingTables>[0]['config']
  const asked = async (lake: Lake): Promise<readonly string[]> => [
    ...(await growingTables({ config, lake, telemetry })),
  ]

  test('those configured so, where the lake lets them', async () => {
    expect(await asked(new SimLake({ kind: 'hdfs' }))).toEqual(['numbers'])
  })

  test('none where no file of the lake grows, which is counted', async () => {
    expect(await asked(new SimLake())).toEqual([])
    expect(telemetry.values.get('lakeward_growth_refused_total table=numbers')).toBe(1)
  })

  test('several are asked at once: hundreds are asked before the first commit', async () => {
    const streams = Array.from({ length: 3 }, (_, n) => ({
      table: `table-${n}`,
      file: { mode: 'continue' },
    })) as unknown as typeof config.streams
    const lake = new SimLake({ kind: 'hdfs' })
    const all = Promise.withResolvers<void>()
    let askedCount = 0
    lake.canJoin = async () => {
      const number = ++askedCount
      if (number === streams.length) all.resolve()
      await all.promise
      return number === 2 ? { kind: 'refuses', reason: 'quota' } : { kind: 'joins' }
    }
    const growing = await growingTables({ config: { streams }, lake, telemetry })
    expect([...growing]).toEqual(['table-0', 'table-2'])
  })

  test('not one whose folder refuses, be it that it says so or may not be asked', async () => {
    const lake = new SimLake({ kind: 'hdfs' })
    lake.canJoin = async () => ({ kind: 'refuses', reason: 'erasure coding' })
    expect(await asked(lake)).toEqual([])
    const fields = { operation: 'join', path: 'numbers', reason: 'no right' }
    lake.canJoin = () => Promise.reject(new Fault('LAKE_REFUSED', fields))
    expect(await asked(lake)).toEqual([])
    lake.canJoin = () => Promise.reject(new Fault('LAKE_UNAVAILABLE', fields))
    await expect(asked(lake)).rejects.toThrow(Fault)
  })
})

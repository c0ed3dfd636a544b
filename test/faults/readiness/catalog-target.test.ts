/** Registration with every call of the catalog failing in turn, once and for ever. */
import { describe, expect, test, vi } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { spillTable } from '../../../src/protocol/log-paths.ts'
import { CatalogTarget } from '../../../src/readiness/catalog-target.ts'
import { Outbox } from '../../../src/readiness/outbox.ts'
import { Registrar } from '../../../src/readiness/registrar.ts'
import { type CatalogFault, SimCatalog } from '../../support/catalog-sim.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { appEvents, at, sourceNamed } from '../../support/readiness-world.ts'

vi.setConfig({ testTimeout: 60_000 })

const source = sourceNamed('events', 0)
const table = 'ods_app_events'
const [noon, one] = ['12', '13'].map((hour) => `${table}/dt=2026-11-20/hour=${hour}`)

interface World {
  readonly daemon: SimDaemon
  readonly catalog: SimCatalog
  readonly target: CatalogTarget
}

/** 12h and 13h have rows; with `announces` both are announced to "hive:ods" alone. */
async function world(announces: boolean, register: 'first-commit' | 'ready'): Promise<World> {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const daemon = await sim.start({
    seed: 1,
    sources: [source],
    streams: [{ ...appEvents, targets: ['hive:ods'] }],
  })
  await daemon.begin()
  const rows = ['12', '13'].map((hour) => ({
    eventMs: at(`2026-11-20T${hour}:30:00Z`),
    rowCount: 4,
  }))
  await daemon.append({ source, next: 8n, rows })
  if (announces) {
    await daemon.append({ source, next: 10n, watermark: at('2026-11-20T14:05:00Z') })
    await sim.until(at('2026-11-20T14:06:00Z'))
    await daemon.run(daemon.announcer.round())
  }
  const catalog = new SimCatalog()
  const target = new CatalogTarget({
    target: 'hive:ods',
    catalog,
    lake: daemon.lake,
    pipeline: 'growth',
    root: 'hdfs://main/lake',
    tables: new Map([['app_events', { table, columns: [], partitionColumns: ['dt', 'hour'] }]]),
    register,
  })
  return { daemon, catalog, target }
}

/** Runs outbox and registrar for `spanMs` of the sim's time. */
async function runBoth({ daemon, target }: World, spanMs: number): Promise<void> {
  const { log, random, telemetry, sim } = daemon
  const ports = { log, random, telemetry, clock: sim.clock }
  const settings = { deadlineMs: durationMs(20_000), pauseMs: durationMs(2_000) }
  const ending = new AbortController()
  const outbox = new Outbox([target], ports, settings).run(ending.signal)
  const registrar = new Registrar([target], ports, settings.deadlineMs).run(
    ending.signal,
    durationMs(1_000),
  )
  await sim.clock.run(sim.clock.sleep(durationMs(spanMs)))
  ending.abort()
  await sim.clock.run(Promise.all([outbox, registrar]).then(() => {}))
}

describe.each(['before-effect', 'after-effect'] as const)('a call that fails %s', (moment) => {
  test('once: both partitions are announced in the catalog, and the log knows', async () => {
    let reached = 0
    for (let failAt = 1; ; failAt++) {
      const all = await world(true, 'first-commit')
      all.catalog.fault = { failAt, moment, lasting: 'once' }
      await runBoth(all, 90_000)
      for (const path of [noon, one]) {
        const shown = all.catalog.partitions.get(`${path}`)
        expect(shown?.announced, `failAt=${failAt}`).toMatchObject({ revision: 1, rows: 4 })
        expect(shown?.location).toBe(`hdfs://main/lake/${path}`)
      }
      expect(all.daemon.log.state.undelivered, `failAt=${failAt}`).toEqual([])
      reached = failAt
      if (all.catalog.calls < failAt) break
    }
    // The table, two partitions, and each read back.
    expect(reached).toBeGreaterThanOrEqual(6)
  })

  test('once: open partitions are shown, with no announcement', async () => {
    for (let failAt = 1; ; failAt++) {
      const all = await world(false, 'first-commit')
      all.catalog.fault = { failAt, moment, lasting: 'once' }
      await runBoth(all, 90_000)
      expect([...all.catalog.partitions.keys()], `failAt=${failAt}`).toEqual([noon, one])
      expect(all.catalog.partitions.get(`${noon}`)?.announced).toBe(undefined)
      expect(all.daemon.telemetry.values.get(unregistered), `failAt=${failAt}`).toBe(0)
      if (all.catalog.calls < failAt) break
    }
  })

  test('for an hour: nothing is taken for delivered, and all of it comes after that', async () => {
    const all = await world(true, 'first-commit')
    const fault: CatalogFault = { failAt: 1, moment, lasting: 'forever' }
    all.catalog.fault = fault
    await runBoth(all, 3_600_000)
    expect(all.daemon.log.state.undelivered).toHaveLength(2)
    // Pauses grow to five minutes: the other side is not hammered.
    expect(all.catalog.calls).toBeLessThan(60)
    all.catalog.fault = undefined
    await runBoth(all, 600_000)
    expect(all.daemon.log.state.undelivered).toEqual([])
  })
})

const unregistered = 'lakeward_partitions_unregistered target=hive:ods'

test('what cannot be shown is counted, and shown when it can', async () => {
  const all = await world(false, 'first-commit')
  all.catalog.fault = { failAt: 1, moment: 'before-effect', lasting: 'forever' }
  await runBoth(all, 30_000)
  expect(all.daemon.telemetry.values.get(unregistered)).toBe(2)
  all.catalog.fault = undefined
  await runBoth(all, 30_000)
  expect(all.daemon.telemetry.values.get(unregistered)).toBe(0)
  expect(all.catalog.partitions.size).toBe(2)
})

test('with "register: ready" nothing is shown before its announcement', async () => {
  const all = await world(false, 'ready')
  await runBoth(all, 90_000)
  expect(all.catalog.calls).toBe(0)
})

test('partitions whose files are decided and not published are not shown', async () => {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const daemon = await sim.start({ seed: 1, sources: [source] })
  await daemon.begin()
  const rows = [{ eventMs: at('2026-11-20T13:30:00Z'), rowCount: 4 }]
  await daemon.append({ source, next: 8n, rows, unpublished: true })
  const { target, catalog } = await world(false, 'first-commit')
  const shown: CatalogTarget = target
  await runBoth({ daemon, target: shown, catalog }, 10_000)
  expect(catalog.calls).toBe(0)
})

test('a shown partition is asked for once, not at every look', async () => {
  const all = await world(false, 'first-commit')
  await runBoth(all, 90_000)
  // The table, and both partitions in one call.
  expect(all.catalog.calls).toBe(2)
})

test('a partition whose only file grows is asked for once, whatever of it is under way', async () => {
  const { daemon, target, catalog } = await world(false, 'first-commit')
  const { log, random, telemetry, sim } = daemon
  const commitId = log.nextCommitId()
  const whole = [...(log.state.streams.get('app_events')?.partitions.values() ?? [])].flatMap(
    ({ files }) => files,
  )
  const grown = whole.map((file) => ({ ...file, base: file, sizeBytes: file.sizeBytes + 100 }))
  // As another process sees them, which has published none of it.
  let files = whole
  const seen: CommitLog = Object.create(log, {
    publishedHere: { value: new Set() },
    state: {
      get: () => ({ ...log.state, unpublished: new Map([[commitId, { commitId, files }]]) }),
    },
    refresh: { value: async () => {} },
  })
  const ports = { log: seen, random, telemetry, clock: sim.clock }
  const registrar = new Registrar([target], ports, durationMs(20_000))
  const turn = () => sim.clock.run(registrar.turn(new AbortController().signal))
  await turn()
  expect(catalog.calls).toBe(0)
  for (const underWay of [[], grown, [], grown]) {
    files = underWay
    await turn()
  }
  // The table, and both partitions in one call.
  expect(catalog.calls).toBe(2)
})

test('a table that somebody dropped is made again', async () => {
  const all = await world(false, 'first-commit')
  await runBoth(all, 10_000)
  all.catalog.tables.clear()
  const [announced] = [...(all.daemon.log.state.streams.get('app_events')?.partitions.keys() ?? [])]
  const signal = new AbortController().signal
  await all.target.showOpen?.('app_events', announced === undefined ? [] : [announced], signal)
  expect(all.catalog.madeCount.get(table)).toBe(2)
})

const emptyManifest = (lakeUrl: string, below: string) =>
  ({
    lakeward: 1,
    kind: 'partition-ready',
    id: `growth/app_events/dt=2026-11-20/hour=11/1`,
    pipeline: 'growth',
    stream: 'app_events',
    table,
    partition: { dt: '2026-11-20', hour: '11' },
    partitionPath: 'dt=2026-11-20/hour=11',
    location: `${lakeUrl}/${table}/${below}dt=2026-11-20/hour=11`,
    revision: 1,
    reason: 'empty',
    rows: 0,
    files: [],
    added: [],
    removed: [],
    counts: { read: 0, written: 0, filtered: {}, late: 0, deadLettered: {}, lateAppended: 0 },
    sources: [],
    schemaVersions: [],
    eventWatermark: null,
    logEntry: 3,
    decidedAt: '2026-11-20T14:06:00Z',
  }) as const

test('a place that was swapped is told below the new root, though lake.url is another', async () => {
  const all = await world(false, 'ready')
  const manifest = emptyManifest(`hdfs://old:9870/${table}/lake`, '_swapped/9f3a-7/')
  await all.daemon.sim.clock.run(all.target.deliver(manifest, new AbortController().signal))
  const shown = all.catalog.partitions.get(`${table}/dt=2026-11-20/hour=11`)
  const place = `${table}/_swapped/9f3a-7/dt=2026-11-20/hour=11`
  expect(shown?.location).toBe(`hdfs://main/lake/${place}`)
})

test('a folder without files is made before the catalog is told of it', async () => {
  const all = await world(false, 'ready')
  const manifest = emptyManifest(all.daemon.lake.url, '')
  const { sim } = all.daemon
  await sim.clock.run(all.target.deliver(manifest, new AbortController().signal))
  expect(sim.paths(`${table}/dt=2026-11-20/hour=11`)).toEqual([
    `${table}/dt=2026-11-20/hour=11/_EMPTY`,
  ])
  expect(all.catalog.partitions.get(`${table}/dt=2026-11-20/hour=11`)?.announced).toMatchObject({
    rows: 0,
    manifest: `hdfs://main/lake/_lakeward/growth/ready/app_events/dt=2026-11-20/hour=11/1.json`,
  })
})

test('a partition whose files are all spilled is not shown, for it has no folder', async () => {
  const { daemon, target, catalog } = await world(false, 'first-commit')
  const { log, random, telemetry, sim } = daemon
  const { state, publishedHere } = log
  const streams = new Map(
    [...state.streams].map(([name, stream]) => {
      const partitions = [...stream.partitions].map(([path, folded]) => {
        const isNoon = `${table}/${path}` === noon
        const spilled = (at: string): string => `${spillTable('growth', table)}/${at}`
        const files = folded.files.map((file) => ({ ...file, path: spilled(file.path) }))
        return [path, isNoon ? { ...folded, files } : folded] as const
      })
      return [name, { ...stream, partitions: new Map(partitions) }] as const
    }),
  )
  const spilled = { ...state, streams }
  const spilledLog = { ...log, publishedHere, state: spilled, refresh: async () => spilled }
  const ports = { log: spilledLog, random, telemetry, clock: sim.clock }
  const registrar = new Registrar([target], ports, durationMs(20_000))
  await sim.clock.run(registrar.turn(new AbortController().signal))
  expect([...catalog.partitions.keys()]).toEqual([one])
})

describe('a daemon that folded the log long ago', () => {
  /** Of what one daemon announced and delivered, another still holds that it is open. */
  const left = async () => {
    const all = await world(false, 'first-commit')
    const { daemon, catalog, target } = all
    const { sim } = daemon
    const streams = [{ ...appEvents, targets: ['hive:ods'] }]
    // Which tells that the files are published.
    await daemon.append({ source, next: 9n })
    const late = await sim.start({ seed: 2, sources: [source], streams })
    await daemon.append({ source, next: 10n, watermark: at('2026-11-20T14:05:00Z') })
    await sim.until(at('2026-11-20T14:06:00Z'))
    await daemon.run(daemon.announcer.round())
    await runBoth(all, 90_000)
    expect(daemon.log.state.undelivered).toEqual([])
    const { log, random, telemetry } = late
    const ports = { log, random, telemetry, clock: sim.clock }
    const registrar = new Registrar([target], ports, durationMs(20_000))
    return { sim, catalog, late, registrar }
  }
  const signal = new AbortController().signal

  test('does not take for its own what a stranger made of it since', async () => {
    const { sim, catalog, registrar } = await left()
    catalog.partitions.clear()
    await sim.clock.run(registrar.turn(signal))
    expect([...catalog.partitions.keys()]).toEqual([])
  })

  test('shows nothing when it cannot look, or when looking took too long', async () => {
    const { sim, catalog, late, registrar } = await left()
    catalog.partitions.clear()
    const { log } = late
    const { state } = log
    const refresh = log.refresh.bind(log)
    const lost = new Fault('LAKE_UNAVAILABLE', { operation: 'list', path: 'log', reason: 'sim' })
    log.refresh = () => Promise.reject(lost)
    await sim.clock.run(registrar.turn(signal))
    log.refresh = async () => {
      await sim.clock.sleep(durationMs(10_001))
      return state
    }
    await sim.clock.run(registrar.turn(signal))
    expect([...catalog.partitions.keys()]).toEqual([])
    expect(late.telemetry.values.get(unregistered)).toBe(2)
    log.refresh = refresh
    await sim.clock.run(registrar.turn(signal))
    expect(late.telemetry.values.get(unregistered)).toBe(0)
  })
})

test('streams whose tables hang take turns from no stream whose table does not', async () => {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const names = Array.from({ length: 12 }, (_, index) => `events_${index}`)
  const streams = names.map((name) => ({ ...appEvents, name, table: `ods_${name}` }))
  const daemon = await sim.start({ seed: 1, sources: [source], streams })
  await daemon.begin()
  const eventMs = at('2026-11-20T12:30:00Z')
  const rows = streams.map((stream) => ({ stream, eventMs, rowCount: 1 }))
  await daemon.append({ source, next: 12n, rows })
  const healthy = [...daemon.log.state.streams.keys()].at(-1)
  const shown: string[] = []
  const target = {
    target: 'hive:ods',
    readable: true,
    deliver: () => Promise.resolve(),
    readBack: () => Promise.resolve(true),
    close: () => Promise.resolve(),
    showOpen: async (stream: string, _paths: readonly string[], limit: AbortSignal) => {
      if (stream !== healthy) {
        await sim.clock.sleep(durationMs(3_600_000), limit)
        throw new Fault('CATALOG_UNAVAILABLE', { catalog: 'ods', call: 'show', reason: 'locked' })
      }
      shown.push(stream)
    },
  }
  const { log, random, telemetry } = daemon
  const refresh = log.refresh.bind(log)
  log.refresh = async () => {
    await sim.clock.sleep(durationMs(5))
    return refresh()
  }
  const ports = { log, random, telemetry, clock: sim.clock }
  const registrar = new Registrar([target], ports, durationMs(20_000))
  const { signal } = new AbortController()
  for (const _ of streams) await sim.clock.run(registrar.turn(signal))
  expect(shown).toEqual([healthy])
})

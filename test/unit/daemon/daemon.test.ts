import { beforeEach, describe, expect, test } from 'vitest'
import { Fault, isFault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { configuredStreams } from '../../../src/daemon/stage-streams.ts'
import type { Lake } from '../../../src/ports/lake.ts'
import type { SourceReader } from '../../../src/ports/source.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import type { SimSource } from '../../sim/sim-source.ts'
import { SimKafka } from '../../sim/source.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { type DaemonRun, daemonRun } from '../../support/daemon-run.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { numberRecord, numbersConfig, pipeline } from '../../support/lane-world.ts'
import { sampleHour, sampleManifest } from '../../support/log-samples.ts'

const config = await numbersConfig()
const at = { topic: 'events', partition: 0 }

let clock: SimClock
let store: SimStore
let kafka: SimKafka
let source: SimSource
let run: DaemonRun

beforeEach(() => {
  clock = new SimClock()
  store = new Map()
  kafka = new SimKafka()
  kafka.createTopic('events', 1)
  source = kafka.source(['events'])
  run = daemonRun({ config, clock, store, source })
})

const pass = (seconds: number): Promise<void> => clock.run(clock.sleep(durationMs(seconds * 1_000)))
const produce = (n: number): void => void kafka.append(at, { records: [numberRecord({ n })] })
const events = ({ telemetry }: DaemonRun): readonly string[] =>
  telemetry.events.map(({ event }) => event)
const nextOffsets = (): readonly bigint[] =>
  [...(judgeLog(store, pipeline).state.positions.get('lake')?.values() ?? [])].map(
    ({ next }) => next,
  )
/** From the next call on the lake answers nothing. */
const breakLake = ({ lake }: DaemonRun): void => {
  lake.fault = { failAt: lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
}

/** A lake whose every call hangs from now on. */
const hangLake = ({ lake }: DaemonRun): void => {
  lake.alive = false
}

test('a table that refuses is told by health, holds up nothing, gets its files later', async () => {
  const { lake } = run
  const stage = lake.stage.bind(lake)
  lake.stage = async (request) => {
    if (!request.stagedPath.startsWith('numbers/')) return stage(request)
    const { stagedPath: path } = request
    throw new Fault('LAKE_REFUSED', { operation: 'stage', path, reason: 'quota' })
  }
  await clock.run(run.daemon.start())
  produce(0)
  await pass(25)
  expect(nextOffsets()).toEqual([1n])
  const spilled = (): readonly string[] =>
    [...store.keys()].filter((path) => path.startsWith(`_lakeward/${pipeline}/spill/`))
  expect(spilled().filter((path) => path.endsWith('.parquet'))).toHaveLength(1)
  expect(run.daemon.health()).toMatchObject({
    ready: false,
    reasons: [expect.stringContaining('quota')],
  })
  lake.stage = stage
  await pass(25)
  expect(spilled()).toEqual([])
  expect(run.daemon.health()).toEqual({ ready: true, reasons: [] })
  const standing = [...store.keys()].filter((path) => path.endsWith('.parquet'))
  expect(standing).toMatchObject([expect.stringMatching(/^numbers\/dt=/)])
  await clock.run(run.daemon.stop())
})

/** A log that waits for a target which the daemon's configuration does not name. */
async function announcedTo(target: string): Promise<void> {
  const lake = new SimLake({ store, clock })
  const telemetry = new SimTelemetry()
  const random = new SimRandom(9)
  const log = await openCommitLog({ lake, pipeline, clock, random, telemetry })
  const { checksum } = config
  await adoptOrPutConfig(log, { checksum, streams: configuredStreams(config) })
  const manifest = { ...sampleManifest(13), pipeline, stream: 'numbers', files: [], rows: 0 }
  const announcement = { stream: 'numbers', partition: sampleHour(13), version: undefined }
  const announcements = [{ ...announcement, manifest, targets: [target] }]
  const outcome = await log.put({ kind: 'ready', commitId: log.nextCommitId(), announcements })
  expect(outcome).toMatchObject({ kind: 'decided' })
}

describe('announcements that wait for a target which is not configured', () => {
  test('keep a daemon from starting, by name, and nothing is put', async () => {
    await clock.run(announcedTo('webhook:old'))
    const { next } = judgeLog(store, pipeline).state
    run = daemonRun({ config, clock, store, source, dropsPending: false })
    const started = clock.run(run.daemon.start())
    await expect(started).rejects.toMatchObject({ code: 'NOTIFY_TARGET_PENDING' })
    expect(judgeLog(store, pipeline).state.next).toBe(next)
  })

  test('are given up where an operator says so, and the daemon goes on', async () => {
    await clock.run(announcedTo('webhook:old'))
    run = daemonRun({ config, clock, store, source, dropsPending: true })
    await clock.run(run.daemon.start())
    produce(0)
    await pass(25)
    expect(judgeLog(store, pipeline).state.undelivered).toEqual([])
    expect([run.failures, nextOffsets()]).toEqual([[], [1n]])
    await clock.run(run.daemon.stop())
  })
})

test('with nothing to read the lake is asked once an interval, and seldom besides', async () => {
  await clock.run(run.daemon.start())
  produce(0)
  await pass(60)
  const before = run.lake.calls
  const seconds = 3_600
  await pass(seconds)
  const intervals = (seconds * 1_000) / config.commit.interval
  // Each ten minutes some thirteen calls clean up; each five the lake's clock is read.
  expect(run.lake.calls - before).toBeGreaterThanOrEqual(intervals - 1)
  expect(run.lake.calls - before).toBeLessThanOrEqual(intervals * 1.1 + (13 * seconds) / 600 + 12)
  await clock.run(run.daemon.stop())
})

describe('a drain', () => {
  test('commits what was read, once, however often it is asked for', async () => {
    await clock.run(run.daemon.start())
    produce(0)
    await pass(1)
    const stops = [run.daemon.stop(), run.daemon.stop()]
    await clock.run(Promise.all(stops))
    await clock.run(run.daemon.stop())
    expect(nextOffsets()).toEqual([1n])
    expect(events(run).filter((event) => event === 'drained')).toHaveLength(1)
    expect([run.failures, run.daemon.health().ready]).toEqual([[], false])
  })

  test('of a daemon that was never started is none', async () => {
    await clock.run(run.daemon.stop())
    await clock.run(run.daemon.start())
    expect(store.size).toBe(0)
    expect(source.assigned()).toEqual([])
  })

  test('before the lake has answered begins nothing afterwards', async () => {
    breakLake(run)
    const started = run.daemon.start()
    await pass(5)
    expect(run.daemon.health().reasons).toMatchObject([expect.stringContaining('could not put')])
    const stopped = run.daemon.stop()
    run.lake.fault = undefined
    await clock.run(Promise.all([started, stopped]))
    await pass(60)
    expect(source.assigned()).toEqual([])
    expect(events(run)).not.toContain('started')
  })

  test('while it starts waits for that, then commits and leaves', async () => {
    const started = run.daemon.start()
    const stopped = run.daemon.stop()
    await clock.run(Promise.all([started, stopped]))
    expect(source.assigned()).toEqual([])
    expect(run.failures).toEqual([])
  })

  test('with a lake that refuses all ends in a minute or so, and leaves the work', async () => {
    await clock.run(run.daemon.start())
    produce(0)
    await pass(1)
    breakLake(run)
    const beginMs = clock.monotonicMs()
    await clock.run(run.daemon.stop())
    expect(clock.monotonicMs() - beginMs).toBeLessThanOrEqual(75_000)
    expect(events(run)).toContain('drain cut short')
    expect(run.failures).toEqual([])
    expect(nextOffsets()).toEqual([0n])
    const heir = daemonRun({ config, clock, store, source: kafka.source(['events']), seed: 2 })
    await clock.run(heir.daemon.start())
    await pass(1)
    await clock.run(heir.daemon.stop())
    expect(nextOffsets()).toEqual([1n])
  })

  test('with a lake that hangs ends as well', async () => {
    await clock.run(run.daemon.start())
    produce(0)
    await pass(1)
    hangLake(run)
    const beginMs = clock.monotonicMs()
    await clock.run(run.daemon.stop())
    expect(clock.monotonicMs() - beginMs).toBeLessThanOrEqual(75_000)
    expect(source.assigned()).toEqual([])
  })
})

describe('a failure', () => {
  /** The readers that daemons give to their source. */
  function watched(): readonly SourceReader[] {
    const readers: SourceReader[] = []
    const open = source.open.bind(source)
    source.open = (reader) => {
      readers.push(reader)
      return open(reader)
    }
    return readers
  }

  test('in a handler of the source is told, and nothing is committed after it', async () => {
    const readers = watched()
    await clock.run(run.daemon.start())
    produce(0)
    await pass(1)
    const stranger = { ...present(source.assigned()[0]), partition: 0 }
    const part = { source: stranger, bytes: new Uint8Array(), start: 0, end: 8, fetchOffset: 1n }
    await clock.run(Promise.resolve(readers[0]?.onFetched([part as never])))
    expect(run.failures).toHaveLength(1)
    await pass(60)
    expect(nextOffsets()).toEqual([0n])
    await clock.run(run.daemon.stop())
    expect(nextOffsets()).toEqual([0n])
  })

  test('in a log that cannot be read any more is told', async () => {
    await clock.run(run.daemon.start())
    await pass(1)
    const { next } = judgeLog(store, pipeline).state
    const path = [...store.keys()].find((name) => name.includes('/log/'))?.replace(/\d+\.json$/, '')
    const body = Buffer.from('no entry')
    store.set(`${path}${String(next).padStart(20, '0')}.json`, { body, modifiedMs: 0 })
    await pass(30)
    expect(run.failures.map((error) => isFault(error, 'LOG_ENTRY_UNREADABLE'))).toEqual([true])
  })

  test('is another configuration put by another daemon', async () => {
    await clock.run(run.daemon.start())
    produce(0)
    await pass(1)
    const random = new SimRandom(9)
    const lake = new SimLake({ store, clock })
    const telemetry = new SimTelemetry()
    const other = await openCommitLog({ lake, pipeline, clock, random, telemetry })
    await adoptOrPutConfig(other, { checksum: 'another file', streams: [] })
    await pass(30)
    expect(run.failures.map((error) => isFault(error, 'CONFIG_CONFLICT'))).toEqual([true])
    expect(nextOffsets()).toEqual([0n])
    await clock.run(run.daemon.stop())
    expect(source.assigned()).toEqual([])
  })
})

const present = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('something is there')
  return value
}

test('partitions with rows are shown to a target that wants them unannounced', async () => {
  const shown: string[] = []
  const showOpen = async (stream: string, paths: readonly string[]): Promise<void> => {
    shown.push(...paths.map((path) => `${stream} ${path}`))
  }
  const never = async (): Promise<never> => {
    throw new Error('nothing is announced')
  }
  const notifier = {
    target: 'catalog',
    readable: true,
    deliver: never,
    readBack: never,
    close: async () => {},
    showOpen,
  }
  run = daemonRun({ config, clock, store, source, notifiers: [notifier] })
  await clock.run(run.daemon.start())
  produce(0)
  await pass(25)
  const { streams } = judgeLog(store, pipeline).state
  const open = [...streams].flatMap(([stream, { partitions }]) =>
    [...partitions.keys()].map((path) => `${stream} ${path}`),
  )
  expect(open).toHaveLength(1)
  expect(shown).toEqual(open)
  await clock.run(run.daemon.stop())
})

test('rules of the storage against the lake are told at start, one by one', async () => {
  const sentences = ['rule "a" removes all objects after 1 day', 'rule "b" does so too']
  const against = sentences.map((says) => ({ says, endsUploads: false }))
  const asked: (readonly string[])[] = []
  const rules: Lake['rules'] = async (folders) => {
    asked.push(folders)
    return { kind: 'told', against }
  }
  Object.assign(run.lake, { rules })
  await clock.run(run.daemon.start())
  await pass(25)
  const event = 'the storage has a rule against the lake'
  expect(run.telemetry.events.filter((one) => one.event === event)).toMatchObject(
    sentences.map((rule) => ({ level: 'warn', fields: { rule } })),
  )
  const tables = run.daemon.config.streams.map(({ table }) => table)
  expect(asked).toEqual([expect.arrayContaining([`_lakeward/${pipeline}`, ...tables])])
  expect(run.daemon.health()).toEqual({ ready: true, reasons: [] })
  await clock.run(run.daemon.stop())
})

test('a rule that ends what is decided and not published is refused', async () => {
  const says = 'rule "a" gives up open uploads after 1 day, at least 7 days needed'
  const against = [{ says, endsUploads: true }]
  Object.assign(run.lake, { rules: async () => ({ kind: 'told', against }) })
  const refused = expect(run.daemon.failed).rejects.toMatchObject({
    code: 'LAKE_RULE_ENDS_UPLOADS',
    domain: 'user',
    message: expect.stringContaining(says),
  })
  await clock.run(run.daemon.start())
  await clock.run(refused)
  await clock.run(run.daemon.stop())
})

test('a storage that does not tell its rules is no trouble', async () => {
  Object.assign(run.lake, { rules: async () => ({ kind: 'unknown', reason: '403' }) })
  await clock.run(run.daemon.start())
  await pass(25)
  expect(run.telemetry.events).toContainEqual(
    expect.objectContaining({ level: 'info', event: 'rules of the storage are not known' }),
  )
  expect(run.daemon.health()).toEqual({ ready: true, reasons: [] })
  await clock.run(run.daemon.stop())
})

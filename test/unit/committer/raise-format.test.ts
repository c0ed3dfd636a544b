/** The log's format is raised by a config entry, while writers of two versions are at work. */
import { expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { trimLog } from '../../../src/committer/log-keeper.ts'
import { raiseFormat } from '../../../src/committer/raise-format.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { clockPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { appendDraft, nextOf, sampleRange, startRange } from '../../support/log-samples.ts'

const pipeline = 'growth'
const quietMs = 120_000
const proposal = { checksum: 'c', streams: [{ name: 's', table: 't', topics: ['x'] }] }

/** A log with a configuration and a start position, put by a writer of the first format. */
async function world(store: SimStore = new Map()) {
  const clock = new SimClock()
  const telemetry = new SimTelemetry()
  const lake = new SimLake({ store, clock })
  const open = (seed: number, newestFormat: number, checkpointEvery = 0): Promise<CommitLog> => {
    const random = new SimRandom(seed)
    const options = { lake, pipeline, clock, random, telemetry, checkpointEvery, newestFormat }
    return openCommitLog(options)
  }
  const older = await open(1, 1)
  await adoptOrPutConfig(older, proposal)
  await older.put(
    appendDraft(older.nextCommitId(), { ranges: [startRange(0, 0)], configVersion: 1 }),
  )
  const pass = (spanMs: number) => clock.run(clock.sleep(durationMs(spanMs)))
  const raise = (log: CommitLog) => raiseFormat({ lake, log, pipeline, telemetry, quietMs })
  return { clock, telemetry, lake, open, older, pass, raise }
}

/** Commits the next record of topic-partition 0. */
const commit = (log: CommitLog) => {
  const at = Number(nextOf(log))
  const configVersion = log.state.config.version
  const ranges = [sampleRange(0, at, at + 1)]
  return log.put(appendDraft(log.nextCommitId(), { ranges, configVersion }))
}

const formats = ({ store }: SimLake): readonly string[] =>
  judgeLog(store, pipeline).entries.map(
    ({ entry, decided }) => `${entry.kind} ${entry.format}${decided ? '' : ' void'}`,
  )

test('is raised when no older writer has put for two intervals; all entries after it are of it', async () => {
  const { lake, open, older, pass, raise } = await world()
  const newer = await open(2, 2)
  expect(await raise(newer)).toEqual({ kind: 'wait', writerId: older.writerId })
  await commit(newer)
  await pass(quietMs - 1_000)
  await older.refresh()
  await commit(older)
  await pass(quietMs - 1_000)
  expect(await raise(newer)).toEqual({ kind: 'wait', writerId: older.writerId })
  await pass(1_000)
  expect(await raise(newer)).toEqual({ kind: 'raise', format: 2 })
  expect(await raise(newer)).toEqual({ kind: 'newest' })
  expect((await commit(newer)).kind).toBe('decided')
  expect(formats(lake)).toEqual([
    'config 1',
    'append 1',
    'append 1',
    'append 1',
    'config 2',
    'append 2',
  ])
  expect(newer.state.config).toMatchObject({ version: 2, format: 2, checksum: 'c' })
  expect(await adoptOrPutConfig(newer, proposal)).toEqual({ kind: 'adopted', version: 2 })
})

test('two that know the new format raise it without waiting for each other', async () => {
  const { open, older, pass, raise } = await world()
  const [one, other] = [await open(2, 2), await open(3, 3)]
  await pass(quietMs)
  await commit(one)
  await other.refresh()
  await commit(other)
  expect(await raise(other)).toEqual({ kind: 'raise', format: 2 })
  expect(await raise(one)).toEqual({ kind: 'newest' })
  await expect(older.refresh()).rejects.toBeInstanceOf(Fault)
})

test('an older writer that meets it puts nothing any more and says why, as does one that starts', async () => {
  const { lake, open, older, pass, raise } = await world()
  const newer = await open(2, 2, 2)
  await pass(quietMs)
  await raise(newer)
  const before = formats(lake)
  const fault = { code: 'LOG_FORMAT_TOO_NEW', facts: { format: 2, newestKnown: 1 } }
  const draft = appendDraft(older.nextCommitId(), {
    ranges: [sampleRange(0, 0, 5)],
    configVersion: 1,
  })
  await expect(older.put(draft)).rejects.toMatchObject(fault)
  await expect(older.refresh()).rejects.toMatchObject(fault)
  await expect(open(4, 1)).rejects.toMatchObject(fault)
  expect(formats(lake)).toEqual(before)
  for (let count = 0; count < 4; count++) await commit(newer)
  expect([...lake.store.keys()].filter((path) => path.includes('/checkpoints/'))).not.toEqual([])
  await expect(open(5, 1)).rejects.toMatchObject(fault)
  expect((await open(6, 2)).state.config.format).toBe(2)
  // Old entries are deleted below a checkpoint: then nothing but that tells the format.
  for (const path of lake.store.keys()) if (path.includes('/log/')) lake.store.delete(path)
  await expect(open(7, 1)).rejects.toMatchObject(fault)
})

test('what was made in the old format and meets the raise on its way is made anew', async () => {
  const { clock, lake, open, older, pass, raise } = await world()
  const [one, other] = [await open(2, 2), await open(3, 2)]
  await pass(quietMs)
  await one.refresh()
  let raising: Promise<unknown> | undefined
  const put = lake.putIfAbsent.bind(lake)
  lake.putIfAbsent = async (path, body) => {
    // Right before its put another writer raises the format at that index.
    if (raising === undefined) {
      raising = Promise.resolve()
      raising = raise(other)
      await raising
    }
    return put(path, body)
  }
  const outcome = await clock.run(commit(one))
  expect(outcome).toMatchObject({ kind: 'discarded' })
  expect(await commit(one)).toMatchObject({ kind: 'decided' })
  expect(formats(lake).slice(2)).toEqual(['config 2', 'append 2'])
  expect(older.state.next).toBe(2)
})

test('an older writer that commits right before the raise keeps it from being put', async () => {
  const { clock, lake, open, older, pass, raise } = await world()
  const newer = await open(2, 2)
  await pass(quietMs)
  let isFirst = true
  const put = lake.putIfAbsent.bind(lake)
  lake.putIfAbsent = async (path, body) => {
    const isRaise = isFirst
    isFirst = false
    if (isRaise) expect((await older.refresh().then(() => commit(older))).kind).toBe('decided')
    return put(path, body)
  }
  await clock.run(raise(newer))
  expect(formats(lake)).toEqual(['config 1', 'append 1', 'append 1'])
  expect(await raise(newer)).toEqual({ kind: 'wait', writerId: older.writerId })
})

test('of a writer whose note is gone nobody knows what it knows', async () => {
  const { lake, open, older, pass, raise } = await world()
  const newer = await open(2, 2)
  lake.store.delete(clockPath(pipeline, older.writerId))
  expect(await raise(newer)).toEqual({ kind: 'wait', writerId: older.writerId })
  await pass(quietMs)
  expect(await raise(newer)).toEqual({ kind: 'raise', format: 2 })
})

test.each(['before-effect', 'after-effect'] as const)(
  'whichever call fails %s, the format is raised once, by this round or the next',
  async (moment) => {
    let failAt = 1
    for (; ; failAt++) {
      const { clock, lake, open, pass, raise } = await world()
      const newer = await open(2, 2)
      await pass(quietMs)
      const base = lake.calls
      lake.fault = { failAt: base + failAt, moment, lasting: 'once' }
      const first = await clock.run(raise(newer).catch((error: unknown) => error))
      if (first instanceof Fault) expect(first.retry).not.toBe('never')
      await clock.run(raise(newer))
      expect(formats(lake), `call ${failAt}`).toEqual(['config 1', 'append 1', 'config 2'])
      if (lake.calls < base + failAt) break
    }
    expect(failAt).toBeGreaterThan(4)
  },
)

test('entries of a newer format go with the old ones, and their bodies with them', async () => {
  const { lake, clock, telemetry, pass, raise } = await world()
  const own = { random: new SimRandom(2), newestFormat: 2, checkpointEvery: 5, inlineBytesMax: 1 }
  const newer = await openCommitLog({ lake, pipeline, clock, telemetry, ...own })
  await pass(quietMs)
  expect(await raise(newer)).toEqual({ kind: 'raise', format: 2 })
  while (newer.state.next < 22) await commit(newer)
  const report = await trimLog({ lake, log: newer, pipeline, telemetry, keepMs: durationMs(0) })
  expect(report.removedEntries).toBe(15)
  expect(telemetry.events.filter(({ level }) => level === 'warn')).toEqual([])
  const bodies = [...lake.store.keys()].filter((path) => path.includes('/bodies/'))
  expect(bodies).toHaveLength(22 - 15)
})

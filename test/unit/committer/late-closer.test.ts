/** Partitions that leave the state: what is kept of them, who cannot touch them any more. */
import { describe, expect, test } from 'vitest'
import { checkClosed, checkCounts } from '../../../src/audit/commit-checks.ts'
import { walkLog } from '../../../src/audit/walk-log.ts'
import { durationMs } from '../../../src/base/time.ts'
import { readClosedChain, withClosedBack } from '../../../src/committer/closed-lists.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { closeLate } from '../../../src/committer/late-closer.ts'
import type { Closing } from '../../../src/model/close-entry.ts'
import { filteredTotal } from '../../../src/model/counts.ts'
import type { FoldedPartition, FoldState } from '../../../src/model/fold-state.ts'
import type { CommitLog, PutEntryOutcome } from '../../../src/ports/commit-log.ts'
import { newestListOf } from '../../../src/protocol/fold-closed.ts'
import { encodeManifest, manifestPathOf } from '../../../src/protocol/readiness-manifest.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import {
  appendDraft,
  namedFiles,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  stream,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const whole = { stream: undefined, spans: undefined }

interface World {
  readonly lake: SimLake
  readonly clock: SimClock
  readonly open: (seed: number) => Promise<CommitLog>
  readonly close: (log: CommitLog, afterMs?: number) => Promise<PutEntryOutcome | undefined>
}

function world(store: SimStore = new Map(), clock = new SimClock()): World {
  const lake = new SimLake({ clock, store })
  const telemetry = new SimTelemetry()
  return {
    lake,
    clock,
    open: (seed) =>
      openCommitLog({ lake, pipeline, clock, random: new SimRandom(seed), telemetry }),
    close: (log, afterMs = 0) =>
      closeLate({ lake, log, pipeline, telemetry, closeAfterMs: () => durationMs(afterMs) }),
  }
}

/** Announced long ago by the lake's clock. */
const manifestOf = (hour: number): ReturnType<typeof sampleManifest> => ({
  ...sampleManifest(hour),
  decidedAt: '1970-01-01T00:00:00.000Z',
})

async function addRows(log: CommitLog, hour: number, of = stream): Promise<void> {
  const id = log.nextCommitId()
  const partition = sampleHour(hour)
  const files = [{ ...sampleFile(id, hour), stream: of }]
  const counts = [{ ...sampleCell(hour, 10), stream: of }]
  const places = [{ stream: of, partition }]
  const outcome = await log.put(appendDraft(id, { places, body: { files, counts } }))
  expect(outcome.kind).toBe('decided')
}

async function announce(log: CommitLog, hour: number, targets: readonly string[] = []) {
  const known = partitionOf(log.state, hour)
  const version = known?.version
  const announcement = { stream, partition: sampleHour(hour), version, targets }
  const manifest = { ...manifestOf(hour), ...namedFiles(known?.files ?? []) }
  return log.put({
    kind: 'ready',
    commitId: log.nextCommitId(),
    announcements: [{ ...announcement, manifest }],
  })
}

async function announced(log: CommitLog, ...hours: readonly number[]): Promise<void> {
  for (const hour of hours) {
    await addRows(log, hour)
    for (const id of log.state.unpublished.keys()) log.markPublished(id)
    expect((await announce(log, hour)).kind).toBe('decided')
  }
}

const partitionOf = (state: FoldState, hour: number, of = stream): FoldedPartition | undefined =>
  state.streams.get(of)?.partitions.get(sampleHour(hour).path)
const closedOf = (state: FoldState) => state.streams.get(stream)?.closed

describe('a partition that was announced long ago', () => {
  test('leaves the state with its files; its sums stay and its list is found again', async () => {
    const sim = world()
    const log = await sim.open(1)
    await announced(log, 1, 2)
    const before = log.state
    expect((await sim.close(log))?.kind).toBe('decided')
    expect([partitionOf(log.state, 1), partitionOf(log.state, 2)]).toEqual([undefined, undefined])
    expect(closedOf(log.state)).toMatchObject({ partitionCount: 2, fileCount: 2, rowCount: 20 })
    for (const hour of [1, 2]) {
      const asked = { stream, partition: sampleHour(hour) }
      const back = await withClosedBack({ lake: sim.lake, pipeline }, log.state, asked)
      expect(partitionOf(back, hour)?.files).toEqual(partitionOf(before, hour)?.files)
      expect(partitionOf(back, hour)?.manifest).toEqual(partitionOf(before, hour)?.manifest)
    }
    const chain = await readClosedChain({ lake: sim.lake, pipeline }, log.state, stream)
    expect([chain.lists.length, chain.missing]).toEqual([2, undefined])
    expectSameState(log.state, judgeLog(sim.lake.store, pipeline).state)
  })

  test('stays for as long as is asked for', async () => {
    const sim = world()
    const log = await sim.open(1)
    await announced(log, 1)
    expect(await sim.close(log, 1_000 * 365 * 24 * 3_600_000)).toBeUndefined()
  })

  test.each([
    ['it is open', false, []],
    ['it waits to be delivered', true, ['webhook']],
  ] as const)('stays while %s', async (_, isAnnounced, targets) => {
    const sim = world()
    const log = await sim.open(1)
    await addRows(log, 1)
    for (const id of log.state.unpublished.keys()) log.markPublished(id)
    if (isAnnounced) await announce(log, 1, targets)
    expect(await sim.close(log)).toBeUndefined()
    expect((await log.put(closingOf(log, 1))).kind).toBe('discarded')
  })

  test('stays while one of its files waits to be published', async () => {
    const sim = world()
    const log = await sim.open(1)
    await addRows(log, 1)
    await announce(log, 1)
    expect(log.state.unpublished.size).toBe(1)
    expect(await sim.close(log)).toBeUndefined()
    const outcome = await log.put(closingOf(log, 1))
    expect(outcome).toMatchObject({ kind: 'discarded', because: /which is not published$/ })
  })

  test('takes no rows and no announcement any more, and counts are kept in the sums', async () => {
    const sim = world()
    const log = await sim.open(1)
    await announced(log, 1)
    await sim.close(log)
    const id = log.nextCommitId()
    const places = [{ stream, partition: sampleHour(1) }]
    const late = appendDraft(id, { places, body: { files: [sampleFile(id, 1)] } })
    expect((await log.put(late)).kind).toBe('discarded')
    const place = { stream, partition: sampleHour(1), late: true } as const
    const saidSo = appendDraft(id, { places: [place], body: { files: [sampleFile(id, 1)] } })
    const outcome = await log.put({ ...saidSo, commitId: log.nextCommitId() })
    expect(outcome).toMatchObject({
      kind: 'discarded',
      because: expect.stringMatching(/is closed$/),
    })
    expect(await announce(log, 1)).toMatchObject({ kind: 'discarded', because: /is closed$/ })
    const counts = [{ ...sampleCell(1, 0), stream }]
    const before = filteredTotal(closedOf(log.state)?.counts ?? sampleCell(1, 0).counts)
    await log.put(appendDraft(log.nextCommitId(), { body: { counts } }))
    expect(filteredTotal(closedOf(log.state)?.counts ?? sampleCell(1, 0).counts)).toBe(before + 1)
    expect(partitionOf(log.state, 1)).toBeUndefined()
  })

  test('stays while late rows of it are in no revision, and goes by the time of the first', async () => {
    const sim = world()
    const log = await sim.open(1)
    await announced(log, 1)
    const id = log.nextCommitId()
    const places = [{ stream, partition: sampleHour(1), late: true }] as const
    const counts = [sampleCell(1, 10)].map((cell) => {
      return { ...cell, counts: { ...cell.counts, lateAppended: 10 } }
    })
    const files = [sampleFile(id, 1)].map((file) => ({ ...file, path: `${file.path}.late` }))
    expect((await log.put(appendDraft(id, { places, body: { files, counts } }))).kind).toBe(
      'decided',
    )
    log.markPublished(id)
    expect(await sim.close(log)).toBeUndefined()
    const folded = partitionOf(log.state, 1)
    const manifest = {
      ...sampleManifest(1, 2),
      ...namedFiles(folded?.files ?? [], folded?.manifest),
      decidedAt: '2026-11-20T23:00:00.000Z',
    }
    const announcement = { stream, partition: sampleHour(1), version: folded?.version, manifest }
    const announcements = [{ ...announcement, targets: [] }]
    const commitId = log.nextCommitId()
    expect((await log.put({ kind: 'ready', commitId, announcements })).kind).toBe('decided')
    expect(partitionOf(log.state, 1)?.firstAnnouncedAtMs).toBe(0)
    await log.put(appendDraft(log.nextCommitId()))
    expect((await sim.close(log))?.kind).toBe('decided')
    expect(partitionOf(log.state, 1)).toBeUndefined()
  })

  test('takes open ones without rows with it, which would stay for ever', async () => {
    const sim = world()
    const log = await sim.open(1)
    await log.put(appendDraft(log.nextCommitId(), { body: { counts: [sampleCell(0, 0)] } }))
    await log.put(appendDraft(log.nextCommitId(), { body: { counts: [sampleCell(5, 0)] } }))
    await announced(log, 1)
    await sim.close(log)
    expect(partitionOf(log.state, 0)).toBeUndefined()
    expect(partitionOf(log.state, 5)).toBeDefined()
    expect(closedOf(log.state)?.counts.read).toBe(sampleCell(1, 10).counts.read + 2)
  })
})

/** A closing that nobody should have planned. */
function closingOf(log: CommitLog, hour: number) {
  const version = partitionOf(log.state, hour)?.version ?? log.nextCommitId()
  const previous = newestListOf(log.state, stream)
  const list: Closing['list'] = { path: 'list', sizeBytes: 1, sha256: 'a'.repeat(64), previous }
  const closings = [{ stream, partition: sampleHour(hour), version, list }]
  return { kind: 'closed-late' as const, commitId: log.nextCommitId(), closings }
}

test('all that is due is closed, however many entries it takes', async () => {
  const sim = world()
  const log = await sim.open(1)
  await announced(log, 1, 2, 3)
  const { lake } = sim
  const options = { lake, log, pipeline, telemetry: new SimTelemetry(), closingsMax: 1 }
  const closeAfterMs = () => durationMs(0)
  const before = log.state.next
  const ended = AbortSignal.abort()
  await closeLate({ ...options, closeAfterMs, signal: ended })
  expect(closedOf(log.state)?.partitionCount).toBe(1)
  expect((await closeLate({ ...options, closeAfterMs }))?.kind).toBe('decided')
  expect([closedOf(log.state)?.partitionCount, log.state.next]).toEqual([3, before + 3])
})

test('what gets counts while its list is made is closed another time, by a list that has them', async () => {
  const sim = world()
  const [log, other] = [await sim.open(1), await sim.open(2)]
  await announced(log, 1, 2)
  const { version } = partitionOf(log.state, 1) ?? {}
  const { lake } = sim
  const lists: string[] = []
  const putIfAbsent = lake.putIfAbsent.bind(lake)
  lake.putIfAbsent = async (path, body) => {
    if (path.includes('/closed/') && lists.push(path) === 1) {
      const counts = [sampleCell(1, 0)]
      const late = appendDraft(other.nextCommitId(), { body: { counts } })
      expect((await other.put(late)).kind).toBe('decided')
    }
    return putIfAbsent(path, body)
  }
  const read = sampleCell(1, 10).counts.read + sampleCell(1, 0).counts.read
  expect((await sim.close(log))?.kind).toBe('decided')
  expect(partitionOf(log.state, 1)).toMatchObject({ version, counts: { read } })
  expect(partitionOf(log.state, 2)).toBeUndefined()
  expect((await sim.close(log))?.kind).toBe('decided')
  const chain = await readClosedChain({ lake, pipeline }, log.state, stream)
  expect(chain.lists.map(({ partition }) => partition.counts.read)).toContain(read)
  expect(closedOf(log.state)?.counts.read).toBe(read + sampleCell(2, 10).counts.read)
})

test('a manifest that nobody wrote stands before its partition is closed', async () => {
  const sim = world()
  const log = await sim.open(1)
  await announced(log, 1)
  const { manifest } = partitionOf(log.state, 1) ?? {}
  await sim.close(log)
  expect(partitionOf(log.state, 1)).toBeUndefined()
  const bytes = await sim.lake.read(manifestPathOf(manifestOf(1)))
  expect(bytes).toEqual(manifest && encodeManifest(manifest))
})

describe('streams of our own, which are never announced', () => {
  test('leave the state hour by hour and take more rows all the same', async () => {
    const sim = world()
    const log = await sim.open(1)
    const letters = '_dead_letters'
    const putRows = async (): Promise<void> => {
      await addRows(log, -1_000_000, letters)
      for (const id of log.state.unpublished.keys()) log.markPublished(id)
      await log.put(appendDraft(log.nextCommitId()))
    }
    await putRows()
    await sim.close(log)
    expect(partitionOf(log.state, -1_000_000, letters)).toBeUndefined()
    await putRows()
    expect(partitionOf(log.state, -1_000_000, letters)?.files).toHaveLength(1)
    await sim.close(log)
    const { lists } = await readClosedChain({ lake: sim.lake, pipeline }, log.state, letters)
    expect(lists.flatMap(({ partition }) => partition.files)).toHaveLength(2)
  })
})

test('of two processes that close at the same time one is decided, and the chain is whole', async () => {
  const sim = world()
  const [a, b] = [await sim.open(1), await sim.open(2)]
  await announced(a, 1, 2)
  await b.refresh()
  const outcomes = await sim.clock.run(Promise.all([sim.close(a), sim.close(b)]))
  const kinds = outcomes.map((outcome) => outcome?.kind)
  expect(new Set(kinds)).toEqual(new Set(['decided', 'discarded']))
  await Promise.all([a.refresh(), b.refresh()])
  expectSameState(a.state, b.state)
  const chain = await readClosedChain({ lake: sim.lake, pipeline }, a.state, stream)
  expect([chain.lists.length, chain.missing]).toEqual([2, undefined])
})

test('who checks the log finds a list that is gone', async () => {
  const sim = world()
  const log = await sim.open(1)
  await announced(log, 1, 2)
  await sim.close(log)
  const walk = await walkLog(sim.lake, pipeline)
  expect(checkClosed(walk)).toMatchObject({ state: 'ok', detail: '2 closed partitions' })
  expect(checkCounts(walk, whole).state).toBe('ok')
  const list = [...sim.lake.store.keys()].find((path) => path.includes('/closed/')) ?? ''
  const bytes = sim.lake.store.get(list)?.body ?? new Uint8Array()
  await sim.lake.put(list, bytes.subarray(0, 20))
  await expect(walkLog(sim.lake, pipeline)).rejects.toMatchObject({ code: 'LOG_LIST_UNREADABLE' })
  sim.lake.store.delete(list)
  expect(checkClosed(await walkLog(sim.lake, pipeline)).state).toBe('failed')
})

test.each(['before-effect', 'after-effect', 'lands-late'] as const)(
  'closing ends right whichever single lake call fails, %s',
  async (moment) => {
    for (let failAt = 1; ; failAt++) {
      const sim = world()
      const log = await sim.open(1)
      await announced(log, 1, 2)
      sim.lake.calls = 0
      sim.lake.fault = { failAt, moment, lasting: 'once' }
      await sim.clock.run(sim.close(log).catch(() => sim.close(log)))
      const reached = sim.lake.calls >= failAt
      sim.lake.fault = undefined
      sim.lake.settle()
      const judged = judgeLog(sim.lake.store, pipeline)
      expect(
        judged.entries.every(({ decided }) => decided),
        `failAt=${failAt}`,
      ).toBe(true)
      expect(closedOf(judged.state)?.partitionCount, `failAt=${failAt}`).toBe(2)
      const chain = await readClosedChain({ lake: sim.lake, pipeline }, judged.state, stream)
      expect([chain.lists.length, chain.missing], `failAt=${failAt}`).toEqual([2, undefined])
      if (!reached) return
    }
  },
)

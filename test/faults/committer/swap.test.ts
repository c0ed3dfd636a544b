/** Merging, and giving up what is lost, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import {
  findLost,
  giveUpLost,
  type LostFiles,
  lostByPartition,
} from '../../../src/committer/give-up-lost.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import type { CommitOutcome } from '../../../src/model/sealed-commit.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { planSwap } from '../../../src/protocol/swap-plan.ts'
import { SimClock } from '../../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  appendDraft,
  sampleHour,
  sealedCommit,
  startRange,
  stream,
  table,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const hour = sampleHour(13)

interface Process {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly committer: Committer
}

async function startProcess(
  clock: SimClock,
  store: SimStore,
  { seed, signal }: { readonly seed: number; readonly signal?: AbortSignal },
): Promise<Process> {
  const lake = new SimLake({ clock, store })
  const random = new SimRandom(seed)
  const shared = { lake, pipeline, clock, random, telemetry: new SimTelemetry() }
  const all = signal === undefined ? shared : { ...shared, signal }
  const log = await openCommitLog(all)
  return { lake, log, committer: new Committer({ ...all, log }) }
}

/** Two files of five and four rows, published and told. */
async function filledStore(clock: SimClock): Promise<SimStore> {
  const store: SimStore = new Map()
  const { log, committer } = await startProcess(clock, store, { seed: 1 })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  for (const [first, next] of [
    [0, 5],
    [5, 9],
  ] as const) {
    const sealed = sealedCommit(log.nextCommitId(), first, next)
    const files = sealed.files.map((file) => ({ ...file, rowCount: next - first }))
    await committer.commit({ ...sealed, files })
  }
  await log.put(appendDraft(log.nextCommitId()))
  return store
}

/** Merges what the log has; undefined when there is nothing to merge. */
async function merge({ log, committer }: Process): Promise<CommitOutcome | undefined> {
  const commitId = log.nextCommitId()
  const { state, publishedHere } = log
  const facts = { state, publishedHere, commitId, why: 'merge', stream } as const
  const plan = planSwap({ ...facts, partitionPath: hour.path, inputs: undefined })
  if (plan.kind !== 'swap' || plan.swap.inputs.length < 2) return undefined
  const [file] = sealedCommit(commitId, 0, 9).files
  if (file === undefined) throw new Error('the sample has a file')
  const files = [{ ...file, rowCount: plan.inputRowCount }]
  return committer.swap({ ...plan.swap, reason: '', lostRowCount: 0, files })
}

/** What anybody does after: finish what was decided, say so, clean up. */
async function finish(clock: SimClock, store: SimStore, seed = 9): Promise<Process> {
  const process = await startProcess(clock, store, { seed })
  const { lake, log, committer } = process
  await committer.publishPending(durationMs(0))
  await log.put(appendDraft(log.nextCommitId()))
  await cleanStaging({ lake, log, pipeline, tables: [table], telemetry: new SimTelemetry() })
  return process
}

function expectTidy({ log }: Process, store: SimStore, message: string): void {
  const judged = judgeLog(store, pipeline)
  const live = judged.state.streams.get(stream)?.partitions.get(hour.path)?.files ?? []
  const standing = [...store.keys()].filter((path) => path.endsWith('.parquet'))
  expect(standing.sort(), message).toEqual(live.map(({ path }) => path).sort())
  expect(log.state.unpublished.size, message).toBe(0)
  expect(
    live.reduce((sum, { rowCount }) => sum + rowCount, 0),
    message,
  ).toBe(9)
}

const stagedIn = (store: SimStore): readonly string[] =>
  [...store.keys()].filter((path) => path.includes('/_staging/'))

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('a merge, fault %s', (moment) => {
  test('ends right whichever single lake call fails', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await filledStore(clock)
      const process = await startProcess(clock, store, { seed: 2 })
      const { lake } = process
      lake.calls = 0
      lake.fault = { failAt, moment, lasting: 'once' }
      const outcome = await clock.run(merge(process))
      expect(outcome?.kind, `failAt=${failAt}`).toBe('committed')
      lake.settle()
      const last = await clock.run(finish(clock, store))
      expectTidy(last, store, `failAt=${failAt}`)
      expect(stagedIn(store), `failAt=${failAt}`).toEqual([])
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(12)
  })

  test('killed at any call, another finishes it, or merges anew', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await filledStore(clock)
      const reached = await mergeUntilKilled(clock, store, { failAt, moment, lasting: 'forever' })
      const other = await clock.run(finish(clock, store))
      // Nothing is merged twice: what was decided has one file, and one file is not merged.
      await clock.run(merge(other))
      const last = await clock.run(finish(clock, store, 10))
      expectTidy(last, store, `failAt=${failAt}`)
      const live = last.log.state.streams.get(stream)?.partitions.get(hour.path)?.files
      expect(live, `failAt=${failAt}`).toHaveLength(1)
      expect(stagedIn(store), `failAt=${failAt}`).toEqual([])
      if (!reached) break
    }
    expect(failAt).toBeGreaterThan(12)
  })
})

/** @returns whether the fault was reached. */
async function mergeUntilKilled(
  clock: SimClock,
  store: SimStore,
  fault: LakeFault,
): Promise<boolean> {
  const ending = new AbortController()
  const process = await startProcess(clock, store, { seed: 3, signal: ending.signal })
  process.lake.calls = 0
  process.lake.fault = fault
  const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
  const ended = merge(process).catch(() => undefined)
  await clock.run(Promise.all([ended, killer]))
  process.lake.settle()
  return process.lake.calls >= fault.failAt
}

test('the inputs stand until the output does', async () => {
  const clock = new SimClock()
  const store = await filledStore(clock)
  const process = await startProcess(clock, store, { seed: 2 })
  await merge(process)
  const calls = process.lake.history.filter((call) => call.endsWith('.parquet'))
  expect(calls.map((call) => call.split(' ')[0])).toEqual(['publish', 'remove', 'remove'])
})

test('of two who merge the same files one wins, and the other takes its staging away', async () => {
  const clock = new SimClock()
  const store = await filledStore(clock)
  const one = await startProcess(clock, store, { seed: 2 })
  const two = await startProcess(clock, store, { seed: 3 })
  const outcomes = await clock.run(Promise.all([merge(one), merge(two)]))
  const kinds = new Set(outcomes.map((outcome) => outcome?.kind))
  expect(kinds).toEqual(new Set(['committed', 'discarded']))
  expectTidy(await clock.run(finish(clock, store)), store, 'raced')
  expect(stagedIn(store)).toEqual([])
})

test('a writer that finds its file merged away takes it for no loss', async () => {
  const clock = new SimClock()
  const store = await filledStore(clock)
  const writer = await startProcess(clock, store, { seed: 2 })
  const sealed = sealedCommit(writer.log.nextCommitId(), 9, 12)
  const slow = writer.lake.publish.bind(writer.lake)
  writer.lake.publish = async (request) => {
    // Somebody else publishes it, merges it and deletes it while this process sleeps.
    const other = await startProcess(clock, store, { seed: 4 })
    await other.committer.publishPending(durationMs(0))
    await other.log.put(appendDraft(other.log.nextCommitId()))
    expect(await merge(other)).toMatchObject({ kind: 'committed' })
    return slow(request)
  }
  const outcome = await clock.run(writer.committer.commit(sealed))
  expect(outcome.kind).toBe('committed')
  expect(writer.committer.trouble).toBeUndefined()
})

/** A store whose last commit was decided, and whose file is gone before it was published. */
async function lossyStore(clock: SimClock): Promise<SimStore> {
  const store = await filledStore(clock)
  const ending = new AbortController()
  const { lake, log, committer } = await startProcess(clock, store, {
    seed: 5,
    signal: ending.signal,
  })
  lake.publish = async () => {
    for (const path of stagedIn(store)) store.delete(path)
    return { kind: 'missing' }
  }
  const sealed = sealedCommit(log.nextCommitId(), 9, 12)
  await expect(clock.run(committer.commit(sealed))).rejects.toMatchObject({ code: 'LOG_FILE_GONE' })
  return store
}

const lostOf = async ({ lake, log }: Process): Promise<readonly LostFiles[]> =>
  lostByPartition(await findLost(lake, log))

async function giveUp(process: Process): Promise<readonly string[]> {
  const losses = await lostOf(process)
  const done = await giveUpLost(process, losses, 'the disk is gone')
  return done.map(({ kind }) => kind)
}

describe('rows whose file is gone', () => {
  test('are told with their number, and given up by an entry', async () => {
    const clock = new SimClock()
    const store = await lossyStore(clock)
    const process = await startProcess(clock, store, { seed: 6 })
    const [lost, ...others] = await lostOf(process)
    expect(others).toEqual([])
    expect(lost).toMatchObject({ stream, partitionPath: hour.path, rowCount: 8 })
    expect(await clock.run(giveUp(process))).toEqual(['given-up'])
    expectTidy(await clock.run(finish(clock, store)), store, 'given up')
    expect(await clock.run(giveUp(process))).toEqual([])
  })

  test('are none while a file stands in staging or at its place', async () => {
    const clock = new SimClock()
    const store = await filledStore(clock)
    const process = await startProcess(clock, store, { seed: 6 })
    expect(await lostOf(process)).toEqual([])
    // Decided and published, and the log does not know it yet.
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 9, 12))
    const other = await startProcess(clock, store, { seed: 7 })
    expect(other.log.state.unpublished.size).toBe(1)
    expect(await lostOf(other)).toEqual([])
  })

  test.each(moments)('fault %s at any call: the operator asks again', async (moment) => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await lossyStore(clock)
      const process = await startProcess(clock, store, { seed: 6 })
      process.lake.calls = 0
      process.lake.fault = { failAt, moment, lasting: 'once' }
      await clock.run(giveUp(process).catch(() => []))
      process.lake.settle()
      const again = await startProcess(clock, store, { seed: 7 })
      await clock.run(giveUp(again))
      expectTidy(await clock.run(finish(clock, store)), store, `failAt=${failAt}`)
      if (process.lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(6)
  })

  test('of a partition that the log does not know are not given up', async () => {
    const clock = new SimClock()
    const store = await filledStore(clock)
    const process = await startProcess(clock, store, { seed: 6 })
    const files = process.log.state.streams.get(stream)?.partitions.get(hour.path)?.files ?? []
    const lost = { stream: 'unknown', partitionPath: hour.path, files, rowCount: 9 }
    const [refused] = await giveUpLost(process, [lost], 'why not')
    expect(refused).toMatchObject({ kind: 'refused', because: expect.stringContaining('no such') })
  })
})

import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import { bringHome } from '../../../src/committer/way-home.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  coverage,
  expectCoveredOnce,
  expectPublishedExactly,
  expectSameState,
} from '../../support/log-oracle.ts'
import { appendDraft, sealedCommit, startRange, table } from '../../support/log-samples.ts'

const pipeline = 'growth'

interface Process {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly committer: Committer
}

async function startProcess(
  clock: SimClock,
  store: SimStore,
  options: { seed: number; signal?: AbortSignal },
): Promise<Process> {
  const lake = new SimLake({ clock, store })
  const random = new SimRandom(options.seed)
  const telemetry = new SimTelemetry()
  const { signal } = options
  const shared = { lake, pipeline, clock, random, telemetry, checkpointEvery: 2 }
  const all = signal === undefined ? shared : { ...shared, signal }
  const log = await openCommitLog(all)
  return { lake, log, committer: new Committer({ ...all, log }) }
}

/** A lake whose log knows where topic-partition 0 begins. */
async function startedStore(clock: SimClock): Promise<SimStore> {
  const store: SimStore = new Map()
  const { log } = await startProcess(clock, store, { seed: 1 })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  return store
}

const moments = ['before-effect', 'after-effect', 'lands-late'] as const
const codes = ['LAKE_UNAVAILABLE', 'LAKE_REFUSED'] as const

describe.each(moments)('commit, fault %s', (moment) => {
  test.each(codes)('ends right whichever single lake call fails with %s', async (code) => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await startedStore(clock)
      const { lake, log, committer } = await startProcess(clock, store, { seed: 2 })
      lake.calls = 0
      lake.fault = { failAt, moment, lasting: 'once', code }
      const twoCommits = async (): Promise<void> => {
        for (const [first, next] of [
          [0, 5],
          [5, 9],
        ] as const) {
          const outcome = await committer.commit(sealedCommit(log.nextCommitId(), first, next))
          expect(outcome.kind, `failAt=${failAt}`).toBe('committed')
        }
      }
      await clock.run(twoCommits())
      lake.settle()
      await clock.run(bringAllHome({ lake, log, committer }))
      expectExactlyOnce(store, `failAt=${failAt}`)
      expect(committer.trouble).toBeUndefined()
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(15)
  })

  test('killed with the lake down for ever, its successor finishes what was decided', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await startedStore(clock)
      const reached = await commitUntilKilled(clock, store, { failAt, moment, lasting: 'forever' })
      await clock.run(succeed(clock, store))
      expectExactlyOnce(store, `failAt=${failAt}`)
      const left = [...store.keys()].filter((path) => path.includes('/_staging/'))
      expect(left, `failAt=${failAt}`).toEqual([])
      if (!reached) break
    }
    expect(failAt).toBeGreaterThan(8)
  })
})

/** What a table refused is published and brought home by the next rounds of the daemon. */
async function bringAllHome({ lake, log, committer }: Process): Promise<void> {
  const { signal } = new AbortController()
  const options = { lake, log, committer, telemetry: new SimTelemetry(), signal }
  await committer.publishPending(durationMs(0))
  // The fault may come only here: then the next round does it.
  await bringHome(options).catch(() => bringHome(options))
  await committer.publishPending(durationMs(0))
}

/** @returns whether the fault was reached. */
async function commitUntilKilled(
  clock: SimClock,
  store: SimStore,
  fault: LakeFault,
): Promise<boolean> {
  const ending = new AbortController()
  const process = await startProcess(clock, store, { seed: 3, signal: ending.signal })
  const { lake, log, committer } = process
  lake.calls = 0
  lake.fault = fault
  const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
  const commit = committer.commit(sealedCommit(log.nextCommitId(), 0, 5))
  const ended = commit.then(
    () => 'committed',
    (error: unknown) => (error as { code?: string }).code,
  )
  const outcome = await clock.run(Promise.all([ended, killer]))
  expect(['committed', 'LAKE_UNAVAILABLE']).toContain(outcome[0])
  lake.settle()
  return lake.calls >= fault.failAt
}

/** What a new process does: publish what was decided, go on from where the log says, clean up. */
async function succeed(clock: SimClock, store: SimStore): Promise<void> {
  const { lake, log, committer } = await startProcess(clock, store, { seed: 4 })
  await committer.publishPending(durationMs(0))
  const known = judgeLog(store, pipeline)
  const from = coverage(known)['growth.events/0'] === '' ? 0 : 5
  const outcome = await committer.commit(sealedCommit(log.nextCommitId(), from, 9))
  expect(outcome.kind).toBe('committed')
  await log.put(appendDraft(log.nextCommitId()))
  const telemetry = new SimTelemetry()
  await cleanStaging({ lake, log, pipeline, tables: [table], telemetry })
  expect(log.state.unpublished.size).toBe(0)
}

function expectExactlyOnce(store: SimStore, message: string): void {
  const judged = judgeLog(store, pipeline)
  expect(
    judged.entries.filter(({ decided }) => !decided),
    message,
  ).toEqual([])
  expectCoveredOnce(judged, { 'growth.events/0': 9 })
  expectPublishedExactly(judged, store)
}

test('a reader that opens at a checkpoint comes to the state folded from the first entry', async () => {
  const clock = new SimClock()
  const store = await startedStore(clock)
  await clock.run(succeed(clock, store))
  expect([...store.keys()].some((path) => path.includes('/checkpoints/'))).toBe(true)
  const { log } = await startProcess(clock, store, { seed: 5 })
  expectSameState(log.state, judgeLog(store, pipeline).state)
})

/** Giving up a staged commit, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { encodeJournal } from '../../../src/codec/log/journal.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { forgetCommit, planForgetCommit } from '../../../src/committer/forget-commit.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import type { CommitId } from '../../../src/model/ids.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { journalPath, stagedPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import { appendDraft, nextOf, sampleRange, startRange, table } from '../../support/log-samples.ts'

const pipeline = 'growth'
const ranges = [sampleRange(0, 0, 5)]
const telemetry = new SimTelemetry()

const openLog = (clock: SimClock, lake: SimLake, seed: number, signal?: AbortSignal) => {
  const shared = { lake, pipeline, clock, random: new SimRandom(seed), telemetry }
  return openCommitLog(signal === undefined ? shared : { ...shared, signal })
}

interface Sleeper {
  readonly store: SimStore
  /** Of a writer that has staged and not put. */
  readonly log: CommitLog
  readonly commitId: CommitId
}

async function sleepingWriter(clock: SimClock): Promise<Sleeper> {
  const lake = new SimLake({ clock, store: new Map() })
  const log = await openLog(clock, lake, 1)
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  const commitId = log.nextCommitId()
  const journal = encodeJournal({ pipeline, commitId, ranges, files: [] })
  await lake.put(journalPath(pipeline, commitId, 'tables'), journal)
  await lake.put(stagedPath(table, { pipeline, commitId, ordinal: 0 }), Buffer.from('rows'))
  return { store: lake.store, log, commitId }
}

async function forget(log: CommitLog, lake: SimLake, commitId: CommitId): Promise<string> {
  const plan = await planForgetCommit({ lake, log, pipeline, tables: [table] }, commitId)
  if (plan.kind === 'refuse') return plan.because
  return (await forgetCommit(log, commitId, 'its topic is gone')).kind
}

const moments = ['before-effect', 'after-effect', 'lands-late'] as const
const lastings = ['once', 'forever'] as const
const cases = moments.flatMap((moment) => lastings.map((lasting) => ({ moment, lasting })))

describe.each(cases)('giving up a commit, calls fail $moment $lasting', ({ moment, lasting }) => {
  test('the operator asks again, and its writer can never decide it', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const sleeper = await sleepingWriter(clock)
      const { store, commitId } = sleeper
      const lake = new SimLake({ clock, store, fault: { failAt, moment, lasting } })
      const ending = new AbortController()
      const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
      const ended = openLog(clock, lake, 2, ending.signal)
        .then((log) => forget(log, lake, commitId))
        .catch(() => 'failed')
      await clock.run(Promise.all([ended, killer]))
      lake.settle()
      await expectGivenUp(clock, sleeper, `failAt=${failAt}`)
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(6)
  })
})

/** After one more try without faults, whatever the writer and a janitor do then. */
async function expectGivenUp(clock: SimClock, sleeper: Sleeper, message: string): Promise<void> {
  const { store, commitId } = sleeper
  const lake = new SimLake({ clock, store })
  const log = await openLog(clock, lake, 3)
  const said = await clock.run(forget(log, lake, commitId))
  expect(['decided', 'it can never be decided any more, "lakeward gc" removes it']).toContain(said)
  expect(log.state.forgotten, message).toContain(commitId)
  const late = await clock.run(sleeper.log.put(appendDraft(commitId, { ranges })))
  expect(late.kind, message).not.toBe('decided')
  await clock.run(cleanStaging({ lake, log, pipeline, tables: [table], telemetry }))
  const staged = [...store.keys()].filter((path) => path.includes('/_staging/'))
  expect(staged, message).toEqual([])
  expect(nextOf(log), message).toBe(0n)
  expectSameState(log.state, judgeLog(store, pipeline).state)
}

/**
 * Who cleans staging while somebody else commits: before any call of the commit, slow at any call
 * of its own, and with a second one behind it, at any later moment.
 */
import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectCoveredOnce, expectPublishedExactly } from '../../support/log-oracle.ts'
import { appendDraft, sealedCommit, startRange, table } from '../../support/log-samples.ts'

const pipeline = 'growth'
/** Of one call of the commit: the cleaners' calls take next to nothing, but for a slow one. */
const stepMs = 100

interface Writer {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly telemetry: SimTelemetry
}

interface Beside {
  readonly kind: 'file' | 's3' | 'hdfs'
  /** Call of the commit that the first cleaner begins before. */
  readonly firstAt: number
  /** Its call that ends before a later one of the commit, and which. */
  readonly slowCall: number
  readonly slowUntil: number
  /** Call of the commit that the second cleaner runs before. */
  readonly secondAt: number
}

interface Seen {
  removed: number
  commitCalls: number
  cleanerCalls: number
}

async function commitBeside(clock: SimClock, beside: Beside, seen: Seen): Promise<void> {
  const store: SimStore = new Map()
  const open = async (seed: number, latencyMs: (call: number) => number): Promise<Writer> => {
    let isStarted = false
    const lake: SimLake = new SimLake({
      kind: beside.kind,
      clock,
      store,
      latencyMs: () => (isStarted ? latencyMs(lake.calls) : 0),
    })
    const random = new SimRandom(seed)
    const telemetry = new SimTelemetry()
    const log = await openCommitLog({ lake, pipeline, clock, random, telemetry })
    isStarted = true
    lake.calls = 0
    return { lake, log, telemetry }
  }
  const writer = await open(1, () => stepMs / 2)
  await writer.log.put(appendDraft(writer.log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  writer.lake.calls = 0
  // A cleaner that is begun late has its slow call end where it would have been: at once.
  const pauseMs = Math.max(0, beside.slowUntil - beside.firstAt) * stepMs
  const first = await open(2, (call) => (call === beside.slowCall ? pauseMs / 2 : 0))
  const second = await open(3, () => 0)

  const shared = { ...writer, pipeline, clock, random: new SimRandom(4) }
  const committing = new Committer(shared).commit(sealedCommit(writer.log.nextCommitId(), 0, 6))
  const cleaning = async ({ log, lake, telemetry }: Writer, at: number): Promise<void> => {
    await clock.sleep(durationMs(at * stepMs + stepMs / 4))
    const tables = [table]
    seen.removed += (await cleanStaging({ lake, log, pipeline, tables, telemetry })).removedObjects
  }
  const all = [committing, cleaning(first, beside.firstAt), cleaning(second, beside.secondAt)]
  const [outcome] = await Promise.all(all)
  expect(outcome).toMatchObject({ kind: 'committed' })
  seen.commitCalls = Math.max(seen.commitCalls, writer.lake.calls)
  seen.cleanerCalls = Math.max(seen.cleanerCalls, first.lake.calls)
  const judged = judgeLog(store, pipeline)
  expectCoveredOnce(judged, { 'growth.events/0': 6 })
  expectPublishedExactly(judged, store)
}

test.each(['file', 's3', 'hdfs'] as const)(
  'cleaning beside a commit takes nothing of it away, on %s',
  async (kind) => {
    const [callsMax, slowCallsMax] = [9, 9]
    const seen: Seen = { removed: 0, commitCalls: 0, cleanerCalls: 0 }
    for (let firstAt = 0; firstAt < callsMax; firstAt++) {
      for (let slowCall = 1; slowCall <= slowCallsMax; slowCall++) {
        for (let slowUntil = firstAt + 1; slowUntil <= callsMax; slowUntil++) {
          for (let secondAt = slowUntil; secondAt <= callsMax; secondAt++) {
            const beside = { kind, firstAt, slowCall, slowUntil, secondAt }
            const clock = new SimClock()
            await clock.run(commitBeside(clock, beside, seen)).catch((error: unknown) => {
              throw new Error(JSON.stringify(beside), { cause: error })
            })
          }
        }
      }
    }
    // Every call of both was one to be late at, and there was something to be taken for dead.
    expect(seen.commitCalls).toBeLessThanOrEqual(callsMax)
    expect(seen.commitCalls).toBeGreaterThan(3)
    expect(seen.cleanerCalls).toBeLessThanOrEqual(slowCallsMax)
    if (kind === 'file') expect(seen.removed).toBeGreaterThan(0)
  },
)

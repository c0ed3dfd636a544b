/** An operator's word on where to read on, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { type MoveOutcome, moveSources } from '../../../src/committer/move-sources.ts'
import { type NextOffset, nextOffset, offset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import type { LanePositions } from '../../../src/protocol/source-judgement.ts'
import { planAccept, planReset, type SourcePlan } from '../../../src/protocol/source-plan.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import {
  appendDraft,
  lane,
  nextOf,
  sampleRange,
  sampleSource,
  startRange,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const source = sampleSource(0)
/** The brokers hold [100, 130) by now: what was committed up to 5 goes on at 100. */
const parts = [
  { source, earliest: offset(100n), end: nextOffset(130n), epochEnd: undefined },
] as const
const goal = nextOffset(100n)

const questionOf = (positions: LanePositions) => {
  return { lane, positions, topic: source.topic, partition: undefined, parts }
}
const plans = {
  accept: (positions: LanePositions): SourcePlan => planAccept(questionOf(positions)),
  reset: (positions: LanePositions): SourcePlan =>
    planReset(questionOf(positions), new Map([[sourceKey(source), goal]])),
}
type Action = keyof typeof plans

const openLog = (clock: SimClock, lake: SimLake, seed: number, signal?: AbortSignal) => {
  const shared = { lake, pipeline, clock, random: new SimRandom(seed) }
  const options = { ...shared, telemetry: new SimTelemetry() }
  return openCommitLog(signal === undefined ? options : { ...options, signal })
}

interface Committed {
  readonly store: SimStore
  /** Of the daemon that has read up to 5, and has staged what comes next. */
  readonly log: CommitLog
}

async function committed(clock: SimClock): Promise<Committed> {
  const lake = new SimLake({ clock, store: new Map() })
  const log = await openLog(clock, lake, 1)
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  await log.put(appendDraft(log.nextCommitId(), { ranges: [sampleRange(0, 0, 5)] }))
  return { store: lake.store, log }
}

const say = (log: CommitLog, action: Action): Promise<MoveOutcome> =>
  moveSources(log, {
    action,
    why: 'retention was faster',
    lane,
    decide: (positions) => {
      const plan = plans[action](positions)
      return Promise.resolve(plan.kind === 'moves' ? plan.moves : [])
    },
  })

const moments = ['before-effect', 'after-effect', 'lands-late'] as const
const lastings = ['once', 'forever'] as const
const actions = ['accept', 'reset'] as const
const cases = actions.flatMap((action) =>
  moments.flatMap((moment) => lastings.map((lasting) => ({ action, moment, lasting }))),
)

describe.each(cases)('source $action, calls fail $moment $lasting', (one) => {
  const { action, moment, lasting } = one

  test('moves the position once, and what was staged before is void', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const daemon = await committed(clock)
      const lake = new SimLake({ clock, store: daemon.store, fault: { failAt, moment, lasting } })
      const ending = new AbortController()
      const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
      const ended = openLog(clock, lake, 2, ending.signal)
        .then((log) => say(log, action))
        .catch(() => undefined)
      await clock.run(Promise.all([ended, killer]))
      lake.settle()
      await expectMovedOnce(clock, daemon, action, `failAt=${failAt}`)
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(6)
  })
})

/** After one more try without faults, whatever the daemon does then. */
async function expectMovedOnce(
  clock: SimClock,
  daemon: Committed,
  action: Action,
  message: string,
): Promise<void> {
  const { store } = daemon
  const log = await openLog(clock, new SimLake({ clock, store }), 3)
  const again = await clock.run(say(log, action))
  expect(['moved', 'nothing'], message).toContain(again.kind)
  // Staged before it was moved, and covering what nobody can read any more.
  const ranges = [sampleRange(0, 5, 9)]
  const late = await clock.run(daemon.log.put(appendDraft(daemon.log.nextCommitId(), { ranges })))
  expect(late.kind, message).toBe('discarded')
  await log.refresh()
  expect(nextOf(log), message).toBe(goal satisfies NextOffset)
  const judged = judgeLog(store, pipeline)
  const words = judged.entries.filter(({ entry, decided }) => decided && entry.kind === 'source')
  expect(words, message).toHaveLength(1)
  expect(words[0]?.entry, message).toMatchObject({ action, why: 'retention was faster' })
  const position = judged.state.positions.get(lane)?.get(sourceKey(source))
  expect(position, message).toMatchObject({ resetEpoch: 1, next: goal })
  expectSameState(log.state, judged.state)
}

describe('an operator beside a daemon that commits', () => {
  test('is asked again over what the daemon committed', async () => {
    const clock = new SimClock()
    const daemon = await committed(clock)
    const log = await openLog(clock, new SimLake({ clock, store: daemon.store }), 2)
    const seen: (bigint | undefined)[] = []
    const outcome = await clock.run(
      moveSources(log, {
        action: 'accept',
        why: 'retention was faster',
        lane,
        decide: async (positions) => {
          const known = positions.get(sourceKey(source))?.next
          seen.push(known)
          const ranges = [sampleRange(0, 5, 9)]
          const draft = appendDraft(daemon.log.nextCommitId(), { ranges })
          if (known === 5n) await daemon.log.put(draft)
          const plan = plans.accept(positions)
          return plan.kind === 'moves' ? plan.moves : []
        },
      }),
    )
    expect(outcome.kind).toBe('moved')
    expect(seen).toEqual([5n, 9n])
    expect(nextOf(log)).toBe(goal)
  })

  test('gives up where the log moves on each time', async () => {
    const clock = new SimClock()
    const daemon = await committed(clock)
    const log = await openLog(clock, new SimLake({ clock, store: daemon.store }), 2)
    let asked = 0
    const outcome = await clock.run(
      moveSources(log, {
        action: 'accept',
        why: 'retention was faster',
        lane,
        decide: async (positions) => {
          const ranges = [sampleRange(0, 5 + asked, 6 + asked)]
          await daemon.log.put(appendDraft(daemon.log.nextCommitId(), { ranges }))
          asked += 1
          const plan = plans.accept(positions)
          return plan.kind === 'moves' ? plan.moves : []
        },
      }),
    )
    expect(outcome).toEqual({ kind: 'overtaken' })
    expect(asked).toBe(20)
  })
})

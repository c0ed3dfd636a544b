/** Stepping over an unreadable entry, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { planStepOver, stepOver } from '../../../src/committer/step-over.ts'
import { entryPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import { appendDraft, nextOf, sampleRange, startRange } from '../../support/log-samples.ts'

const pipeline = 'growth'

function optionsOf(clock: SimClock, lake: SimLake, seed: number, signal?: AbortSignal) {
  const random = new SimRandom(seed)
  const shared = { lake, pipeline, clock, random, telemetry: new SimTelemetry() }
  return signal === undefined ? shared : { ...shared, signal }
}

/** Entries 0 to 3, of which 2 is torn. */
async function tornStore(clock: SimClock): Promise<SimStore> {
  const lake = new SimLake({ clock, store: new Map() })
  const log = await openCommitLog(optionsOf(clock, lake, 1))
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  for (let at = 0; at < 3; at++) {
    const ranges = [sampleRange(0, at, at + 1)]
    await log.put(appendDraft(log.nextCommitId(), { ranges }))
  }
  await lake.put(entryPath(pipeline, 2), Buffer.from('{"torn'))
  return lake.store
}

async function repair(clock: SimClock, lake: SimLake, seed: number, signal?: AbortSignal) {
  const options = optionsOf(clock, lake, seed, signal)
  const plan = await planStepOver(options, [2])
  if (plan.kind !== 'step-over') return plan.kind
  return (await stepOver(options, plan.unreadable, 'the disk lost it'))?.kind
}

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('stepping over an entry, fault %s', (moment) => {
  test('fails once at any call: the operator asks again, and the log goes on', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await tornStore(clock)
      const lake = new SimLake({ clock, store, fault: { failAt, moment, lasting: 'once' } })
      await clock.run(repair(clock, lake, 2)).catch(() => 'failed')
      lake.settle()
      await expectMended(clock, store, `failAt=${failAt}`)
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(10)
  })

  test('killed with the lake down for ever: the next operator brings it to its end', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await tornStore(clock)
      const lake = new SimLake({ clock, store, fault: { failAt, moment, lasting: 'forever' } })
      const ending = new AbortController()
      const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
      const ended = repair(clock, lake, 2, ending.signal).catch(() => 'failed')
      await clock.run(Promise.all([ended, killer]))
      lake.settle()
      await expectMended(clock, store, `failAt=${failAt}`)
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(10)
  })
})

/** After one more try without faults: the log can be read, by a judge and by everybody. */
async function expectMended(clock: SimClock, store: SimStore, message: string): Promise<void> {
  const lake = new SimLake({ clock, store })
  expect(['decided', 'done'], message).toContain(await clock.run(repair(clock, lake, 3)))
  const log = await openCommitLog(optionsOf(clock, lake, 4))
  expect(log.state.steppedOver, message).toEqual([2])
  expect(nextOf(log), message).toBe(1n)
  const ranges = [sampleRange(0, 1, 9)]
  const outcome = await log.put(appendDraft(log.nextCommitId(), { ranges }))
  expect(outcome.kind, message).toBe('decided')
  expectSameState(log.state, judgeLog(store, pipeline).state)
}

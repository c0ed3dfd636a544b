/** Putting a configuration into force, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { type AdoptOutcome, adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'

const pipeline = 'growth'
const streams = [{ name: 'events', table: 'events', topics: ['events'] }]
const proposal = { checksum: 'of-this-file', streams }
const triesMax = 10

interface Host {
  readonly lake: SimLake
  readonly adopted: Promise<AdoptOutcome>
}

/** Begins at once, and again after a fault, as a daemon that starts. */
function startHost(clock: SimClock, store: SimStore, seed: number, fault?: LakeFault): Host {
  const lake = new SimLake({ clock, store, ...(fault && { fault }) })
  const around = { lake, pipeline, clock, random: new SimRandom(seed) }
  const begin = async (): Promise<AdoptOutcome> => {
    const log = await openCommitLog({ ...around, telemetry: new SimTelemetry() })
    return await adoptOrPutConfig(log, proposal)
  }
  const untilDone = async (): Promise<AdoptOutcome> => {
    for (let tries = 1; ; tries++) {
      try {
        return await begin()
      } catch (error) {
        if (!isFault(error, 'LAKE_UNAVAILABLE') || tries === triesMax) throw error
        await clock.sleep(durationMs(1_000))
      }
    }
  }
  return { lake, adopted: untilDone() }
}

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('a configuration, calls fail %s', (moment) => {
  test('is in force for two hosts that start together, and nobody is told of another', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const [clock, store] = [new SimClock(), new Map() as SimStore]
      const first = startHost(clock, store, 1, { failAt, moment, lasting: 'once' })
      const second = startHost(clock, store, 2)
      const outcomes = await clock.run(Promise.all([first.adopted, second.adopted]))
      first.lake.settle()
      for (const { kind } of outcomes)
        expect(['put', 'adopted'], `failAt=${failAt}`).toContain(kind)
      const { state } = judgeLog(store, pipeline)
      expect(state.config, `failAt=${failAt}`).toMatchObject({
        version: 1,
        checksum: 'of-this-file',
      })
      if (first.lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(5)
  })
})

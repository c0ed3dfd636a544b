/** Many writers on one log, in simulated time: what their commits take, and what they lose. */
import { durationMs } from '../../src/base/time.ts'
import type { Random } from '../../src/ports/random.ts'
import type { Telemetry } from '../../src/ports/telemetry.ts'
import { SimClock } from '../../test/sim/clock.ts'
import { SimRandom } from '../../test/sim/random.ts'
import { type CallTimes, Shelf, TimedLake } from './timed-lake.ts'
import { runWriter } from './writer.ts'

export interface ContentionPlan {
  readonly writerCount: number
  readonly startMs: number
  readonly hours: number
  readonly intervalMs: number
  readonly times: CallTimes
  readonly seed: number
  /** False: each writer is told the same by chance, and all commit at the same moment. */
  readonly isJittered: boolean
  readonly announces: boolean
}

export interface ContentionFigures {
  /** Each from the fold before the seal to the published file. */
  readonly commitSeconds: readonly number[]
  readonly discarded: number
  readonly announcements: number
  readonly entries: number
  /** Puts that found another's entry, whoever's and of whatever kind. */
  readonly racesLost: number
  readonly lakeCalls: number
}

/** Starts all writers at the same moment: a supervisor does, and a lake that was down. */
export async function measureContention(plan: ContentionPlan): Promise<ContentionFigures> {
  const clock = new SimClock(plan.startMs)
  const shelf = new Shelf()
  const seen = new Seen()
  const ending = new AbortController()
  const chance = new SimRandom(plan.seed)
  const writers = Array.from({ length: plan.writerCount }, (_, index) => {
    const drawn = new SimRandom(chance.below(2 ** 32))
    const random = plan.isJittered ? drawn : withoutFractions(drawn)
    const lake = new TimedLake(shelf, { clock, random: chance }, plan.times)
    const ports = { lake, clock, random, telemetry: seen.telemetry }
    const { writerCount, intervalMs, announces } = plan
    return runWriter({ index, writerCount, intervalMs, announces }, ports, ending.signal)
  })
  const all = Promise.all(writers)
  const lived = clock.sleep(durationMs(plan.hours * 3_600_000)).then(() => {
    ending.abort()
    return all
  })
  await clock.run(Promise.race([lived, all]))
  const { commitSeconds, discarded, announcements } = seen
  const { entries, racesLost, calls: lakeCalls } = shelf
  return { commitSeconds, discarded, announcements, entries, racesLost, lakeCalls }
}

const withoutFractions = (random: SimRandom): Random => ({
  bytes: (count) => random.bytes(count),
  fraction: () => 0.5,
})

/** What the writers tell, of all that they tell. */
class Seen {
  readonly commitSeconds: number[] = []
  discarded = 0
  announcements = 0
  readonly telemetry: Telemetry = {
    log: {
      error: (event) => {
        throw new Error(`a writer says "${event}"`)
      },
      warn: () => {},
      info: (event) => {
        if (event === 'partition-announced') this.announcements += 1
      },
    },
    metrics: {
      count: (name, amount, labels) => {
        if (name !== 'lakeward_commits_total' || labels?.['outcome'] === 'committed') return
        this.discarded += amount
      },
      gauge: () => {},
      observe: (name, value) => {
        if (name === 'lakeward_commit_duration_seconds') this.commitSeconds.push(value)
      },
    },
  }
}

/** What a start reads does not grow with the age of the log. */
import { describe, expect, test } from 'vitest'
import { commitForReal } from '../../../bench/recovery/committed-log.ts'
import { countingLake, type LakeCalls } from '../../../bench/recovery/counting-lake.ts'
import { makeOldLog } from '../../../bench/recovery/old-log.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import { parseCheckpointPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { expectSameState } from '../../support/log-oracle.ts'

const pipeline = 'growth'
const readsMax = 20

async function start(store: SimLake['store']): Promise<{ state: FoldState; calls: LakeCalls }> {
  const clock = new SimClock()
  const { lake, calls } = countingLake(new SimLake({ store, clock }))
  const telemetry = new SimTelemetry()
  const random = new SimRandom(9)
  const log = await openCommitLog({ lake, pipeline, clock, random, telemetry })
  return { state: log.state, calls }
}

const checkpointBytes = ({ store }: SimLake): number =>
  Math.max(
    ...[...store].map(([path, { body }]) =>
      parseCheckpointPath(path) === undefined ? 0 : body.byteLength,
    ),
  )

describe('a start', () => {
  test('reads as much of a log that was committed, closed and trimmed for long as of a young one', async () => {
    const sizes: number[] = []
    for (const commitCount of [40, 240]) {
      const lake = new SimLake()
      await commitForReal(lake, { pipeline, commitCount })
      const { calls } = await start(lake.store)
      expect(calls.reads.length, `${commitCount} commits`).toBeLessThanOrEqual(readsMax)
      expect(new Set(calls.lists)).toEqual(new Set([`_lakeward/${pipeline}/checkpoints`]))
      const entries = [...lake.store.keys()].filter((path) => path.includes('/log/'))
      expect(entries.length).toBeLessThan(30)
      sizes.push(checkpointBytes(lake))
    }
    const [young = 0, old = 0] = sizes
    expect(old).toBeLessThan(young * 1.5)
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'comes to the state that was folded, with %i more entries than a multiple of eight',
    async (more) => {
      const lake = new SimLake()
      const shape = { pipeline, commitCount: 600 + more, streamCount: 3, checkpointEvery: 8 }
      const made = await makeOldLog(lake, shape)
      const { state, calls } = await start(lake.store)
      expectSameState(state, made.state)
      expect(calls.reads.length).toBeLessThanOrEqual(readsMax)
    },
  )
})

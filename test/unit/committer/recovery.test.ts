/** What a start reads does not grow with the age of the log. */
import { dirname } from 'node:path/posix'
import { describe, expect, onTestFinished, test } from 'vitest'
import { commitForReal } from '../../../bench/recovery/committed-log.ts'
import { countingLake, type LakeCalls } from '../../../bench/recovery/counting-lake.ts'
import { makeOldLog } from '../../../bench/recovery/old-log.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { Lake } from '../../../src/ports/lake.ts'
import { parseCheckpointPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { FakeS3 } from '../../support/fake-s3.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import { knowAsConditional, openTestS3Lake, s3Settings } from '../../support/s3-lakes.ts'

const pipeline = 'growth'
const readsMax = 20

async function start(store: SimLake['store']): Promise<{ state: FoldState; calls: LakeCalls }> {
  const { lake, calls } = countingLake(new SimLake({ store, clock: new SimClock() }))
  return { state: await stateOf(lake), calls }
}

async function stateOf(lake: Lake): Promise<FoldState> {
  const clock = new SimClock()
  const telemetry = new SimTelemetry()
  const random = new SimRandom(9)
  const log = await openCommitLog({ lake, pipeline, clock, random, telemetry })
  return log.state
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

  test('costs an S3 server no more: objects asked for, folders listed, as they went over the wire', async () => {
    const fake = await FakeS3.start()
    onTestFinished(() => fake.close())
    const settings = s3Settings(fake.endpoint, fake.bucket, 'lake')
    knowAsConditional(fake, 'lake')
    const shape = { pipeline, commitCount: 603, streamCount: 3, checkpointEvery: 8 }
    const made = await makeOldLog(openTestS3Lake(settings), shape)
    const before = fake.requests.length
    expectSameState(await stateOf(openTestS3Lake(settings)), made.state)
    const asked = fake.requests.slice(before)
    const objects = asked.filter(({ method, key }) => /GET|HEAD/.test(method) && key !== '')
    expect(objects.length).toBeGreaterThan(2)
    expect(objects.length).toBeLessThanOrEqual(readsMax)
    const prefixes = asked.filter(({ key }) => key === '').map(({ query }) => query.get('prefix'))
    expect(new Set(prefixes)).toEqual(new Set([`lake/_lakeward/${pipeline}/checkpoints/`]))
    // The question what time the lake has is a put.
    const others = asked.filter((request) => !objects.includes(request) && request.key !== '')
    expect(others.map(({ key }) => dirname(key))).toEqual([`lake/_lakeward/${pipeline}/clock`])
  })
})

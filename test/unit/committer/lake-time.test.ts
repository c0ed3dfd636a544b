import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { LakeTime } from '../../../src/committer/lake-time.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'

/** The simulated lake's clock is this far behind everybody's. */
const behindMs = 600_000

const note = Buffer.from('note')

test('a slow answer leaves the reading behind the lake’s clock, never ahead of it', async () => {
  const clock = new SimClock()
  const lake = new SimLake({ clock, latencyMs: () => 5_000 })
  const time = new LakeTime(lake, clock, 'clock/a', note)
  await clock.run(time.read())
  const lakeNowMs = clock.nowMs() - behindMs
  expect(time.nowMs()).toBe(lakeNowMs - 5_000)
  await clock.run(clock.sleep(durationMs(1_000)))
  expect(time.nowMs()).toBe(lakeNowMs - 4_000)
})

test('a reading is taken again after five minutes, and not before', async () => {
  const clock = new SimClock()
  const lake = new SimLake({ clock })
  const time = new LakeTime(lake, clock, 'clock/a', note)
  await time.readIfOld()
  await clock.run(clock.sleep(durationMs(300_000)))
  await time.readIfOld()
  expect(lake.calls).toBe(1)
  await clock.run(clock.sleep(durationMs(1)))
  await time.readIfOld()
  expect(lake.calls).toBe(2)
})

test('who never read the lake’s clock is told the machine’s', () => {
  const clock = new SimClock()
  expect(new LakeTime(new SimLake({ clock }), clock, 'clock/a', note).nowMs()).toBe(clock.nowMs())
})

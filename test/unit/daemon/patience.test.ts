import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { doneWithin } from '../../../src/daemon/patience.ts'
import { SimClock } from '../../sim/clock.ts'

const span = durationMs(1_000)

test('what is done in time is done, and leaves no timer', async () => {
  const clock = new SimClock()
  expect(await clock.run(doneWithin(clock, span, clock.sleep(durationMs(999))))).toBe(true)
  const idle = clock.run(new Promise(() => {}))
  await expect(idle).rejects.toThrow('deadlock')
})

test('what takes longer is not waited for', async () => {
  const clock = new SimClock()
  expect(await clock.run(doneWithin(clock, span, new Promise(() => {})))).toBe(false)
  expect(clock.monotonicMs()).toBe(1_000)
})

test('what fails in time is thrown, what fails later is nobody’s', async () => {
  const clock = new SimClock()
  const failing = async (afterMs: number): Promise<void> => {
    await clock.sleep(durationMs(afterMs))
    throw new Error('refused')
  }
  const early = doneWithin(clock, span, failing(10))
  early.catch(() => {})
  await expect(clock.run(early)).rejects.toThrow('refused')
  expect(await clock.run(doneWithin(clock, span, failing(5_000)))).toBe(false)
  await clock.run(clock.sleep(durationMs(10_000)))
})

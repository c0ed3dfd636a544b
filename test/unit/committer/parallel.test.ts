import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { inParallel } from '../../../src/committer/parallel.ts'
import { SimClock } from '../../sim/clock.ts'

test('results come in the items’ order, and no more are under way than allowed', async () => {
  const clock = new SimClock()
  let [underWay, most] = [0, 0]
  const effect = async (item: number): Promise<number> => {
    most = Math.max(most, ++underWay)
    await clock.sleep(durationMs(100 - item))
    underWay--
    return item * 2
  }
  const items = Array.from({ length: 50 }, (_, item) => item)
  expect(await clock.run(inParallel(items, 8, effect))).toEqual(items.map((item) => item * 2))
  expect(most).toBe(8)
})

test('after a failure nothing is begun, and what was begun has ended', async () => {
  const clock = new SimClock()
  const ended: number[] = []
  const effect = async (item: number): Promise<void> => {
    await clock.sleep(durationMs(item === 1 ? 10 : 1_000))
    if (item === 1) throw new Error('refused')
    ended.push(item)
  }
  const all = inParallel([0, 1, 2, 3, 4, 5], 3, effect)
  await expect(clock.run(all)).rejects.toThrow('refused')
  expect(ended).toEqual([0, 2])
})

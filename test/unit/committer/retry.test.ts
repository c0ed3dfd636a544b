import { expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { untilAnswered } from '../../../src/committer/retry.ts'
import { Troubles } from '../../../src/committer/troubles.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimRandom } from '../../sim/random.ts'

const down = (): Fault =>
  new Fault('LAKE_UNAVAILABLE', { operation: 'put', path: 'x', reason: 'down' })
const context = (signal?: AbortSignal) => ({
  clock: new SimClock(),
  random: new SimRandom(1),
  troubles: new Troubles(),
  signal,
})

test('pauses grow to half a minute and no further, and an answer ends the trouble', async () => {
  const with_ = context()
  const askedAtMs: number[] = []
  const effect = async (): Promise<string> => {
    askedAtMs.push(with_.clock.monotonicMs())
    if (askedAtMs.length < 30) throw down()
    expect(with_.troubles.any).toMatchObject({ code: 'LAKE_UNAVAILABLE' })
    return 'answer'
  }
  expect(await with_.clock.run(untilAnswered(with_, effect))).toBe('answer')
  const pauses = askedAtMs.slice(1).map((at, index) => at - (askedAtMs[index] ?? 0))
  expect(pauses[0]).toBeLessThanOrEqual(100)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000)
  expect(Math.min(...pauses.slice(-10))).toBeGreaterThanOrEqual(15_000)
  expect(with_.troubles.any).toBeUndefined()
})

test('what would fail again is not tried again', async () => {
  const with_ = context()
  let asked = 0
  const unreadable = new Fault('LOG_ENTRY_UNREADABLE', { path: 'x', reason: 'torn' })
  const effect = (): Promise<void> => {
    asked++
    return Promise.reject(unreadable)
  }
  await expect(with_.clock.run(untilAnswered(with_, effect))).rejects.toBe(unreadable)
  expect(asked).toBe(1)
})

test('a process that must end gets the fault, not another try', async () => {
  const ending = new AbortController()
  const with_ = context(ending.signal)
  let asked = 0
  const effect = (): Promise<void> => {
    asked++
    if (asked === 3) ending.abort()
    return Promise.reject(down())
  }
  await expect(with_.clock.run(untilAnswered(with_, effect))).rejects.toMatchObject({
    code: 'LAKE_UNAVAILABLE',
  })
  expect(asked).toBe(3)
})

import { expect, test } from 'vitest'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'
import { durationMs } from '../../../../src/base/time.ts'

test('a sleep is never shorter than asked for', async () => {
  const clock = new SystemClock()
  const startedMs = clock.monotonicMs()
  await clock.sleep(durationMs(25))
  expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(25)
})

test('a sleep longer than a timer can count ends when its signal says so, and never rejects', async () => {
  const clock = new SystemClock()
  const ending = new AbortController()
  const sleeping = clock.sleep(durationMs(2 ** 40), ending.signal)
  ending.abort()
  await expect(sleeping).resolves.toBeUndefined()
  await expect(clock.sleep(durationMs(2 ** 40), ending.signal)).resolves.toBeUndefined()
})

test('a sleep of nothing lets others have their turn first', async () => {
  const order: string[] = []
  const other = new Promise<void>((resolve) => {
    setImmediate(() => {
      order.push('other')
      resolve()
    })
  })
  await new SystemClock().sleep(durationMs(0))
  order.push('sleeper')
  await other
  expect(order).toEqual(['other', 'sleeper'])
})

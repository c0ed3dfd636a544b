import { describe, expect, test, vi } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import type { Notifier } from '../../../src/ports/notifier.ts'
import { SuccessFile } from '../../../src/readiness/success-file.ts'
import { SimLake } from '../../sim/lake.ts'
import { announced, begin, deadlineMs, running, second } from '../../support/outbox-world.ts'

vi.setConfig({ testTimeout: 60_000 })

describe('a target that can be read back', () => {
  const success = 'ods_app_events/dt=2026-11-20/hour=13/_SUCCESS'
  const setUp = async () => {
    const sim = begin()
    const daemon = await announced(sim, ['success-file'])
    return { sim, daemon, ...running(daemon, [new SuccessFile('success-file', daemon.lake)]) }
  }

  test('has everything at once, and is acknowledged after the deadline only', async () => {
    const { sim, daemon, pass, end } = await setUp()
    await pass(2 * second)
    expect(sim.paths('ods_').filter((path) => path.endsWith('_SUCCESS'))).toHaveLength(4)
    expect(JSON.parse(sim.textAt(success))).toMatchObject({ revision: 1, rows: 4 })
    await pass(57 * second)
    expect(daemon.log.state.undelivered).toHaveLength(4)
    await pass(4 * second)
    expect(daemon.log.state.undelivered).toEqual([])
    await end()
  })

  test('gets the announcement again when it does not show it', async () => {
    const { sim, daemon, pass, end } = await setUp()
    await pass(30 * second)
    sim.store.delete(success)
    await pass(33 * second)
    expect(sim.store.has(success)).toBe(true)
    await pass(70 * second)
    expect(daemon.log.state.undelivered).toEqual([])
    await end()
  })
})

test('a target that cannot be read back for a while is asked again with growing pauses', async () => {
  const sim = begin()
  const daemon = await announced(sim, ['a'])
  let asked = 0
  let answers = false
  const receiver: Notifier = {
    target: 'a',
    readable: true,
    deliver: () => Promise.resolve(),
    close: async () => {},
    readBack: async () => {
      asked += 1
      await Promise.resolve()
      if (answers) return true
      throw new Fault('NOTIFY_FAILED', { target: 'a', manifestId: 'any', reason: 'no answer' })
    },
  }
  const { pass, end } = running(daemon, [receiver])
  await pass(120 * second)
  expect(asked).toBeGreaterThan(4)
  expect(asked).toBeLessThan(40)
  expect(daemon.log.state.undelivered).toHaveLength(4)
  answers = true
  await pass(120 * second)
  expect(daemon.log.state.undelivered).toEqual([])
  await end()
})

test('a target whose calls linger is asked when none of an older revision can land any more', async () => {
  const sim = begin()
  const daemon = await announced(sim, ['a'])
  const sinceMs = sim.clock.monotonicMs()
  const lingersMs = durationMs(30 * second)
  const askedMs: number[] = []
  const receiver: Notifier = {
    target: 'a',
    readable: true,
    lingersMs,
    deliver: () => Promise.resolve(),
    close: async () => {},
    readBack: async () => {
      askedMs.push(sim.clock.monotonicMs() - sinceMs)
      return true
    },
  }
  const { pass, end } = running(daemon, [receiver])
  await pass(deadlineMs + lingersMs - second)
  expect(askedMs).toEqual([])
  expect(daemon.log.state.undelivered).toHaveLength(4)
  await pass(10 * second)
  expect(askedMs).toHaveLength(4)
  expect(daemon.log.state.undelivered).toEqual([])
  await end()
})

test('a success file never replaces a newer revision, and replaces what is not ours', async () => {
  const sim = begin()
  const daemon = await announced(sim, ['success-file'])
  const [waiting] = daemon.log.state.undelivered
  if (waiting === undefined) throw new Error('nothing was announced')
  const file = new SuccessFile('success-file', daemon.lake)
  const path = 'ods_app_events/dt=2026-11-20/hour=12/_SUCCESS'
  const { signal } = new AbortController()
  const holds = (text: string) =>
    sim.store.set(path, { body: new TextEncoder().encode(text), modifiedMs: 0 })
  for (const foreign of ['', 'null', '{"revision":"9"}', 'done']) {
    holds(foreign)
    expect(await file.readBack(waiting.manifest)).toBe(false)
  }
  holds('{"revision":2}')
  await file.deliver(waiting.manifest, signal)
  expect(sim.textAt(path)).toBe('{"revision":2}')
  expect(await file.readBack(waiting.manifest)).toBe(true)
  holds('')
  await file.deliver(waiting.manifest, AbortSignal.abort())
  expect(sim.textAt(path)).toBe('')
  await file.deliver(waiting.manifest, signal)
  expect(await file.readBack(waiting.manifest)).toBe(true)
})

test('a success file that is given up while the lake is slow is not written later', async () => {
  const sim = begin()
  const daemon = await announced(sim, ['success-file'])
  const [waiting] = daemon.log.state.undelivered
  if (waiting === undefined) throw new Error('nothing was announced')
  const latencyMs = (operation: string): number => (operation === 'put' ? 5 * second : 1)
  const lake = new SimLake({ store: sim.store, clock: sim.clock, latencyMs })
  const file = new SuccessFile('success-file', lake)
  expect(file.lingersMs).toBe(lake.lingersMs)
  const giving = new AbortController()
  const delivery = expect(file.deliver(waiting.manifest, giving.signal)).rejects.toThrow('given up')
  await sim.clock.run(sim.clock.sleep(durationMs(second)))
  giving.abort()
  await sim.clock.run(delivery)
  expect(sim.paths('ods_app_events').filter((path) => path.endsWith('_SUCCESS'))).toEqual([])
})

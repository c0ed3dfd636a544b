import { describe, expect, test, vi } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { deliveryOf } from '../../../src/readiness/delivery-plan.ts'
import {
  announced,
  begin,
  FakeReceiver,
  hangs,
  outboxOf,
  refuses,
  running,
  second,
  sources,
  streamsTo,
} from '../../support/outbox-world.ts'
import { appEvents, at } from '../../support/readiness-world.ts'

// Simulated hours are many turns of the event loop, on a busy machine too.
vi.setConfig({ testTimeout: 60_000 })

const ofStream = (got: readonly string[], stream: string) =>
  got.filter((entry) => entry.startsWith(stream))

describe('the outbox', () => {
  test('delivers each announcement once, in order within a stream, and tells the log in one entry', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const entries = daemon.log.state.next
    const receiver = new FakeReceiver('a', sim)
    const { pass, end } = running(daemon, [receiver])
    await pass(5 * second)
    expect(ofStream(receiver.got, 'app_events')).toEqual(['app_events 12', 'app_events 13'])
    expect(ofStream(receiver.got, 'pages')).toEqual(['pages 12', 'pages 13'])
    expect(daemon.log.state.undelivered).toEqual([])
    expect(daemon.log.state.next).toBe(entries + 1)
    expect(receiver.closedCount).toBe(0)
    await end()
    expect(receiver.got).toHaveLength(4)
    expect(receiver.closedCount).toBe(1)
    expect(daemon.telemetry.values.get('lakeward_notify_pending target=a')).toBe(0)
  })

  test('tries a refusing target again for ever, with growing pauses, and keeps the order', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    receiver.behaviour = refuses('a')
    const { outbox, pass, end } = running(daemon, [receiver])
    await pass(1_500 * second)
    expect(receiver.got).toEqual([])
    const pauses = receiver.attempts
      .slice(1)
      .map((atMs, index) => atMs - (receiver.attempts[index] ?? 0))
    expect(Math.max(...pauses)).toBeGreaterThan(120 * second)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(301 * second)
    expect(receiver.attempts.length).toBeLessThan(30)
    expect(outbox.status).toMatchObject([
      { target: 'a', pendingCount: 4, lastError: expect.stringContaining('answered 503') },
    ])
    expect(daemon.telemetry.values.get('lakeward_notify_pending target=a')).toBe(4)
    receiver.behaviour = () => Promise.resolve()
    await pass(400 * second)
    expect(ofStream(receiver.got, 'pages')).toEqual(['pages 12', 'pages 13'])
    expect(daemon.log.state.undelivered).toEqual([])
    await end()
  })

  test('lets a target that hangs delay nobody else, and gives each call up in time', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a', 'b'])
    const [hanging, well] = [new FakeReceiver('a', sim), new FakeReceiver('b', sim)]
    hanging.behaviour = hangs
    const { outbox, pass, end } = running(daemon, [hanging, well])
    await pass(2 * second)
    expect(well.got).toHaveLength(4)
    expect(daemon.log.state.undelivered.map(({ targets }) => targets)).toEqual(
      Array.from({ length: 4 }, () => ['a']),
    )
    await pass(60 * second)
    expect(hanging.attempts.length).toBeGreaterThan(4)
    expect(outbox.status[0]).toMatchObject({ target: 'a', pendingCount: 4 })
    await end()
  })

  test('goes on with other streams where one is refused', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    const deliver = receiver.deliver.bind(receiver)
    receiver.deliver = (manifest, signal) =>
      manifest.id.includes('app_events/dt=2026-11-20/hour=12')
        ? refuses('a')()
        : deliver(manifest, signal)
    const { pass, end } = running(daemon, [receiver])
    await pass(10 * second)
    expect(receiver.got).toEqual(['pages 12', 'pages 13'])
    await end()
  })

  test('delivers in time to 199 streams of a target while deliveries for one stream hang', async () => {
    const sim = begin()
    const streams = Array.from({ length: 200 }, (_, at) => {
      const name = `stream_${at}`
      return { ...appEvents, name, table: `ods_${name}`, targets: ['a'] }
    })
    const daemon = await announced(sim, ['a'], streams)
    const receiver = new FakeReceiver('a', sim)
    const deliver = receiver.deliver.bind(receiver)
    const latestMs = new Map<string, number>()
    receiver.deliver = async (manifest, signal) => {
      if (manifest.stream === 'stream_3') return hangs(0, signal)
      await sim.clock.sleep(durationMs(50))
      await deliver(manifest, signal)
      latestMs.set(manifest.stream, sim.clock.monotonicMs())
    }
    const sinceMs = sim.clock.monotonicMs()
    const { pass, end } = running(daemon, [receiver])
    await pass(60 * second)
    expect(latestMs.size).toBe(199)
    // Seven at a time, 50 ms each: less than one attempt of the stream that hangs.
    expect(Math.max(...latestMs.values()) - sinceMs).toBeLessThan(5 * second)
    for (const { name } of streams.filter(({ name }) => name !== 'stream_3')) {
      expect(ofStream(receiver.got, `${name} `)).toEqual([`${name} 12`, `${name} 13`])
    }
    expect(daemon.log.state.undelivered.map(({ manifest }) => manifest.stream)).toEqual([
      'stream_3',
      'stream_3',
    ])
    await end()
  })

  test('asks a target that takes few at a time for no more', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    let [under, most] = [0, 0]
    const receiver = Object.assign(new FakeReceiver('a', sim), { atOnceMax: 1 })
    receiver.behaviour = async () => {
      most = Math.max(most, ++under)
      await sim.clock.sleep(durationMs(100))
      under -= 1
    }
    const { pass, end } = running(daemon, [receiver])
    await pass(5 * second)
    expect(receiver.got).toHaveLength(4)
    expect(most).toBe(1)
    await end()
  })

  test('sends no more what another daemon delivered while it waited for its turn', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = Object.assign(new FakeReceiver('a', sim), { atOnceMax: 1 })
    receiver.behaviour = () => sim.clock.sleep(durationMs(4 * second))
    const { pass, end } = running(daemon, [receiver])
    await pass(second)
    const other = await sim.start({ seed: 2, sources, streams: daemon.streams })
    const waiting = receiver.attempts.length === 1 ? daemon.log.state.undelivered : []
    const delivered = waiting.filter(({ manifest }) => manifest.stream === 'pages')
    const deliveries = delivered.map(({ manifest }) => deliveryOf(manifest, 'a'))
    expect(deliveries).toHaveLength(2)
    const commitId = other.log.nextCommitId()
    await other.run(other.log.put({ kind: 'delivered', commitId, deliveries }))
    await daemon.run(daemon.log.refresh())
    await pass(30 * second)
    expect(receiver.got).toEqual(['app_events 12', 'app_events 13'])
    expect(daemon.log.state.undelivered).toEqual([])
    await end()
  })

  test('tells the log nothing of what another daemon delivered while it was delivering', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    receiver.behaviour = () => sim.clock.sleep(durationMs(4 * second))
    const { pass, end } = running(daemon, [receiver])
    await pass(second)
    expect(receiver.attempts.length).toBeGreaterThan(0)
    const other = await sim.start({ seed: 2, sources, streams: daemon.streams })
    const waiting = daemon.log.state.undelivered
    const deliveries = waiting.map(({ manifest }) => deliveryOf(manifest, 'a'))
    const commitId = other.log.nextCommitId()
    await other.run(other.log.put({ kind: 'delivered', commitId, deliveries }))
    await daemon.run(daemon.log.refresh())
    const { next } = daemon.log.state
    await pass(30 * second)
    await end()
    expect(daemon.log.state.next).toBe(next)
  })

  test('ends with an error of ours, once nothing is under way any more', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    receiver.behaviour = async (attempt) => {
      if (attempt === 1) throw new Error('our mistake')
      await sim.clock.sleep(durationMs(3 * second))
    }
    const run = outboxOf(daemon, [receiver]).run(new AbortController().signal)
    await expect(sim.clock.run(run)).rejects.toThrow('our mistake')
    expect(receiver.got).toEqual(['pages 12', 'pages 13'])
    expect(receiver.closedCount).toBe(1)
  })

  test('delivers again what was acknowledged before the log was told', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    const put = daemon.log.put.bind(daemon.log)
    daemon.log.put = () => new Promise(() => {})
    const { pass } = running(daemon, [receiver])
    await pass(5 * second)
    expect(receiver.got).toHaveLength(4)
    daemon.log.put = put
    const next = await sim.start({ seed: 2, sources, streams: daemon.streams })
    await sim.until(at('2026-11-20T14:10:00Z'))
    const after = running(next, [receiver])
    await after.pass(5 * second)
    expect(receiver.got).toHaveLength(8)
    expect(next.log.state.undelivered).toEqual([])
    await after.end()
  })

  test('leaves delivery to the daemon that announced, for a while', async () => {
    const sim = begin()
    await announced(sim, ['a'])
    const other = await sim.start({ seed: 2, sources, streams: streamsTo(['a']) })
    const receiver = new FakeReceiver('a', sim)
    const { pass, end } = running(other, [receiver])
    await pass(25 * second)
    expect(receiver.got).toEqual([])
    await pass(10 * second)
    expect(receiver.got).toHaveLength(4)
    await end()
  })

  test('shows what waits for a target that is not configured any more', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a', 'gone'])
    const { outbox, pass, end } = running(daemon, [new FakeReceiver('a', sim)])
    await pass(5 * second)
    expect(outbox.status).toMatchObject([
      { target: 'a', pendingCount: 0, configured: true },
      { target: 'gone', pendingCount: 4, configured: false },
    ])
    expect(daemon.telemetry.values.get('lakeward_notify_pending target=gone')).toBe(4)
    await end()
  })

  test('tells the log of what was acknowledged right before the end', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    const { pass, end } = running(daemon, [receiver])
    await pass(1)
    expect(receiver.got).toHaveLength(4)
    expect(daemon.log.state.undelivered).toHaveLength(4)
    await end()
    expect(daemon.log.state.undelivered).toEqual([])
  })

  test('writes nothing later than the deadline after its fold', async () => {
    const sim = begin()
    const daemon = await announced(sim, ['a'])
    const receiver = new FakeReceiver('a', sim)
    const refresh = daemon.log.refresh.bind(daemon.log)
    let foldedAtMs = 0
    let folds = 0
    daemon.log.refresh = async () => {
      foldedAtMs = sim.clock.monotonicMs()
      const state = await refresh()
      await sim.clock.sleep(durationMs(folds++ % 2 === 0 ? 55 * second : 1))
      return state
    }
    receiver.behaviour = async () => {
      expect(sim.clock.monotonicMs() - foldedAtMs).toBeLessThanOrEqual(50 * second)
      await sim.clock.sleep(durationMs(9 * second + 1))
    }
    const { pass, end } = running(daemon, [receiver])
    await pass(600 * second)
    expect(receiver.got).toHaveLength(4)
    await end()
  })
})

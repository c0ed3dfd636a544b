import { describe, expect, test, vi } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import type { Notifier } from '../../../src/ports/notifier.ts'
import { Outbox } from '../../../src/readiness/outbox.ts'
import { SuccessFile } from '../../../src/readiness/success-file.ts'
import { SimLake } from '../../sim/lake.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { appEvents, at, sourceNamed } from '../../support/readiness-world.ts'

// Simulated hours are many turns of the event loop, on a busy machine too.
vi.setConfig({ testTimeout: 60_000 })

const sources = [sourceNamed('events', 0)]
const second = 1_000
const deadlineMs = durationMs(60 * second)

/** A receiver that does what it is told and notes what it got, and when. */
class FakeReceiver implements Notifier {
  readonly readable = false
  readonly got: string[] = []
  readonly attempts: number[] = []
  closedCount = 0
  behaviour: (attempt: number, signal: AbortSignal) => Promise<void> = () => Promise.resolve()
  readonly target: string
  readonly #sim: ReadinessSim

  constructor(target: string, sim: ReadinessSim) {
    this.target = target
    this.#sim = sim
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    this.attempts.push(this.#sim.clock.monotonicMs())
    await this.behaviour(this.attempts.length, signal)
    this.got.push(`${manifest.stream} ${manifest.partitionPath.slice(-2)}`)
  }

  readBack(): Promise<boolean> {
    return Promise.reject(new Error('cannot be read'))
  }

  close(): Promise<void> {
    this.closedCount += 1
    return Promise.resolve()
  }
}

const refuses = (target: string) => (): Promise<never> =>
  Promise.reject(new Fault('NOTIFY_FAILED', { target, manifestId: 'any', reason: 'answered 503' }))
const hangs = (_attempt: number, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fault = new Fault('NOTIFY_FAILED', { target: 'a', manifestId: 'any', reason: 'aborted' })
    signal.addEventListener('abort', () => reject(fault))
  })

const streamsTo = (targets: readonly string[]) => [
  { ...appEvents, targets },
  { ...appEvents, name: 'pages', table: 'ods_pages', targets },
]

/** A daemon that announced 12h and 13h of two streams, in one entry. */
async function announced(
  sim: ReadinessSim,
  targets: readonly string[],
  streams = streamsTo(targets),
): Promise<SimDaemon> {
  const daemon = await sim.start({ seed: 1, sources, streams })
  await daemon.begin()
  const [source = sourceNamed('events', 0)] = sources
  const rows = daemon.streams.flatMap((stream) =>
    ['12', '13'].map((hour) => ({ stream, eventMs: at(`2026-11-20T${hour}:30:00Z`), rowCount: 4 })),
  )
  await daemon.append({ source, next: BigInt(rows.length * 4), rows })
  const progress = daemon.streams.map(({ name }) => ({
    stream: name,
    source,
    eventWatermarkMs: at('2026-11-20T14:05:00Z'),
  }))
  const nothing = { files: [], counts: [], evidence: [] }
  await daemon.put({ body: { ...nothing, progress } })
  await sim.until(at('2026-11-20T14:06:00Z'))
  // An entry holds 200 at most.
  for (let left = streams.length * 2; left > 0; left -= 200) {
    const outcome = await daemon.run(daemon.announcer.round())
    expect(outcome).toMatchObject({ kind: 'announced', count: Math.min(left, 200) })
  }
  return daemon
}

interface Running {
  readonly outbox: Outbox
  readonly pass: (span: number) => Promise<void>
  readonly end: () => Promise<void>
}

function outboxOf(daemon: SimDaemon, notifiers: readonly Notifier[]): Outbox {
  const { log, random, telemetry, sim } = daemon
  const ports = { log, random, telemetry, clock: sim.clock }
  return new Outbox(notifiers, ports, { deadlineMs, pauseMs: durationMs(1_000) })
}

function running(daemon: SimDaemon, notifiers: readonly Notifier[]): Running {
  const { sim } = daemon
  const outbox = outboxOf(daemon, notifiers)
  const ending = new AbortController()
  const run = outbox.run(ending.signal)
  return {
    outbox,
    pass: (span) => sim.clock.run(sim.clock.sleep(durationMs(span))),
    end: () => {
      ending.abort()
      return sim.clock.run(run)
    },
  }
}

const begin = () => new ReadinessSim(at('2026-11-20T13:31:00Z'))
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

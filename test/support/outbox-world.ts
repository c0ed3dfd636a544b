/** An outbox over a simulated log that holds announcements, and what it delivers to. */
import { expect } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import { Outbox } from '../../src/readiness/outbox.ts'
import { ReadinessSim, type SimDaemon } from './readiness-sim.ts'
import { appEvents, at, sourceNamed } from './readiness-world.ts'

export const sources = [sourceNamed('events', 0)]
export const second = 1_000
export const deadlineMs = durationMs(60 * second)

/** A receiver that does what it is told and notes what it got, and when. */
export class FakeReceiver implements Notifier {
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

export const refuses = (target: string) => (): Promise<never> =>
  Promise.reject(new Fault('NOTIFY_FAILED', { target, manifestId: 'any', reason: 'answered 503' }))
export const hangs = (_attempt: number, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fault = new Fault('NOTIFY_FAILED', { target: 'a', manifestId: 'any', reason: 'aborted' })
    signal.addEventListener('abort', () => reject(fault))
  })

export const streamsTo = (targets: readonly string[]) => [
  { ...appEvents, targets },
  { ...appEvents, name: 'pages', table: 'ods_pages', targets },
]

/** A daemon that announced 12h and 13h of two streams, in one entry. */
export async function announced(
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

export function outboxOf(daemon: SimDaemon, notifiers: readonly Notifier[]): Outbox {
  const { log, random, telemetry, sim } = daemon
  const ports = { log, random, telemetry, clock: sim.clock }
  return new Outbox(notifiers, ports, { deadlineMs, pauseMs: durationMs(1_000) })
}

export function running(daemon: SimDaemon, notifiers: readonly Notifier[]): Running {
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

export const begin = () => new ReadinessSim(at('2026-11-20T13:31:00Z'))

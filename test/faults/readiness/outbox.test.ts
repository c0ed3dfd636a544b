import { describe, expect, test, vi } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import type { Notifier } from '../../../src/ports/notifier.ts'
import { Outbox } from '../../../src/readiness/outbox.ts'
import { SuccessFile } from '../../../src/readiness/success-file.ts'
import type { LakeFault } from '../../sim/lake.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { appEvents, at, sourceNamed } from '../../support/readiness-world.ts'

vi.setConfig({ testTimeout: 60_000 })

const source = sourceNamed('events', 0)
const successPaths = ['12', '13'].map(
  (hour) => `ods_app_events/dt=2026-11-20/hour=${hour}/_SUCCESS`,
)

/** A webhook whose first calls fail: the request or the answer is lost. */
class LossyWebhook implements Notifier {
  readonly target = 'hook'
  readonly readable = false
  readonly got: string[] = []
  calls = 0
  readonly #failing: (call: number) => 'before-effect' | 'after-effect' | undefined

  constructor(failing: (call: number) => 'before-effect' | 'after-effect' | undefined) {
    this.#failing = failing
  }

  async deliver({ id }: ReadyManifest): Promise<void> {
    const moment = this.#failing(++this.calls)
    if (moment !== 'before-effect') this.got.push(id)
    await Promise.resolve()
    if (moment === undefined) return
    throw new Fault('NOTIFY_FAILED', { target: this.target, manifestId: id, reason: moment })
  }

  readBack(): Promise<boolean> {
    return Promise.resolve(true)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

async function announced(targets: readonly string[]): Promise<SimDaemon> {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const daemon = await sim.start({
    seed: 1,
    sources: [source],
    streams: [{ ...appEvents, targets }],
  })
  await daemon.begin()
  const rows = ['12', '13'].map((hour) => ({
    eventMs: at(`2026-11-20T${hour}:30:00Z`),
    rowCount: 4,
  }))
  await daemon.append({ source, next: 8n, rows })
  await daemon.append({ source, next: 9n, watermark: at('2026-11-20T14:05:00Z') })
  await sim.until(at('2026-11-20T14:06:00Z'))
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced', count: 2 })
  return daemon
}

async function deliver(daemon: SimDaemon, notifiers: readonly Notifier[]): Promise<void> {
  const { log, random, telemetry, sim } = daemon
  const ports = { log, random, telemetry, clock: sim.clock }
  const settings = { deadlineMs: durationMs(20_000), pauseMs: durationMs(2_000) }
  const ending = new AbortController()
  const run = new Outbox(notifiers, ports, settings).run(ending.signal)
  await sim.clock.run(sim.clock.sleep(durationMs(80_000)))
  daemon.lake.fault = undefined
  ending.abort()
  await sim.clock.run(run)
  daemon.lake.settle()
}

describe.each(['before-effect', 'after-effect', 'lands-late'] as const)(
  'a lake fault %s',
  (moment) => {
    test.each(['once', 'forever'] as const)(
      '%s: in the end all is delivered and the log knows',
      async (lasting) => {
        let failAt = 1
        for (; failAt <= 16; failAt++) {
          const daemon = await announced(['success-file'])
          const fault: LakeFault = { failAt: daemon.lake.calls + failAt, moment, lasting }
          daemon.lake.fault = fault
          const notifiers = [new SuccessFile('success-file', daemon.lake)]
          await deliver(daemon, notifiers)
          if (lasting === 'forever') await deliver(daemon, notifiers)
          expect(daemon.log.state.undelivered, `failAt=${failAt}`).toEqual([])
          for (const path of successPaths) {
            expect(JSON.parse(daemon.sim.textAt(path)), `failAt=${failAt}`).toMatchObject({
              rows: 4,
            })
          }
        }
        expect(failAt).toBe(17)
      },
    )
  },
)

describe.each(['before-effect', 'after-effect'] as const)('a receiver that fails %s', (moment) => {
  test('once, at any call: both come, in order, and the log knows', async () => {
    for (let failAt = 1; failAt <= 3; failAt++) {
      const daemon = await announced(['hook'])
      const webhook = new LossyWebhook((call) => (call === failAt ? moment : undefined))
      await deliver(daemon, [webhook])
      const hours = webhook.got.map((id) => id.slice(-4, -2))
      expect([...new Set(hours)], `failAt=${failAt}`).toEqual(['12', '13'])
      expect(hours.length).toBe(moment === 'after-effect' && failAt <= 2 ? 3 : 2)
      expect(daemon.log.state.undelivered).toEqual([])
    }
  })

  test('for ever: nothing is acknowledged, and nothing after it is sent', async () => {
    const daemon = await announced(['hook'])
    const webhook = new LossyWebhook(() => moment)
    await deliver(daemon, [webhook])
    expect(daemon.log.state.undelivered).toHaveLength(2)
    expect(new Set(webhook.got).size).toBe(moment === 'after-effect' ? 1 : 0)
    expect(webhook.calls).toBeGreaterThan(4)
  })
})

import { describe, expect, test } from 'vitest'
import { dropPending, refusePending } from '../../../src/readiness/drop-pending.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { appEvents, at, sourceNamed } from '../../support/readiness-world.ts'

const source = sourceNamed('events', 0)
const targets = ['webhook:old', 'webhook:new']

/** Two hours are announced to two targets, and nobody has acknowledged. */
async function pendingWorld(): Promise<SimDaemon> {
  const sim = new ReadinessSim(at('2026-11-20T12:31:00Z'))
  const streams = [{ ...appEvents, targets }]
  const daemon = await sim.start({ seed: 1, sources: [source], streams })
  await daemon.begin()
  for (const [hour, next] of [
    ['12', 10n],
    ['13', 20n],
  ] as const) {
    const rows = [{ eventMs: at(`2026-11-20T${hour}:30:00Z`), rowCount: 3 }]
    await daemon.append({ source, next, rows })
  }
  await sim.until(at('2026-11-20T14:06:00Z'))
  await daemon.append({ source, next: 30n, watermark: at('2026-11-20T14:05:30Z') })
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ count: 2 })
  return daemon
}

const waitingIn = ({ log }: SimDaemon) => log.state.undelivered.map((one) => one.targets)

describe('a target that announcements wait for and that is not configured any more', () => {
  test('is refused by its name, with how much waits since when', async () => {
    const daemon = await pendingWorld()
    expect(() => refusePending(daemon.log.state, targets)).not.toThrow()
    expect(() => refusePending(daemon.log.state, ['webhook:new'])).toThrow(
      expect.objectContaining({ code: 'NOTIFY_TARGET_PENDING', retry: 'never' }),
    )
    expect(() => refusePending(daemon.log.state, ['webhook:new'])).toThrow(
      /target "webhook:old" is not configured, and 2 announcements wait for it since 2026-11-20T/,
    )
  })

  test('is given up in the log when an operator says so, and no other is', async () => {
    const daemon = await pendingWorld()
    const telemetry = new SimTelemetry()
    await daemon.run(dropPending(daemon.log, telemetry, ['webhook:new']))
    expect(waitingIn(daemon)).toEqual([['webhook:new'], ['webhook:new']])
    expect(() => refusePending(daemon.log.state, ['webhook:new'])).not.toThrow()
    const { next } = daemon.log.state
    await daemon.run(dropPending(daemon.log, telemetry, ['webhook:new']))
    expect(daemon.log.state.next).toBe(next)
    // Whoever reads the log from its first entry comes to the same.
    const other = await daemon.sim.start({ seed: 2, sources: [source] })
    expect(waitingIn(other)).toEqual([['webhook:new'], ['webhook:new']])
  })

  test('is given up by one of two daemons that start together', async () => {
    const daemon = await pendingWorld()
    const other = await daemon.sim.start({ seed: 2, sources: [source] })
    const telemetry = new SimTelemetry()
    const both = [daemon, other].map(({ log }) => dropPending(log, telemetry, ['webhook:new']))
    await daemon.run(Promise.all(both))
    expect(waitingIn(daemon)).toEqual([['webhook:new'], ['webhook:new']])
  })
})

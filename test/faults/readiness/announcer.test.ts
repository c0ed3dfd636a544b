import { describe, expect, test, vi } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import type { LakeFault } from '../../sim/lake.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { at, sourceNamed } from '../../support/readiness-world.ts'

vi.setConfig({ testTimeout: 60_000 })

const sources = [sourceNamed('events', 0), sourceNamed('events', 1)]
const folder = 'ods_app_events/dt=2026-11-20/hour=13'
const zombie = `${folder}/growth-0123456789abcdef-7-0.parquet`
const manifestPath = '_lakeward/growth/ready/app_events/dt=2026-11-20/hour=13/1.json'

/** 13h is complete, and a zombie's file lies in its folder. */
async function prepared(): Promise<{ readonly sim: ReadinessSim; readonly daemon: SimDaemon }> {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const daemon = await sim.start({ seed: 1, sources })
  await daemon.begin()
  const rows = [{ eventMs: at('2026-11-20T13:30:00Z'), rowCount: 120 }]
  await daemon.append({ source: sourceNamed('events', 0), next: 120n, rows })
  await sim.until(at('2026-11-20T14:06:00Z'))
  for (const source of sources) {
    await daemon.append({ source, next: 130n, watermark: at('2026-11-20T14:05:30Z') })
  }
  sim.store.set(zombie, { body: new Uint8Array(5), modifiedMs: 0 })
  return { sim, daemon }
}

/** Runs the announcer's loop for five minutes with the fault in place. */
async function loopWith(
  fault: LakeFault,
): Promise<{ sim: ReadinessSim; daemon: SimDaemon; calls: number }> {
  const { sim, daemon } = await prepared()
  const callsBefore = daemon.lake.calls
  daemon.lake.fault = { ...fault, failAt: callsBefore + fault.failAt }
  const ending = new AbortController()
  const loop = daemon.announcer.run(ending.signal, durationMs(1_000))
  await sim.clock.run(sim.clock.sleep(durationMs(90_000)))
  const calls = daemon.lake.calls - callsBefore
  daemon.lake.fault = undefined
  ending.abort()
  await sim.clock.run(loop)
  daemon.lake.settle()
  return { sim, daemon, calls }
}

describe.each(['before-effect', 'after-effect', 'lands-late'] as const)('a fault %s', (moment) => {
  test('that passes: announced once, with its manifest, and the zombie put aside', async () => {
    let reached = 0
    for (let failAt = 1; ; failAt++) {
      const { sim, daemon, calls } = await loopWith({ failAt, moment, lasting: 'once' })
      const { state } = daemon.log
      const announced = state.streams.get('app_events')?.partitions.values().next().value
      expect(announced, `failAt=${failAt}`).toMatchObject({ place: 'announced', revision: 1 })
      expect(state.undelivered, `failAt=${failAt}`).toHaveLength(1)
      expect(JSON.parse(sim.textAt(manifestPath)), `failAt=${failAt}`).toMatchObject({ rows: 120 })
      expect(sim.paths(`${folder}/`), `failAt=${failAt}`).toHaveLength(1)
      expect(sim.store.has(zombie), `failAt=${failAt}`).toBe(false)
      expect(sim.paths('_lakeward/growth/quarantine/')).toHaveLength(1)
      reached = failAt
      if (failAt > calls) break
    }
    // List, fold and list, move aside, the entry with its folds, and the manifest.
    expect(reached).toBeGreaterThanOrEqual(9)
  })

  test('that stays: nothing is announced before the entry, and nothing twice after it', async () => {
    for (let failAt = 1; failAt <= 20; failAt++) {
      const { sim, daemon } = await loopWith({ failAt, moment, lasting: 'forever' })
      const fresh = await sim.start({ seed: 9, sources })
      const { state } = fresh.log
      const place = state.streams.get('app_events')?.partitions.values().next().value?.place
      if (place !== 'announced') expect(sim.store.has(manifestPath), `failAt=${failAt}`).toBe(false)
      expect(state.undelivered.length).toBe(place === 'announced' ? 1 : 0)
      const warned = daemon.telemetry.events.filter(({ level }) => level === 'error')
      expect(warned).toEqual([])
    }
  })
})

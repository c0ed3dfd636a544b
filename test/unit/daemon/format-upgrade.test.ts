/** Whole daemons of two versions on one log: the newer raises the format, the older stops. */
import { expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { SimClock } from '../../sim/clock.ts'
import type { SimStore } from '../../sim/lake.ts'
import { SimKafka } from '../../sim/source.ts'
import { type DaemonRun, daemonRun } from '../../support/daemon-run.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { numberRecord, numbersConfig, pipeline } from '../../support/lane-world.ts'
import { expectCoveredOnce } from '../../support/log-oracle.ts'

/** Looks at formats, as a daemon does, come every ten minutes. */
const lookMs = 600_000
const config = await numbersConfig()

function world() {
  const clock = new SimClock()
  const store: SimStore = new Map()
  const kafka = new SimKafka()
  kafka.createTopic('events', 2)
  const produced = { 'events/0': 0, 'events/1': 0 }
  const produce = (): void => {
    for (const partition of [0, 1] as const) {
      const n = produced[`events/${partition}`]++
      kafka.append({ topic: 'events', partition }, { records: [numberRecord({ n })] })
    }
  }
  const run = (newestFormat: number, seed: number, source = kafka.source(['events'])): DaemonRun =>
    daemonRun({ config, clock, store, source, seed, newestFormat })
  /** Time goes by, and events keep coming. */
  const pass = async (spanMs: number): Promise<void> => {
    for (let passed = 0; passed < spanMs; passed += 10_000) {
      produce()
      await clock.run(clock.sleep(durationMs(10_000)))
    }
  }
  const formats = (): ReadonlySet<number> =>
    new Set(judgeLog(store, pipeline).entries.map(({ entry }) => entry.format))
  return { clock, store, kafka, run, pass, produced, formats }
}

const tooNew = ({ failures }: DaemonRun): boolean =>
  failures.length > 0 && failures.every((error) => isFault(error, 'LOG_FORMAT_TOO_NEW'))

test('a rolling upgrade: the format is raised after the last older daemon, and nothing is lost', async () => {
  const { clock, store, run, pass, produced, formats } = world()
  const older = run(1, 1)
  await clock.run(older.daemon.start())
  await pass(60_000)
  const newer = run(2, 2)
  await clock.run(newer.daemon.start())
  await pass(2 * lookMs)
  expect(formats(), 'both are at work').toEqual(new Set([1]))
  await clock.run(older.daemon.stop())
  await pass(2 * lookMs)
  expect(newer.daemon.running?.log.state.config.format).toBe(2)

  const late = run(1, 3)
  await clock.run(late.daemon.start().catch((error: unknown) => late.failures.push(error)))
  expect(tooNew(late), 'an older one that is started afterwards stops').toBe(true)
  await pass(60_000)
  await clock.run(newer.daemon.stop())
  expect([older.failures, newer.failures]).toEqual([[], []])
  const log = judgeLog(store, pipeline)
  expectCoveredOnce(log, produced)
  const raisedAt = log.entries.findIndex(({ entry }) => entry.format === 2)
  expect(log.entries[raisedAt]?.entry.kind).toBe('config')
  expect(log.entries.slice(raisedAt).every(({ entry }) => entry.format === 2)).toBe(true)
  expect(log.entries.length - raisedAt).toBeGreaterThan(10)
})

test('an older daemon that was silent meets the newer format, stops by name and puts nothing', async () => {
  const { clock, store, kafka, run, pass, produced, formats } = world()
  // It has nothing to read, so that it has nothing to put; it looks at the log all the same.
  const older = run(1, 1, kafka.source(['nothing'], 'alone'))
  await clock.run(older.daemon.start())
  await pass(60_000)
  const newer = run(2, 2)
  await clock.run(newer.daemon.start())
  await pass(60_000)
  expect(formats()).toEqual(new Set([1, 2]))
  expect(tooNew(older)).toBe(true)
  await clock.run(older.daemon.stop())
  await pass(60_000)
  await clock.run(newer.daemon.stop())
  expectCoveredOnce(judgeLog(store, pipeline), produced)
})

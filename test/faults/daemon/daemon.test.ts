/**
 * A whole daemon, from start to drain, with one call to the lake failing, then a later one, until
 * a run misses the fault. `LAKEWARD_FAULTS=all` leaves out none.
 */
import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { SimClock } from '../../sim/clock.ts'
import { lakeBehindMs, outOfOrdernessOf, Producer } from '../../sim/daemon-events.ts'
import { loadedConfig, pipeline, readyDelayMs, readyIdleMs } from '../../sim/daemon-process.ts'
import { judgeLake } from '../../sim/judge/lake-oracle.ts'
import type { LakeFault } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { RecordedStore } from '../../sim/recorded-store.ts'
import { worldFacts } from '../../sim/run-seed.ts'
import { SimKafka } from '../../sim/source.ts'
import { type DaemonRun, daemonRun } from '../../support/daemon-run.ts'

const late = { even: 'append', odd: 'divert' } as const
const config = await loadedConfig({
  notifies: false,
  metastore: undefined,
  pace: 'fast',
  late,
  maxSkewMs: undefined,
  emptyRunMax: 2,
})
const topic = 'events'
const partitionCount = 4

interface Life {
  readonly run: DaemonRun
  readonly wrong: readonly string[]
}

/** Reads some events, commits, stops; then another daemon does what is left. */
async function live(fault: LakeFault): Promise<Life> {
  const clock = new SimClock()
  const store = new RecordedStore()
  const kafka = new SimKafka()
  kafka.createTopic(topic, partitionCount)
  const chance = new SimRandom(55)
  const producer = new Producer(kafka, clock, new SimRandom(5), {
    partitionCount: () => partitionCount,
    pace: 'fast',
    leapMs: 4 * 3_600_000,
    strikes: (kind, probability) => kind === 'late-records' && chance.fraction() < probability,
  })
  const pass = (seconds: number): Promise<void> =>
    clock.run(clock.sleep(durationMs(seconds * 1_000)))
  const source = kafka.source([topic])
  const run = daemonRun({ config, clock, store, source, fault })
  const started = run.daemon.start()
  for (let n = 0; n < 8; n++) producer.produce()
  await pass(11)
  for (let n = 0; n < 4; n++) producer.produce()
  await pass(1)
  await clock.run(Promise.all([run.daemon.stop(), started]))
  run.lake.settle()
  const heir = daemonRun({ config, clock, store, source: kafka.source([topic]), seed: 2 })
  await clock.run(heir.daemon.start())
  await pass(45)
  await clock.run(heir.daemon.stop())
  const { events } = producer
  const received = undefined
  const outOfOrdernessMs = outOfOrdernessOf('fast')
  const spans = { readyDelayMs, readyIdleMs, emptyRunMax: 2, outOfOrdernessMs }
  const settled = { settledAtMs: clock.nowMs() - lakeBehindMs, settledAtSet: store.setCount }
  const addedAtMs = Array.from({ length: partitionCount }, () => Number.NEGATIVE_INFINITY)
  const untouched = {
    starts: [],
    recreated: undefined,
    closeAfterMs: undefined,
    addedAtMs,
    unreadableFiles: new Set<string>(),
  }
  const facts = {
    ...worldFacts,
    ...untouched,
    store,
    pipeline,
    events,
    received,
    late,
    metastore: undefined,
  }
  const { wrong } = await judgeLake({ ...facts, ...spans, ...settled })
  return { run, wrong: [...wrong, ...[...run.failures, ...heir.failures].map(String)] }
}

const isThorough = process.env['LAKEWARD_FAULTS'] === 'all'
const cases = [
  ['before-effect', 5],
  ['after-effect', 3],
  ['lands-late', 7],
] as const

test.each(cases)(
  'whichever call fails once (%s), each event is in the lake once',
  {
    timeout: 120_000,
  },
  async (moment, step) => {
    for (let failAt = 1; ; failAt += isThorough ? 1 : step) {
      const { run, wrong } = await live({ failAt, moment, lasting: 'once' })
      expect(wrong, `failAt=${failAt}`).toEqual([])
      if (run.lake.calls < failAt) return
    }
  },
)

test('from whichever call on the lake is gone, the daemon drains and another goes on', {
  timeout: 120_000,
}, async () => {
  for (let failAt = 1; ; failAt += isThorough ? 1 : 9) {
    const { run, wrong } = await live({ failAt, moment: 'after-effect', lasting: 'forever' })
    expect(wrong, `failAt=${failAt}`).toEqual([])
    if (run.lake.calls < failAt) return
  }
})

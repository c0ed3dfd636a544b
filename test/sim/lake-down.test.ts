/** A lake that takes nothing for an hour while events keep coming: it costs lag, not memory. */
import { expect, test } from 'vitest'
import { durationMs } from '../../src/base/time.ts'
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import { daemonRun } from '../support/daemon-run.ts'
import { type JudgedLog, judgeLog } from '../support/judged-log.ts'
import { numberRecord, numbersConfig, pipeline } from '../support/lane-world.ts'
import { bytesField, joined, utf8, varintField } from '../support/raw-events.ts'
import { SimClock } from './clock.ts'
import type { SimStore } from './lake.ts'
import { SimRandom } from './random.ts'
import { SimKafka } from './source.ts'

const mib = 1_048_576
const everyMs = 10_000
const downMs = 3_600_000
/** Four records of a hot stream every ten seconds: 8 MiB in the hour, that no codec makes small. */
const hotRecords = 4
const hotTextBytes = 6 * 1_024
/** The least that may be configured, which leaves a quarter for rows: half each for two streams. */
const budgetBytes = 16 * mib
const shareBytes = budgetBytes / 8
/** The kernel's memory is all that grows beside rows, and may have a little room left. */
const shareBytesMax = shareBytes * 1.1
/** What is taken in before anybody looks at what is held: a slice of a fetch answer. */
const sliceBytes = 2 * mib

const smallest = await numbersConfig(
  [
    { name: 'hot', topics: '[hot]' },
    { name: 'calm', topics: '[calm]' },
  ],
  { ready: '{ delay: 0s, idle: 24h }' },
)
const config = { ...smallest, memory: { buffers: budgetBytes } }

const random = new SimRandom(1)
/** Text that packs badly. */
const noise = (): string => Buffer.from(random.bytes((hotTextBytes * 3) / 4)).toString('base64')

/** Brokers with one topic for each stream, fed by hand; and how much they were given. */
function feeding() {
  const kafka = new SimKafka()
  const produced = { hot: 0, calm: 0 }
  for (const topic of ['hot', 'calm']) kafka.createTopic(topic, 1)
  const append = (stream: 'hot' | 'calm', count: number, text: () => string): void => {
    const records = Array.from({ length: count }, () => {
      const n = produced[stream]++
      const payload = joined(varintField(1, BigInt(n)), bytesField(2, utf8(text())))
      return numberRecord({ n, stream, payload })
    })
    kafka.append({ topic: stream, partition: 0 }, { records })
  }
  const feed = (): void => {
    append('hot', hotRecords, noise)
    append('calm', 1, () => 'calm')
  }
  return { kafka, produced, feed }
}

/** Offsets of all rows in the files that the log names, by stream. */
async function offsetsOf({ state }: JudgedLog, store: SimStore) {
  const offsets = new Map<string, bigint[]>()
  for (const [stream, { partitions }] of state.streams) {
    const files = [...partitions.values()].flatMap((partition) => partition.files)
    for (const { path } of files) {
      const bytes = store.get(path)?.body
      if (bytes === undefined) throw new Error(`"${path}" is not on the lake`)
      const rows = await readParquetRows(bytes)
      const known = offsets.get(stream) ?? []
      known.push(...rows.map((row) => row['_offset'] as bigint))
      offsets.set(stream, known)
    }
  }
  return offsets
}

const numbered = (count: number): readonly bigint[] =>
  Array.from({ length: count }, (_, at) => BigInt(at))

test('an hour without the lake costs lag and no memory, and afterwards each event is there once', {
  timeout: 300_000,
}, async () => {
  const [clock, store] = [new SimClock(), new Map() as SimStore]
  const { kafka, produced, feed } = feeding()
  const source = kafka.source(['hot', 'calm'])
  const run = daemonRun({ config, clock, store, source })
  const lane = () => {
    const { running } = run.daemon
    if (running === undefined) throw new Error('the daemon runs')
    return running.lane
  }
  const held: number[] = []
  const pass = async (spanMs: number): Promise<void> => {
    for (let passed = 0; passed < spanMs; passed += everyMs) {
      feed()
      await clock.run(clock.sleep(durationMs(everyMs)))
      held.push(lane().bufferedBytes)
    }
  }
  await clock.run(run.daemon.start())
  await pass(60_000)
  expect(lane().heldUp.size, 'nothing waits while the lake answers').toBe(0)

  run.lake.fault = { failAt: run.lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
  const callsBefore = run.lake.calls
  await pass(downMs)
  const full = /^stream "hot" holds \d+ bytes, its share of memory.buffers is \d+\w+$/
  expect([...lane().heldUp]).toEqual([['hot/0', expect.stringMatching(full)]])
  expect(Math.max(...held)).toBeLessThan(shareBytesMax + sliceBytes)
  // Somebody reads on: the stream that does not fill its share lags by nothing.
  expect(lane().ends.size).toBe(2)
  const taken = new Map([...lane().ends.values()].map((end) => [end.source.topic, end]))
  expect(taken.get('calm')?.highWatermark).toBe(BigInt(produced.calm))
  expect(Number(taken.get('hot')?.highWatermark)).toBeLessThan(produced.hot / 2)
  // It is asked again with growing pauses, not in a storm.
  expect(run.lake.calls - callsBefore).toBeLessThan(5_000)
  expect(run.daemon.health().ready).toBe(false)

  run.lake.fault = undefined
  await pass(300_000)
  expect(Math.max(...held)).toBeLessThan(budgetBytes + sliceBytes)
  await clock.run(run.daemon.stop())
  expect(run.failures).toEqual([])
  const log = judgeLog(store, pipeline)
  const offsets = await offsetsOf(log, store)
  const sorted = (stream: string) => offsets.get(stream)?.sort((a, b) => (a < b ? -1 : 1))
  expect(sorted('hot')).toEqual(numbered(produced.hot))
  expect(sorted('calm')).toEqual(numbered(produced.calm))
  expect(log.state.voidCount).toBe(0)
  expect(produced.hot).toBeGreaterThan(1_000)
})

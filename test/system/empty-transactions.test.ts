/**
 * An hour whose topic-partitions end in markers of transactions without records, alone: the daemon
 * passes them, so that silence behind them is proven, and the hour is announced.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { foldOf } from '../support/commit-phase.ts'
import { appendEmptyTransaction } from '../support/empty-transaction.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const topic = 'numbers'
const count = 10
const boundMs = 90_000
const worker = ['--worker-index', '0', '--worker-count', '1']
/** An hour that ended long ago. */
const hourMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 5 * 3_600_000
const hourText = new Date(hourMs).toISOString()
const hourPath = `dt=${hourText.slice(0, 10)}/hour=${hourText.slice(11, 13)}`

interface Brokers {
  readonly port: number
  readonly createTopic: (topic: string, partitionCount: number) => unknown
}

/** All rows to the first topic-partition; the second has none. */
async function produce(port: number): Promise<void> {
  const brokers = [`127.0.0.1:${port}`]
  const producer = new RecordProducer({ brokers, clientId: 'numbers', compression: 'none' })
  const records = Array.from({ length: count }, (_, n) => {
    const timestampMs = hourMs + n * 1_000
    const value = numberRecord(topic, n, timestampMs)
    return { topic, partition: 0, key: undefined, value, timestampMs }
  })
  await producer.send(records)
  await producer.close()
}

/** Where the log stands, by number of the topic-partition. */
async function positionsIn(lake: string): Promise<readonly (bigint | undefined)[]> {
  const found = [...((await foldOf(lake, 'test')).positions.get('lake')?.values() ?? [])]
  return [0, 1].map((partition) => found.find(({ source }) => source.partition === partition)?.next)
}

async function announcesBehindMarkers({ port, createTopic }: Brokers): Promise<void> {
  await using folder = await temporaryFolder()
  await createTopic(topic, 2)
  await produce(port)
  const lake = join(folder.path, 'lake')
  const start = async (idle: string): Promise<LakewardProcess> => {
    const more = `commit: { interval: 250ms }\nready: { delay: 0s, idle: ${idle} }`
    const settings = { brokerPort: port, assignment: 'static', more } as const
    const config = await writeNumbersConfig(folder.path, settings)
    const daemon = new LakewardProcess(['run', '-c', config, ...worker])
    onTestFinished(() => daemon.kill())
    return daemon
  }
  const reaches = (wanted: readonly bigint[]) =>
    eventually(`the log stands at ${wanted.join(', ')}`, boundMs, async () => {
      const found = await positionsIn(lake)
      return wanted.every((next, partition) => (found[partition] ?? 0n) === next) || undefined
    })

  const before = await start('1h')
  await reaches([BigInt(count), 0n])
  expect(await before.stop()).toBe(0)
  // Alone in an answer: everything before them has been read.
  for (const partition of [0, 1]) {
    await appendEmptyTransaction(`127.0.0.1:${port}`, { topic, partition }, 'commit')
    await appendEmptyTransaction(`127.0.0.1:${port}`, { topic, partition }, 'abort')
  }
  const after = await start('3s')
  await reaches([BigInt(count) + 2n, 2n])
  const path = join(lake, '_lakeward', 'test', 'ready', topic, hourPath, '1.json')
  await eventually('the hour is announced', boundMs, () => existsSync(path) || undefined)
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as ReadyManifest
  expect(manifest).toMatchObject({ rows: count, counts: { read: count } })
  expect(await after.stop()).toBe(0)
}

const what = 'an hour behind which there are markers only is announced'

test(`${what}: the embedded broker`, async () => {
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: folder.path })
  onTestFinished(() => broker.close())
  await announcesBehindMarkers({
    port: broker.port,
    createTopic: (name, partitionCount) => broker.createTopic(name, partitionCount),
  })
})

describe.each(['kafka-4', 'kafka-3'] as const)('%s', (name) => {
  test.skipIf(!hasKafka(name))(what, async () => {
    const kafka = await RealKafka.start(name)
    onTestFinished(() => kafka.close())
    await announcesBehindMarkers({
      port: kafka.port,
      createTopic: (topicName, partitionCount) => kafka.createTopic(topicName, partitionCount),
    })
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { entryPath } from '../../src/protocol/log-paths.ts'
import { foldOf } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord, numbersProto } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const hourMs = 3_600_000
const hourStartMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
const hourName = new Date(hourStartMs).toISOString().slice(0, 13)
const streams = ['numbers', 'clicks'] as const
const batchCount = 100
const boundMs = 60_000
/** A worker that failed again and again is started after a minute at most. */
const restartBoundMs = 150_000

const streamText = (name: string): string => `  - name: ${name}
    topic: ${name}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: 0s, pastMax: 3650d }
    columns: [_topic, _partition, _offset, _index]
`

/** A pipeline of two streams, with what `log.shards` says. */
async function writeConfig(folder: string, brokerPort: number, shards?: string): Promise<string> {
  const path = join(folder, shards === undefined ? 'whole.yaml' : 'lakeward.yaml')
  const log = shards === undefined ? '' : `log: { shards: ${shards} }\n`
  await writeFile(join(folder, 'number.proto'), numbersProto)
  await writeFile(
    path,
    `pipeline: test
kafka: { brokers: ["127.0.0.1:${brokerPort}"], sessionTimeout: 3s }
lake: { url: "file:./lake" }
http: { listen: "127.0.0.1:0" }
commit: { interval: 250ms }
ready: { delay: 0s, idle: 1h }
${log}streams:
${streams.map(streamText).join('')}`,
  )
  return path
}

/** A broker with two topics, and a supervisor of one worker for each of two shards. */
async function world(folder: string) {
  const broker = await startBroker({ directory: join(folder, 'broker') })
  onTestFinished(() => broker.close())
  for (const topic of streams) broker.createTopic(topic, 2)
  const brokers = [`127.0.0.1:${broker.port}`]
  const producer = new RecordProducer({ brokers, clientId: 'numbers', compression: 'none' })
  onTestFinished(() => producer.close())
  const sent = { count: 0 }
  /** As many numbers to each of both topics. */
  const send = async (count: number, atMs: number): Promise<void> => {
    const numbers = Array.from({ length: count }, () => sent.count++)
    for (const topic of streams) {
      const records = numbers.map((n) => {
        const value = numberRecord(topic, n, atMs)
        return { topic, partition: n % 2, key: undefined, value, timestampMs: atMs }
      })
      await producer.send(records)
    }
  }
  const config = await writeConfig(folder, broker.port, '{ clicks: [clicks] }')
  const whole = await writeConfig(folder, broker.port)
  const supervisor = new LakewardProcess(['run', '-c', config])
  onTestFinished(() => supervisor.kill())
  return { lake: join(folder, 'lake'), config, whole, supervisor, sent, send }
}

type World = Awaited<ReturnType<typeof world>>

async function committed({ lake }: World, pipeline: string): Promise<number> {
  const positions = (await foldOf(lake, pipeline)).positions.get('lake')
  return [...(positions?.values() ?? [])].reduce((sum, { next }) => sum + Number(next), 0)
}

const allCommitted = (at: World, pipeline: string): Promise<true> =>
  eventually(`all of ${pipeline} is committed`, restartBoundMs, async () =>
    (await committed(at, pipeline)) === at.sent.count ? true : undefined,
  )

async function isAnnounced(lake: string, pipeline: string, stream: string): Promise<boolean> {
  const partitions = (await foldOf(lake, pipeline)).streams.get(stream)?.partitions.values() ?? []
  return [...partitions].some(
    ({ partition, manifest }) => partition.startMs === hourStartMs && manifest !== undefined,
  )
}

/** The pid of the newest process of a shard. */
const pidOf = ({ supervisor }: World, worker: number): number => {
  const lines = supervisor.stderr.filter((line) => line.includes('"event":"worker started"'))
  const started = lines.map((line) => JSON.parse(line) as { worker: number; pid: number })
  return started.findLast((one) => one.worker === worker)?.pid ?? -1
}

/** Puts what nobody can read at the end of a log. @returns its index. */
async function block({ lake }: World, pipeline: string): Promise<number> {
  return eventually('the log is blocked', boundMs, async () => {
    const { next } = await foldOf(lake, pipeline)
    await writeFile(join(lake, entryPath(pipeline, next)), 'nothing to read', { flag: 'wx' })
    return next
  })
}

async function once({ lake, sent }: World, table: string): Promise<void> {
  const [found] = await duck(
    `SELECT count(*) AS rows, count(DISTINCT n) AS numbers FROM ${tableGlob(lake, table)}`,
  )
  expect(found, table).toEqual({ rows: BigInt(sent.count), numbers: BigInt(sent.count) })
}

test('two shards: one is killed, the other one blocked, and each goes on without the other', {
  timeout: 400_000,
}, async () => {
  await using folder = await temporaryFolder()
  const at = await world(folder.path)
  await at.send(batchCount, hourStartMs + 60_000)
  await allCommitted(at, 'test')
  await allCommitted(at, 'test.clicks')

  await at.send(batchCount, hourStartMs + 120_000)
  process.kill(pidOf(at, 1), 'SIGKILL')
  await at.supervisor.line('"event":"worker ended"')
  await allCommitted(at, 'test')
  await allCommitted(at, 'test.clicks')

  const blocked = await block(at, 'test')
  await at.send(2, hourStartMs + hourMs + 60_000)
  await allCommitted(at, 'test.clicks')
  await eventually('the shard that can be read announces', boundMs, async () =>
    (await isAnnounced(at.lake, 'test.clicks', 'clicks')) ? true : undefined,
  )

  const why = ['--why', 'the test wrote it']
  const shard = ['--shard', 'first']
  const voided = await lakeward(['log', 'void', `${blocked}`, '-c', at.config, ...shard, ...why])
  expect(voided.code, voided.stdout + voided.stderr).toBe(0)
  await allCommitted(at, 'test')
  await eventually('the other one announces too', boundMs, async () =>
    (await isAnnounced(at.lake, 'test', 'numbers')) ? true : undefined,
  )

  const unnamed = await lakeward(['log', 'show', `${blocked}`, '-c', at.config])
  expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('--shard is miss')])
  const status = await lakeward(['status', '-c', at.config, '--json'])
  expect(JSON.parse(status.stdout)).toMatchObject({
    shards: [
      { shard: 'first', answer: { pipeline: 'test', streams: [{ name: 'numbers' }] } },
      { shard: 'clicks', answer: { pipeline: 'test.clicks', streams: [{ name: 'clicks' }] } },
    ],
  })
  const files = await lakeward(['files', 'clicks', hourName, '-c', at.config])
  expect(files.stdout).toMatch(/clicks\/dt=\S+\/test\.clicks-[0-9a-f]{16}-\d+-\d+\.parquet$/m)

  expect(await at.supervisor.stop()).toBe(0)
  await once(at, 'numbers')
  await once(at, 'clicks')
  const verified = await lakeward(['verify', '--deep', '-c', at.config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  const lost = await lakeward(['run', '-c', at.whole])
  expect(lost.code).toBe(2)
  expect(lost.stderr).toContain('has the shards "clicks"')
})

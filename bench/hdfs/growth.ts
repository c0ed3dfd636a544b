/**
 * A file that grows by sixty commits, against the same rows written at once.
 *
 * A minute of so many rows a second is sent, and the next one when it is committed: how large a
 * commit is decides about the file, not how long one waits for it. All rows are of one hour.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { AppEvents, firstEventMs } from '../datasets/app-event.ts'
import { partitionCount } from '../ingest/topic.ts'
import { endOnceRead } from '../streams/end-once-read.ts'
import type { Cluster } from './cluster.ts'
import { HdfsRun, onCommitted } from './daemon.ts'

const seed = 20_261_124
const topic = 'app.growth'
const recordsPerBatch = 400
const minuteSeconds = 60
const hourMs = 3_600_000

export interface GrowthSizes {
  readonly rowsPerSecond: readonly number[]
  readonly commits: number
}

export interface Growth {
  readonly rowsPerSecond: number
  readonly commits: number
  /** That stand in the end; of files that grow. */
  readonly files: number
  readonly bytes: number
  readonly filesAtOnce: number
  readonly bytesAtOnce: number
}

export async function measureGrowth(
  cluster: Cluster,
  { rowsPerSecond, commits }: GrowthSizes,
): Promise<readonly Growth[]> {
  const found: Growth[] = []
  for (const rate of rowsPerSecond) {
    const grown = await growAt(cluster, rate, commits)
    found.push(grown)
    console.log(growthText(grown))
  }
  return found
}

export const growthText = (grown: Growth): string => {
  const { rowsPerSecond, commits, files, bytes, filesAtOnce, bytesAtOnce } = grown
  const times = (bytes / bytesAtOnce).toFixed(3)
  return (
    `${rowsPerSecond} rows/s: ${commits} commits, ${files} file(s) of ${bytes} bytes; at once ` +
    `${filesAtOnce} file(s) of ${bytesAtOnce} bytes; ${times} times as long`
  )
}

async function growAt(cluster: Cluster, rate: number, commitsWanted: number): Promise<Growth> {
  const directory = mkdtempSync(join(tmpdir(), 'lakeward-growth-'))
  const broker = await startBroker({ directory })
  broker.createTopic(topic, partitionCount)
  const place = { cluster, namenode: cluster.address, brokerPort: broker.port, topic }
  const minutes = new Minutes(broker.port, rate, commitsWanted)
  try {
    const settings = 'commit: { interval: 2s }\nready: { delay: 12h, idle: 12h }\n'
    const growing = new HdfsRun({ ...place, mode: 'continue', settings })
    const commits = await growInMinutes(growing, minutes)
    const grown = await cluster.files(growing.folder)
    await growing.remove()
    const atOnce = new HdfsRun({ ...place, mode: 'new', settings: atOnceSettings })
    await writeAtOnce(atOnce, minutes.rows)
    const written = await cluster.files(atOnce.folder)
    await atOnce.remove()
    const bytesOf = (files: typeof grown): number =>
      files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    return {
      rowsPerSecond: rate,
      commits,
      files: grown.length,
      bytes: bytesOf(grown),
      filesAtOnce: written.length,
      bytesAtOnce: bytesOf(written),
    }
  } finally {
    await minutes.close()
    await broker.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

const atOnceSettings =
  'commit: { interval: 1h }\nmemory: { buffers: 4GiB }\nready: { delay: 12h, idle: 12h }\n'

/** @returns commits: a minute that is read in two parts may take two. */
async function growInMinutes(run: HdfsRun, minutes: Minutes): Promise<number> {
  const daemon = run.start()
  const ended = daemon.firstOf('stderr', () => undefined)
  ended.catch(() => {})
  let [commits, rows] = [0, 0]
  let seen = Promise.withResolvers<void>()
  onCommitted(daemon, (commit) => {
    commits += 1
    rows += commit.rows
    seen.resolve()
  })
  while (await minutes.sendNext()) {
    while (rows < minutes.rows) {
      await Promise.race([seen.promise, ended])
      seen = Promise.withResolvers()
    }
  }
  await daemon.stop()
  return commits
}

async function writeAtOnce(run: HdfsRun, rowsWanted: number): Promise<void> {
  const daemon = run.start()
  let rows = 0
  const all = Promise.withResolvers<void>()
  onCommitted(daemon, (commit) => {
    rows += commit.rows
    if (rows >= rowsWanted) all.resolve()
  })
  endOnceRead(daemon, partitionCount)
  await Promise.race([all.promise, daemon.firstOf('stderr', () => undefined)])
  await daemon.stop()
}

type BatchRecord = Parameters<RecordProducer['send']>[0][number]

/** The events of an hour, minute by minute. */
class Minutes {
  readonly #producer: RecordProducer
  readonly #events = new AppEvents(seed)
  readonly #rate: number
  readonly #count: number
  #sent = 0
  #batches = 0
  rows = 0

  constructor(port: number, rate: number, count: number) {
    const brokers = [`127.0.0.1:${port}`]
    this.#producer = new RecordProducer({ brokers, clientId: 'bench', compression: 'zstd' })
    this.#rate = rate
    this.#count = count
  }

  close = (): Promise<void> => this.#producer.close()

  /**
   * All of a minute is made before any of it is sent: it is read in one.
   *
   * @returns false after the last one.
   */
  async sendNext(): Promise<boolean> {
    if (this.#sent === this.#count) return false
    const atMs = firstEventMs + Math.floor((this.#sent / this.#count) * hourMs)
    const rows = this.#rate * minuteSeconds
    const batches: BatchRecord[][] = []
    for (let first = 0; first < rows; first += recordsPerBatch) {
      // On from minute to minute: no topic-partition stays empty.
      const partition = this.#batches++ % partitionCount
      const size = Math.min(recordsPerBatch, rows - first)
      batches.push(Array.from({ length: size }, () => this.#record(partition, atMs)))
    }
    await Promise.all(batches.map((batch) => this.#producer.send(batch)))
    this.rows += rows
    this.#sent += 1
    return true
  }

  #record(partition: number, atMs: number): BatchRecord {
    const { eventTimeMs, value } = this.#events.next({ atMs })
    return { topic, partition, key: undefined, value, timestampMs: eventTimeMs }
  }
}

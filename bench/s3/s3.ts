/**
 * A real broker to a lake on S3 against the same to a folder: rows per CPU second between the first
 * commits and the last, requests for each file and commit counted by a proxy, growth of memory.
 *
 * Commits come each minute, or when half of `memory.buffers` is full, which at full speed is
 * sooner. The broker's, the store's and the proxy's CPU time is nobody's.
 */
import { join } from 'node:path'
import { s3Credentials } from '../../test/system/services/s3-server.ts'
import { BenchLake } from '../ingest/ours.ts'
import { makeRealTopics, realTopic } from '../ingest/real-topics.ts'
import { seed } from '../ingest/topic.ts'
import { keepResults } from '../measure/keep-results.ts'
import {
  commitText,
  loadText,
  machineText,
  type Placement,
  placementOn,
  thisMachine,
} from '../measure/machine.ts'
import type { BenchFlags, BenchOutcome } from '../measure/outcome.ts'
import { type Quartiles, quartilesOf, quartilesText, spreadOf } from '../measure/quartiles.ts'
import { portIn, withService } from '../measure/real-services.ts'
import { MeasuredProcess } from '../measure/run-process.ts'
import { type CommitSeen, followCommits, memorySlope, steadySpan } from './lake-run.ts'

const broker = 'kafka-4'
/** The topics of `bench -- ingest --broker kafka-4`: two of five million events. */
const full = { rowsOfTopic: 5_000_000, steadyFrom: 2_000_000, pairs: 3 }
const quick = { rowsOfTopic: 250_000, steadyFrom: 50_000, pairs: 1 }
type Sizes = typeof full

const batchSizes = [400, 4_000]
const speedBar = 0.8
const perFileMax = 5
const perCommitMax = 8
/** MB a million rows, which is bytes a row. */
const growthMax = 1
const spreadMax = 0.1
const about =
  'Appended by `npm run bench -- s3`: Kafka to a lake on S3, whole process, against the same to ' +
  'a folder, in rows per\nCPU second (user + system) between the first commits and the last.'

export async function benchS3({ isQuick }: BenchFlags): Promise<BenchOutcome> {
  const sizes = isQuick ? quick : full
  const placement = placementOn(1)
  console.log(`machine     ${machineText(thisMachine())}, load ${loadText()}; ${placement.text}`)
  const topics = batchSizes.map((size) => realTopic(sizes.rowsOfTopic, size))
  const figures = await withService(broker, `${broker}-app-event-${seed}`, async (address) => {
    const brokerPort = portIn(address)
    await makeRealTopics(brokerPort, topics)
    return withService('s3', 's3-bench', (endpoint) =>
      withProxy(endpoint, (proxy) => {
        const topic = `[${topics.map(({ name }) => name).join(', ')}]`
        return measure({ brokerPort, topic, placement, proxy, isQuick }, sizes)
      }),
    )
  })
  const missed = missedOf(figures, isQuick)
  const lines = linesOf(figures)
  for (const line of lines) console.log(line)
  if (!isQuick)
    keepResults('s3', about, [
      ...contextLines(sizes),
      ...lines.map((line) => `- ${line}`),
      seen(missed),
    ])
  const machine = machineText(thisMachine())
  const cases = [caseOf(figures)]
  return { report: { bench: 's3', commit: commitText(), machine, cases }, missed }
}

/** Where requests go, and how many were answered so far. */
interface Proxy {
  readonly endpoint: string
  readonly counts: () => Promise<Counts>
}

interface Counts {
  readonly answered: number
  readonly refused: number
  readonly byKind: Readonly<Record<string, number>>
}

async function withProxy<T>(endpoint: string, work: (proxy: Proxy) => Promise<T>): Promise<T> {
  const script = join(import.meta.dirname, 'counting-proxy.ts')
  const child = new MeasuredProcess(placementOn(0), [process.execPath, script, endpoint])
  const port = await child.firstOf('stdout', (line) => (JSON.parse(line) as { port: number }).port)
  const url = `http://127.0.0.1:${port}`
  const counts = async (): Promise<Counts> =>
    (await (await fetch(`${url}/bench-counts`)).json()) as Counts
  try {
    return await work({ endpoint: url, counts })
  } finally {
    await child.stop()
  }
}

interface Place {
  readonly brokerPort: number
  readonly topic: string
  readonly placement: Placement
  readonly proxy: Proxy
  readonly isQuick: boolean
}

interface Figures {
  /** Rows per CPU second on S3 ÷ those on a folder, of the pairs. */
  readonly ratio: Quartiles
  /** CPU seconds per million rows. */
  readonly onS3: Quartiles
  readonly onFolder: Quartiles
  /** The largest of the runs on S3. */
  readonly requests: number
  readonly files: number
  readonly commits: number
  readonly refused: number
  readonly byKind: Readonly<Record<string, number>>
  /** Bytes a row, the largest of the runs on S3. */
  readonly growth: number
  readonly peakRssBytes: number
  readonly pairCount: number
}

async function measure(place: Place, sizes: Sizes): Promise<Figures> {
  const { proxy } = place
  const pairs: { s3: readonly CommitSeen[]; folder: readonly CommitSeen[] }[] = []
  while (pairs.length < sizes.pairs) {
    const isTurned = pairs.length % 2 === 1
    const first = await runOn(place, sizes, isTurned ? 'folder' : 's3')
    const second = await runOn(place, sizes, isTurned ? 's3' : 'folder')
    pairs.push(isTurned ? { s3: second, folder: first } : { s3: first, folder: second })
    const said = pairs.slice(-1).flatMap(({ s3, folder }) => [s3, folder])
    const costs = said.map((seen) => perMillion(seen, sizes).toFixed(3)).join(', ')
    console.log(`pair ${pairs.length}: CPU-s per million on S3 and on a folder: ${costs}`)
  }
  const { refused, byKind } = await proxy.counts()
  const spans = pairs.map(({ s3 }) => steadySpan(s3, sizes.steadyFrom))
  const asked = spans.map(({ first, last }) => ({
    requests: last.requests - first.requests,
    files: last.files - first.files,
    commits: last.commits - first.commits,
  }))
  const most = asked.reduce((a, b) => (overhead(b) > overhead(a) ? b : a))
  return {
    ratio: quartilesOf(
      pairs.map(({ s3, folder }) => perMillion(folder, sizes) / perMillion(s3, sizes)),
    ),
    onS3: quartilesOf(pairs.map(({ s3 }) => perMillion(s3, sizes))),
    onFolder: quartilesOf(pairs.map(({ folder }) => perMillion(folder, sizes))),
    ...most,
    refused,
    byKind,
    growth: Math.max(...pairs.map(({ s3 }) => memorySlope(s3, sizes.steadyFrom))),
    peakRssBytes: Math.max(...pairs.flatMap(({ s3 }) => s3.map(({ rssBytes }) => rssBytes))),
    pairCount: pairs.length,
  }
}

const allowedOf = ({ files, commits }: { files: number; commits: number }): number =>
  perFileMax * files + perCommitMax * commits

const overhead = (asked: { requests: number; files: number; commits: number }): number =>
  asked.requests / allowedOf(asked)

function perMillion(seen: readonly CommitSeen[], { steadyFrom }: Sizes): number {
  const { first, last } = steadySpan(seen, steadyFrom)
  return ((last.cpuSeconds - first.cpuSeconds) / (last.rows - first.rows)) * 1e6
}

let runs = 0

async function runOn(place: Place, sizes: Sizes, where: 's3' | 'folder') {
  const { brokerPort, topic, placement, proxy, isQuick } = place
  const { accessKeyId, secretAccessKey } = s3Credentials
  const keys = 'credentials: { accessKey: env:BENCH_S3_KEY, secretKey: env:BENCH_S3_SECRET }'
  process.env['BENCH_S3_KEY'] = accessKeyId
  process.env['BENCH_S3_SECRET'] = secretAccessKey
  const url = `s3://lakeward/bench-${process.pid}-${++runs}`
  const server = `endpoint: "${proxy.endpoint}", region: us-east-1`
  const onS3 = `{ url: "${url}", ${server}, ${keys} }`
  const lake = new BenchLake({
    brokerPort,
    topic,
    settings: `commit: { interval: ${isQuick ? '1s' : '60s'} }\n`,
    ...(where === 's3' ? { lake: onS3 } : {}),
  })
  try {
    // What is left below the last budget waits for its minute: the steady state is over by then.
    const rowsWanted = sizes.rowsOfTopic * batchSizes.length * 0.9
    const count = async (): Promise<number> => (await proxy.counts()).answered
    return await followCommits(lake.command, placement, rowsWanted, count)
  } finally {
    lake.remove()
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function linesOf(figures: Figures): readonly string[] {
  const { ratio, onS3, onFolder, requests, files, commits, refused, growth, byKind } = figures
  const kinds = Object.entries(byKind).sort(([, a], [, b]) => b - a)
  return [
    `${quartilesText(ratio, 2)}, spread ${percent(spreadOf(ratio))}, of the rows per CPU second ` +
      `of a folder; bar: at least ${speedBar}; CPU-s per million: S3 ${quartilesText(onS3, 3)}, ` +
      `folder ${quartilesText(onFolder, 3)}`,
    `${requests} requests for ${files} files in ${commits} commits, ${allowedOf(figures)} ` +
      `allowed (${perFileMax} a file and ${perCommitMax} a commit); ${refused} more were refused`,
    `requests of all runs, starts too: ${kinds.map((kind) => kind.join(' ')).join(', ')}`,
    `memory grows by ${growth.toFixed(2)} MB a million rows; bar: at most 1; peak ` +
      `${(figures.peakRssBytes / 1e6).toFixed(0)} MB`,
  ]
}

function missedOf(figures: Figures, isQuick: boolean): readonly string[] {
  const { ratio, requests, growth } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(line)
  }
  expect(ratio.median >= speedBar, `less than ${speedBar} of a folder`)
  expect(requests <= allowedOf(figures), 'more requests than allowed')
  if (isQuick) return missed
  expect(growth <= growthMax, 'memory grows')
  expect(spreadOf(ratio) <= spreadMax, `spread ${percent(spreadOf(ratio))}: no result`)
  return missed
}

const contextLines = ({ rowsOfTopic, steadyFrom, pairs }: Sizes): readonly string[] => [
  'Kafka 4.3.1 and versitygw 1.8.0, one node each, and a counting proxy are not counted; ' +
    `${placementOn(1).text}.`,
  `Dataset: app-event, ${rowsOfTopic * batchSizes.length} events, seed ${seed}, zstd batches of ` +
    `${batchSizes.join(' and of ')} records; counted from ${steadyFrom} rows on. ${pairs} pairs.`,
  'Settings: commit.interval 60s, memory.buffers 1GiB, one stream, zstd level 1.',
]

const seen = (missed: readonly string[]): string =>
  `Observation: ${missed.length === 0 ? 'every bar holds' : missed.join('; ')}.`

const caseOf = ({ onS3, ratio, peakRssBytes }: Figures) => ({
  name: 'app-event/s3',
  rowsPerSecond: Math.round(1e6 / onS3.median),
  cpuSecondsPerMillion: onS3.median,
  peakRssBytes,
  outputBytes: 0,
  ratios: { folder: ratio.median },
})

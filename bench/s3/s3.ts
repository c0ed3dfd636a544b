/**
 * A real broker to a lake on S3 against the same to a folder: rows per CPU second, requests for
 * each file and commit counted by a proxy, growth of memory.
 *
 * Commits come each minute, or when half of `memory.buffers` is full, which at full speed is
 * sooner. The broker's, the store's and the proxy's CPU time is nobody's.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { s3Credentials, s3FirstBucket } from '../../test/system/services/s3-server.ts'
import { makeRealTopics, type RealTopic, realTopic } from '../ingest/real-topics.ts'
import { seed } from '../ingest/topic.ts'
import { comparePairs, type Pair } from '../lakes/against-folder.ts'
import { type CommitSeen, memorySlope } from '../lakes/lake-run.ts'
import { type Counts, type Proxy, withProxy } from '../lakes/proxied.ts'
import { keepResults } from '../measure/keep-results.ts'
import { commitText, loadText, machineText, placementOn, thisMachine } from '../measure/machine.ts'
import type { BenchFlags, BenchOutcome } from '../measure/outcome.ts'
import { type Quartiles, quartilesOf, quartilesText, spreadOf } from '../measure/quartiles.ts'
import { dataOf, portIn, withService } from '../measure/real-services.ts'

const broker = 'kafka-4'
/** The instance of the S3 server. */
const store = 's3-bench'
/** The topics of `bench -- ingest --broker kafka-4`: each size twice, ten million events at most. */
const full = { smallRows: 500_000, largeRows: 5_000_000, pairs: 5, buffers: '256MiB' }
const quick = { smallRows: 50_000, largeRows: 250_000, pairs: 1, buffers: '64MiB' }
/** Buffers are small enough for a dozen commits in a run, of files as a quiet hour has them. */
type Sizes = typeof full
/** Of the rows of a large run; memory has what it needs by then. */
const warmShare = 0.2

const batchSizes = [400, 4_000]
const speedBar = 0.8
const perFileMax = 5
const perCommitMax = 8
/** MB a million rows, which is bytes a row; the median of the runs. */
const growthMax = 1
const spreadMax = 0.1
const about =
  'Appended by `npm run bench -- s3`: Kafka to a lake on S3, whole process, against the same to ' +
  'a folder, in rows per\nCPU second (user + system): the slope between two sizes.'

export async function benchS3({ isQuick }: BenchFlags): Promise<BenchOutcome> {
  const sizes = isQuick ? quick : full
  const { text } = placementOn(1)
  console.log(`machine     ${machineText(thisMachine())}, load ${loadText()}; ${text}`)
  const topicsOf = (rows: number) => batchSizes.map((size) => realTopic(rows, size))
  const small = topicsOf(sizes.smallRows)
  const large = topicsOf(sizes.largeRows)
  const figures = await withService(broker, `${broker}-app-event-${seed}`, async (address) => {
    const brokerPort = portIn(address)
    await makeRealTopics(brokerPort, [...small, ...large])
    return withService('s3', store, (endpoint) =>
      withProxy(endpoint, (proxy) =>
        measure({ brokerPort, small, large, proxy, buffers: sizes.buffers }, sizes.pairs),
      ),
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

interface Place {
  readonly brokerPort: number
  readonly small: readonly RealTopic[]
  readonly large: readonly RealTopic[]
  readonly proxy: Proxy
  readonly buffers: string
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
  /** Bytes a row. */
  readonly growth: Quartiles
  readonly growthOnFolder: Quartiles
  readonly peakRssBytes: number
}

async function measure(place: Place, pairCount: number): Promise<Figures> {
  const { proxy, ...sizes } = place
  const { accessKeyId, secretAccessKey } = s3Credentials
  const keys = 'credentials: { accessKey: env:BENCH_S3_KEY, secretKey: env:BENCH_S3_SECRET }'
  process.env['BENCH_S3_KEY'] = accessKeyId
  process.env['BENCH_S3_SECRET'] = secretAccessKey
  const server = `endpoint: "${proxy.endpoint}", region: us-east-1`
  const comparison = {
    ...sizes,
    name: 'S3',
    sectionOf: (run: string) => `{ url: "s3://${s3FirstBucket}/${run}", ${server}, ${keys} }`,
    // An object is a file.
    forget: (run: string) =>
      rmSync(join(dataOf(store), s3FirstBucket, run), { recursive: true, force: true }),
    countRequests: async () => (await proxy.counts()).answered,
  }
  return figuresOf(await comparePairs(comparison, pairCount), await proxy.counts())
}

function figuresOf(pairs: readonly Pair[], { refused, byKind }: Counts): Figures {
  const each = (of: (pair: Pair) => number): Quartiles => quartilesOf(pairs.map(of))
  return {
    ratio: each(({ server, folder }) => folder.perMillion / server.perMillion),
    onS3: each(({ server }) => server.perMillion),
    onFolder: each(({ folder }) => folder.perMillion),
    ...pairs
      .map(({ server }) => askedIn(server.large))
      .reduce((a, b) => (overhead(b) > overhead(a) ? b : a)),
    refused,
    byKind,
    growth: each(({ server }) => memorySlope(server.large, warmShare)),
    growthOnFolder: each(({ folder }) => memorySlope(folder.large, warmShare)),
    peakRssBytes: Math.max(
      ...pairs.flatMap(({ server }) => server.large.map(({ rssBytes }) => rssBytes)),
    ),
  }
}

interface Asked {
  readonly requests: number
  readonly files: number
  readonly commits: number
}

/** Between the first commit, before which the store is asked what it can, and the last. */
function askedIn(seen: readonly CommitSeen[]): Asked {
  const [first] = seen
  const last = seen.at(-1)
  if (first === undefined || last === undefined || first === last) {
    throw new Error(`${seen.length} commits are too few to count requests between them`)
  }
  return {
    requests: last.requests - first.requests,
    files: last.files - first.files,
    commits: last.commits - first.commits,
  }
}

const allowedOf = ({ files, commits }: { files: number; commits: number }): number =>
  perFileMax * files + perCommitMax * commits

const overhead = (asked: Asked): number => asked.requests / allowedOf(asked)

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function linesOf(figures: Figures): readonly string[] {
  const { ratio, onS3, onFolder, requests, files, commits, refused, byKind } = figures
  const { growth, growthOnFolder } = figures
  const kinds = Object.entries(byKind).sort(([, a], [, b]) => b - a)
  return [
    `${quartilesText(ratio, 2)}, spread ${percent(spreadOf(ratio))}, of the rows per CPU second ` +
      `of a folder; bar: at least ${speedBar}; CPU-s per million: S3 ${quartilesText(onS3, 3)}, ` +
      `folder ${quartilesText(onFolder, 3)}`,
    `${requests} requests for ${files} files in ${commits} commits, ${allowedOf(figures)} ` +
      `allowed (${perFileMax} a file and ${perCommitMax} a commit); ${refused} more were refused`,
    `requests of all runs, starts too: ${kinds.map((kind) => kind.join(' ')).join(', ')}`,
    `memory grows by ${quartilesText(growth, 2)} MB a million rows after the first fifth; bar: ` +
      `at most ${growthMax}; on a folder ${quartilesText(growthOnFolder, 2)}; peak ` +
      `${(figures.peakRssBytes / 1e6).toFixed(0)} MB`,
  ]
}

function missedOf(figures: Figures, isQuick: boolean): readonly string[] {
  const { ratio, requests, growth } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(line)
  }
  expect(requests <= allowedOf(figures), 'more requests than allowed')
  // One pair of small runs tells nothing of time and memory.
  if (isQuick) return missed
  expect(ratio.median >= speedBar, `less than ${speedBar} of a folder`)
  expect(growth.median <= growthMax, 'memory grows')
  expect(spreadOf(ratio) <= spreadMax, `spread ${percent(spreadOf(ratio))}: no result`)
  return missed
}

const contextLines = ({ smallRows, largeRows, pairs, buffers }: Sizes): readonly string[] => [
  'Kafka 4.3.1 and versitygw 1.8.0, one node each, and a counting proxy are not counted; ' +
    `${placementOn(1).text}.`,
  `Dataset: app-event, ${smallRows * batchSizes.length} and ${largeRows * batchSizes.length} ` +
    `events, seed ${seed}, zstd batches of ${batchSizes.join(' and of ')} records. ${pairs} pairs.`,
  `Settings: commit.interval 60s, memory.buffers ${buffers}, one stream, zstd level 1.`,
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

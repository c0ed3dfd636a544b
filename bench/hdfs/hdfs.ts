/**
 * A lake on HDFS, one namenode and one datanode on this machine: rows per CPU second against a
 * folder, six hundred files in one commit against a bare loop, requests to the namenode, how long
 * a file becomes by growing, and the first commit after SIGKILL.
 *
 *     npm run bench -- hdfs [--quick] [--of speed,flush,requests,growth,recovery]
 *
 * The broker's, the cluster's and the proxy's CPU time is nobody's.
 */
import { makeRealTopics, type RealTopic, realTopic } from '../ingest/real-topics.ts'
import { seed } from '../ingest/topic.ts'
import { comparePairs, type Pair } from '../lakes/against-folder.ts'
import { keepResults } from '../measure/keep-results.ts'
import { commitText, loadText, machineText, placementOn, thisMachine } from '../measure/machine.ts'
import { type BenchFlags, type BenchOutcome, Misused } from '../measure/outcome.ts'
import { quartilesOf } from '../measure/quartiles.ts'
import { portIn, wipeService, withService } from '../measure/real-services.ts'
import { Cluster } from './cluster.ts'
import { measureFlush } from './flush.ts'
import { measureGrowth } from './growth.ts'
import { measureRecovery } from './recovery.ts'
import { type HdfsFigures, linesOf, missedOf } from './report.ts'
import { measureRequests } from './requests.ts'

const broker = 'kafka-4'
const instance = 'hdfs-bench'
const parts = ['speed', 'flush', 'requests', 'growth', 'recovery'] as const
type Part = (typeof parts)[number]

const full = {
  speed: { smallRows: 500_000, largeRows: 5_000_000, pairs: 5, buffers: '256MiB' },
  flush: { streams: 300, rows: 600_000, pairs: 5 },
  growth: { rowsPerSecond: [10, 1_000], commits: 60 },
  recovery: { streams: 150, rows: 300_000, kills: 20 },
}
const quick: typeof full = {
  speed: { smallRows: 50_000, largeRows: 250_000, pairs: 1, buffers: '64MiB' },
  flush: { streams: 30, rows: 60_000, pairs: 1 },
  growth: { rowsPerSecond: [10, 1_000], commits: 3 },
  recovery: { streams: 30, rows: 60_000, kills: 1 },
}
type Sizes = typeof full

const batchSizes = [400, 4_000]
const about =
  'Appended by `npm run bench -- hdfs`: a lake on HDFS, one namenode and one datanode on the same ' +
  'machine, whole\nprocess, against a folder in rows per CPU second (user + system; the slope ' +
  'between two sizes), and\nagainst a bare loop of CREATE and RENAME.'

export async function benchHdfs({ isQuick, values }: BenchFlags): Promise<BenchOutcome> {
  const wanted = partsIn(values['of'])
  const sizes = isQuick ? quick : full
  const machine = machineText(thisMachine())
  console.log(`machine     ${machine}, load ${loadText()}; ${placementOn(1).text}`)
  const figures = await measure(wanted, sizes)
  const lines = linesOf(figures)
  const missed = missedOf(figures, isQuick)
  for (const line of lines) console.log(line)
  if (!isQuick) {
    const observation = missed.length === 0 ? 'every bar holds' : missed.join('; ')
    const told = [...contextLines(sizes, wanted), ...lines.map((line) => `- ${line}`)]
    keepResults('hdfs', about, [...told, `Observation: ${observation}.`])
  }
  const cases = figures.pairs.length === 0 ? [] : [caseOf(figures.pairs)]
  return { report: { bench: 'hdfs', commit: commitText(), machine, cases }, missed }
}

/** @throws {Misused} what is no part. */
function partsIn(text: string | undefined): readonly Part[] {
  if (text === undefined) return parts
  const words = text.split(',')
  const strange = words.find((word) => !parts.some((part) => part === word))
  if (strange !== undefined) throw new Misused(`--of ${strange}; accepted: ${parts.join(', ')}`)
  return parts.filter((part) => words.includes(part))
}

async function measure(wanted: readonly Part[], sizes: Sizes): Promise<HdfsFigures> {
  try {
    return await withService('hdfs', instance, async (address) => {
      const cluster = new Cluster(address)
      const timed = async <T>(part: Part, work: () => Promise<T>): Promise<T | undefined> => {
        if (!wanted.includes(part)) return undefined
        const beganMs = performance.now()
        const figures = await work()
        console.log(`${part} took ${((performance.now() - beganMs) / 1_000).toFixed(0)} s`)
        return figures
      }
      return {
        flush: await timed('flush', () => measureFlush(cluster, sizes.flush)),
        requests: (await timed('requests', () => measureRequests(cluster, sizes.flush))) ?? [],
        growth: (await timed('growth', () => measureGrowth(cluster, sizes.growth))) ?? [],
        recovery: (await timed('recovery', () => measureRecovery(cluster, sizes.recovery))) ?? [],
        pairs: (await timed('speed', () => measureSpeed(cluster, sizes.speed))) ?? [],
      }
    })
  } finally {
    await wipeService(instance)
  }
}

function measureSpeed(cluster: Cluster, sizes: Sizes['speed']): Promise<readonly Pair[]> {
  const topicsOf = (rows: number): readonly RealTopic[] =>
    batchSizes.map((size) => realTopic(rows, size))
  const small = topicsOf(sizes.smallRows)
  const large = topicsOf(sizes.largeRows)
  return withService(broker, `${broker}-app-event-${seed}`, async (address) => {
    const brokerPort = portIn(address)
    await makeRealTopics(brokerPort, [...small, ...large])
    const home = '/lakeward/bench'
    const comparison = {
      brokerPort,
      small,
      large,
      buffers: sizes.buffers,
      name: 'HDFS',
      sectionOf: (run: string) => `{ url: "hdfs://${cluster.address}${home}/${run}" }`,
      forget: (run: string) => cluster.removeFolder(`${home}/${run}`),
      countRequests: () => Promise.resolve(0),
    }
    return comparePairs(comparison, sizes.pairs)
  })
}

function contextLines(sizes: Sizes, wanted: readonly Part[]): readonly string[] {
  const { speed, flush, growth, recovery } = sizes
  return [
    `Hadoop 3.4.1, Kafka 4.3.1 and a counting proxy are not counted; ${placementOn(1).text}. ` +
      `Parts: ${wanted.join(', ')}.`,
    `Dataset: app-event, zstd batches; speed ${speed.smallRows * 2} and ${speed.largeRows * 2} ` +
      `events, seed ${seed}, commit.interval 60s, memory.buffers ${speed.buffers}, ` +
      `${speed.pairs} pairs;`,
    `flush ${flush.rows} events in 300 streams and two hours, ${flush.pairs} pairs; growth ` +
      `${growth.commits} minutes each; recovery ${recovery.kills} kills, ` +
      `${recovery.streams} streams in two hours open.`,
  ]
}

function caseOf(pairs: readonly Pair[]) {
  const perMillion = quartilesOf(pairs.map(({ server }) => server.perMillion)).median
  const rss = pairs.flatMap(({ server }) => server.large.map(({ rssBytes }) => rssBytes))
  const ratio = quartilesOf(
    pairs.map(({ server, folder }) => folder.perMillion / server.perMillion),
  )
  return {
    name: 'app-event/hdfs',
    rowsPerSecond: Math.round(1e6 / perMillion),
    cpuSecondsPerMillion: perMillion,
    peakRssBytes: Math.max(...rss),
    outputBytes: 0,
    ratios: { folder: ratio.median },
  }
}

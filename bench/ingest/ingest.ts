/**
 * Kafka protocol → decode → zstd Parquet → commit: our whole process against the naive way and
 * against pyarrow's writer, in rows per CPU second.
 *
 * Ours and the baselines take turns, the order is turned around in every other pair, and the figure
 * is the median of the pairs' ratios. A broker in its own process holds the topic.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cardinalities } from '../datasets/app-event.ts'
import {
  commitText,
  loadText,
  machineText,
  type Placement,
  placementOn,
  thisMachine,
} from '../measure/machine.ts'
import type { BenchOutcome } from '../measure/outcome.ts'
import { quartilesOf } from '../measure/quartiles.ts'
import { MeasuredProcess } from '../measure/run-process.ts'
import { type BaselineRun, baselineTexts, runNaive, runPyarrow } from './baselines.ts'
import { firstCommitSeconds } from './first-commit.ts'
import { BenchLake, idleRssBytes, type OurRun, ourSettings, runOurs } from './ours.ts'
import { type IngestFigures, missedBars, recordFigures, reportLines } from './report.ts'
import { emptyTopicName, isTopicMade, topicFolder, topicName, topicText } from './topic.ts'

/** How much is measured; the full run is the one that counts. */
const full = { rows: 5_000_000, naiveRows: 60_000, pairs: 5, starts: 20 }
const quick = { rows: 250_000, naiveRows: 8_000, pairs: 2, starts: 3 }

interface Pair {
  readonly ours: OurRun
  readonly naive: BaselineRun
  readonly pyarrow: BaselineRun
}

interface Place {
  readonly port: number
  readonly rows: number
  readonly naiveRows: number
  readonly placement: Placement
}

/** @param isQuick few rows and pairs, to see that it runs: nothing is recorded. */
export async function benchIngest(isQuick: boolean): Promise<BenchOutcome> {
  const { rows, naiveRows, pairs: pairCount, starts } = isQuick ? quick : full
  const baselines = baselineTexts()
  const placement = placementOn(1)
  const machine = thisMachine()
  console.log(`machine     ${machineText(machine)}, load ${loadText()}`)
  console.log(`dataset     ${topicText(rows)}`)
  console.log(`            ${cardinalities}`)
  console.log(`ours        ${ourSettings}; ${placement.text}`)
  console.log(
    `naive       ${baselines.naive}; ${naiveRows} events a sample, from its first fetch on`,
  )
  console.log(`pyarrow     ${baselines.pyarrow}`)
  makeTopic(rows)
  const broker = new MeasuredProcess(placementOn(0), brokerCommand(rows))
  const port = await broker.firstOf('stdout', (line) => (JSON.parse(line) as { port: number }).port)
  const place = { port, rows, naiveRows, placement }
  try {
    const idleBytes = await idleRssBytes(port, emptyTopicName, placement)
    const pairs = await measurePairs(place, pairCount)
    const seconds: number[] = []
    while (seconds.length < starts) seconds.push(await firstCommitSeconds())
    const figures = figuresOf(pairs, { idleBytes, firstCommitSeconds: seconds, isQuick })
    for (const line of reportLines(figures)) console.log(line)
    const context = { machine, rows, baselines, placement: placement.text, commit: commitText() }
    if (isQuick) console.log('a quick run: few pairs of small samples, not recorded')
    else recordFigures(figures, context)
    const machineLine = machineText(machine)
    const report = { bench: 'ingest', commit: context.commit, machine: machineLine, cases: [] }
    return { report: { ...report, cases: [caseOf(figures)] }, missed: missedBars(figures) }
  } finally {
    await broker.stop()
  }
}

const brokerCommand = (rows: number): readonly string[] => [
  process.execPath,
  new URL('broker-process.ts', import.meta.url).pathname,
  topicFolder(rows),
]

/** In a process of its own, so that ours begins with nothing of it. */
function makeTopic(rows: number): void {
  if (isTopicMade(rows)) return
  console.log('making the topic, once …')
  const script = new URL('topic.ts', import.meta.url).pathname
  const { status } = spawnSync('nice', [process.execPath, script, `${rows}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error(`making the topic ended with ${status}`)
}

/** The first of our runs warms caches and makes the table for pyarrow; it is not counted. */
async function measurePairs(place: Place, count: number): Promise<readonly Pair[]> {
  const pairs: Pair[] = []
  let before = new BenchLake({ brokerPort: place.port, topic: topicName })
  await runOurs(before, place)
  while (pairs.length < count) {
    const lake = new BenchLake({ brokerPort: place.port, topic: topicName })
    const pair = await measurePair(place, { lake, before, turned: pairs.length % 2 === 1 })
    before.remove()
    before = lake
    pairs.push(pair)
    console.log(
      `pair ${String(pairs.length).padStart(2)}     ${pairText(pair)}, load ${loadText()}`,
    )
  }
  before.remove()
  return pairs
}

async function measurePair(
  { port, rows, naiveRows, placement }: Place,
  { lake, before, turned }: { lake: BenchLake; before: BenchLake; turned: boolean },
): Promise<Pair> {
  const { files, folder } = before
  const naiveOnce = async (): Promise<BaselineRun> => {
    const run = await runNaive({ port, topic: topicName, rows: naiveRows, folder }, placement)
    for (const left of ['naive.parquet']) rmSync(`${folder}/${left}`, { force: true })
    return run
  }
  if (turned) {
    const naive = await naiveOnce()
    const pyarrow = await runPyarrow(files, placement)
    return { naive, pyarrow, ours: await runOurs(lake, { placement, rows }) }
  }
  const ours = await runOurs(lake, { placement, rows })
  const pyarrow = await runPyarrow(files, placement)
  return { ours, pyarrow, naive: await naiveOnce() }
}

const perMillion = ({ rows, cpuSeconds }: BaselineRun): number => (cpuSeconds / rows) * 1e6

const pairText = ({ ours, naive, pyarrow }: Pair): string =>
  `CPU-s per million: ours ${perMillion(ours).toFixed(3)} (${ours.commits} commits, ` +
  `${ours.wallSeconds.toFixed(1)} s), pyarrow ${perMillion(pyarrow).toFixed(3)}, ` +
  `naive ${perMillion(naive).toFixed(1)}`

function figuresOf(
  pairs: readonly Pair[],
  more: Pick<IngestFigures, 'idleBytes' | 'firstCommitSeconds' | 'isQuick'>,
): IngestFigures {
  const ratios = (theirs: 'naive' | 'pyarrow'): readonly number[] =>
    pairs.map((pair) => perMillion(pair[theirs]) / perMillion(pair.ours))
  const each = (of: (pair: Pair) => number) => quartilesOf(pairs.map(of))
  return {
    pairCount: pairs.length,
    naiveRatio: quartilesOf(ratios('naive')),
    pyarrowRatio: quartilesOf(ratios('pyarrow')),
    oursPerMillion: each(({ ours }) => perMillion(ours)),
    naivePerMillion: each(({ naive }) => perMillion(naive)),
    pyarrowPerMillion: each(({ pyarrow }) => perMillion(pyarrow)),
    sampleCpuSecondsMin: Math.min(
      ...pairs.flatMap((pair) => [pair.ours, pair.naive, pair.pyarrow].map((it) => it.cpuSeconds)),
    ),
    peakRssBytes: Math.max(...pairs.map(({ ours }) => ours.peakRssBytes)),
    outputBytes: each(({ ours }) => ours.outputBytes).median,
    ...more,
  }
}

const caseOf = (figures: IngestFigures) => ({
  name: 'app-event/zstd-1',
  rowsPerSecond: Math.round(1e6 / figures.oursPerMillion.median),
  cpuSecondsPerMillion: figures.oursPerMillion.median,
  peakRssBytes: figures.peakRssBytes,
  outputBytes: figures.outputBytes,
  ratios: { pyarrow: figures.pyarrowRatio.median, naive: figures.naiveRatio.median },
})

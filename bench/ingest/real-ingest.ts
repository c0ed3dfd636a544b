/**
 * A real Kafka broker → decode → zstd Parquet → commit: our whole process, steady state, against
 * pyarrow's writer on the same rows, in rows per CPU second.
 *
 * Steady state is the slope between two sizes: a small topic and a large one are read to their
 * ends, and what the difference of the rows cost is the figure. Start-up and warm-up fall out, and
 * no row is in flight when the CPU time is taken. The broker's CPU time is nobody's.
 */
import { serviceNamed } from '../../test/system/services/catalogue.ts'
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
import { portIn, withService } from '../measure/real-services.ts'
import { baselineTexts, runPyarrow } from './baselines.ts'
import { BenchLake, type OurRun, ourSettings, runOurs } from './ours.ts'
import {
  type RealFigures,
  realBarLine,
  realLine,
  realMissed,
  recordRealFigures,
} from './real-report.ts'
import { makeRealTopics, type RealTopic, realTopic } from './real-topics.ts'
import { seed } from './topic.ts'

export const realBrokers: readonly string[] = ['kafka-4', 'kafka-3']

/** How much is measured; the full run is the one that counts. */
const full = { smallRows: 500_000, largeRows: 5_000_000, pairs: 5 }
const quick = { smallRows: 50_000, largeRows: 250_000, pairs: 2 }
const batchSizes = [400, 4_000]

interface Pair {
  /** CPU seconds per million rows. */
  readonly ours: number
  readonly pyarrow: number
  readonly sampleCpuSeconds: number
  readonly large: OurRun
}

interface Sizes {
  readonly small: RealTopic
  readonly large: RealTopic
}

/** @param isQuick few rows and pairs, to see that it runs: nothing is recorded. */
export async function benchRealIngest(broker: string, isQuick: boolean): Promise<BenchOutcome> {
  const { pairs: pairCount, smallRows, largeRows } = isQuick ? quick : full
  const { pyarrow } = baselineTexts()
  const placement = placementOn(1)
  const { version } = serviceNamed(broker)
  const machine = thisMachine()
  const sizes = batchSizes.map((size) => ({
    small: realTopic(smallRows, size),
    large: realTopic(largeRows, size),
  }))
  const dataset =
    `app-event, ${smallRows} and ${largeRows} events, seed ${seed}, 4 partitions, zstd batches of ` +
    `${batchSizes.join(' and of ')} records`
  const brokerText = `Kafka ${version}, one node, not counted`
  console.log(`machine     ${machineText(machine)}, load ${loadText()}`)
  console.log(`broker      ${brokerText}`)
  console.log(`dataset     ${dataset}`)
  console.log(`ours        ${ourSettings}; ${placement.text}; slope between the two sizes`)
  console.log(`pyarrow     ${pyarrow}`)
  const figures = await withService(broker, `${broker}-app-event-${seed}`, async (address) => {
    const port = portIn(address)
    const topics = sizes.flatMap(({ small, large }) => [small, large])
    await makeRealTopics(port, topics)
    const all: RealFigures[] = []
    for (const each of sizes) all.push(await measureSize(port, placement, each, pairCount))
    return all
  })
  for (const each of figures) console.log(realLine(each))
  console.log(realBarLine)
  const context = { machine, commit: commitText(), brokerText, dataset, pyarrow }
  if (isQuick) console.log('a quick run: few pairs of small samples, not recorded')
  else recordRealFigures(figures, { ...context, placement: placement.text })
  const cases = figures.map((each) => caseOf(broker, each))
  const report = { bench: 'ingest', commit: context.commit, machine: machineText(machine), cases }
  return { report, missed: figures.flatMap((each) => realMissed(each, isQuick)) }
}

/** The first runs warm caches and make the table for pyarrow; they are not counted. */
async function measureSize(
  port: number,
  placement: Placement,
  sizes: Sizes,
  pairCount: number,
): Promise<RealFigures> {
  const { recordsPerBatch } = sizes.large
  const read = async (topic: RealTopic): Promise<{ lake: BenchLake; run: OurRun }> => {
    const lake = new BenchLake({ brokerPort: port, topic: topic.name })
    return { lake, run: await runOurs(lake, { placement, rows: topic.rows }) }
  }
  const pairs: Pair[] = []
  const warm = await read(sizes.large)
  const { files } = warm.lake
  while (pairs.length < pairCount) {
    const pair = await measurePair({ read, sizes, isTurned: pairs.length % 2 === 1 }, () =>
      runPyarrow(files, placement),
    )
    pairs.push(pair)
    console.log(
      `${recordsPerBatch} a batch, pair ${pairs.length}: CPU-s per million: ours ` +
        `${pair.ours.toFixed(3)}, pyarrow ${pair.pyarrow.toFixed(3)}, load ${loadText()}`,
    )
  }
  warm.lake.remove()
  return figuresOf(recordsPerBatch, pairs)
}

async function measurePair(
  place: {
    read: (topic: RealTopic) => Promise<{ lake: BenchLake; run: OurRun }>
    sizes: Sizes
    isTurned: boolean
  },
  pyarrowOnce: () => ReturnType<typeof runPyarrow>,
): Promise<Pair> {
  const { read, sizes, isTurned } = place
  const ours = async (topic: RealTopic): Promise<OurRun> => {
    const { lake, run } = await read(topic)
    lake.remove()
    return run
  }
  const before = isTurned ? await pyarrowOnce() : undefined
  const small = await ours(sizes.small)
  const large = await ours(sizes.large)
  const theirs = before ?? (await pyarrowOnce())
  const rows = large.rows - small.rows
  const cpuSeconds = large.cpuSeconds - small.cpuSeconds
  return {
    ours: (cpuSeconds / rows) * 1e6,
    pyarrow: (theirs.cpuSeconds / theirs.rows) * 1e6,
    sampleCpuSeconds: Math.min(cpuSeconds, theirs.cpuSeconds),
    large,
  }
}

function figuresOf(recordsPerBatch: number, pairs: readonly Pair[]): RealFigures {
  const each = (of: (pair: Pair) => number) => quartilesOf(pairs.map(of))
  return {
    recordsPerBatch,
    pairCount: pairs.length,
    ratio: each(({ ours, pyarrow }) => pyarrow / ours),
    oursPerMillion: each(({ ours }) => ours),
    pyarrowPerMillion: each(({ pyarrow }) => pyarrow),
    sampleCpuSecondsMin: Math.min(...pairs.map(({ sampleCpuSeconds }) => sampleCpuSeconds)),
    peakRssBytes: Math.max(...pairs.map(({ large }) => large.peakRssBytes)),
    outputBytes: each(({ large }) => large.outputBytes).median,
  }
}

const caseOf = (broker: string, figures: RealFigures) => ({
  name: `app-event/zstd-1/${broker}/${figures.recordsPerBatch}`,
  rowsPerSecond: Math.round(1e6 / figures.oursPerMillion.median),
  cpuSecondsPerMillion: figures.oursPerMillion.median,
  peakRssBytes: figures.peakRssBytes,
  outputBytes: figures.outputBytes,
  ratios: { pyarrow: figures.ratio.median },
})

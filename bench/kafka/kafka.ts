/**
 * Consume only: a real broker's records walked and counted, none decoded. Ours against kafkajs
 * `eachBatch` in CPU seconds of the process, after a warm-up, and against the Java consumer by the
 * slope between two sizes.
 */
import { join } from 'node:path'
import { serviceNamed } from '../../test/system/services/catalogue.ts'
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
import { lastJsonOf } from '../measure/run-process.ts'
import { runJava } from './java-consumer.ts'
import {
  type Codec,
  codecs,
  makeTopics,
  partitionCount,
  recordsPerBatch,
  seed,
  topicOf,
  valueBytes,
} from './topics.ts'

const broker = 'kafka-4'
const full = {
  records: 1_280_000,
  ourRecords: 12_000_000,
  theirRecords: 2_560_000,
  rounds: 5,
  slopes: 3,
}
const quick = {
  records: 160_000,
  ourRecords: 400_000,
  theirRecords: 160_000,
  rounds: 1,
  slopes: 1,
}
type Sizes = typeof full

const kafkajsBar = 4
const javaBar = 1
const spreadMax = 0.1
const sampleCpuSecondsLeast = 2
const about =
  'Appended by `npm run bench -- kafka`: CPU seconds (user + system) of the consuming process ' +
  'for a million records that\nare fetched, checked, inflated, walked and counted. Ratios are ' +
  'medians of rounds; in each both go twice, one of\nthem first and last, so that what changes ' +
  'slowly meets both alike.'

interface Figures {
  readonly codec: Codec
  /** CPU seconds per million records. */
  readonly ours: Quartiles
  readonly kafkajs: Quartiles
  readonly java: Quartiles
  /** kafkajs ÷ ours, of the rounds. */
  readonly ratio: Quartiles
  readonly sampleCpuSecondsMin: number
  readonly peakRssBytes: number
}

export async function benchKafka({ isQuick }: BenchFlags): Promise<BenchOutcome> {
  const sizes = isQuick ? quick : full
  const placement = placementOn(1)
  console.log(`machine     ${machineText(thisMachine())}, load ${loadText()}; ${placement.text}`)
  const figures = await withService(broker, `${broker}-consume-${seed}`, async (address) => {
    const port = portIn(address)
    await makeTopics(port, sizes.records)
    const all: Figures[] = []
    for (const codec of codecs) all.push(await measure({ port, codec, placement }, sizes))
    return all
  })
  const missed = figures.flatMap((each) => missedOf(each, isQuick))
  for (const each of figures) console.log(lineOf(each))
  if (!isQuick)
    keepResults('kafka', about, [...contextLines(sizes), ...figures.map(itemOf), seen(missed)])
  const cases = figures.map(caseOf)
  const machine = machineText(thisMachine())
  return { report: { bench: 'kafka', commit: commitText(), machine, cases }, missed }
}

interface Place {
  readonly port: number
  readonly codec: Codec
  readonly placement: Placement
}

interface Sample {
  readonly perMillion: number
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

async function sampleOf(placement: Placement, script: string, words: readonly (string | number)[]) {
  const path = join(import.meta.dirname, script)
  const command = [process.execPath, path, ...words.map(String)]
  const told = await lastJsonOf(placement, command)
  const [records, cpuSeconds] = [Number(told['records']), Number(told['cpuSeconds'])]
  const perMillion = (cpuSeconds / records) * 1e6
  return { perMillion, cpuSeconds, peakRssBytes: Number(told['peakRssBytes']) } satisfies Sample
}

/** Both, twice each. */
interface Round {
  readonly ours: Sample
  readonly kafkajs: Sample
}

/** Of two samples: what went first and last in a round, or between. */
const meanOf = (one: Sample, other: Sample): Sample => ({
  perMillion: (one.perMillion + other.perMillion) / 2,
  cpuSeconds: Math.min(one.cpuSeconds, other.cpuSeconds),
  peakRssBytes: Math.max(one.peakRssBytes, other.peakRssBytes),
})

async function aroundOf(
  outer: () => Promise<Sample>,
  inner: () => Promise<Sample>,
): Promise<{ readonly outer: Sample; readonly inner: Sample }> {
  const first = await outer()
  const between = [await inner(), await inner()] as const
  return { outer: meanOf(first, await outer()), inner: meanOf(...between) }
}

async function roundsOf(
  count: number,
  ours: () => Promise<Sample>,
  theirs: () => Promise<Sample>,
): Promise<readonly Round[]> {
  const rounds: Round[] = []
  while (rounds.length < count) {
    const isTurned = rounds.length % 2 === 1
    const { outer, inner } = await (isTurned ? aroundOf(theirs, ours) : aroundOf(ours, theirs))
    rounds.push(isTurned ? { ours: inner, kafkajs: outer } : { ours: outer, kafkajs: inner })
  }
  return rounds
}

async function measure({ port, codec, placement }: Place, sizes: Sizes): Promise<Figures> {
  const { records, ourRecords, theirRecords, slopes } = sizes
  const topic = topicOf(codec, records)
  const words = [port, topic, records, records / 5]
  const rounds = await roundsOf(
    sizes.rounds,
    () => sampleOf(placement, 'our-consumer.ts', [...words, ourRecords]),
    () => sampleOf(placement, 'kafkajs-consumer.ts', [...words, theirRecords]),
  )
  const small = records / 4
  const java = Array.from({ length: slopes }, () => {
    const of = (count: number): number =>
      runJava(broker, { port, topic, records: count }, placement)
    return ((of(records) - of(small)) / (records - small)) * 1e6
  })
  const each = (of: (round: Round) => number) => quartilesOf(rounds.map(of))
  return {
    codec,
    ours: each((round) => round.ours.perMillion),
    kafkajs: each((round) => round.kafkajs.perMillion),
    java: quartilesOf(java),
    ratio: each((round) => round.kafkajs.perMillion / round.ours.perMillion),
    sampleCpuSecondsMin: Math.min(
      ...rounds.flatMap((round) => [round.ours.cpuSeconds, round.kafkajs.cpuSeconds]),
    ),
    peakRssBytes: Math.max(...rounds.map((round) => round.ours.peakRssBytes)),
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const lineOf = ({ codec, ours, kafkajs, java, ratio, peakRssBytes }: Figures): string =>
  `${codec}: kafkajs takes ${quartilesText(ratio, 1)} times ours, spread ` +
  `${percent(spreadOf(ratio))}; CPU-s per million: ours ${quartilesText(ours, 3)}, kafkajs ` +
  `${quartilesText(kafkajs, 3)}, Java by slope ${quartilesText(java, 3)}; peak ` +
  `${(peakRssBytes / 1e6).toFixed(0)} MB; bars: at least ${kafkajsBar} times, at most Java's`

const itemOf = (figures: Figures): string => `- ${lineOf(figures)}`

function missedOf(figures: Figures, isQuick: boolean): readonly string[] {
  const { codec, ours, java, ratio, sampleCpuSecondsMin } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(`${codec}: ${line}`)
  }
  expect(ratio.median >= kafkajsBar, `less than ${kafkajsBar} times kafkajs`)
  // What a quick run has more in its large topic is less than a JVM's start differs by.
  if (isQuick) return missed
  expect(ours.median <= java.median * javaBar, 'more than the Java consumer by slope')
  expect(spreadOf(ratio) <= spreadMax, `spread ${percent(spreadOf(ratio))}: no result`)
  const shortest = `a sample took ${sampleCpuSecondsMin.toFixed(2)} CPU-s, less than 2`
  expect(sampleCpuSecondsMin >= sampleCpuSecondsLeast, shortest)
  return missed
}

const contextLines = (sizes: Sizes): readonly string[] => [
  `Broker: Kafka ${serviceNamed(broker).version}, one node, not counted; ${placementOn(1).text}.`,
  `Dataset: ${sizes.records} records of ${valueBytes} bytes, seed ${seed}, ` +
    `${partitionCount} partitions, batches of ${recordsPerBatch}; a fifth to warm up.`,
  `Ours: source, checksums, inflating, walking; ${sizes.ourRecords} records, over and over. ` +
    `kafkajs 2.2.4: eachBatch that counts, node's zstd, our lz4 decoder; ${sizes.theirRecords}, ` +
    'likewise. Java: consumer-perf, -Xmx512m.',
  `${sizes.rounds} rounds of four samples and ${sizes.slopes} slopes a codec.`,
]

const seen = (missed: readonly string[]): string =>
  `Observation: ${missed.length === 0 ? 'every bar holds' : missed.join('; ')}.`

const caseOf = ({ codec, ours, java, ratio, peakRssBytes }: Figures) => ({
  name: `consume/${codec}/${broker}`,
  rowsPerSecond: Math.round(1e6 / ours.median),
  cpuSecondsPerMillion: ours.median,
  peakRssBytes,
  outputBytes: 0,
  ratios: { kafkajs: ratio.median, java: java.median / ours.median },
})

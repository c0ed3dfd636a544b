/** The figures of one run of the benchmark, in words, against the bars, and kept. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cardinalities } from '../datasets/app-event.ts'
import { loadText, type Machine, machineText } from '../measure/machine.ts'
import { type Quartiles, quartilesOf, quartilesText, spreadOf } from '../measure/quartiles.ts'
import { ourSettings } from './ours.ts'
import { topicText } from './topic.ts'

export interface IngestFigures {
  readonly pairCount: number
  /** Ours ÷ theirs in rows per CPU second, of the pairs. */
  readonly naiveRatio: Quartiles
  readonly pyarrowRatio: Quartiles
  /** CPU seconds per million rows. */
  readonly oursPerMillion: Quartiles
  readonly naivePerMillion: Quartiles
  readonly pyarrowPerMillion: Quartiles
  /** Of the shortest sample. */
  readonly sampleCpuSecondsMin: number
  readonly idleBytes: number
  readonly peakRssBytes: number
  readonly outputBytes: number
  /** One for each start of the demo. */
  readonly firstCommitSeconds: readonly number[]
  /** Few pairs: spread and length of samples are no reason to refuse it. */
  readonly isQuick: boolean
}

const bars = { naive: 40, pyarrow: 0.6, extraBytes: 300e6, firstCommitSeconds: 30 }
const spreadMax = 0.1
const sampleCpuSecondsLeast = 2

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const extraBytesOf = ({ peakRssBytes, idleBytes }: IngestFigures): number =>
  peakRssBytes - idleBytes

/** The 95th percentile, by nearest rank. */
function slowStart({ firstCommitSeconds: all }: IngestFigures): number {
  const sorted = [...all].sort((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN
}

/** The figures for people, each with its bar. */
export function reportLines(figures: IngestFigures): readonly string[] {
  const { naiveRatio, pyarrowRatio, peakRssBytes, idleBytes, firstCommitSeconds } = figures
  const { oursPerMillion, naivePerMillion, pyarrowPerMillion } = figures
  const starts = quartilesOf(firstCommitSeconds)
  return [
    `CPU-s per million rows: ours ${quartilesText(oursPerMillion, 3)}, pyarrow ` +
      `${quartilesText(pyarrowPerMillion, 3)}, naive ${quartilesText(naivePerMillion, 1)}`,
    `${ratioText(naiveRatio, 1)} times the naive way; bar: at least ${bars.naive}`,
    `${ratioText(pyarrowRatio, 2)} of pyarrow's writer; bar: at least ${bars.pyarrow}`,
    `extra memory ${megabytes(extraBytesOf(figures))} (peak ${megabytes(peakRssBytes)}, idle ` +
      `${megabytes(idleBytes)}); bar: at most ${megabytes(bars.extraBytes)}`,
    `first commit of the demo after ${starts.median.toFixed(1)} s, p95 of ` +
      `${firstCommitSeconds.length} starts ${slowStart(figures).toFixed(1)} s; bar: at most ` +
      `${bars.firstCommitSeconds} s`,
  ]
}

const ratioText = (ratio: Quartiles, digits: number): string =>
  `${quartilesText(ratio, digits)}, spread ${percent(spreadOf(ratio))},`

/** What does not hold: a bar, or the figure itself. */
export function missedBars(figures: IngestFigures): readonly string[] {
  const { naiveRatio, pyarrowRatio, sampleCpuSecondsMin, isQuick } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(line)
  }
  if (!isQuick) {
    for (const [name, ratio] of Object.entries({ naive: naiveRatio, pyarrow: pyarrowRatio })) {
      const spread = spreadOf(ratio)
      const line = `quartile spread ${percent(spread)} against ${name} is over ${percent(spreadMax)}: no result`
      expect(spread <= spreadMax, line)
    }
    const shortest = `a sample took ${sampleCpuSecondsMin.toFixed(2)} CPU-s, less than 2`
    expect(sampleCpuSecondsMin >= sampleCpuSecondsLeast, shortest)
  }
  expect(naiveRatio.median >= bars.naive, `less than ${bars.naive} times the naive way`)
  expect(pyarrowRatio.median >= bars.pyarrow, `less than ${bars.pyarrow} of pyarrow`)
  expect(extraBytesOf(figures) <= bars.extraBytes, `more than ${megabytes(bars.extraBytes)} extra`)
  const late = `first commit later than ${bars.firstCommitSeconds} s`
  expect(slowStart(figures) <= bars.firstCommitSeconds, late)
  return missed
}

export interface IngestContext {
  readonly commit: string
  readonly machine: Machine
  readonly rows: number
  readonly baselines: { readonly naive: string; readonly pyarrow: string }
  readonly placement: string
}

const resultsPath = join(import.meta.dirname, '..', 'results', 'ingest.md')
const resultsHead = `# bench ingest

Appended by \`npm run bench -- ingest\`: whole process, Kafka protocol → decode → zstd Parquet →
commit, in rows per CPU second (user + system), start-up included. Ratios are medians of pairs that
took turns; absolute seconds are no bar.
`

/** Appends a section to the results; a run that scatters too much is kept as such. */
export function recordFigures(figures: IngestFigures, context: IngestContext): void {
  const { commit, machine, rows, baselines, placement } = context
  const missed = missedBars(figures)
  const section = [
    `## ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · commit ${commit}`,
    `Machine: ${machineText(machine)}; load after the run ${loadText()}; ${placement}.`,
    'Broker: embedded, in a process of its own, not counted.',
    `Dataset: ${topicText(rows)}; ${cardinalities}.`,
    `Ours: ${ourSettings}. Naive: ${baselines.naive}. Pyarrow: ${baselines.pyarrow}.`,
    `${figures.pairCount} pairs, shortest sample ${figures.sampleCpuSecondsMin.toFixed(2)} CPU-s; ` +
      `output ${megabytes(figures.outputBytes)}.`,
    ...reportLines(figures).map((line) => `- ${line}`),
    `Observation: ${observation(figures, missed)}`,
  ]
  appendResults(section)
}

/** Adds a section to `bench/results/ingest.md`. */
export function appendResults(section: readonly string[]): void {
  mkdirSync(dirname(resultsPath), { recursive: true })
  if (!existsSync(resultsPath)) writeFileSync(resultsPath, resultsHead)
  appendFileSync(resultsPath, `\n${section.join('\n')}\n`)
}

/** One line on what the figures say. */
function observation(figures: IngestFigures, missed: readonly string[]): string {
  if (missed.length > 0) return `${missed.join('; ')}.`
  const ownSpread = percent(spreadOf(figures.oursPerMillion))
  return `every bar holds; the quartiles of our own CPU seconds lie ${ownSpread} apart.`
}

/** The figures of the benchmark in words, against the bars, and kept. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadText, type Machine, machineText } from '../measure/machine.ts'
import { type Quartiles, quartilesOf, quartilesText, spreadOf } from '../measure/quartiles.ts'
import { type CaseInput, inputText } from './input.ts'
import type { Pair, Sample } from './sample.ts'

export interface CaseFigures {
  readonly input: CaseInput
  readonly pairCount: number
  /** Ours ÷ theirs in rows per CPU second, of the pairs. */
  readonly pyarrowRatio: Quartiles
  readonly naiveRatio: Quartiles
  /** CPU seconds per million rows. */
  readonly oursPerMillion: Quartiles
  readonly pyarrowPerMillion: Quartiles
  readonly naivePerMillion: Quartiles
  /** Of the shortest sample. */
  readonly sampleCpuSecondsMin: number
  readonly peakRssBytes: number
  readonly outputBytes: number
  /** Our file's bytes ÷ pyarrow's for the same rows. */
  readonly sizeToPyarrow: number
}

const naiveBar = 100
const sizeBar = 1.05
const spreadMax = 0.1
const sampleCpuSecondsLeast = 2

export const perMillion = ({ rows, cpuSeconds }: Sample): number => (cpuSeconds / rows) * 1e6

/** @param pairs one at least. */
export function figuresOf(input: CaseInput, pairs: readonly Pair[]): CaseFigures {
  const each = (of: (pair: Pair) => number): Quartiles => quartilesOf(pairs.map(of))
  const samples = pairs.flatMap(({ ours, pyarrow, naive }) => [ours, pyarrow, naive])
  return {
    input,
    pairCount: pairs.length,
    pyarrowRatio: each(({ ours, pyarrow }) => perMillion(pyarrow) / perMillion(ours)),
    naiveRatio: each(({ ours, naive }) => perMillion(naive) / perMillion(ours)),
    oursPerMillion: each(({ ours }) => perMillion(ours)),
    pyarrowPerMillion: each(({ pyarrow }) => perMillion(pyarrow)),
    naivePerMillion: each(({ naive }) => perMillion(naive)),
    sampleCpuSecondsMin: Math.min(...samples.map(({ cpuSeconds }) => cpuSeconds)),
    peakRssBytes: Math.max(...pairs.map(({ ours }) => ours.peakRssBytes)),
    outputBytes: each(({ ours }) => ours.outputBytes).median,
    sizeToPyarrow: each(({ ours, pyarrow }) => ours.outputBytes / pyarrow.outputBytes).median,
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const ratioText = (ratio: Quartiles, digits: number): string =>
  `${quartilesText(ratio, digits)}, spread ${percent(spreadOf(ratio))}`

/** The figures of a case for people, each with its bar. */
export function caseLines(figures: CaseFigures): readonly string[] {
  const { input, pyarrowRatio, naiveRatio, sizeToPyarrow, outputBytes, peakRssBytes } = figures
  const { oursPerMillion, pyarrowPerMillion, naivePerMillion } = figures
  return [
    `CPU-s per million rows: ours ${quartilesText(oursPerMillion, 3)}, pyarrow ` +
      `${quartilesText(pyarrowPerMillion, 3)}, naive ${quartilesText(naivePerMillion, 1)}`,
    `${ratioText(pyarrowRatio, 2)}, of pyarrow's writer; bar: at least ${input.pyarrowBar}`,
    `${ratioText(naiveRatio, 1)}, times the naive way; bar: at least ${naiveBar}`,
    `file ${megabytes(outputBytes)}, ${sizeToPyarrow.toFixed(3)} of pyarrow's; bar: at most ` +
      `${sizeBar}; our process ${megabytes(peakRssBytes)} at its peak`,
  ]
}

/**
 * What does not hold: a bar, or the figure itself.
 *
 * @param isQuick few pairs: spread and length of samples are no reason to refuse it.
 */
export function missedBars(figures: CaseFigures, isQuick: boolean): readonly string[] {
  const { input, pyarrowRatio, naiveRatio, sizeToPyarrow, sampleCpuSecondsMin } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(`${input.name}: ${line}`)
  }
  if (!isQuick) {
    for (const [name, ratio] of Object.entries({ pyarrow: pyarrowRatio, naive: naiveRatio })) {
      const spread = `quartile spread ${percent(spreadOf(ratio))} against ${name}`
      expect(spreadOf(ratio) <= spreadMax, `${spread} is over ${percent(spreadMax)}: no result`)
    }
    const shortest = `a sample took ${sampleCpuSecondsMin.toFixed(2)} CPU-s, less than 2`
    expect(sampleCpuSecondsMin >= sampleCpuSecondsLeast, shortest)
  }
  expect(pyarrowRatio.median >= input.pyarrowBar, `less than ${input.pyarrowBar} of pyarrow`)
  expect(naiveRatio.median >= naiveBar, `less than ${naiveBar} times the naive way`)
  expect(sizeToPyarrow <= sizeBar, `the file is larger than ${sizeBar} of pyarrow's`)
  return missed
}

export interface BenchContext {
  readonly commit: string
  readonly machine: Machine
  readonly baselines: { readonly naive: string; readonly pyarrow: string }
  readonly placement: string
}

const resultsPath = join(import.meta.dirname, '..', 'results', 'decode-parquet.md')
const resultsHead = `# bench decode-parquet

Appended by \`npm run bench -- decode-parquet\`: wire bytes → finished Parquet file on disk, one
core, in rows per CPU second (user + system). Each way runs in a process of its own and is measured
inside it, around the work, after one pass that is not counted: start-up is in no figure. Ratios are
medians of pairs that took turns; absolute seconds are no bar.
`

/** Appends a section to the results; a run that scatters too much is kept as such. */
export function recordFigures(all: readonly CaseFigures[], context: BenchContext): void {
  const { commit, machine, baselines, placement } = context
  const section = [
    `## ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · commit ${commit}`,
    `Machine: ${machineText(machine)}; load after the run ${loadText()}; ${placement}.`,
    `Ours: kernel and Parquet writer, zstd level 1, row groups of 128 MiB. ` +
      `Naive: ${baselines.naive}. Pyarrow: ${baselines.pyarrow}.`,
    ...all.flatMap((figures) => caseSection(figures)),
  ]
  mkdirSync(dirname(resultsPath), { recursive: true })
  if (!existsSync(resultsPath)) writeFileSync(resultsPath, resultsHead)
  appendFileSync(resultsPath, `\n${section.join('\n')}\n`)
}

function caseSection(figures: CaseFigures): readonly string[] {
  const { input, pairCount, sampleCpuSecondsMin, oursPerMillion } = figures
  const missed = missedBars(figures, false)
  const holds = `every bar holds; the quartiles of our own CPU seconds lie ${percent(spreadOf(oursPerMillion))} apart`
  return [
    '',
    `### ${inputText(input)}`,
    `${input.cardinalities}. ${pairCount} pairs, shortest sample ` +
      `${sampleCpuSecondsMin.toFixed(2)} CPU-s.`,
    ...caseLines(figures).map((line) => `- ${line}`),
    `Observation: ${missed.length > 0 ? missed.join('; ') : holds}.`,
  ]
}

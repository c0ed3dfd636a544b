/** The figures on a real broker, in words, against the bar, and kept. */
import { cardinalities } from '../datasets/app-event.ts'
import { loadText, type Machine, machineText } from '../measure/machine.ts'
import { type Quartiles, quartilesText, spreadOf } from '../measure/quartiles.ts'
import { ourSettings } from './ours.ts'
import { appendResults } from './report.ts'

export interface RealFigures {
  readonly recordsPerBatch: number
  readonly pairCount: number
  /** Ours ÷ pyarrow's in rows per CPU second, of the pairs. */
  readonly ratio: Quartiles
  /** CPU seconds per million rows; ours by the slope between the two sizes. */
  readonly oursPerMillion: Quartiles
  readonly pyarrowPerMillion: Quartiles
  /** Of the shortest sample: for ours, the difference of two runs. */
  readonly sampleCpuSecondsMin: number
  /** Of the large topic. */
  readonly peakRssBytes: number
  readonly outputBytes: number
}

const bar = 0.9
const spreadMax = 0.1
const sampleCpuSecondsLeast = 2
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

export const realBarLine = `bar: at least ${bar} of pyarrow's writer`

/** One size of record batches, for people. */
export const realLine = (figures: RealFigures): string =>
  `batches of ${figures.recordsPerBatch}: ${quartilesText(figures.ratio, 2)}, spread ` +
  `${percent(spreadOf(figures.ratio))}, of pyarrow's writer; CPU-s per million rows: ours ` +
  `${quartilesText(figures.oursPerMillion, 3)}, pyarrow ` +
  `${quartilesText(figures.pyarrowPerMillion, 3)}; peak ${megabytes(figures.peakRssBytes)}`

/** What does not hold: the bar, or the figure itself. */
export function realMissed(figures: RealFigures, isQuick: boolean): readonly string[] {
  const { ratio, sampleCpuSecondsMin, recordsPerBatch } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(`batches of ${recordsPerBatch}: ${line}`)
  }
  if (!isQuick) {
    const spread = spreadOf(ratio)
    const scattered = `quartile spread ${percent(spread)} is over ${percent(spreadMax)}: no result`
    expect(spread <= spreadMax, scattered)
    const shortest = `a sample took ${sampleCpuSecondsMin.toFixed(2)} CPU-s, less than 2`
    expect(sampleCpuSecondsMin >= sampleCpuSecondsLeast, shortest)
  }
  expect(ratio.median >= bar, `less than ${bar} of pyarrow`)
  return missed
}

interface RealContext {
  readonly commit: string
  readonly machine: Machine
  readonly brokerText: string
  readonly dataset: string
  readonly pyarrow: string
  readonly placement: string
}

/** Appends a section to the results; a run that scatters too much is kept as such. */
export function recordRealFigures(all: readonly RealFigures[], context: RealContext): void {
  const { commit, machine, brokerText, dataset, pyarrow, placement } = context
  const missed = all.flatMap((figures) => realMissed(figures, false))
  const [first] = all
  appendResults([
    `## ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · commit ${commit}`,
    `Machine: ${machineText(machine)}; load after the run ${loadText()}; ${placement}.`,
    `Broker: ${brokerText}.`,
    `Dataset: ${dataset}; ${cardinalities}.`,
    `Ours: ${ourSettings}; steady state by the slope between the two sizes. Pyarrow: ${pyarrow}.`,
    `${first?.pairCount ?? 0} pairs a size, shortest sample ` +
      `${Math.min(...all.map((each) => each.sampleCpuSecondsMin)).toFixed(2)} CPU-s; output ` +
      `${megabytes(first?.outputBytes ?? 0)}.`,
    ...all.map((figures) => `- ${realLine(figures)}; ${realBarLine}`),
    `Observation: ${missed.length === 0 ? 'the bar holds for every size' : missed.join('; ')}.`,
  ])
}

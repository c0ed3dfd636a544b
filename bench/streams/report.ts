/** The figures of `bench -- streams` in words, against the bars, and kept. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadText } from '../measure/machine.ts'
import { type Quartiles, quartilesText, spreadOf } from '../measure/quartiles.ts'

export interface StreamsCase {
  readonly streamCount: number
  /** Rows per CPU second with many streams ÷ with one, of the pairs. */
  readonly ratio: Quartiles
  /** CPU seconds per million rows, from the assignment to the last commit. */
  readonly onePerMillion: Quartiles
  readonly manyPerMillion: Quartiles
  /** CPU seconds of a start with many streams. */
  readonly startCpuSeconds: number
  readonly sampleCpuSecondsMin: number
  readonly idleBytes: { readonly one: number; readonly many: number }
  /** With the budget of many. */
  readonly onePeakBytes: number
  /** One stream with a budget of its own measure. */
  readonly small: {
    readonly buffers: string
    readonly peakBytes: number
    readonly perMillion: number
  }
  readonly manyPeakBytes: number
  readonly outputBytes: number
}

export interface StreamsFigures {
  readonly cases: readonly StreamsCase[]
  readonly isQuick: boolean
}

/** Of rows per CPU second, by the number of streams. */
const ratioBars: Readonly<Record<number, number>> = { 300: 0.6, 1_000: 0.5 }
const peakBytesMax = 2 ** 30
/** Where the bar for memory was set. */
const peakStreams = 300
const oneExtraBytesMax = 150e6
const spreadMax = 0.1
const sampleCpuSecondsLeast = 2

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

/** For people, each with its bar, and what does not hold. */
export function reportLines({ cases, isQuick }: StreamsFigures): {
  readonly lines: readonly string[]
  readonly missed: readonly string[]
} {
  const lines: string[] = []
  const missed: string[] = []
  for (const each of cases) {
    const name = `${each.streamCount} streams`
    const ratioBar = ratioBars[each.streamCount] ?? Number.NaN
    const { small } = each
    const oneExtraBytes = small.peakBytes - each.idleBytes.one
    lines.push(
      `${name}: ${quartilesText(each.ratio, 2)} of the rows per CPU second of one; bar: at ` +
        `least ${ratioBar}`,
      `${name}: CPU-s per million rows ${quartilesText(each.manyPerMillion, 3)}, one stream ` +
        `${quartilesText(each.onePerMillion, 3)}; a start ${each.startCpuSeconds.toFixed(1)} CPU-s`,
      `${name}: peak ${megabytes(each.manyPeakBytes)}, idle ${megabytes(each.idleBytes.many)}` +
        (each.streamCount === peakStreams ? `; bar: at most ${megabytes(peakBytesMax)}` : ''),
      `one stream: peak ${megabytes(each.onePeakBytes)} with the same budget; with ` +
        `${small.buffers} at ${small.perMillion.toFixed(3)} CPU-s per million rows ` +
        `${megabytes(oneExtraBytes)} over the idle process; bar: at most ` +
        `${megabytes(oneExtraBytesMax)}`,
    )
    const expect = (holds: boolean, line: string): void => {
      if (!holds) missed.push(line)
    }
    expect(each.ratio.median >= ratioBar, `${name}: less than ${ratioBar} of one stream's rows`)
    if (each.streamCount === peakStreams) {
      expect(each.manyPeakBytes <= peakBytesMax, `${name}: more than ${megabytes(peakBytesMax)}`)
    }
    expect(
      oneExtraBytes <= oneExtraBytesMax,
      `one stream: more than ${megabytes(oneExtraBytesMax)}`,
    )
    if (isQuick) continue
    expect(spreadOf(each.ratio) <= spreadMax, `${name}: the quartiles are over 10 % apart`)
    const isLong = each.sampleCpuSecondsMin >= sampleCpuSecondsLeast
    expect(isLong, `${name}: a sample took less than ${sampleCpuSecondsLeast} CPU-s`)
  }
  return { lines, missed }
}

export interface StreamsContext {
  readonly machine: string
  readonly commit: string
  readonly dataset: string
  readonly placement: string
  readonly settings: string
}

const resultsPath = join(import.meta.dirname, '..', 'results', 'streams.md')
const resultsHead = `# bench streams

Appended by \`npm run bench -- streams\`: the real daemon with many streams, two open hours each,
against one stream with as many rows, in rows per CPU second (user + system) from the assignment to
the last commit. Ratios are medians of pairs that took turns; absolute seconds are no bar.
`

/** Appends a section to `bench/results/streams.md`. */
export function recordFigures(figures: StreamsFigures, context: StreamsContext): void {
  const { machine, commit, dataset, placement, settings } = context
  const { lines, missed } = reportLines(figures)
  const section = [
    `## ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · commit ${commit}`,
    `Machine: ${machine}; load after the run ${loadText()}; ${placement}.`,
    'Broker: embedded, in a process of its own, not counted.',
    `Dataset: ${dataset}. Settings: ${settings}.`,
    ...lines.map((line) => `- ${line}`),
    `Observation: ${missed.length === 0 ? 'every bar holds' : missed.join('; ')}.`,
  ]
  mkdirSync(dirname(resultsPath), { recursive: true })
  if (!existsSync(resultsPath)) writeFileSync(resultsPath, resultsHead)
  appendFileSync(resultsPath, `\n${section.join('\n')}\n`)
}

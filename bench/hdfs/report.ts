/** The figures of the benchmark as lines for people, and what they miss. */
import type { Pair } from '../lakes/against-folder.ts'
import { quartilesOf, quartilesText, spreadOf } from '../measure/quartiles.ts'
import type { FlushFigures } from './flush.ts'
import { type Growth, growthText } from './growth.ts'
import type { Requests } from './requests.ts'

/** A part that was not asked for has none. */
export interface HdfsFigures {
  readonly pairs: readonly Pair[]
  readonly flush: FlushFigures | undefined
  /** In each mode. */
  readonly requests: readonly Requests[]
  readonly growth: readonly Growth[]
  /** Seconds of each. */
  readonly recovery: readonly number[]
}

const speedBar = 0.75
const flushBar = 1.5
const sliceMsMax = 50
const perFileMax = 4
const growthBar = 1.05
/** From so many rows a second a minute is a commit of some megabytes (ADR 0026). */
const growthBarFrom = 1_000
const recoverySecondsMax = 15
const spreadMax = 0.1

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

export function linesOf({
  pairs,
  flush,
  requests,
  growth,
  recovery,
}: HdfsFigures): readonly string[] {
  return [
    ...(pairs.length === 0 ? [] : [speedLine(pairs)]),
    ...(flush === undefined ? [] : flushLines(flush)),
    ...requests.map(requestsLine),
    ...growth.map((grown) => `a file that grows: ${growthText(grown)}${barText(grown)}`),
    ...(recovery.length === 0 ? [] : [recoveryLine(recovery)]),
  ]
}

const ratioOf = (pairs: readonly Pair[]) =>
  quartilesOf(pairs.map(({ server, folder }) => folder.perMillion / server.perMillion))

function speedLine(pairs: readonly Pair[]): string {
  const ratio = ratioOf(pairs)
  const onHdfs = quartilesOf(pairs.map(({ server }) => server.perMillion))
  const onFolder = quartilesOf(pairs.map(({ folder }) => folder.perMillion))
  return (
    `${quartilesText(ratio, 2)}, spread ${percent(spreadOf(ratio))}, of the rows per CPU second ` +
    `of a folder; bar: at least ${speedBar}; CPU-s per million: HDFS ${quartilesText(onHdfs, 3)}, ` +
    `folder ${quartilesText(onFolder, 3)}`
  )
}

function flushLines(flush: FlushFigures): readonly string[] {
  const { files, bytes, commitSeconds, bareSeconds, ratio, longestSliceMs, slicesOver50 } = flush
  return [
    `${files} files of ${(bytes / 1e6).toFixed(1)} MB in one commit: ` +
      `${quartilesText(commitSeconds, 2)} s, a bare loop of the same bytes ` +
      `${quartilesText(bareSeconds, 2)} s; ${quartilesText(ratio, 2)} times; bar: at most ` +
      `${flushBar}`,
    `longest turn of the event loop meanwhile ${longestSliceMs.toFixed(0)} ms of CPU time, ` +
      `${slicesOver50} over ${sliceMsMax} ms; bar: none`,
  ]
}

function requestsLine(requests: Requests): string {
  const { mode, commits, files, counted, apart, byKind } = requests
  const kinds = Object.entries(byKind).sort(([, a], [, b]) => b - a)
  return (
    `file.mode ${mode}: ${counted} requests to the namenode for ${files} files in ${commits} ` +
    `commits, ${(counted / files).toFixed(2)} a file, ${apart} more for folders and a start's listings; bar: at most ` +
    `${perFileMax}; all: ${kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')}`
  )
}

const barText = ({ rowsPerSecond }: Growth): string =>
  rowsPerSecond >= growthBarFrom ? `; bar: at most ${growthBar}` : ''

function recoveryLine(recovery: readonly number[]): string {
  const { median } = quartilesOf(recovery)
  return (
    `first commit after SIGKILL with every file open: median ${median.toFixed(1)} s, longest of ` +
    `${recovery.length} ${Math.max(...recovery).toFixed(1)} s; bar: at most ${recoverySecondsMax}`
  )
}

/** Figures of time are no result in a quick run. */
export function missedOf(figures: HdfsFigures, isQuick: boolean): readonly string[] {
  const { pairs, flush, requests, growth, recovery } = figures
  const missed: string[] = []
  const expect = (holds: boolean, line: string): void => {
    if (!holds) missed.push(line)
  }
  for (const { mode, counted, files } of requests) {
    expect(counted <= perFileMax * files, `more than ${perFileMax} requests a file (${mode})`)
  }
  for (const { rowsPerSecond, files, bytes, bytesAtOnce } of growth) {
    expect(files === 1, `${files} files at ${rowsPerSecond} rows/s, one was wanted`)
    const isLong = rowsPerSecond >= growthBarFrom && bytes > growthBar * bytesAtOnce
    expect(!isLong, `more than ${growthBar} times as long at ${rowsPerSecond} rows/s`)
  }
  expect(
    recovery.every((seconds) => seconds <= recoverySecondsMax),
    `a first commit later than ${recoverySecondsMax} s`,
  )
  expect((flush?.slicesOver50 ?? 0) === 0, `a turn of the event loop over ${sliceMsMax} ms`)
  if (isQuick) return missed
  if (flush !== undefined) {
    expect(flush.ratio.median <= flushBar, `more than ${flushBar} times a bare loop`)
    expect(spreadOf(flush.ratio) <= spreadMax, `flush: spread ${percent(spreadOf(flush.ratio))}`)
  }
  if (pairs.length > 0) {
    const ratio = ratioOf(pairs)
    expect(ratio.median >= speedBar, `less than ${speedBar} of a folder`)
    expect(spreadOf(ratio) <= spreadMax, `speed: spread ${percent(spreadOf(ratio))}: no result`)
  }
  return missed
}

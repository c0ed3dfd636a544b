/** What a benchmark hands back. */

/** One line of the report; a ratio is ours ÷ theirs in rows per CPU second, above 1 is faster. */
interface BenchCase {
  readonly name: string
  /** Rows per CPU second. */
  readonly rowsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakRssBytes: number
  readonly outputBytes: number
  readonly ratios: Readonly<Record<string, number>>
}

interface BenchReport {
  readonly bench: string
  readonly commit: string
  readonly machine: string
  readonly cases: readonly BenchCase[]
}

export interface BenchOutcome {
  readonly report: BenchReport
  /** Bars that do not hold, and figures that scatter too much, as lines for people. */
  readonly missed: readonly string[]
}

/** Something outside that the benchmark needs is not there. */
export class MissingOutside extends Error {}

/** What a benchmark hands back. */

/** One line of the report; a ratio is ours ÷ theirs in rows per CPU second, above 1 is faster. */
interface BenchCase {
  readonly name: string
  /** Rows per CPU second. */
  readonly rowsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakRssBytes: number
  readonly outputBytes: number
  /** Our file's bytes ÷ pyarrow's for the same rows, where both were written. */
  readonly outputToPyarrow?: number
  readonly ratios: Readonly<Record<string, number>>
}

/** Of a benchmark in simulated time: nothing of it depends on the machine. */
export interface SimulatedCase {
  readonly name: string
  readonly writers: number
  readonly commits: number
  readonly racesPerCommit: number
  readonly commitSeconds: { readonly median: number; readonly p99: number; readonly max: number }
}

/** Of a benchmark of delays: seconds, or shares of a core, by their names. */
interface TimedCase {
  readonly name: string
  readonly seconds: Readonly<Record<string, number>>
}

interface BenchReport {
  readonly bench: string
  readonly commit: string
  readonly machine: string
  readonly cases: readonly BenchCase[] | readonly SimulatedCase[] | readonly TimedCase[]
}

export interface BenchOutcome {
  readonly report: BenchReport
  /** Bars that do not hold, and figures that scatter too much, as lines for people. */
  readonly missed: readonly string[]
}

/** Something outside that the benchmark needs is not there. */
export class MissingOutside extends Error {}

/** The benchmark was asked for what cannot be: flags, or files that they name. */
export class Misused extends Error {}

export interface BenchFlags {
  /** Few rows and pairs, to see that it runs: nothing is recorded. */
  readonly isQuick: boolean
  /** Flags with a value, by name. */
  readonly values: Readonly<Record<string, string | undefined>>
}

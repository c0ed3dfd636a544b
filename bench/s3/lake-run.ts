/** One run of our daemon over a topic to a lake, followed commit by commit from outside. */
import type { Placement } from '../measure/machine.ts'
import { cpuSecondsOf, rssBytesOf } from '../measure/process-figures.ts'
import { MeasuredProcess } from '../measure/run-process.ts'

/** What stood when a commit was told. */
export interface CommitSeen {
  /** Committed so far. */
  readonly rows: number
  readonly files: number
  readonly commits: number
  readonly cpuSeconds: number
  readonly rssBytes: number
  /** Answered requests so far, where somebody counts. */
  readonly requests: number
}

/**
 * Runs until `rowsWanted` are committed or nothing more comes of itself within the interval.
 *
 * @param countRequests asked at each commit.
 */
export async function followCommits(
  command: readonly string[],
  placement: Placement,
  rowsWanted: number,
  countRequests: () => Promise<number>,
): Promise<readonly CommitSeen[]> {
  const daemon = new MeasuredProcess(placement, command)
  const seen: CommitSeen[] = []
  let [rows, files, commits] = [0, 0, 0]
  let asking = Promise.resolve()
  await daemon.firstOf('stderr', (line) => {
    const said = committedIn(line)
    if (said === undefined) return undefined
    rows += said.rows
    files += said.files
    commits += 1
    const now = { rows, files, commits, cpuSeconds: cpuSecondsOf(daemon.pid) }
    const rssBytes = rssBytesOf(daemon.pid)
    asking = asking.then(async () => {
      seen.push({ ...now, rssBytes, requests: await countRequests() })
    })
    return rows >= rowsWanted ? true : undefined
  })
  await asking
  await daemon.stop()
  return seen
}

function committedIn(line: string): { rows: number; files: number } | undefined {
  if (!line.startsWith('{')) return undefined
  const said = JSON.parse(line) as { level: string; event: string; rows: number; files: number }
  if (said.level !== 'info') console.error(line)
  return said.event === 'committed' ? { rows: said.rows, files: said.files } : undefined
}

/** Between the first commit at `fromRows` or more and the last one. */
export function steadySpan(
  seen: readonly CommitSeen[],
  fromRows: number,
): { readonly first: CommitSeen; readonly last: CommitSeen } {
  const steady = seen.filter(({ rows }) => rows >= fromRows)
  const [first] = steady
  const last = steady.at(-1)
  if (first === undefined || last === undefined || first === last) {
    throw new Error(`${seen.length} commits are too few for a steady state`)
  }
  return { first, last }
}

/** Bytes of resident memory for each further row, by least squares. */
export function memorySlope(seen: readonly CommitSeen[], fromRows: number): number {
  const points = seen.filter(({ rows }) => rows >= fromRows)
  const mean = (of: (point: CommitSeen) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [rowsMean, rssMean] = [mean(({ rows }) => rows), mean(({ rssBytes }) => rssBytes)]
  let [above, below] = [0, 0]
  for (const { rows, rssBytes } of points) {
    above += (rows - rowsMean) * (rssBytes - rssMean)
    below += (rows - rowsMean) ** 2
  }
  return above / below
}

/** One run of our daemon over topics to a lake, followed commit by commit from outside. */
import type { RealTopic } from '../ingest/real-topics.ts'
import { partitionCount } from '../ingest/topic.ts'
import type { Placement } from '../measure/machine.ts'
import { cpuSecondsOf, rssBytesOf } from '../measure/process-figures.ts'
import { MeasuredProcess } from '../measure/run-process.ts'
import { endOnceRead } from '../streams/end-once-read.ts'

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

/** A daemon that reads topics from their beginning to their end. */
export interface LakeRun {
  readonly command: readonly string[]
  readonly placement: Placement
  readonly topics: readonly RealTopic[]
  /** Asked at each commit. */
  readonly countRequests: () => Promise<number>
}

/** Runs until every row is committed. */
export async function followCommits(run: LakeRun): Promise<readonly CommitSeen[]> {
  const { command, placement, topics, countRequests } = run
  const daemon = new MeasuredProcess(placement, command)
  endOnceRead(daemon, topics.length * partitionCount)
  const rowsWanted = topics.reduce((sum, topic) => sum + topic.rows, 0)
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
  if (rows !== rowsWanted) throw new Error(`${rows} rows were committed of ${rowsWanted}`)
  return seen
}

function committedIn(line: string): { rows: number; files: number } | undefined {
  if (!line.startsWith('{')) return undefined
  const said = JSON.parse(line) as { level: string; event: string; rows: number; files: number }
  if (said.level !== 'info') console.error(line)
  return said.event === 'committed' ? { rows: said.rows, files: said.files } : undefined
}

/**
 * Bytes of resident memory for each further row, by least squares.
 *
 * @param warmShare of all rows, which do not count.
 */
export function memorySlope(seen: readonly CommitSeen[], warmShare: number): number {
  const rowsMin = warmShare * (seen.at(-1)?.rows ?? 0)
  const points = seen.filter(({ rows }) => rows >= rowsMin)
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

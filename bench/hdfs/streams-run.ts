/** A daemon on HDFS that reads a topic of many streams to its end, and what it committed. */
import type { MeasuredProcess } from '../measure/run-process.ts'
import { endOnceRead } from '../streams/end-once-read.ts'
import { partitionCount, streamNames, topicName } from '../streams/topic.ts'
import type { Cluster } from './cluster.ts'
import { type Committed, HdfsRun, onCommitted, type Wanted } from './daemon.ts'

/** All of the rows are in one commit. */
export const inOneCommit =
  'commit: { interval: 1h }\nmemory: { buffers: 2GiB }\nready: { delay: 12h, idle: 12h }\n'

export interface Place {
  readonly cluster: Cluster
  readonly brokerPort: number
  readonly streams: number
  readonly rows: number
}

export const runOf = (
  { cluster, brokerPort, streams }: Place,
  more: Partial<Wanted> = {},
): HdfsRun =>
  new HdfsRun({
    cluster,
    namenode: cluster.address,
    brokerPort,
    topic: topicName,
    streams: streamNames(streams),
    mode: 'new',
    settings: inOneCommit,
    ...more,
  })

/** @returns the commits until every row is in one. */
export async function readAll(
  daemon: MeasuredProcess,
  rowsWanted: number,
): Promise<readonly Committed[]> {
  const commits: Committed[] = []
  const done = Promise.withResolvers<void>()
  onCommitted(daemon, (commit) => {
    commits.push(commit)
    if (rowsOf(commits) >= rowsWanted) done.resolve()
  })
  endOnceRead(daemon, partitionCount)
  // Whoever ends early throws.
  await Promise.race([done.promise, daemon.firstOf('stderr', () => undefined)])
  await daemon.stop()
  const rows = rowsOf(commits)
  if (rows !== rowsWanted) throw new Error(`${rows} rows were committed of ${rowsWanted}`)
  return commits
}

const rowsOf = (commits: readonly Committed[]): number =>
  commits.reduce((sum, { rows }) => sum + rows, 0)

/**
 * A daemon with three hundred open files is killed, of 150 streams in two hours; how long until
 * another one has committed.
 *
 * From the start of its process to its first commit, which is told in its log. No lease is waited
 * for: what was staged is left, and what was committed stands.
 */
import { MeasuredProcess } from '../measure/run-process.ts'
import { hours, streamNames, topicName } from '../streams/topic.ts'
import { startTopicBroker } from '../streams/topic-broker.ts'
import type { Cluster } from './cluster.ts'
import { committedIn, HdfsRun } from './daemon.ts'

export interface RecoverySizes {
  readonly streams: number
  readonly rows: number
  readonly kills: number
}

/** Files of the commits before the kill are open in the sense of readers: they go on growing. */
const settings =
  'commit: { interval: 1s }\nmemory: { buffers: 64MiB }\nready: { delay: 12h, idle: 12h }\n'

/** @returns seconds of each, in order. */
export async function measureRecovery(
  cluster: Cluster,
  { streams, rows, kills }: RecoverySizes,
): Promise<readonly number[]> {
  const broker = await startTopicBroker({ streamCount: streams, rows })
  const seconds: number[] = []
  try {
    while (seconds.length < kills) {
      seconds.push(await recoverOnce(cluster, broker.port, streams))
      console.log(`recovery ${seconds.length}: first commit after ${seconds.at(-1)?.toFixed(1)} s`)
    }
    return seconds
  } finally {
    await broker.stop()
  }
}

async function recoverOnce(cluster: Cluster, brokerPort: number, streams: number): Promise<number> {
  const run = new HdfsRun({
    cluster,
    namenode: cluster.address,
    brokerPort,
    topic: topicName,
    streams: streamNames(streams),
    mode: 'continue',
    settings,
  })
  try {
    const first = run.start()
    await firstCommit(first, streams)
    await first.kill()
    const beganMs = performance.now()
    const next = run.start()
    await firstCommit(next, streams)
    const seconds = (performance.now() - beganMs) / 1_000
    await next.kill()
    return seconds
  } finally {
    await run.remove()
  }
}

/** @throws {Error} it has not a file of each stream and hour. */
async function firstCommit(daemon: MeasuredProcess, streams: number): Promise<void> {
  const commit = await daemon.firstOf('stderr', committedIn)
  if (commit.files < streams * hours) throw new Error(`a commit of ${commit.files} files`)
}

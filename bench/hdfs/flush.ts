/**
 * Three hundred streams, each in two hours, flushed in one commit: against a bare loop of the same
 * bytes, watched for long turns of the event loop, and with its requests to the namenode counted.
 *
 * The commit is the last one of a daemon that has read its topic and is asked to end: nothing is
 * read meanwhile, as in the bare loop. In the runs that count, memory is little, so that the same
 * files are committed several times: a folder is made in the first commit alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withProxy } from '../lakes/proxied.ts'
import { loadText, placementOn } from '../measure/machine.ts'
import { type Quartiles, quartilesOf } from '../measure/quartiles.ts'
import { lastJsonOf, type MeasuredProcess } from '../measure/run-process.ts'
import { endOnceRead } from '../streams/end-once-read.ts'
import { partitionCount, streamNames, topicName } from '../streams/topic.ts'
import { startTopicBroker } from '../streams/topic-broker.ts'
import type { Cluster } from './cluster.ts'
import { type Committed, HdfsRun, onCommitted, type Wanted } from './daemon.ts'

const hours = 2
const large =
  'commit: { interval: 1h }\nmemory: { buffers: 2GiB }\nready: { delay: 12h, idle: 12h }\n'
/** Enough for two commits or more. */
const littleOf = (rows: number): string =>
  large.replace('2GiB', rows > 300_000 ? '256MiB' : '96MiB')

export interface FlushSizes {
  readonly streams: number
  readonly rows: number
  readonly pairs: number
}

export interface Requests {
  readonly mode: 'new' | 'continue'
  readonly commits: number
  readonly files: number
  /** To the namenode, but for folders and listings. */
  readonly counted: number
  /** MKDIRS, and trials whether files can grow in a folder. */
  readonly apart: number
  readonly byKind: Readonly<Record<string, number>>
}

export interface FlushFigures {
  readonly files: number
  readonly bytes: number
  readonly commitSeconds: Quartiles
  readonly bareSeconds: Quartiles
  /** Commit ÷ bare loop, of the pairs. */
  readonly ratio: Quartiles
  /** Longest turn of the event loop while a commit ran, CPU milliseconds. */
  readonly longestSliceMs: number
  readonly slicesOver50: number
  readonly requests: readonly Requests[]
}

interface Place {
  readonly cluster: Cluster
  readonly brokerPort: number
  readonly streams: number
  readonly rows: number
}

export async function measureFlush(cluster: Cluster, sizes: FlushSizes): Promise<FlushFigures> {
  const { streams, rows, pairs } = sizes
  const broker = await startTopicBroker({ streamCount: streams, rows })
  try {
    const place = { cluster, brokerPort: broker.port, streams, rows }
    return await measureAt(place, pairs)
  } finally {
    await broker.stop()
  }
}

async function measureAt(place: Place, pairCount: number): Promise<FlushFigures> {
  const pairs: { flush: Flush; bareSeconds: number }[] = []
  // The cluster's own code is compiled in the first minute.
  const warm = await flushOnce(place, 'large')
  await bareSeconds(place.cluster, warm.sizes)
  while (pairs.length < pairCount) {
    const isTurned = pairs.length % 2 === 1
    const before = isTurned ? await bareSeconds(place.cluster, warm.sizes) : undefined
    const flush = await flushOnce(place, 'large')
    const bare = before ?? (await bareSeconds(place.cluster, warm.sizes))
    pairs.push({ flush, bareSeconds: bare })
    console.log(
      `flush, pair ${pairs.length}: ${flush.commit.files} files in ` +
        `${flush.commit.seconds.toFixed(2)} s, bare ${bare.toFixed(2)} s, load ${loadText()}`,
    )
  }
  const probed = await flushOnce(place, 'probed')
  return {
    files: warm.sizes.length,
    bytes: warm.sizes.reduce((sum, size) => sum + size, 0),
    commitSeconds: quartilesOf(pairs.map(({ flush }) => flush.commit.seconds)),
    bareSeconds: quartilesOf(pairs.map((pair) => pair.bareSeconds)),
    ratio: quartilesOf(pairs.map((pair) => pair.flush.commit.seconds / pair.bareSeconds)),
    longestSliceMs: Math.max(0, ...probed.slices),
    slicesOver50: probed.slices.filter((ms) => ms > 50).length,
    requests: [await requestsOf(place, 'new'), await requestsOf(place, 'continue')],
  }
}

interface Flush {
  readonly commit: Committed
  /** Of the files that stand then. */
  readonly sizes: readonly number[]
  /** CPU milliseconds of turns of the event loop while the commit ran. */
  readonly slices: readonly number[]
}

const runOf = ({ cluster, brokerPort, streams }: Place, more: Partial<Wanted> = {}): HdfsRun =>
  new HdfsRun({
    cluster,
    namenode: cluster.address,
    brokerPort,
    topic: topicName,
    streams: streamNames(streams),
    mode: 'new',
    settings: large,
    ...more,
  })

/** A daemon reads all and ends. @throws {Error} it committed more than once. */
async function flushOnce(place: Place, how: 'large' | 'probed'): Promise<Flush> {
  const run = runOf(place, { probed: how === 'probed' })
  try {
    const daemon = run.start()
    const slices = slicesOf(daemon)
    const commits = await readAll(daemon, place.rows)
    const [commit] = commits
    if (commit === undefined || commits.length > 1) {
      throw new Error(`${commits.length} commits, one was wanted`)
    }
    if (commit.files !== place.streams * hours) throw new Error(`${commit.files} files`)
    const sizes = (await place.cluster.files(run.folder)).map(({ sizeBytes }) => sizeBytes)
    const beganMs = commit.atMs - commit.seconds * 1_000
    const during = slices.filter(({ atMs }) => atMs >= beganMs && atMs <= commit.atMs)
    return { commit, sizes, slices: during.map(({ cpuMs }) => cpuMs) }
  } finally {
    await run.remove()
  }
}

interface Slice {
  readonly cpuMs: number
  readonly atMs: number
}

function slicesOf(daemon: MeasuredProcess): readonly Slice[] {
  const slices: Slice[] = []
  daemon.onLine('stdout', (line) => {
    if (line.startsWith('{"slice"')) slices.push((JSON.parse(line) as { slice: Slice }).slice)
  })
  return slices
}

/** @returns the commits until every row is in one. */
async function readAll(daemon: MeasuredProcess, rowsWanted: number): Promise<readonly Committed[]> {
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

async function bareSeconds(cluster: Cluster, sizes: readonly number[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'lakeward-bare-'))
  const place = `/lakeward/bench/bare-${process.pid}`
  try {
    const path = join(folder, 'sizes.json')
    writeFileSync(path, JSON.stringify(sizes))
    const script = join(import.meta.dirname, 'bare-loop.ts')
    const command = [process.execPath, script, cluster.address, place, path]
    return Number((await lastJsonOf(placementOn(1), command))['seconds'])
  } finally {
    rmSync(folder, { recursive: true })
    await cluster.removeFolder(place)
  }
}

async function requestsOf(place: Place, mode: 'new' | 'continue'): Promise<Requests> {
  return withProxy(`http://${place.cluster.address}`, async (proxy) => {
    const namenode = new URL(proxy.endpoint).host
    const run = runOf(place, { mode, namenode, settings: littleOf(place.rows) })
    try {
      const commits = await readAll(run.start(), place.rows)
      const { byKind } = await proxy.counts()
      const sumOf = (is: (kind: string) => boolean): number =>
        Object.entries(byKind).reduce((sum, [kind, count]) => sum + (is(kind) ? count : 0), 0)
      const all = sumOf((kind) => !kind.startsWith('LISTSTATUS'))
      const trials = sumOf((kind) => kind.endsWith(' trial'))
      const apart = sumOf((kind) => kind.startsWith('MKDIRS')) + trials
      const files = commits.reduce((sum, commit) => sum + commit.files, 0)
      return { mode, commits: commits.length, files, counted: all - apart, apart, byKind }
    } finally {
      await run.remove()
    }
  })
}

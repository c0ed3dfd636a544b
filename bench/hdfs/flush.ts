/**
 * Three hundred streams, each in two hours, flushed in one commit: against a bare loop of the same
 * bytes, and watched for long turns of the event loop.
 *
 * The commit is the last one of a daemon that has read its topic and is asked to end: nothing is
 * read meanwhile, as in the bare loop.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadText, placementOn } from '../measure/machine.ts'
import { type Quartiles, quartilesOf } from '../measure/quartiles.ts'
import { lastJsonOf, type MeasuredProcess } from '../measure/run-process.ts'
import { hours } from '../streams/topic.ts'
import { startTopicBroker } from '../streams/topic-broker.ts'
import type { Cluster } from './cluster.ts'
import type { Committed } from './daemon.ts'
import { type Place, readAll, runOf } from './streams-run.ts'

export interface FlushSizes {
  readonly streams: number
  readonly rows: number
  readonly pairs: number
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
  }
}

interface Flush {
  readonly commit: Committed
  /** Of the files that stand then. */
  readonly sizes: readonly number[]
  /** CPU milliseconds of turns of the event loop while the commit ran. */
  readonly slices: readonly number[]
}

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

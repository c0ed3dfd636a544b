/**
 * What a day of a configuration comes to, from what was measured: files, requests, bytes, cores,
 * memory, money. Pure; the same facts give the same plan.
 *
 * Invariants:
 * - each figure is an upper bound of its cause, never a mean of good days: every commit of every
 *   worker is taken to bring rows for every stream;
 * - what is above a limit is refused with the change that brings it below.
 *
 * Source: docs/plan.md says where each constant comes from.
 */

import { type DurationMs, durationMs } from '../base/time.ts'
import { formatDuration, formatSize } from '../base/units.ts'
import { growingTailsMax } from './growth.ts'
import { bufferBytesFor, rowBytesOf } from './row-memory.ts'

/** What a unit of work costs, measured on two virtual cores of 2026. */
export const measured = {
  /** `bench -- ingest`: 3.29 CPU-s for a million events of 27 fields, some 330 bytes each. */
  cpuSecondsPerWireByte: 3.29e-6 / 330,
  /** To close a file of few rows. */
  cpuSecondsPerFile: 0.0025,
  /** An entry of the log with its staging, as a commit without rows costs. */
  cpuSecondsPerCommit: 0.01,
  /** `bench -- ingest`: 427 MB of Parquet, zstd 1, of 5 million events. */
  parquetBytesPerWireByte: 85.4 / 330,
  /** Builders hold this for each wire byte until a page closes: 470 bytes a row. */
  heldBytesPerWireByte: 470 / 330,
  /** Multipart upload: create, part, complete; its journal; the look whether it stands. */
  writesPerFile: 4,
  readsPerFile: 1,
  /**
   * The entry and its body, the clock and the journal, the log's end, a checkpoint now and then,
   * and a list, which is paid as a write. Who has nothing to commit asks as often, and for less.
   */
  writesPerCommit: 6,
  readsPerCommit: 5,
  /** Calls to a namenode, docs/hdfs.md: CREATE, GETFILESTATUS, RENAME. */
  namenodePerFile: 3,
  /** CONCAT instead of RENAME. */
  namenodePerTail: 3,
  /** A partition's folder, by each worker: MKDIRS. */
  namenodePerFolder: 1,
  /** As on S3, where each put is three. */
  namenodePerCommit: 6 * 3 + 5,
} as const

/** US dollars: S3 Standard and a core by the hour in us-east-1, 2026. */
export const prices = {
  write: 0.005 / 1_000,
  read: 0.0004 / 1_000,
  gigabyteMonth: 0.023,
  coreHour: 0.0446,
} as const

/** Beyond these a lake or its readers suffer; each is explained in docs/plan.md. */
export const planLimits = {
  filesPerDayMax: 1_000_000,
  /** Small files in number: many of less than this. */
  smallFileBytes: 1_048_576,
  smallFilesPerDayMax: 100_000,
  /** Of one worker: its stages run on one thread. */
  coresPerWorkerMax: 0.8,
  /** `bench -- contention`: 64 writers, each minute. */
  commitsPerMinuteMax: 64,
  /** Of what a commit accumulates while the one before is under way. */
  budgetShareMax: 0.5,
} as const

export interface PlannedStream {
  readonly name: string
  readonly eventsPerSecond: number
  /** Of one event in the topic, before compression. */
  readonly eventBytes: number
  readonly rollBytes: number
  /** Hours of a partition. */
  readonly partitionHours: 1 | 24
  /** `file.mode: continue`: a file of each partition, which grows with each commit. */
  readonly grows: boolean
  /** What it may hold of one worker's memory for rows: `limits.buffers`, or its default. */
  readonly shareBytes: number
}

export interface CostFacts {
  readonly streams: readonly PlannedStream[]
  readonly workerCount: number
  readonly commitIntervalMs: DurationMs
  /** Partitions of the lake that get rows of one commit: 1, and more around their ends. */
  readonly openPartitions: number
  /** `memory.buffers` of one worker. */
  readonly bufferBytes: number
  /** Requests are paid on S3, counted on HDFS, and nothing on a folder. */
  readonly lake: 's3' | 'hdfs' | 'folder'
}

export interface DayOfCosts {
  readonly events: number
  readonly commits: number
  /** That stand in the end. */
  readonly files: number
  /** That made a file longer. */
  readonly tails: number
  readonly fileBytes: number
  readonly lakeBytes: number
  readonly writes: number
  readonly reads: number
  /** To the namenode; 0 elsewhere. */
  readonly namenodeCalls: number
  /** Of all workers, on average. */
  readonly cores: number
  /** Of one worker, of what accumulates in an interval. */
  readonly heldBytes: number
  readonly dollars: {
    readonly requests: number
    readonly cores: number
    /** To keep what one day brings for a month. */
    readonly storageMonth: number
  }
}

export interface OverLimit {
  /** "files", "small-files", "cores", "memory", "commits". */
  readonly limit: string
  /** What is too much, with both values. */
  readonly text: string
  readonly remedy: string
}

const daySeconds = 86_400
const dayMs = daySeconds * 1_000
const gigabyte = 1e9

/** What a day of these facts costs. */
export function costOfDay(facts: CostFacts): DayOfCosts {
  const { streams, workerCount, commitIntervalMs, lake } = facts
  const onS3 = lake === 's3'
  const commitsOfWorker = dayMs / commitIntervalMs
  const commits = commitsOfWorker * workerCount
  const wireBytes = sum(streams.map(wireBytesOf)) * daySeconds
  const ofStreams = streams.map((one) => {
    const brought = filesPerCommit(facts, one) * commits
    return { brought, begun: filesBegun(facts, one, brought) }
  })
  const staged = sum(ofStreams.map(({ brought }) => brought))
  const files = sum(ofStreams.map(({ begun }) => begun))
  const lakeBytes = wireBytes * measured.parquetBytesPerWireByte
  const writes = staged * measured.writesPerFile + commits * measured.writesPerCommit
  const reads = staged * measured.readsPerFile + commits * measured.readsPerCommit
  const [paidWrites, paidReads] = onS3 ? [writes, reads] : [0, 0]
  const cpuSeconds =
    wireBytes * measured.cpuSecondsPerWireByte +
    staged * measured.cpuSecondsPerFile +
    commits * measured.cpuSecondsPerCommit
  const cores = cpuSeconds / daySeconds
  return {
    events: sum(streams.map(({ eventsPerSecond }) => eventsPerSecond)) * daySeconds,
    commits,
    files,
    tails: staged - files,
    fileBytes: files === 0 ? 0 : lakeBytes / files,
    lakeBytes,
    writes: paidWrites,
    reads: paidReads,
    namenodeCalls: lake === 'hdfs' ? namenodeCalls(facts, { commits, files, staged }) : 0,
    cores,
    heldBytes: sum(streams.map((one) => heldBytesOf(facts, one))),
    dollars: {
      requests: paidWrites * prices.write + paidReads * prices.read,
      cores: cores * 24 * prices.coreHour,
      storageMonth: onS3 ? (lakeBytes / gigabyte) * prices.gigabyteMonth : 0,
    },
  }
}

const wireBytesOf = (one: PlannedStream): number => one.eventsPerSecond * one.eventBytes

/** What one worker accumulates of a stream in an interval. */
const heldBytesOf = ({ workerCount, commitIntervalMs }: CostFacts, stream: PlannedStream): number =>
  ((wireBytesOf(stream) * (commitIntervalMs / 1_000)) / workerCount) * measured.heldBytesPerWireByte

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0)

/** Of one worker: one for each partition that gets rows, more where they would grow too large. */
function filesPerCommit(facts: CostFacts, stream: PlannedStream): number {
  const { workerCount, commitIntervalMs, openPartitions } = facts
  const events = (stream.eventsPerSecond * (commitIntervalMs / 1_000)) / workerCount
  const bytes = events * stream.eventBytes * measured.parquetBytesPerWireByte
  // A stream of less than an event in each commit of a worker has no file in most of them.
  const filesMax = Math.max(openPartitions, Math.ceil(bytes / stream.rollBytes))
  return Math.min(events, filesMax)
}

/** Of all workers: those of a stream that grows are begun in each partition, and when too long. */
function filesBegun(facts: CostFacts, stream: PlannedStream, brought: number): number {
  if (!stream.grows) return brought
  const { workerCount, openPartitions } = facts
  const tables = workerCount * openPartitions
  const partitions = (24 / stream.partitionHours) * tables
  const bytes = wireBytesOf(stream) * daySeconds * measured.parquetBytesPerWireByte
  const tooLong = Math.max(brought / growingTailsMax, bytes / stream.rollBytes)
  return Math.min(brought, partitions + tooLong)
}

function namenodeCalls(
  { streams, workerCount }: CostFacts,
  day: { readonly commits: number; readonly files: number; readonly staged: number },
): number {
  const { commits, files, staged } = day
  const busy = streams.filter(({ eventsPerSecond }) => eventsPerSecond > 0)
  const folders = sum(busy.map(({ partitionHours }) => 24 / partitionHours)) * workerCount
  return (
    files * measured.namenodePerFile +
    (staged - files) * measured.namenodePerTail +
    Math.min(folders, staged) * measured.namenodePerFolder +
    commits * measured.namenodePerCommit
  )
}

/** What is above a limit, with the way below it. */
export function overLimits(facts: CostFacts, day: DayOfCosts): readonly OverLimit[] {
  return [tooManyFiles, tooManySmallFiles, tooFewCores, tooLittleMemory, tooManyCommits].flatMap(
    (judge) => judge(facts, day) ?? [],
  )
}

const counted = (count: number): string => Math.round(count).toLocaleString('en-US')

/** The interval at which `value`, which falls with it, is at most `max`; to the second. */
const longerInterval = ({ commitIntervalMs }: CostFacts, value: number, max: number): string =>
  formatDuration(durationMs(Math.ceil((commitIntervalMs * value) / max / 1_000) * 1_000))

function tooManyFiles(facts: CostFacts, { files }: DayOfCosts): OverLimit | undefined {
  const { filesPerDayMax: max } = planLimits
  if (files <= max) return undefined
  const remedy = `set commit.interval to ${longerInterval(facts, files, max)}, or use fewer workers`
  return { limit: 'files', text: `${counted(files)} files a day, at most ${counted(max)}`, remedy }
}

function tooManySmallFiles(facts: CostFacts, day: DayOfCosts): OverLimit | undefined {
  const { smallFileBytes, smallFilesPerDayMax: max } = planLimits
  const { files, fileBytes } = day
  if (fileBytes >= smallFileBytes || files <= max) return undefined
  const size = `${counted(fileBytes)} bytes each`
  const text = `${counted(files)} files a day of ${size}, at most ${counted(max)} below 1 MiB`
  const longer = longerInterval(facts, files, max)
  const remedy =
    `set commit.interval to ${longer}, ` +
    'or move slow streams to a pipeline of their own with a longer one'
  return { limit: 'small-files', text, remedy }
}

function tooFewCores({ workerCount }: CostFacts, { cores }: DayOfCosts): OverLimit | undefined {
  const { coresPerWorkerMax: max } = planLimits
  if (cores <= workerCount * max) return undefined
  const each = (cores / workerCount).toFixed(2)
  const text = `${each} cores for each of ${workerCount} workers, at most ${max}`
  return { limit: 'cores', text, remedy: `run --workers ${Math.ceil(cores / max)}` }
}

/** Above half of what it may hold a worker commits before the interval is over: more files. */
function tooLittleMemory(facts: CostFacts, { heldBytes }: DayOfCosts): OverLimit | undefined {
  const { bufferBytes, streams } = facts
  const rowBytes = rowBytesOf(bufferBytes, streams.length)
  if (heldBytes <= rowBytes * planLimits.budgetShareMax) return tooSmallShare(facts)
  const wanted = bufferBytesFor(heldBytes / planLimits.budgetShareMax, streams.length)
  const text =
    `${counted(heldBytes)} bytes accumulate in a commit of one worker, at most half of what ` +
    `memory.buffers, ${formatSize(bufferBytes)}, leaves for rows, ${counted(rowBytes)} bytes`
  const larger = `set memory.buffers to ${inMebibytes(wanted)}`
  const remedy = `${larger}, shorten commit.interval, or add workers`
  return { limit: 'memory', text, remedy }
}

function tooSmallShare(facts: CostFacts): OverLimit | undefined {
  const { budgetShareMax } = planLimits
  const held = (one: PlannedStream): number => heldBytesOf(facts, one)
  const stream = facts.streams.find((one) => held(one) > one.shareBytes * budgetShareMax)
  if (stream === undefined) return undefined
  const { name, shareBytes } = stream
  const text =
    `${counted(held(stream))} bytes of stream "${name}" accumulate in a commit of one worker, ` +
    `at most half of its share, ${counted(shareBytes)} bytes`
  const wanted = inMebibytes(held(stream) / budgetShareMax)
  const remedy = `set limits.buffers of "${name}" to ${wanted}, or shorten commit.interval`
  return { limit: 'memory', text, remedy }
}

const inMebibytes = (bytes: number): string => formatSize(Math.ceil(bytes / 1_048_576) * 1_048_576)

function tooManyCommits(facts: CostFacts, { commits }: DayOfCosts): OverLimit | undefined {
  const { commitsPerMinuteMax: max } = planLimits
  const perMinute = commits / 1_440
  if (perMinute <= max) return undefined
  const text = `${counted(perMinute)} commits a minute to one log, at most ${max}`
  const remedy = `set commit.interval to ${longerInterval(facts, perMinute, max)}`
  return { limit: 'commits', text, remedy }
}

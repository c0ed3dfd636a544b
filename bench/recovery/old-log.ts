/**
 * The log of a pipeline that has run for two years, made without running it: every entry is folded
 * by the real fold, and what a lake would hold of it by now is written by the real codec.
 */
import { hash } from 'node:crypto'
import { unixMs } from '../../src/base/time.ts'
import { encodeCheckpoint } from '../../src/codec/log/checkpoint.ts'
import { encodeEntry } from '../../src/codec/log/entry.ts'
import type { Closing } from '../../src/model/close-entry.ts'
import { type Counts, zeroCounts } from '../../src/model/counts.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { type CommitId, commitIdOf, writerId } from '../../src/model/ids.ts'
import { type LakePartition, partitionPath } from '../../src/model/lake-partition.ts'
import type { Announcement, EntryBase, EntryIndex, LogEntry } from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import { clusterId, type SourcePartition, topicId } from '../../src/model/topic-partition.ts'
import type { Lake } from '../../src/ports/lake.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../src/protocol/fold.ts'
import { newestListOf } from '../../src/protocol/fold-closed.ts'
import { bodyPath, checkpointName, entryPath } from '../../src/protocol/log-paths.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const commitsPerHour = 60
const rowsPerFile = 1_000
/** Hours that stay in the state after their announcement: `late.closeAfter` of 7 days. */
const hoursKept = 168
const beganMs = Date.UTC(2024, 0, 1)
const writer = writerId('9f3ac1d2b0e4a677'.repeat(2))

export interface OldLog {
  readonly pipeline: string
  readonly commitCount: number
  readonly streamCount: number
  readonly checkpointEvery: number
}

/** What was made. */
export interface MadeLog {
  readonly state: FoldState
  readonly fileCount: number
  readonly checkpointBytes: number
}

const streamName = (index: number): string => `events_${index}`

const sourceOf = (index: number): SourcePartition => ({
  clusterId: clusterId('cluster-1'),
  topicId: topicId('7f0e8a4e-2f3b-4f53-9b0b-4f5a2b1c0d9e'),
  topic: 'growth.events',
  partition: index,
})

function hourAt(hour: number): LakePartition {
  const startMs = beganMs + hour * hourMs
  const iso = new Date(startMs).toISOString()
  const path = partitionPath(`dt=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}`)
  return { path, startMs: unixMs(startMs), nextMs: unixMs(startMs + hourMs) }
}

/** Makes entries one after the other, each over the state of those before it. */
class Author {
  readonly #log: OldLog
  readonly #streams: readonly number[]
  #counter = 0

  constructor(log: OldLog) {
    this.#log = log
    this.#streams = Array.from({ length: log.streamCount }, (_, index) => index)
  }

  start(): LogEntry {
    const ranges = this.#streams.map((index) => ({
      lane: 'lake',
      source: sourceOf(index),
      expected: undefined,
      first: offset(0n),
      next: nextOffset(0n),
      leaderEpoch: -1,
    }))
    const body = { files: [], counts: [], progress: [], evidence: [] }
    return { kind: 'append', ...this.#base(0), ranges, places: [], configVersion: 0, body }
  }

  /** A minute of every stream: one file each. */
  commit(number: number): LogEntry {
    const partition = hourAt(Math.floor(number / commitsPerHour))
    const base = this.#base(number)
    const first = BigInt(number) * BigInt(rowsPerFile)
    const next = nextOffset(first + BigInt(rowsPerFile))
    const counts: Counts = { ...zeroCounts, read: rowsPerFile, written: rowsPerFile }
    const eventWatermarkMs = unixMs(beganMs + number * minuteMs)
    return {
      kind: 'append',
      ...base,
      ranges: this.#streams.map((index) => ({
        lane: 'lake',
        source: sourceOf(index),
        expected: nextOffset(first),
        first: offset(first),
        next,
        leaderEpoch: 4,
      })),
      places: this.#streams.map((index) => ({ stream: streamName(index), partition })),
      configVersion: 0,
      body: {
        files: this.#streams.map((index) => fileOf(base.commitId, index, partition)),
        counts: this.#streams.map((index) => ({ stream: streamName(index), partition, counts })),
        progress: this.#streams.map((index) => ({
          stream: streamName(index),
          source: sourceOf(index),
          eventWatermarkMs,
        })),
        evidence: [],
      },
    }
  }

  announce(state: FoldState, hour: number): LogEntry {
    const partition = hourAt(hour)
    const number = (hour + 1) * commitsPerHour
    const announcements = this.#streams.map((index) =>
      announcementOf(state, this.#log.pipeline, streamName(index), partition),
    )
    return { kind: 'ready', ...this.#base(number), announcements }
  }

  close(state: FoldState, hour: number): LogEntry {
    const partition = hourAt(hour)
    const closings = this.#streams.flatMap((index): readonly Closing[] => {
      const stream = streamName(index)
      const version = state.streams.get(stream)?.partitions.get(partition.path)?.version
      if (version === undefined) return []
      const sha256 = hash('sha256', `${stream} ${partition.path}`, 'hex')
      const path = `_lakeward/${this.#log.pipeline}/closed/${stream}/${partition.path}`
      const list = { path, sizeBytes: 9_000, sha256, previous: newestListOf(state, stream) }
      return [{ stream, partition, version, list }]
    })
    const number = (hour + hoursKept + 1) * commitsPerHour
    return { kind: 'closed-late', ...this.#base(number), closings }
  }

  #base(number: number): EntryBase {
    const counter = this.#counter++
    return {
      format: 1,
      commitId: commitIdOf(writer, counter),
      writerId: writer,
      stagedAtMs: unixMs(beganMs + number * minuteMs),
      publishedNext: counter,
      published: [],
      discarded: [],
    }
  }
}

const tableOf = (stream: string): string => `ods_${stream}`

function fileOf(commitId: CommitId, index: number, partition: LakePartition): DataFile {
  const stream = streamName(index)
  const table = tableOf(stream)
  const name = `growth-${commitId.slice(0, 16)}-${commitId.slice(33)}-${index}.parquet`
  return {
    stream,
    table,
    partitionPath: partition.path,
    path: `${table}/${partition.path}/${name}`,
    stagedPath: `${table}/_staging/${commitId}/${index}.staged`,
    sizeBytes: 48_211,
    rowCount: rowsPerFile,
    crc32c: hash('sha256', name, 'hex').slice(0, 8),
    schemaVersion: 1,
    eventTimeMs: { min: partition.startMs, max: unixMs(partition.nextMs - 1) },
  }
}

function announcementOf(
  state: FoldState,
  pipeline: string,
  stream: string,
  partition: LakePartition,
): Announcement {
  const folded = state.streams.get(stream)?.partitions.get(partition.path)
  const files = (folded?.files ?? []).map(({ path, sizeBytes, rowCount, crc32c }) => {
    return { path, bytes: sizeBytes, rows: rowCount, crc32c }
  })
  const table = tableOf(stream)
  const decidedAt = new Date(partition.nextMs).toISOString()
  const manifest: Announcement['manifest'] = {
    lakeward: 1,
    kind: 'partition-ready',
    id: `${pipeline}/${stream}/${partition.path}/1`,
    pipeline,
    stream,
    table,
    partition: Object.fromEntries(partition.path.split('/').map((part) => part.split('='))),
    partitionPath: partition.path,
    location: `file:./lake/${table}/${partition.path}`,
    revision: 1,
    reason: 'complete',
    rows: files.length * rowsPerFile,
    files,
    added: [],
    removed: [],
    counts: folded?.counts ?? zeroCounts,
    sources: [],
    schemaVersions: [1],
    eventWatermark: decidedAt,
    decidedAt,
  }
  return { stream, partition, version: folded?.version, manifest, targets: [] }
}

function* entriesOf(log: OldLog, state: () => FoldState): Generator<LogEntry> {
  const author = new Author(log)
  yield author.start()
  for (let number = 0; number < log.commitCount; number++) {
    const hour = number / commitsPerHour
    if (Number.isInteger(hour) && hour > 0) {
      yield author.announce(state(), hour - 1)
      if (hour > hoursKept) yield author.close(state(), hour - 1 - hoursKept)
    }
    yield author.commit(number)
  }
}

/** Entries that such a log comes to. */
function entryCountOf({ commitCount }: OldLog): number {
  const hours = Math.floor((commitCount - 1) / commitsPerHour)
  return 1 + commitCount + hours + Math.max(0, hours - hoursKept)
}

/** Puts on a lake what stands of such a log: the newest two checkpoints and the newest entries. */
export async function makeOldLog(lake: Lake, log: OldLog): Promise<MadeLog> {
  let state = emptyFold()
  const checkpoints: FoldState[] = []
  const firstStanding = entryCountOf(log) - 3 * log.checkpointEvery
  for (const entry of entriesOf(log, () => state)) {
    const index = state.next
    // Of entries that are deleted only a checksum is left: any will do.
    const checksum =
      index < firstStanding ? entry.commitId : await putEntry(lake, log.pipeline, index, entry)
    const step = foldEntry(state, index, entry, checksum)
    if (step.verdict.kind === 'void') throw new Error(`entry ${index}: ${step.verdict.because}`)
    state = step.state
    if (state.next % log.checkpointEvery === 0) checkpoints.push(state)
    if (checkpoints.length > 2) checkpoints.shift()
  }
  let checkpointBytes = 0
  for (const standing of checkpoints) {
    const bytes = encodeCheckpoint(standing)
    checkpointBytes = bytes.byteLength
    const { path } = checkpointName(log.pipeline, standing.next, standing.checksum)
    await lake.putIfAbsent(path, bytes)
  }
  return { state, fileCount: log.commitCount * log.streamCount, checkpointBytes }
}

/** @returns the checksum of its head. */
async function putEntry(
  lake: Lake,
  pipeline: string,
  index: EntryIndex,
  entry: LogEntry,
): Promise<string> {
  const { head, body } = encodeEntry(entry, (sha256) => bodyPath(pipeline, entry.commitId, sha256))
  if (body !== undefined) await lake.putIfAbsent(body.path, body.bytes)
  await lake.putIfAbsent(entryPath(pipeline, index), head)
  return headChecksumOf(head)
}

/** Small true-to-life entries, for tests of everything that folds or puts them. */
import { crc32c } from '@node-rs/crc32'
import { unixMs } from '../../src/base/time.ts'
import type { CountCell, Counts } from '../../src/model/counts.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { type CommitId, commitIdParts } from '../../src/model/ids.ts'
import { type LakePartition, partitionPath } from '../../src/model/lake-partition.ts'
import type {
  AppendBody,
  AppendEntry,
  AppendRange,
  ConfigEntry,
  EntryBase,
  LogEntry,
} from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { SealedCommit, SealedFile } from '../../src/model/sealed-commit.ts'
import {
  clusterId,
  type SourcePartition,
  sourceKey,
  topicId,
} from '../../src/model/topic-partition.ts'
import type { CommitLog, EntryDraft } from '../../src/ports/commit-log.ts'
import { emptyFold, foldEntry } from '../../src/protocol/fold.ts'

const hourMs = 3_600_000
const dayStartMs = Date.UTC(2026, 10, 20)

export const lane = 'lake'
export const stream = 'app_events'
export const table = 'ods_app_events'

export const sampleSource = (partition: number): SourcePartition => ({
  clusterId: clusterId('cluster-1'),
  topicId: topicId('7f0e8a4e-2f3b-4f53-9b0b-4f5a2b1c0d9e'),
  topic: 'growth.events',
  partition,
})

/** An hour of 2026-11-20; 24 and more are hours of the days after. */
export function sampleHour(hour: number): LakePartition {
  const startMs = dayStartMs + hour * hourMs
  const iso = new Date(startMs).toISOString()
  return {
    path: partitionPath(`dt=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}`),
    startMs: unixMs(startMs),
    nextMs: unixMs(startMs + hourMs),
  }
}

const sampleCounts = (written: number): Counts => ({
  read: written + 2,
  written,
  filtered: { 'no-country': 1 },
  late: 0,
  deadLettered: { 'decode-truncated': 1 },
  lateAppended: 0,
})

export const sampleCell = (hour: number, written: number): CountCell => ({
  stream,
  partition: sampleHour(hour),
  counts: sampleCounts(written),
})

export const startRange = (partition: number, at: number): AppendRange => ({
  lane,
  source: sampleSource(partition),
  expected: undefined,
  first: offset(BigInt(at)),
  next: nextOffset(BigInt(at)),
  leaderEpoch: -1,
})

export const sampleRange = (partition: number, first: number, next: number): AppendRange => ({
  lane,
  source: sampleSource(partition),
  expected: nextOffset(BigInt(first)),
  first: offset(BigInt(first)),
  next: nextOffset(BigInt(next)),
  leaderEpoch: 4,
})

export const sampleFile = (commitId: CommitId, hour: number, ordinal = 0): DataFile => ({
  stream,
  table,
  partitionPath: sampleHour(hour).path,
  path: `${table}/${sampleHour(hour).path}/growth-${commitId.slice(0, 16)}-${ordinal}.parquet`,
  stagedPath: `${table}/_staging/${commitId}/${ordinal}.staged`,
  sizeBytes: 4,
  rowCount: 10,
  crc32c: '0a1b2c3d',
  schemaVersion: 1,
  eventTimeMs: { min: sampleHour(hour).startMs, max: unixMs(sampleHour(hour).startMs + 1) },
})

const emptyBody: AppendBody = { files: [], counts: [], progress: [], evidence: [] }

export const entryBase = (commitId: CommitId, changes: Partial<EntryBase> = {}): EntryBase => ({
  format: 1,
  commitId,
  writerId: commitIdParts(commitId).writer,
  stagedAtMs: unixMs(dayStartMs + commitIdParts(commitId).counter * 60_000),
  publishedNext: 0,
  published: [],
  discarded: [],
  ...changes,
})

export type AppendDraft = Extract<EntryDraft, { kind: 'append' }>

export const appendDraft = (
  commitId: CommitId,
  changes: Partial<Omit<AppendDraft, 'kind' | 'body'>> & { body?: Partial<AppendBody> } = {},
): AppendDraft => ({
  kind: 'append',
  commitId,
  ranges: [],
  places: [],
  configVersion: 0,
  ...changes,
  body: { ...emptyBody, ...changes.body },
})

export const appendEntry = (
  commitId: CommitId,
  changes: Partial<Omit<AppendEntry, 'kind' | 'body'>> & { body?: Partial<AppendBody> } = {},
): AppendEntry => ({ ...entryBase(commitId, changes), ...appendDraft(commitId, changes) })

export const configEntry = (commitId: CommitId, fromVersion: number): ConfigEntry => ({
  kind: 'config',
  ...entryBase(commitId),
  fromVersion,
  version: fromVersion + 1,
  checksum: `checksum-${fromVersion + 1}`,
  streams: [{ name: stream, table, topics: ['growth.events'] }],
})

export const sampleManifest = (hour: number, revision = 1): Omit<ReadyManifest, 'logEntry'> => ({
  lakeward: 1,
  kind: 'partition-ready',
  id: `growth/${stream}/${sampleHour(hour).path}/${revision}`,
  pipeline: 'growth',
  stream,
  table,
  partition: { dt: '2026-11-20', hour: String(hour) },
  partitionPath: sampleHour(hour).path,
  location: `file:./lake/${table}/${sampleHour(hour).path}`,
  revision,
  reason: 'complete',
  rows: 10,
  files: [{ path: `${table}/file.parquet`, bytes: 4, rows: 10, crc32c: '0a1b2c3d' }],
  added: [],
  removed: [],
  counts: sampleCounts(10),
  sources: [
    {
      clusterId: 'cluster-1',
      topic: 'growth.events',
      topicId: sampleSource(0).topicId,
      partition: 0,
      next: '9223372036854775807',
      eventWatermark: null,
      evidence: 'caught-up',
    },
  ],
  schemaVersions: [1],
  eventWatermark: '2026-11-20T14:05:01.000Z',
  decidedAt: '2026-11-20T14:05:12.345Z',
})

/** How a manifest names files, and what it tells of the revision before. */
export function namedFiles(
  files: readonly DataFile[],
  before?: Pick<ReadyManifest, 'files'>,
): Pick<ReadyManifest, 'files' | 'added' | 'removed'> {
  const named = files.map(({ path, sizeBytes, rowCount, crc32c: sum }) => {
    return { path, bytes: sizeBytes, rows: rowCount, crc32c: sum }
  })
  if (before === undefined) return { files: named, added: [], removed: [] }
  const paths = named.map(({ path }) => path)
  const old = before.files.map(({ path }) => path)
  return {
    files: named,
    added: paths.filter((path) => !old.includes(path)),
    removed: old.filter((path) => !paths.includes(path)),
  }
}

const sealedFile = (hour: number, text: string): SealedFile => ({
  stream,
  table,
  partitionPath: sampleHour(hour).path,
  chunks: [Buffer.from(text)],
  release: () => {},
  sizeBytes: text.length,
  rowCount: text.length,
  crc32c: (crc32c(text) >>> 0).toString(16).padStart(8, '0'),
  schemaVersion: 1,
  eventTimeMs: { min: sampleHour(hour).startMs, max: unixMs(sampleHour(hour).startMs + 1) },
})

/** The records `[first, next)` of topic-partition 0, one row each, in one file of hour 13. */
export const sealedCommit = (
  commitId: CommitId,
  first: number,
  next: number,
  partition = 0,
): SealedCommit => ({
  commitId,
  ranges: [sampleRange(partition, first, next)],
  places: [{ stream, partition: sampleHour(13) }],
  configVersion: 0,
  files: [sealedFile(13, `${partition}:[${first},${next})`)],
  counts: [sampleCell(13, next - first)],
  progress: [],
  evidence: [],
  unknownFields: [],
})

/** The state after entries put in a row, whatever the fold thinks of them. */
export const foldAll = (entries: readonly LogEntry[]): FoldState =>
  entries.reduce((state, entry) => foldEntry(state, state.next, entry, '').state, emptyFold())

/** Where the next record of a sample's topic-partition is, by the log. */
export const nextOf = (log: CommitLog, partition = 0): bigint | undefined =>
  log.state.positions.get(lane)?.get(sourceKey(sampleSource(partition)))?.next

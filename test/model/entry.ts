/** Entries of the model, each with the entry of the product that it stands for, if there is one. */
import { unixMs } from '../../src/base/time.ts'
import { zeroCounts } from '../../src/model/counts.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import { type CommitId, commitIdOf, writerId } from '../../src/model/ids.ts'
import { type LakePartition, partitionPath } from '../../src/model/lake-partition.ts'
import {
  type AppendRange,
  type EntryBase,
  entryFormat,
  type LogEntry,
} from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { clusterId, type SourcePartition, topicId } from '../../src/model/topic-partition.ts'

/** A set of small numbers (files, rows) as bits. */
export type Bits = number

export const bit = (index: number): Bits => 1 << index
export const holds = (bits: Bits, index: number): boolean => (bits & bit(index)) !== 0

/** `swap`, `undo`, `forget` and `announce` are of the model: the product has no such entries. */
type EntryKind =
  | 'append'
  | 'ready'
  | 'delivered'
  | 'swap'
  | 'undo'
  | 'forget'
  /** A later revision of what is announced. */
  | 'announce'

export interface ModelEntry {
  readonly kind: EntryKind
  readonly commitId: CommitId
  /** What an append covers, by topic-partition; undefined: nothing of it. */
  readonly ranges: readonly (ModelRange | undefined)[]
  /** The file that is added, taken back or forgotten; -1: none. */
  readonly file: number
  /** Rows of the file, or, without a file, rows that came too late for it. */
  readonly rows: Bits
  /** Files that are taken away by a swap, or named by an announcement. */
  readonly inputs: Bits
  /** The partition's version, revision and location as planned on. */
  readonly version: CommitId | undefined
  readonly revision: number
  readonly location: number
  /** Where the partition lies after a swap. */
  readonly toLocation: number
  readonly published: readonly CommitId[]
}

export interface ModelRange {
  /** Undefined for a start position. */
  readonly expected: number | undefined
  readonly next: number
}

/** Rows of topic-partition p are the bits from 4p on. */
export const rowBit = (partition: number, at: number): Bits => bit(partition * 4 + at)

export const lane = 'lake'
export const stream = 'events'
const table = 'events'

export const hour: LakePartition = {
  path: partitionPath('dt=2026-11-20/hour=13'),
  startMs: unixMs(0),
  nextMs: unixMs(3_600_000),
}

export const sourceOf = (partition: number): SourcePartition => ({
  clusterId: clusterId('cluster'),
  topicId: topicId('topic'),
  topic: 'events',
  partition,
})

/** @param writer small number of a process start. @param counter of the commit. */
export const commitOf = (writer: number, counter: number): CommitId =>
  commitIdOf(writerId(writer.toString(16).padStart(32, '0')), counter)

const productRange = (range: ModelRange, partition: number): AppendRange => ({
  lane,
  source: sourceOf(partition),
  expected: range.expected === undefined ? undefined : nextOffset(BigInt(range.expected)),
  first: offset(BigInt(range.expected ?? range.next)),
  next: nextOffset(BigInt(range.next)),
  leaderEpoch: -1,
})

export const productRanges = ({ ranges }: ModelEntry): readonly AppendRange[] =>
  ranges.flatMap((range, partition) => (range ? [productRange(range, partition)] : []))

export const productFile = (commitId: CommitId): DataFile => ({
  stream,
  table,
  partitionPath: hour.path,
  path: `${table}/${hour.path}/${commitId}.parquet`,
  stagedPath: `${table}/_staging/${commitId}/0.staged`,
  sizeBytes: 1,
  rowCount: 1,
  crc32c: '00000000',
  schemaVersion: 1,
  eventTimeMs: { min: hour.startMs, max: hour.startMs },
})

const manifest: Omit<ReadyManifest, 'logEntry'> = {
  lakeward: 1,
  kind: 'partition-ready',
  id: `model/${stream}/${hour.path}/1`,
  pipeline: 'model',
  stream,
  table,
  partition: {},
  partitionPath: hour.path,
  location: hour.path,
  revision: 1,
  reason: 'complete',
  rows: 0,
  files: [],
  added: [],
  removed: [],
  counts: zeroCounts,
  sources: [],
  schemaVersions: [],
  eventWatermark: null,
  decidedAt: '',
}

const target = 'metastore'

/** What the product would put; undefined for kinds that it does not have. */
export function productEntryOf(entry: ModelEntry): LogEntry | undefined {
  switch (entry.kind) {
    case 'append':
      return appendOf(entry)
    case 'ready': {
      const announcement = { stream, partition: hour, version: entry.version, manifest }
      return {
        kind: 'ready',
        ...baseOf(entry),
        announcements: [{ ...announcement, targets: [target] }],
      }
    }
    case 'delivered': {
      const { revision } = entry
      const delivery = { stream, partitionPath: hour.path, revision, target }
      return { kind: 'delivered', ...baseOf(entry), deliveries: [delivery] }
    }
    default:
      return undefined
  }
}

function appendOf(entry: ModelEntry): LogEntry {
  const files = entry.file === -1 ? [] : [productFile(entry.commitId)]
  return {
    kind: 'append',
    ...baseOf(entry),
    ranges: productRanges(entry),
    places: files.map(() => ({ stream, partition: hour })),
    configVersion: 0,
    body: { files, counts: [], progress: [], evidence: [] },
  }
}

const baseOf = ({ commitId, published }: ModelEntry): EntryBase => ({
  format: entryFormat,
  commitId,
  writerId: writerId(commitId.slice(0, 32)),
  stagedAtMs: unixMs(0),
  publishedNext: 0,
  published,
  discarded: [],
})

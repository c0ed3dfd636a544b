/** Entries of the model, each with the entry of the product that it stands for. */
import { unixMs } from '../../src/base/time.ts'
import { zeroCounts } from '../../src/model/counts.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import { type CommitId, commitIdOf, commitIdParts, writerId } from '../../src/model/ids.ts'
import { type LakePartition, partitionPath } from '../../src/model/lake-partition.ts'
import {
  type AppendRange,
  type EntryBase,
  entryFormat,
  type LogEntry,
  type SourceMove,
} from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { SwapEntry } from '../../src/model/swap-entry.ts'
import { clusterId, type SourcePartition, topicId } from '../../src/model/topic-partition.ts'

/** A set of small numbers (files, rows) as bits. */
export type Bits = number

export const bit = (index: number): Bits => 1 << index
export const holds = (bits: Bits, index: number): boolean => (bits & bit(index)) !== 0

type EntryKind =
  | 'append'
  | 'ready'
  | 'delivered'
  | 'swap'
  | 'undo'
  /** A file that its table refused is brought home. */
  | 'home'
  /** The rows of lost files, read again; without a file they are given up. */
  | 'refill'
  /** A configuration entry of the next format. */
  | 'raise'
  | 'forget'
  /** A later revision of what is announced. */
  | 'announce'
  /** The partition leaves the state, with a list of its files. */
  | 'close'
  /** An operator's word on where a topic-partition is read on. */
  | 'move'

export interface ModelEntry {
  readonly kind: EntryKind
  readonly commitId: CommitId
  /** What an append covers or a move sets, by topic-partition; undefined: nothing of it. */
  readonly ranges: readonly (ModelRange | undefined)[]
  /** The file that is added, taken back or forgotten; -1: none. */
  readonly file: number
  /**
   * Rows of the file, or, without a file, rows that came too late for it; of a later revision the
   * files that the one before names, which lie in `toLocation`.
   */
  readonly rows: Bits
  /** Files that are taken away by a swap, brought back by an undo, or named otherwise. */
  readonly inputs: Bits
  /** The partition's version, revision and location as planned on. */
  readonly version: CommitId | undefined
  readonly revision: number
  readonly location: number
  /** Where the partition lies after a swap. */
  readonly toLocation: number
  readonly published: readonly CommitId[]
  /** Of an append: its rows come after the announcement, and are added to what was announced. */
  readonly late?: true
  /** Absent: the first one, and no configuration entry before. */
  readonly format?: number
  readonly configVersion?: number
  /** Of an append: its second file, with rows of its own. */
  readonly also?: { readonly file: number; readonly rows: Bits }
}

/** Files that an entry brings. */
export const filesAdded = ({ file, also }: ModelEntry): Bits =>
  (file === -1 ? 0 : bit(file)) | (also === undefined ? 0 : bit(also.file))

/** Rows of one of the files that an entry brings. */
export const rowsIn = ({ rows, also }: ModelEntry, file: number): Bits =>
  also?.file === file ? also.rows : rows

export interface ModelRange {
  /** Undefined for a start position. */
  readonly expected: number | undefined
  readonly next: number
  /** How often the position was moved before. */
  readonly epoch: number
}

/**
 * Rows of topic-partition p are the bits from 4p on. What is read after a move are other rows: the
 * two bits behind those of the reading before.
 */
export const rowBit = (partition: number, at: number, epoch = 0): Bits =>
  bit(partition * 4 + at + 2 * epoch)

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
  ...(range.epoch === 0 ? {} : { resetEpoch: range.epoch }),
})

export const productRanges = ({ ranges }: ModelEntry): readonly AppendRange[] =>
  ranges.flatMap((range, partition) => (range ? [productRange(range, partition)] : []))

/** Folder of a partition's files; 0 is where no swap has moved them. */
const folderOf = (location: number): string =>
  location === 0 ? `${table}/${hour.path}` : `${table}/_swapped/${location}/${hour.path}`

export const pathOf = (file: number, location: number): string =>
  `${folderOf(location)}/f${file}.parquet`

const pathsOf = (files: Bits, location: number): readonly string[] =>
  filesOf(files).map((file) => pathOf(file, location))

/** Numbers of the files in a set. */
const filesOf = (bits: Bits): readonly number[] =>
  Array.from({ length: 16 }, (_, file) => file).filter((file) => holds(bits, file))

export const countOf = (bits: Bits): number => filesOf(bits).length

/** The number in a file's path. */
export const fileOf = (path: string): number => Number(/f(\d+)\.parquet$/.exec(path)?.[1])

/** The file that an entry adds. */
const productFile = ({
  file,
  commitId,
  toLocation,
  rows,
}: Pick<ModelEntry, 'file' | 'commitId' | 'toLocation' | 'rows'>): DataFile => ({
  stream,
  table,
  partitionPath: hour.path,
  path: pathOf(file, toLocation),
  stagedPath: `${table}/_staging/${commitId}/${file}.staged`,
  sizeBytes: 1,
  rowCount: countOf(rows),
  crc32c: '00000000',
  schemaVersion: 1,
  eventTimeMs: { min: hour.startMs, max: hour.startMs },
})

export const manifest: Omit<ReadyManifest, 'logEntry'> = {
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

/** What the product puts. */
export function productEntryOf(entry: ModelEntry): LogEntry {
  switch (entry.kind) {
    case 'append':
      return appendOf(entry)
    case 'ready':
    case 'announce': {
      const { version, inputs, location } = entry
      const named = { bytes: 1, rows: 1, crc32c: '' }
      const files = pathsOf(inputs, location).map((path) => ({ ...named, path }))
      const told = { ...manifest, files, ...changedBy(entry), revision: entry.revision + 1 }
      const announcement = { stream, partition: hour, version, manifest: told }
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
    case 'raise': {
      const { configVersion: fromVersion = 0 } = entry
      const version = fromVersion + 1
      const config = { fromVersion, version, checksum: '', streams: [] }
      return { kind: 'config', ...baseOf(entry), ...config }
    }
    case 'swap':
    case 'undo':
    case 'home':
    case 'refill':
      return swapOf(entry, whyOf[entry.kind])
    case 'forget': {
      const { file, location } = entry
      const version = versionOr(entry)
      const paths = pathsOf(bit(file), location)
      const files = [{ stream, partitionPath: hour.path, version, paths }]
      return { kind: 'forget', ...baseOf(entry), why: 'told', commits: [], files }
    }
    case 'close': {
      const sha256 = entry.commitId.slice(0, 32).repeat(2)
      const list = { path: `closed/${sha256}`, sizeBytes: 1, sha256, previous: '0'.repeat(64) }
      const closing = { stream, partition: hour, version: versionOr(entry), list }
      return { kind: 'closed-late', ...baseOf(entry), closings: [closing] }
    }
    case 'move': {
      const moves = entry.ranges.flatMap((range, at) => (range ? [moveOf(range, at)] : []))
      return { kind: 'source', ...baseOf(entry), action: 'reset', why: 'told to', moves }
    }
  }
}

/** What a later revision tells of the one before it. */
function changedBy({ kind, inputs, rows, location, toLocation }: ModelEntry) {
  if (kind === 'ready') return { added: [], removed: [] }
  const live = pathsOf(inputs, location)
  const before = pathsOf(rows, toLocation)
  return {
    added: live.filter((path) => !before.includes(path)),
    removed: before.filter((path) => !live.includes(path)),
  }
}

/** An entry that names no version relies on none that is there. */
const versionOr = ({ version }: ModelEntry): CommitId => version ?? commitOf(0xfffe, 0)

const moveOf = ({ expected, next, epoch }: ModelRange, partition: number): SourceMove => ({
  lane,
  source: sourceOf(partition),
  expected: expected === undefined ? undefined : nextOffset(BigInt(expected)),
  resetEpoch: epoch,
  next: nextOffset(BigInt(next)),
  cause: '',
})

const whyOf = { swap: 'merge', undo: 'undo', home: 'move', refill: 'refill' } as const

function swapOf(entry: ModelEntry, why: SwapEntry['why']): SwapEntry {
  const { kind, file, inputs, revision, version, location, toLocation } = entry
  const undoes = kind === 'undo'
  const isOpen = revision === 0
  return {
    kind: 'swap',
    ...baseOf(entry),
    why,
    reason: '',
    stream,
    partition: hour,
    place: isOpen ? 'open' : 'announced',
    version: isOpen ? undefined : version,
    inputs: undoes ? pathsOf(bit(file), location) : pathsOf(inputs, location),
    restored: undoes ? pathsOf(inputs, toLocation) : [],
    location: folderOf(toLocation),
    lostRowCount: file === -1 ? countOf(entry.rows) : 0,
    body: { files: undoes || file === -1 ? [] : [productFile(entry)] },
  }
}

function appendOf(entry: ModelEntry): LogEntry {
  const files = entry.file === -1 ? [] : [productFile(entry)]
  if (entry.also !== undefined) files.push(productFile({ ...entry, ...entry.also }))
  return {
    kind: 'append',
    ...baseOf(entry),
    ranges: productRanges(entry),
    places: files.map(() => ({ stream, partition: hour, ...(entry.late ? { late: true } : {}) })),
    configVersion: entry.configVersion ?? 0,
    body: { files, counts: [], progress: [], evidence: [] },
  }
}

export const baseOf = ({
  commitId,
  published,
  format,
}: Pick<ModelEntry, 'commitId' | 'published' | 'format'>): EntryBase => ({
  format: format ?? entryFormat,
  commitId,
  writerId: commitIdParts(commitId).writer,
  stagedAtMs: unixMs(0),
  publishedNext: 0,
  published,
  discarded: [],
})

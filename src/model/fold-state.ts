/**
 * What the commit log says, folded from its first entry (or a checkpoint) to an index.
 *
 * Invariants:
 * - the same entries give the same state, whatever it was folded from;
 * - an entry whose reliances do not hold changes nothing but `voids`, `writers`, `next` and
 *   `checksum`;
 * - a state is a value: folding on makes a new one and leaves it as it was;
 * - plain data only (Maps of plain values): a checkpoint is this, written down.
 */
import type { UnixMs } from '../base/time.ts'
import type { Counts } from './counts.ts'
import type { DataFile } from './data-file.ts'
import type { CommitId, WriterId } from './ids.ts'
import type { LakePartition, PartitionPath } from './lake-partition.ts'
import type { ConfiguredStream, EntryIndex } from './log-entry.ts'
import type { NextOffset } from './offset.ts'
import type { ReadyManifest } from './ready-manifest.ts'
import type { Removal } from './swap-entry.ts'
import type { SourceKey, SourcePartition } from './topic-partition.ts'

export interface FoldState {
  /** Index of the next entry to fold: the log's end as far as this state knows. */
  readonly next: EntryIndex
  /** Running SHA-256 over the heads' bytes below `next`, hex. */
  readonly checksum: string
  readonly config: FoldedConfig
  /** By lane, then by source. */
  readonly positions: ReadonlyMap<string, ReadonlyMap<SourceKey, FoldedPosition>>
  readonly streams: ReadonlyMap<string, FoldedStream>
  /** Newest evidence per topic-partition. */
  readonly evidence: ReadonlyMap<SourceKey, FoldedEvidence>
  readonly writers: ReadonlyMap<WriterId, FoldedWriter>
  /** Files decided and not yet known as published, by the commit that decided them. */
  readonly unpublished: ReadonlyMap<CommitId, UnpublishedCommit>
  /** Announcements not yet known as delivered, in the order they were decided. */
  readonly undelivered: readonly UndeliveredAnnouncement[]
  /** The newest void entries, at most `voidsKeptMax`. */
  readonly voids: readonly FoldedVoid[]
  readonly voidCount: number
  /** Entries that nobody could read and an operator stepped over, in the order of the log. */
  readonly steppedOver: readonly EntryIndex[]
  /** Commits that an operator gave up: an entry of one of them is void. */
  readonly forgotten: ReadonlySet<CommitId>
}

/** Void entries that a state remembers by name; `voidCount` counts them all. */
export const voidsKeptMax = 100

export interface FoldedConfig {
  /** 0 before the first `config` entry. */
  readonly version: number
  /** Of every entry from here on, raised by a `config` entry of the next one. */
  readonly format: number
  readonly checksum: string
  readonly streams: readonly FoldedStreamConfig[]
  readonly putAtMs: UnixMs | undefined
}

export interface FoldedStreamConfig extends ConfiguredStream {
  /** Lake's clock of the entry since which every configuration names the stream. */
  readonly sinceMs: UnixMs
}

export interface FoldedPosition {
  readonly source: SourcePartition
  readonly next: NextOffset
  readonly leaderEpoch: number
  readonly commitId: CommitId
  /** Lake's clock when the log first knew this topic-partition. */
  readonly sinceMs: UnixMs
  /** Lake's clock of the newest append that moved `next`. */
  readonly movedAtMs: UnixMs
  /** Highest event-time watermark of any stream on it. */
  readonly eventWatermarkMs: UnixMs | undefined
  /** How often an operator moved it. Absent: never, and all is as it was read. */
  readonly resetEpoch?: number
  /** Not read any more: its topic was made anew, or stands in another cluster. */
  readonly ended?: true
}

export interface FoldedStream {
  readonly progress: ReadonlyMap<SourceKey, FoldedProgress>
  /** By path. Open ones, and announced ones until they are closed. */
  readonly partitions: ReadonlyMap<PartitionPath, FoldedPartition>
  /** End of the newest announced partition: rows of partitions ending at or before it are late. */
  readonly announcedNextMs: UnixMs | undefined
  /** Absent while none is closed. */
  readonly closed?: FoldedClosed
  /** Gaps that were not announced, the newest `skipsKeptMax`, oldest first. Absent: none. */
  readonly skipped?: readonly FoldedSkip[]
}

/** Skipped gaps that a stream remembers; the manifests that tell of older ones stay on the lake. */
export const skipsKeptMax = 32

/** A gap without rows that was decided not to be announced: `[firstMs, nextMs)` of event time. */
export interface FoldedSkip {
  readonly firstMs: UnixMs
  readonly nextMs: UnixMs
  /** Its length in hours or days. */
  readonly partitionCount: number
  /** The longest gap that would have been announced, as configured then. */
  readonly emptyRunMax: number
  /** Whose announcement goes on behind it. */
  readonly entry: EntryIndex
}

/** Sums over the partitions that have left the state; a list of each stands beside the log. */
export interface FoldedClosed {
  /** Start of the earliest one. */
  readonly firstMs: UnixMs
  /** End of the latest one: what ends at or before it and is not in the state is closed. */
  readonly nextMs: UnixMs
  readonly partitionCount: number
  readonly fileCount: number
  readonly rowCount: number
  readonly counts: Counts
  /** SHA-256 of the newest list, which names the one before it. */
  readonly checksum: string
}

/** What the first one of a chain of checksums follows. */
export const zeroChecksum = '0'.repeat(64)

export interface FoldedProgress {
  readonly source: SourcePartition
  readonly eventWatermarkMs: UnixMs
  /** Lake's clock of the newest append with rows of this stream from this topic-partition. */
  readonly rowsAtMs: UnixMs
}

export interface FoldedPartition {
  readonly table: string
  readonly partition: LakePartition
  readonly place: 'open' | 'announced'
  /** Commit that last changed its files or its place. */
  readonly version: CommitId
  readonly files: readonly DataFile[]
  readonly counts: Counts
  /** 0 while open. */
  readonly revision: number
  /** The newest announcement. */
  readonly manifest: ReadyManifest | undefined
  /** Lake's clock of revision 1. Absent while that is the newest: its manifest says when. */
  readonly firstAnnouncedAtMs?: UnixMs
  /** Folder of its files. Absent: the one of its table and path, which no swap has left. */
  readonly location?: string
  /** Files that swaps took out after the announcement, and that nobody forgot. */
  readonly removed?: readonly RemovedFile[]
  /** What an undo would take back: the newest swap after the announcement. */
  readonly replaced?: ReplacedFiles
  /** Of a day of dead letters: what of it was taken in again. */
  readonly replayed?: readonly FoldedReplay[]
}

/** Late letters of one stream that one commit left, and the entry that took them in again. */
export interface FoldedReplay {
  readonly commitId: CommitId
  readonly stream: string
  readonly count: number
  readonly entry: EntryIndex
}

export interface RemovedFile {
  readonly file: DataFile
  /** Lake's clock of the swap that took it out. */
  readonly sinceMs: UnixMs
}

/** A swap by paths, and the location it came from. */
export interface ReplacedFiles {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly location: string
}

export interface FoldedEvidence {
  readonly source: SourcePartition
  readonly highWatermark: NextOffset
  readonly askedAtMs: UnixMs
}

export interface FoldedWriter {
  /** Counter of its newest entry, plus one. */
  readonly counterNext: number
  /** What its newest decided entry said: see `EntryBase.publishedNext`. */
  readonly publishedNext: number
  /** Its commits in `unpublished`, in the order of the log. */
  readonly unpublished: readonly CommitId[]
  readonly lastEntryAtMs: UnixMs
  readonly discardedCount: number
}

/** A decided commit whose deeds are not known as done: publish its files, then delete others. */
export interface UnpublishedCommit {
  readonly commitId: CommitId
  readonly entry: EntryIndex
  readonly stagedAtMs: UnixMs
  readonly files: readonly DataFile[]
  /** To be deleted once `files` stand. Absent: none. */
  readonly removals?: readonly Removal[]
}

export interface UndeliveredAnnouncement {
  readonly entry: EntryIndex
  readonly decidedAtMs: UnixMs
  readonly manifest: ReadyManifest
  /** Targets that have not acknowledged. */
  readonly targets: readonly string[]
}

export interface FoldedVoid {
  readonly entry: EntryIndex
  readonly commitId: CommitId
  readonly because: string
}

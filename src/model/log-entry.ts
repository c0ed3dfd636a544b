/**
 * What stands in the commit log. The exact rules are in docs/protocol.md.
 *
 * An entry is a head, which decides, and a body, which only who needs it folds. The head does not
 * hold its own index: the same bytes are put at n, and after a lost race at n+1.
 */
import type { UnixMs } from '../base/time.ts'
import type { ClosedLateEntry } from './close-entry.ts'
import type { CountCell } from './counts.ts'
import type { DataFile } from './data-file.ts'
import type { CommitId, WriterId } from './ids.ts'
import type { LakePartition, PartitionPath } from './lake-partition.ts'
import type { LetterReplay } from './letter-replay.ts'
import type { NextOffset, Offset } from './offset.ts'
import type { ReadyManifest } from './ready-manifest.ts'
import type { ForgetEntry, VoidEntry } from './repair-entry.ts'
import type { SwapEntry } from './swap-entry.ts'
import type { SourcePartition } from './topic-partition.ts'

/** The form of entries that every log begins with. */
export const firstFormat = 1

/**
 * The newest form of entries that this version can write and read. It writes the one in force: see
 * `FoldedConfig.format`.
 */
export const entryFormat = 1

/** Zero-based position in the commit log. */
export type EntryIndex = number

/** What every entry says of itself, whatever its kind. */
export interface EntryBase {
  readonly format: number
  readonly commitId: CommitId
  readonly writerId: WriterId
  /** Lake's clock when the entry was staged. */
  readonly stagedAtMs: UnixMs
  /** All entries of this writer that stand below this one, with a counter below, are published. */
  readonly publishedNext: number
  /**
   * Commits besides that this writer has seen published: of others, often dead ones, and of its own
   * above one that a table refuses.
   */
  readonly published: readonly CommitId[]
  /** Attempts that this writer gave up since its last entry, and why. */
  readonly discarded: readonly DiscardedAttempt[]
}

/** In one word, why a commit was given up or is void for everybody. */
export type DiscardReason =
  | 'range-moved'
  | 'place-changed'
  | 'config-changed'
  /** An operator gave it up: see `ForgetEntry`. */
  | 'forgotten'
  /** Its content contradicts itself: counts that do not add up, a file in no place. */
  | 'malformed'
  /** It was put, and turned out void. */
  | 'void'

export interface DiscardedAttempt {
  readonly commitId: CommitId
  readonly because: DiscardReason
}

/**
 * The records `[first, next)` of a topic-partition that an append covers.
 *
 * Relies on: the fold's `next` and `resetEpoch` of this (lane, source). For a start position
 * `expected` is undefined (the log knows nothing) and `first` equals `next`.
 */
export interface AppendRange {
  readonly lane: string
  readonly source: SourcePartition
  readonly expected: NextOffset | undefined
  readonly first: Offset
  readonly next: NextOffset
  /** Leader epoch of the last record, -1 when there was none. */
  readonly leaderEpoch: number
  /**
   * How often an operator had moved the position before: also relied on, for `next` may go back
   * then. Absent: never.
   */
  readonly resetEpoch?: number
}

/**
 * A partition of a stream that an append adds rows to. Relies on: it is open, or, where the rows
 * are late, it is announced or passed over, and not closed.
 */
export interface AppendPlace {
  readonly stream: string
  readonly partition: LakePartition
  /** Its rows came after the announcement: a later revision names them. Absent: in time. */
  readonly late?: true
}

/** Committed progress of a stream on one topic-partition; listed where rows of it were seen. */
export interface StreamProgress {
  readonly stream: string
  readonly source: SourcePartition
  /** Highest event time seen minus allowed out-of-orderness, in milliseconds. */
  readonly eventWatermarkMs: UnixMs
}

/** "The leader's high watermark was X when asked at T": all appended before T lies below X. */
export interface IdleEvidence {
  readonly source: SourcePartition
  readonly highWatermark: NextOffset
  /** Lake's clock, read before the leader was asked. */
  readonly askedAtMs: UnixMs
}

export interface AppendEntry extends EntryBase {
  readonly kind: 'append'
  readonly ranges: readonly AppendRange[]
  readonly places: readonly AppendPlace[]
  /** Relies on: the configuration in force has this version. */
  readonly configVersion: number
  /** Its events come from dead letters: it has no ranges. Absent: from its ranges. */
  readonly replay?: LetterReplay
  readonly body: AppendBody
}

export interface AppendBody {
  readonly files: readonly DataFile[]
  readonly counts: readonly CountCell[]
  readonly progress: readonly StreamProgress[]
  readonly evidence: readonly IdleEvidence[]
}

/** One partition declared complete. Relies on: its version, the commit that last changed it. */
export interface Announcement {
  readonly stream: string
  readonly partition: LakePartition
  readonly version: CommitId | undefined
  /** The manifest, complete but for `logEntry`, which is the index of the entry. */
  readonly manifest: Omit<ReadyManifest, 'logEntry'>
  /** Names of the targets it must be delivered to, as configured at that time. */
  readonly targets: readonly string[]
}

export interface ReadyEntry extends EntryBase {
  readonly kind: 'ready'
  readonly announcements: readonly Announcement[]
}

export interface Delivery {
  readonly stream: string
  readonly partitionPath: PartitionPath
  readonly revision: number
  readonly target: string
  /** It was not: an operator took the target out of the configuration. Absent: it has it. */
  readonly dropped?: true
}

export interface DeliveredEntry extends EntryBase {
  readonly kind: 'delivered'
  readonly deliveries: readonly Delivery[]
}

/**
 * The configuration in force from here on. Relies on: the version it was made from is in force.
 * One in a newer format than is in force raises the format. A configuration equal to the one in
 * force is adopted, not put again.
 */
export interface ConfigEntry extends EntryBase {
  readonly kind: 'config'
  readonly fromVersion: number
  readonly version: number
  /** SHA-256 of the canonical text of `streams` and everything else that shapes what is written. */
  readonly checksum: string
  readonly streams: readonly ConfiguredStream[]
}

/** What the fold must know of a stream to decide readiness. */
export interface ConfiguredStream {
  readonly name: string
  readonly table: string
  readonly topics: readonly string[]
}

/**
 * An operator's word on where to read on: `lakeward source accept` and `source reset`. The only way
 * on after a refusal.
 */
export interface SourceEntry extends EntryBase {
  readonly kind: 'source'
  /** `accept`: what the brokers have by now is taken as it is. `reset`: as the operator said. */
  readonly action: 'accept' | 'reset'
  /** Why, in the operator's words. */
  readonly why: string
  readonly moves: readonly SourceMove[]
}

/**
 * What becomes of one topic-partition.
 *
 * Relies on: the fold's `next` and `resetEpoch` of this (lane, source). Three forms: moved (both
 * offsets), begun (the log knows nothing of it), ended (`next` is undefined).
 */
export interface SourceMove {
  readonly lane: string
  readonly source: SourcePartition
  readonly expected: NextOffset | undefined
  /** The one relied on; the move raises it. 0 where the log knows nothing. */
  readonly resetEpoch: number
  /** Where to read on; undefined: this topic id or cluster is not read any more. */
  readonly next: NextOffset | undefined
  /** What made it necessary, with both values, for people. */
  readonly cause: string
}

export type LogEntry =
  | AppendEntry
  | ReadyEntry
  | DeliveredEntry
  | ConfigEntry
  | SourceEntry
  | VoidEntry
  | ForgetEntry
  | ClosedLateEntry
  | SwapEntry

/**
 * The commit log as its users see it: a folded state and a way to extend it.
 *
 * One object per process. Puts are carried out one after the other.
 */
import type { Fault } from '../base/fault.ts'
import type { UnixMs } from '../base/time.ts'
import type { ClosedLateEntry } from '../model/close-entry.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId, WriterId } from '../model/ids.ts'
import type {
  AppendEntry,
  ConfigEntry,
  DeliveredEntry,
  DiscardedAttempt,
  EntryBase,
  EntryIndex,
  ReadyEntry,
  SourceEntry,
} from '../model/log-entry.ts'
import type { ForgetEntry, VoidEntry } from '../model/repair-entry.ts'
import type { SwapEntry } from '../model/swap-entry.ts'

/** An entry without what the log itself fills in. */
export type EntryDraft =
  | Draft<AppendEntry>
  | Draft<ReadyEntry>
  | Draft<DeliveredEntry>
  | Draft<ConfigEntry>
  | Draft<SourceEntry>
  | Draft<VoidEntry>
  | Draft<ForgetEntry>
  | Draft<ClosedLateEntry>
  | Draft<SwapEntry>
type Draft<E extends EntryBase> = Omit<E, Exclude<keyof EntryBase, 'commitId'>>

export type PutEntryOutcome =
  /** In the log, and what it relied on held. */
  | { readonly kind: 'decided'; readonly entry: EntryIndex; readonly commitId: CommitId }
  /** In the log, but void for everybody: what it relied on did not hold. */
  | { readonly kind: 'void'; readonly entry: EntryIndex; readonly because: string }
  /** Never put: a fold showed that what it relies on can no longer hold. */
  | { readonly kind: 'discarded'; readonly because: string }

export interface CommitLog {
  /** Random, one for each start of a process. */
  readonly writerId: WriterId
  /** What the lake says while a call is tried again and again; undefined when all is well. */
  readonly trouble: Fault | undefined
  /** As folded last; never goes back. */
  readonly state: FoldState
  /**
   * Folds what others put since.
   * @throws {Fault} `LAKE_UNAVAILABLE`, or a `LOG_…` fault: an entry cannot be read.
   */
  refresh(): Promise<FoldState>
  /**
   * The same, asking as little as can be: who slept until entries were deleted may be told that
   * nothing was put since. For what only prepares a put, which finds that out.
   * @throws {Fault} as `refresh`.
   */
  readOn(): Promise<FoldState>
  /** A commit id that was never used. */
  nextCommitId(): CommitId
  /**
   * Puts at the end of the log, again and again until the outcome is known.
   * @param holds asked of each fold that it is put over, also after a lost race; it is discarded
   *   where what it was decided on does not hold any more, besides what entries rely on.
   */
  put(draft: EntryDraft, holds?: (state: FoldState) => boolean): Promise<PutEntryOutcome>
  /** The newest format of the log that this process reads and writes. */
  readonly newestFormat: number
  /**
   * Puts the configuration in force once more, in a newer format: in force from then on.
   * @param holds asked of each fold that it is put over, also after a lost race.
   */
  raiseFormat(format: number, holds: (state: FoldState) => boolean): Promise<PutEntryOutcome>
  /** Says in the next entry that all files of this commit, whoever's it is, are published. */
  markPublished(commitId: CommitId): void
  /** Commits in `state.unpublished` that are published all the same: the next entry says so. */
  readonly publishedHere: ReadonlySet<CommitId>
  /** Says in the next entry that this commit was given up before it was put. */
  markDiscarded(attempt: DiscardedAttempt): void
  /**
   * The lake's clock, carried on by the monotonic clock since it was last read from the lake.
   * Never ahead of it but for its drift since then. A log opened for reading tells the machine's.
   */
  lakeNowMs(): UnixMs
}

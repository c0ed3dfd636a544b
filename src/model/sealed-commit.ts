import type { UnixMs } from '../base/time.ts'
import type { CountCell } from './counts.ts'
import type { DataFile, FileBase } from './data-file.ts'
import type { CommitId } from './ids.ts'
import type { PartitionPath } from './lake-partition.ts'
import type { LetterReplay } from './letter-replay.ts'
import type {
  AppendPlace,
  AppendRange,
  EntryBase,
  EntryIndex,
  IdleEvidence,
  StreamProgress,
} from './log-entry.ts'
import type { SwapEntry } from './swap-entry.ts'
import type { UnknownFieldsOfStream } from './unknown-field.ts'

/** What a sealed file is where it is the tail of one that stands. */
interface SealedTail {
  /** Of the file that grows. */
  readonly path: string
  readonly base: FileBase
  /** The file with the tail. */
  readonly grown: Pick<DataFile, 'sizeBytes' | 'rowCount' | 'crc32c' | 'eventTimeMs'>
  /** The same rows as a file of their own, for where the tail cannot be staged. */
  readonly alone: () => Pick<SealedFile, 'chunks' | 'sizeBytes' | 'crc32c'>
}

/** One closed Parquet file, or the tail of one, still in memory. */
export interface SealedFile {
  readonly stream: string
  readonly table: string
  readonly partitionPath: PartitionPath
  /** The file's bytes, in order. */
  readonly chunks: readonly Uint8Array[]
  /** Sum of the chunks' lengths. */
  readonly sizeBytes: number
  readonly rowCount: number
  /** CRC32C of the whole file, 8 hex digits; of a tail that of the file with it. */
  readonly crc32c: string
  readonly schemaVersion: number
  /** Lowest and highest event time of its rows. */
  readonly eventTimeMs: { readonly min: UnixMs; readonly max: UnixMs }
  /** Gives the memory of `chunks` back for other files: to be called when nobody reads them. */
  readonly release: () => void
  /** Absent: a file of its own. */
  readonly tail?: SealedTail
}

/** Everything one writer read since its last commit, ready to be staged and put. */
export interface SealedCommit {
  /** From `CommitLog.nextCommitId`, used for this content only. */
  readonly commitId: CommitId
  readonly ranges: readonly AppendRange[]
  readonly places: readonly AppendPlace[]
  readonly configVersion: number
  /** Absent: what was read. */
  readonly replay?: LetterReplay
  readonly files: readonly SealedFile[]
  readonly counts: readonly CountCell[]
  readonly progress: readonly StreamProgress[]
  readonly evidence: readonly IdleEvidence[]
  /** Of streams that brought some; told, and not written into the log. */
  readonly unknownFields: readonly UnknownFieldsOfStream[]
}

/** Files that are to take the place of others, ready to be staged and put: see `SwapEntry`. */
export interface SealedSwap extends Omit<SwapEntry, 'kind' | 'body' | keyof EntryBase> {
  /** From `CommitLog.nextCommitId`, used for this content only. */
  readonly commitId: CommitId
  readonly files: readonly SealedFile[]
}

export type CommitOutcome =
  /** Decided and published. */
  | { readonly kind: 'committed'; readonly entry: EntryIndex }
  /**
   * Not decided, and never will be: the caller reads again from where the log says. `discarded`
   * was never put; `void` stands in the log and counts for nobody.
   */
  | { readonly kind: 'discarded' | 'void'; readonly because: string }

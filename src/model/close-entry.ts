import type { CommitId } from './ids.ts'
import type { LakePartition } from './lake-partition.ts'
import type { EntryBase } from './log-entry.ts'

/** What is put before a `closed-late` entry: all that the log knew of a partition. */
interface ClosedListReference {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  /** SHA-256 of the stream's list before it, which it names: zeros for the first one. */
  readonly previous: string
}

/**
 * A partition that leaves the state, with its files.
 *
 * Relies on: its version; it is announced and delivered, or of a stream of our own that is never
 * announced; none of its files waits to be published; `previous` is the stream's newest list.
 */
export interface Closing {
  readonly stream: string
  readonly partition: LakePartition
  readonly version: CommitId
  readonly list: ClosedListReference
}

/** Partitions that take no more late rows: what is known of them stands beside the log. */
export interface ClosedLateEntry extends EntryBase {
  readonly kind: 'closed-late'
  readonly closings: readonly Closing[]
}

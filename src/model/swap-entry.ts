/** One entry that takes files of a partition out and puts others in their place. */
import type { DataFile } from './data-file.ts'
import type { CommitId } from './ids.ts'
import type { LakePartition, PartitionPath } from './lake-partition.ts'
import type { EntryBase } from './log-entry.ts'

/**
 * `merge`: the same rows in fewer files. `replace`: other rows, by a backfill. `undo`: takes the
 * newest swap back. `move`: the same files elsewhere. `refill`: for files that are gone.
 */
export type SwapWhy = 'merge' | 'replace' | 'undo' | 'move' | 'refill'

/**
 * Relies on the partition's place, and
 * - while it is open, on the inputs being live. They are given up for good: nothing brings them
 *   back, and they are deleted once the entry's own files stand;
 * - once it is announced, on its version. It takes every live file, into another location, and the
 *   inputs stay until they are forgotten. A `move` of late files that no revision names yet is as
 *   while it was open, over the version.
 */
export interface SwapEntry extends EntryBase {
  readonly kind: 'swap'
  readonly why: SwapWhy
  /** An operator's words; empty where nobody asked for it. */
  readonly reason: string
  readonly stream: string
  readonly partition: LakePartition
  readonly place: 'open' | 'announced'
  /** Undefined while it is open. */
  readonly version: CommitId | undefined
  /** Paths of the files that are taken out. */
  readonly inputs: readonly string[]
  /** Paths of files that come back, of an undo only: swapped out before and not forgotten. */
  readonly restored: readonly string[]
  /** Folder that holds the partition's files from here on. */
  readonly location: string
  /** Rows of the inputs that are gone for good, of a refill only. */
  readonly lostRowCount: number
  readonly body: SwapBody
}

export interface SwapBody {
  readonly files: readonly DataFile[]
}

/** What staging for a swap relies on: see `SwapEntry`. */
export type SwapReliance = Pick<SwapEntry, 'stream' | 'place' | 'version' | 'inputs'> & {
  readonly partitionPath: PartitionPath
}

/** A file that is given up: whoever finishes the commit that says so deletes it. */
export type Removal = Pick<DataFile, 'stream' | 'partitionPath' | 'path' | 'stagedPath'>

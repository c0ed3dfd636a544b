/** Entries by which an operator repairs a log. The exact rules are in docs/protocol.md. */
import type { CommitId } from './ids.ts'
import type { PartitionPath } from './lake-partition.ts'
import type { EntryBase, EntryIndex } from './log-entry.ts'

/**
 * Steps over an entry that nobody can read. Stands in two places, of the same kind:
 *
 * - as the *notice*, at the log's end, with the operator's reason. Relies on: the entry it names is
 *   stepped over in the fold;
 * - as the *stand-in*, at the very index it names, in place of the bytes that nobody could read.
 */
export interface VoidEntry extends EntryBase {
  readonly kind: 'void'
  readonly entry: EntryIndex
  /** SHA-256 of the bytes that could not be read, hex. */
  readonly sha256: string
  /** The operator's words; empty in a stand-in. */
  readonly why: string
}

/**
 * Gives up for ever. Relies on: none of the commits is decided, and of each partition its version
 * and that the files were swapped out.
 */
export interface ForgetEntry extends EntryBase {
  readonly kind: 'forget'
  /** An operator's words, or what made it due. */
  readonly why: string
  /** Attempts that can never be decided any more: what was staged for them is garbage. */
  readonly commits: readonly CommitId[]
  /** Files that no swap brings back any more: they are deleted. */
  readonly files: readonly ForgottenFiles[]
}

/** Files of one partition that were swapped out. */
export interface ForgottenFiles {
  readonly stream: string
  readonly partitionPath: PartitionPath
  readonly version: CommitId
  readonly paths: readonly string[]
}

/** Entries by which an operator repairs a log. The exact rules are in docs/protocol.md. */
import type { CommitId } from './ids.ts'
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

/** Gives up for ever, in an operator's words. Relies on: none of it is decided. */
export interface ForgetEntry extends EntryBase {
  readonly kind: 'forget'
  readonly why: string
  /** Attempts that can never be decided any more: what was staged for them is garbage. */
  readonly commits: readonly CommitId[]
}

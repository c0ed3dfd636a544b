import type { CommitId } from './ids.ts'
import type { AppendRange } from './log-entry.ts'
import type { SwapReliance } from './swap-entry.ts'

/** What a staging folder holds beside its files: whose it is, and what its commit relies on. */
export interface StagingJournal {
  readonly pipeline: string
  readonly commitId: CommitId
  readonly ranges: readonly AppendRange[]
  /** Every file that is staged beside it, named before the first is begun. */
  readonly files: readonly { readonly stagedPath: string; readonly path: string }[]
  /** Of staging for a swap, which has no ranges. */
  readonly swap?: SwapReliance
}

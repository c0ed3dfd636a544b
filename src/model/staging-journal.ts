import type { CommitId } from './ids.ts'
import type { LetterUnit } from './letter-replay.ts'
import type { AppendRange } from './log-entry.ts'
import type { SwapReliance } from './swap-entry.ts'

/** What is kept of a commit's staging: whose it is, and what the commit relies on. */
export interface StagingJournal {
  readonly pipeline: string
  readonly commitId: CommitId
  readonly ranges: readonly AppendRange[]
  /** Every file that is staged by it, named before the first is begun. */
  readonly files: readonly { readonly stagedPath: string; readonly path: string }[]
  /** Of staging for a swap, which has no ranges. */
  readonly swap?: SwapReliance
  /** Of staging for a replay, which has no ranges either. */
  readonly letters?: readonly LetterUnit[]
}

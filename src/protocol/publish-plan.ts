/** Which decided commits somebody has to publish. */
import type { DurationMs, UnixMs } from '../base/time.ts'
import type { FoldState, UnpublishedCommit } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'

export interface PublishFacts {
  readonly state: FoldState
  /** The lake's clock. */
  readonly nowMs: UnixMs
  /** Younger commits are left to their own writers, who are most likely at it. */
  readonly olderThanMs: DurationMs
  /** Commits whose files stand published already, or are being published by us. */
  readonly inHand: ReadonlySet<CommitId>
  /** Commits that we could not publish when we tried last: they are due whatever their age. */
  readonly stuck: ReadonlySet<CommitId>
}

/** @returns in the order of the log. Publishing is idempotent: doing it twice does no harm. */
export function planPublish(facts: PublishFacts): readonly UnpublishedCommit[] {
  const { state, nowMs, olderThanMs, inHand, stuck } = facts
  return [...state.unpublished.values()]
    .filter(({ commitId }) => !inHand.has(commitId))
    .filter(({ commitId, stagedAtMs }) => stuck.has(commitId) || nowMs - stagedAtMs >= olderThanMs)
    .sort((a, b) => a.entry - b.entry)
}

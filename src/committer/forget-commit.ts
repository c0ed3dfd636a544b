import type { CommitId } from '../model/ids.ts'
import type { CommitLog, PutEntryOutcome } from '../ports/commit-log.ts'
import { decideForget, type ForgetDecision } from '../protocol/forget-choice.ts'
import { type JanitorOptions, type JudgedStaging, judgeStaging } from './janitor.ts'

export type ForgetCommitPlan =
  | Extract<ForgetDecision, { kind: 'refuse' }>
  /** `staged`: what lies of it, by journal. */
  | { readonly kind: 'forget'; readonly staged: readonly JudgedStaging[] }

/**
 * Looks whether a staged commit can be given up. Puts nothing.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function planForgetCommit(
  options: Omit<JanitorOptions, 'telemetry'>,
  commitId: CommitId,
): Promise<ForgetCommitPlan> {
  const staged = (await judgeStaging(options)).filter((one) => one.commitId === commitId)
  // A commit with several journals is one commit: what one of them tells holds for all.
  const told = staged.find(({ verdict }) => verdict !== 'unjudged') ?? staged[0]
  const decision = decideForget(told?.verdict ?? 'nothing')
  return decision.kind === 'refuse' ? decision : { kind: 'forget', staged }
}

/**
 * Says at the log's end that nobody will ever decide a commit: its entry is void from here on.
 *
 * @throws {Fault} `LAKE_…`: with an outcome nobody knows. It can be done again.
 */
export const forgetCommit = (
  log: CommitLog,
  commitId: CommitId,
  why: string,
): Promise<PutEntryOutcome> =>
  log.put({ kind: 'forget', commitId: log.nextCommitId(), why, commits: [commitId], files: [] })

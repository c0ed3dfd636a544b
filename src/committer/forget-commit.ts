import type { CommitId } from '../model/ids.ts'
import type { CommitLog, PutEntryOutcome } from '../ports/commit-log.ts'
import { decideForget, type ForgetDecision } from '../protocol/forget-choice.ts'
import { type JanitorOptions, type JudgedFolder, judgeStaging } from './janitor.ts'

export type ForgetCommitPlan =
  | Extract<ForgetDecision, { kind: 'refuse' }>
  /** `folders`: where it is staged. */
  | { readonly kind: 'forget'; readonly folders: readonly JudgedFolder[] }

/**
 * Looks whether a staged commit can be given up. Puts nothing.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function planForgetCommit(
  options: Omit<JanitorOptions, 'telemetry'>,
  commitId: CommitId,
): Promise<ForgetCommitPlan> {
  const folders = (await judgeStaging(options)).filter((at) => at.commitId === commitId)
  // A commit that lies in several tables is one commit: what one table tells holds for all.
  const told = folders.find(({ verdict }) => verdict !== 'unjudged') ?? folders[0]
  const decision = decideForget(told?.verdict ?? 'nothing')
  return decision.kind === 'refuse' ? decision : { kind: 'forget', folders }
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

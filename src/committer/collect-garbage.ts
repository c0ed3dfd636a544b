import { type DurationMs, durationMs } from '../base/time.ts'
import type { ForgottenFiles } from '../model/repair-entry.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import { planForget } from '../protocol/forget-plan.ts'
import { Committer, type CommitterOptions } from './committer.ts'
import { type CleanReport, cleanStaging } from './janitor.ts'
import { type TrimReport, trimLog } from './log-keeper.ts'

export interface GarbageOptions extends CommitterOptions {
  /** Tables that the pipeline writes. */
  readonly tables: readonly string[]
  /** How long files that a swap took out stay, for an undo. */
  readonly graceMs: DurationMs
  /** How long an entry stays after a checkpoint was made over it. */
  readonly keepMs: DurationMs
}

interface CollectedGarbage {
  /** Files that a swap took out, given up by an entry and deleted. */
  readonly replaced: readonly ForgottenFiles[]
  readonly removed: CleanReport
  readonly trimmed: TrimReport
}

/**
 * Removes what can never be needed again: files that were swapped out, staging, old entries.
 *
 * @throws {Fault} `LAKE_…`: what was begun can be gone on with, by anyone.
 */
export async function collectGarbage(options: GarbageOptions): Promise<CollectedGarbage> {
  const replaced = await forgetReplaced(options.log, options.graceMs)
  await new Committer(options).publishPending(durationMs(0))
  const removed = await cleanStaging({ ...options, announced: true })
  return { replaced, removed, trimmed: await trimLog(options) }
}

/** First the entry, then the deed: whoever finishes the commit deletes the files. */
async function forgetReplaced(
  log: CommitLog,
  graceMs: DurationMs,
): Promise<readonly ForgottenFiles[]> {
  const files = planForget({ state: log.state, nowMs: log.lakeNowMs(), graceMs })
  if (files.length === 0) return []
  const why = 'gc: replaced longer ago than their grace'
  const commitId = log.nextCommitId()
  const outcome = await log.put({ kind: 'forget', commitId, why, commits: [], files })
  return outcome.kind === 'decided' ? files : []
}

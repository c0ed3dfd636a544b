/** What an operator's changing command stands on: the log of the lake, to be put to. */
import { openCommitLog } from '../committer/commit-log.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import { clockPath } from '../protocol/log-paths.ts'
import type { Invocation } from './command.ts'
import { type Lakeside, writingOptions } from './reading.ts'

/**
 * Opens the log as one more writer of it, and takes away what only that writer needed.
 *
 * @throws {Fault} `LAKE_UNAVAILABLE`, or a `LOG_…` fault: an entry cannot be read.
 */
export async function withWritableLog<T>(
  invocation: Invocation,
  lakeside: Lakeside,
  work: (log: CommitLog) => Promise<T>,
): Promise<T> {
  const log = await openCommitLog(writingOptions(invocation, lakeside))
  try {
    return await work(log)
  } finally {
    await lakeside.lake.remove(clockPath(lakeside.config.pipeline, log.writerId))
  }
}

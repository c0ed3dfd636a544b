import { Fault } from '../base/fault.ts'
import type { DataFile } from '../model/data-file.ts'
import type { UnpublishedCommit } from '../model/fold-state.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake, PublishOutcome } from '../ports/lake.ts'
import { inParallel } from './parallel.ts'

/** Files of one commit that are staged or published at a time. */
export const filesAtOnceMax = 16

export interface PublisherOptions {
  readonly lake: Lake
  readonly log: CommitLog
  /** How a call to the lake is made: once, or again and again until it is answered. */
  readonly call: <T>(effect: () => Promise<T>) => Promise<T>
}

/**
 * Makes all files of a decided commit visible, whoever decided it, and tells the log. Idempotent.
 *
 * @throws {Fault} what `call` lets through; `LOG_FILE_GONE`, `LOG_FILE_MISMATCH`: the log says what
 *   the lake does not hold.
 */
export async function publishCommit(
  options: PublisherOptions,
  commit: UnpublishedCommit,
): Promise<void> {
  await inParallel(commit.files, filesAtOnceMax, (file) => publishFile(options, commit, file))
  options.log.markPublished(commit.commitId)
}

async function publishFile(
  options: PublisherOptions,
  commit: UnpublishedCommit,
  file: DataFile,
): Promise<void> {
  const { call, log } = options
  const publish = (): Promise<PublishOutcome> => call(() => options.lake.publish(file))
  let outcome = await publish()
  if (outcome.kind === 'missing') {
    // What the log knows as published by now needs nothing, wherever it has gone since.
    const state = await call(() => log.refresh())
    if (!state.unpublished.has(commit.commitId)) return
    outcome = await publish()
  }
  const { entry } = commit
  if (outcome.kind === 'missing') {
    const { path, stagedPath } = file
    throw new Fault('LOG_FILE_GONE', { path, stagedPath, entry })
  }
  if (outcome.kind === 'mismatch') {
    const { path, sizeBytes } = file
    throw new Fault('LOG_FILE_MISMATCH', { path, sizeBytes, foundBytes: outcome.foundBytes, entry })
  }
}

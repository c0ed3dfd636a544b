import { Fault } from '../base/fault.ts'
import type { DataFile } from '../model/data-file.ts'
import type { UnpublishedCommit } from '../model/fold-state.ts'
import type { Removal } from '../model/swap-entry.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake, PublishOutcome } from '../ports/lake.ts'
import { judgeLength } from '../protocol/growth.ts'
import { inParallel } from './parallel.ts'

/** Files of one commit that are staged or published at a time. */
export const filesAtOnceMax = 16

/** What says nothing of other files. */
const ofOneFile: ReadonlySet<string> = new Set([
  'LAKE_REFUSED',
  'LOG_FILE_GONE',
  'LOG_FILE_MISMATCH',
])

export interface PublisherOptions {
  readonly lake: Lake
  readonly log: CommitLog
  /** How a call to the lake is made: once, or again and again until it is answered. */
  readonly call: <T>(effect: () => Promise<T>) => Promise<T>
  /** What was staged there stands at its place, whatever becomes of the others. */
  readonly onPublished?: (stagedPath: string) => void
}

/**
 * Makes all files of a decided commit visible, whoever decided it, deletes what it gives up, and
 * tells the log. Idempotent. A file that is refused, or lost, keeps no other from being published.
 *
 * @throws {Fault} what `call` lets through; `LOG_FILE_GONE`, `LOG_FILE_MISMATCH`: the log says what
 *   the lake does not hold.
 */
export async function publishCommit(
  options: PublisherOptions,
  commit: UnpublishedCommit,
): Promise<void> {
  const faults: Fault[] = []
  await inParallel(commit.files, filesAtOnceMax, async (file) => {
    try {
      await publishFile(options, commit, file)
      options.onPublished?.(file.stagedPath)
    } catch (error) {
      if (!(error instanceof Fault) || !ofOneFile.has(error.code)) throw error
      faults.push(error)
    }
  })
  // What is lost is told first: it does not mend itself.
  const fault = faults.find(({ code }) => code !== 'LAKE_REFUSED') ?? faults[0]
  if (fault !== undefined) throw fault
  // Not before all stand: what is given up can be read until there is something in its place.
  const removals = commit.removals ?? []
  await inParallel(removals, filesAtOnceMax, (removal) => removeFile(options, removal))
  options.log.markPublished(commit.commitId)
}

/** Staging first: while the staged file stands, somebody who is late could publish it once more. */
async function removeFile({ call, lake }: PublisherOptions, removal: Removal): Promise<void> {
  await call(() => lake.discard(removal))
  await call(() => lake.remove(removal.path))
}

async function publishFile(
  options: PublisherOptions,
  commit: UnpublishedCommit,
  file: DataFile,
): Promise<void> {
  const { call, log } = options
  let outcome = await publishOnce(options, file)
  if (outcome.kind === 'missing' || outcome.kind === 'mismatch') {
    // What the log knows as published by now, or has swapped away, needs nothing.
    const state = await call(() => log.refresh())
    const wanted = state.unpublished.get(commit.commitId)?.files ?? []
    if (wanted.every(({ path }) => path !== file.path)) return
    if (outcome.kind === 'mismatch') {
      const verdict = judgeLength(state, file, outcome.foundBytes)
      if (verdict.kind === 'stands') return
      // In the order of the log: a length that is short of it holds a tail back.
      if (verdict.kind === 'behind') await publishOnce(options, verdict.earlier)
    }
    outcome = await publishOnce(options, file)
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

/** By one call: a file becomes visible, or a tail is joined to the file that it continues. */
function publishOnce({ call, lake }: PublisherOptions, file: DataFile): Promise<PublishOutcome> {
  const { base, ...whole } = file
  if (base === undefined) return call(() => lake.publish(whole))
  const { tails } = lake
  if (tails === undefined) throw tailsRefused(file)
  return call(() => tails.join({ ...whole, baseBytes: base.sizeBytes }))
}

/** Another lake than the one that the entry was made for: a copy of it, on something else. */
const tailsRefused = ({ path }: DataFile): Fault =>
  new Fault('LAKE_REFUSED', { operation: 'join', path, reason: 'files of this lake do not grow' })

import { Fault } from '../base/fault.ts'
import type { DurationMs } from '../base/time.ts'
import { parseCheckpoint } from '../codec/log/checkpoint.ts'
import { parseEntryHead, storedBodyOf } from '../codec/log/entry.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import {
  type CheckpointName,
  checkpointFolder,
  entriesPerFolder,
  entryFolder,
  entryPath,
  folderOfEntry,
  parseCheckpointPath,
  parseEntryPath,
} from '../protocol/log-paths.ts'
import { planTrim, type StandingCheckpoint } from '../protocol/trim-plan.ts'

const sparseEveryDefault = 1_000

export interface LogKeeperOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  readonly telemetry: Telemetry
  /** How long an entry stays after a checkpoint was made over it. */
  readonly keepMs: DurationMs
  readonly sparseEvery?: number
}

export interface TrimReport {
  /** At most one folder of entries a call. */
  readonly removedEntries: number
  readonly removedCheckpoints: number
}

/**
 * Deletes old entries with their bodies, and checkpoints that nobody begins at any more.
 *
 * Safe beside every other process, and beside itself: what is deleted once may never be needed
 * again. Entries go one by one from the lowest, so that those which stand have no gap.
 *
 * @throws {Fault} `LAKE_…`: try again later; what was begun can be gone on with.
 */
export async function trimLog(options: LogKeeperOptions): Promise<TrimReport> {
  const { lake, log, keepMs, telemetry, sparseEvery = sparseEveryDefault } = options
  // The lake's clock is read anew with the fold.
  await log.refresh()
  const checkpoints = await standingCheckpoints(options)
  const plan = planTrim({ checkpoints, nowMs: log.lakeNowMs(), keepMs, sparseEvery })
  // Nothing goes before the base was read whole: it is all that is left of what lies below.
  const isBased = plan.base === undefined || (await isReadable(options, plan.base))
  if (!isBased) return { removedEntries: 0, removedCheckpoints: 0 }
  for (const { path } of plan.checkpoints) await lake.remove(path)
  const removedEntries = plan.base === undefined ? 0 : await removeBelow(options, plan.base)
  const report = { removedEntries, removedCheckpoints: plan.checkpoints.length }
  if (removedEntries > 0) telemetry.log.info('old log entries removed', report)
  return report
}

async function standingCheckpoints({
  lake,
  pipeline,
}: LogKeeperOptions): Promise<readonly StandingCheckpoint[]> {
  const objects = await lake.list(checkpointFolder(pipeline))
  return objects.flatMap(({ path, modifiedMs }) => {
    const name = parseCheckpointPath(path)
    return name === undefined ? [] : [{ ...name, putAtMs: modifiedMs }]
  })
}

/** @param base which can be read. */
async function removeBelow(options: LogKeeperOptions, base: CheckpointName): Promise<number> {
  const { lake, pipeline } = options
  const folder = await lowestFolder(options, base.next)
  if (folder === undefined) return 0
  const objects = await lake.list(entryFolder(pipeline, folder))
  const indexes = objects
    .flatMap(({ path }) => parseEntryPath(path) ?? [])
    .filter((index) => index < base.next)
    .sort((a, b) => a - b)
  for (const index of indexes) await removeEntry(options, index)
  return indexes.length
}

/**
 * Folders are emptied from the lowest up, so below one without its last entry none has any. What a
 * sleeper puts into an emptied one is garbage that nobody reads.
 */
async function lowestFolder(
  { lake, pipeline }: LogKeeperOptions,
  next: EntryIndex,
): Promise<number | undefined> {
  if (next === 0) return undefined
  for (let folder = folderOfEntry(next - 1); ; folder--) {
    const lastBelow = folder * entriesPerFolder - 1
    if (lastBelow < 0) return folder
    if ((await lake.stat(entryPath(pipeline, lastBelow))) === undefined) return folder
  }
}

async function isReadable(
  { lake, log, telemetry }: LogKeeperOptions,
  { path, next, checksum16 }: CheckpointName,
): Promise<boolean> {
  const bytes = await lake.read(path)
  if (bytes === undefined) return false
  try {
    const state = parseCheckpoint(bytes, path, log.newestFormat)
    if (state.next === next && state.checksum.startsWith(checksum16)) return true
    telemetry.log.warn('no log entries removed', { path, reason: 'it is of other entries' })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    telemetry.log.warn('no log entries removed', { path, reason: error.message })
  }
  return false
}

/** The body first: what is left after a crash still names it. */
async function removeEntry(
  { lake, log, pipeline, telemetry }: LogKeeperOptions,
  index: EntryIndex,
): Promise<void> {
  const path = entryPath(pipeline, index)
  const bytes = await lake.read(path)
  if (bytes === undefined) return
  try {
    const body = storedBodyOf(parseEntryHead(bytes, path, log.newestFormat))
    if (body !== undefined) await lake.remove(body.path)
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== 'never') throw error
    telemetry.log.warn('log entry removed unread', { path, reason: error.message })
  }
  await lake.remove(path)
}

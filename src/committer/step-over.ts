import { Fault } from '../base/fault.ts'
import { parseCheckpoint } from '../codec/log/checkpoint.ts'
import { encodeEntry } from '../codec/log/entry.ts'
import type { FoldedVoid } from '../model/fold-state.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { PutEntryOutcome } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import {
  bodyPath,
  checkpointFolder,
  entryPath,
  parseCheckpointPath,
  unreadablePath,
} from '../protocol/log-paths.ts'
import { decideStepOver, type StepOverDecision, standInOf } from '../protocol/step-over.ts'
import { type CommitLogOptions, openCommitLog } from './commit-log.ts'
import { findLonger, type LongerFile } from './cut-back.ts'
import { type ExaminedEntry, examineEntry } from './examine-entry.ts'

/** An entry whose bytes nobody can read. */
type Unreadable = Extract<ExaminedEntry, { kind: 'unreadable' }> & { readonly index: EntryIndex }

export type StepOverPlan =
  | Exclude<StepOverDecision, { kind: 'step-over' }>
  | {
      readonly kind: 'step-over'
      /** Those that are not stepped over yet. */
      readonly unreadable: readonly Unreadable[]
      /** Entries above them that are void over a log without them, of the newest there are. */
      readonly fallen: readonly FoldedVoid[]
      /** Files that grew by them: they are to be cut back afterwards, by `cutBack`. */
      readonly longer: readonly LongerFile[]
      /** End of the log. */
      readonly next: EntryIndex
    }

/**
 * Looks what stepping over entries would do. Puts nothing.
 *
 * @param indexes all that nobody can read: with one left out the log still ends there.
 */
export async function planStepOver(
  options: CommitLogOptions,
  indexes: readonly EntryIndex[],
): Promise<StepOverPlan> {
  const { lake, pipeline } = options
  const unreadable: Unreadable[] = []
  for (const index of indexes) {
    const examined = await examineEntry(lake, pipeline, index)
    const standing = (await isSteppedOver(options, examined, index)) ? 'stand-in' : examined.kind
    const checkpointsAbove = await checkpointsOver(lake, pipeline, index)
    const decision = decideStepOver({ index, standing, checkpointsAbove })
    if (decision.kind === 'refuse') return decision
    if (examined.kind === 'unreadable') unreadable.push({ ...examined, index })
  }
  const [lowest] = unreadable.map(({ index }) => index).sort((a, b) => a - b)
  if (lowest === undefined) return { kind: 'done' }
  const over = withStandIns(options, unreadable)
  const log = await openCommitLog({ ...over, readOnly: true })
  const longer = await findLonger(lake, log)
  const { state } = log
  const above = state.voids.filter(({ entry }) => entry > lowest)
  const fallen = above.filter(({ entry }) => !state.steppedOver.includes(entry))
  return { kind: 'step-over', unreadable, fallen, longer, next: state.next }
}

/**
 * Steps over entries that nobody can read: says so at the log's end, keeps their bytes aside, puts
 * stand-ins over them. After a crash it can be done again from the start. Files that grew by them
 * are cut back afterwards, by `cutBack`.
 *
 * The notice comes first: a process that could read such an entry, and folded on, stops at it
 * before anybody else goes on without the entry.
 *
 * @throws {Fault} `LAKE_…`: with an outcome nobody knows.
 */
export async function stepOver(
  options: CommitLogOptions,
  unreadable: readonly Unreadable[],
  why: string,
): Promise<PutEntryOutcome | undefined> {
  const { lake, pipeline } = options
  for (const { index, sha256, head } of unreadable) {
    await lake.putIfAbsent(unreadablePath(pipeline, index, sha256), head)
  }
  const log = await openCommitLog(withStandIns(options, unreadable))
  let outcome: PutEntryOutcome | undefined
  for (const { index, sha256 } of unreadable) {
    const commitId = log.nextCommitId()
    outcome = await log.put({ kind: 'void', commitId, entry: index, sha256, why })
    if (outcome.kind !== 'decided') return outcome
  }
  for (const { index, sha256 } of unreadable) {
    await lake.put(entryPath(pipeline, index), standInBytes(pipeline, index, sha256))
  }
  return outcome
}

/** Its stand-in may be gone, with all old entries: a checkpoint says so then. */
async function isSteppedOver(
  options: CommitLogOptions,
  examined: ExaminedEntry,
  index: EntryIndex,
): Promise<boolean> {
  if (examined.kind !== 'absent') return isStandIn(examined, index)
  const log = await openCommitLog({ ...options, readOnly: true })
  return log.state.steppedOver.includes(index)
}

const isStandIn = (examined: ExaminedEntry, index: EntryIndex): boolean =>
  examined.kind === 'whole' && examined.entry.kind === 'void' && examined.entry.entry === index

async function checkpointsOver(
  lake: Lake,
  pipeline: string,
  index: EntryIndex,
): Promise<readonly { readonly path: string; readonly readable: boolean }[]> {
  const objects = await lake.list(checkpointFolder(pipeline))
  const names = objects.flatMap(({ path }) => parseCheckpointPath(path) ?? [])
  const above = names.filter(({ next }) => next > index)
  return Promise.all(
    above.map(async ({ path }) => ({ path, readable: isReadable(await lake.read(path), path) })),
  )
}

function isReadable(bytes: Uint8Array | undefined, path: string): boolean {
  if (bytes === undefined) return false
  try {
    parseCheckpoint(bytes, path)
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return false
  }
}

function standInBytes(pipeline: string, index: EntryIndex, sha256: string): Uint8Array {
  const entry = standInOf(index, sha256)
  return encodeEntry(entry, (checksum) => bodyPath(pipeline, entry.commitId, checksum)).head
}

/** The log as it will be read once the stand-ins are there. Writes no checkpoint of that. */
function withStandIns(
  options: CommitLogOptions,
  unreadable: readonly Unreadable[],
): CommitLogOptions {
  const { lake, pipeline } = options
  const standIns = new Map(
    unreadable.map(({ index, sha256 }) => [
      entryPath(pipeline, index),
      standInBytes(pipeline, index, sha256),
    ]),
  )
  const over: Lake = {
    url: lake.url,
    lingersMs: lake.lingersMs,
    read: async (path) => standIns.get(path) ?? lake.read(path),
    putIfAbsent: (path, body) => lake.putIfAbsent(path, body),
    put: (path, body, signal) => lake.put(path, body, signal),
    readRange: (path, first, next) => lake.readRange(path, first, next),
    stat: (path) => lake.stat(path),
    list: (folder) => lake.list(folder),
    stage: (request) => lake.stage(request),
    publish: (request) => lake.publish(request),
    discard: (place) => lake.discard(place),
    move: (from, to) => lake.move(from, to),
    remove: (path) => lake.remove(path),
  }
  return { ...options, lake: over, checkpointEvery: 0 }
}

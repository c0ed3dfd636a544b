import { Fault } from '../base/fault.ts'
import { parseJournal } from '../codec/log/journal.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { decideStaging } from '../protocol/garbage.ts'
import { commitOfStaged, journalPath, stagingRoot } from '../protocol/log-paths.ts'

export interface JanitorOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  /** Tables that this pipeline writes. */
  readonly tables: readonly string[]
  readonly telemetry: Telemetry
}

export interface CleanReport {
  /** Staging folders removed, and objects in them. */
  readonly removedCommits: number
  readonly removedObjects: number
  /** Folders that may still be decided or published, or belong to another pipeline. */
  readonly keptCommits: number
  /** Folders whose journal is unreadable: left for a person to look at. */
  readonly unjudged: readonly string[]
}

/**
 * Removes staging that can never be decided, and nothing else: never by age, and never because it
 * is another writer's. Safe beside every other process, living, stopped or dead.
 *
 * @throws {Fault} `LAKE_…`: try again later; what was begun can be gone on with.
 */
export async function cleanStaging(options: JanitorOptions): Promise<CleanReport> {
  const folders: StagingFolder[] = []
  for (const table of options.tables) folders.push(...(await stagingFolders(options, table)))
  // Any fold will do, the newest finds the most.
  const state = await options.log.refresh()
  let [removedCommits, removedObjects, keptCommits] = [0, 0, 0]
  const unjudged: string[] = []
  for (const folder of folders) {
    const decision = decideFolder(options, state, folder)
    if (decision === 'unjudged') unjudged.push(folder.path)
    if (decision === 'keep') keptCommits++
    if (decision !== 'garbage') continue
    removedObjects += await removeFolder(options, folder)
    removedCommits++
  }
  const report = { removedCommits, removedObjects, keptCommits, unjudged }
  if (removedCommits > 0) options.telemetry.log.info('staging removed', { ...report })
  if (unjudged.length > 0)
    options.telemetry.log.warn('staging with an unreadable journal', { ...report })
  return report
}

interface StagingFolder {
  readonly path: string
  readonly commitId: CommitId
  readonly journalPath: string
  readonly journal: StagingJournal | 'absent' | 'unreadable'
  /** All objects but the journal. */
  readonly objects: readonly string[]
}

function decideFolder(
  { pipeline }: JanitorOptions,
  state: FoldState,
  { commitId, journal }: StagingFolder,
): 'unjudged' | 'keep' | 'garbage' {
  if (journal === 'unreadable') return 'unjudged'
  if (journal === 'absent') return decideStaging(state, commitId, undefined).kind
  if (journal.pipeline !== pipeline) return 'keep'
  return decideStaging(state, commitId, journal).kind
}

async function stagingFolders(
  { lake, telemetry }: JanitorOptions,
  table: string,
): Promise<readonly StagingFolder[]> {
  const byCommit = new Map<CommitId, string[]>()
  for (const { path } of await lake.list(stagingRoot(table))) {
    const commitId = commitOfStaged(path)
    if (commitId === undefined) continue
    byCommit.set(commitId, [...(byCommit.get(commitId) ?? []), path])
  }
  const folders: StagingFolder[] = []
  for (const [commitId, paths] of byCommit) {
    const at = journalPath(table, commitId)
    folders.push({
      path: `${stagingRoot(table)}/${commitId}`,
      commitId,
      journalPath: at,
      journal: await journalAt({ lake, telemetry }, at, commitId),
      objects: paths.filter((path) => path !== at),
    })
  }
  return folders
}

async function journalAt(
  { lake, telemetry }: Pick<JanitorOptions, 'lake' | 'telemetry'>,
  path: string,
  commitId: CommitId,
): Promise<StagingFolder['journal']> {
  const bytes = await lake.read(path)
  if (bytes === undefined) return 'absent'
  try {
    const journal = parseJournal(bytes, path)
    return journal.commitId === commitId ? journal : 'unreadable'
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    telemetry.log.warn('journal is unreadable', { path, reason: error.message })
    return 'unreadable'
  }
}

/** The journal goes last: what is left after a crash can still be judged. */
async function removeFolder(
  { lake }: JanitorOptions,
  { objects, journalPath: journal }: StagingFolder,
): Promise<number> {
  for (const path of objects) await lake.remove(path)
  await lake.remove(journal)
  return objects.length + 1
}

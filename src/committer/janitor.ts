import { Fault, isFault } from '../base/fault.ts'
import { parseJournal } from '../codec/log/journal.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { decideStaging } from '../protocol/garbage.ts'
import { journalPath, spillRoot, stagedIn, stagingRoot, tailOf } from '../protocol/log-paths.ts'
import { inParallel } from './parallel.ts'
import { filesAtOnceMax } from './publisher.ts'

export interface JanitorOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  /** Tables that this pipeline writes. */
  readonly tables: readonly string[]
  /** Also tails beside files that were announced: a listing for each partition of some days. */
  readonly announced?: boolean
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
  let [removedCommits, removedObjects, keptCommits] = [0, 0, 0]
  const unjudged: string[] = []
  for (const folder of await judgeStaging(options)) {
    const { verdict } = folder
    if (verdict === 'unjudged') unjudged.push(folder.path)
    if (verdict === 'undecided' || verdict === 'unpublished' || verdict === 'foreign') keptCommits++
    if (verdict !== 'garbage') continue
    const removed = await removedFrom(options, folder)
    removedObjects += removed
    if (removed === 0) keptCommits++
    else removedCommits++
  }
  const report = { removedCommits, removedObjects, keptCommits, unjudged }
  if (removedCommits > 0) options.telemetry.log.info('staging removed', { ...report })
  if (unjudged.length > 0)
    options.telemetry.log.warn('staging with an unreadable journal', { ...report })
  return report
}

/**
 * What the log says of each staging folder. Removes nothing.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function judgeStaging(
  options: Omit<JanitorOptions, 'telemetry'>,
): Promise<readonly JudgedFolder[]> {
  const { lake, pipeline, tables } = options
  const roots = [...tables.map(stagingRoot), spillRoot(pipeline)]
  const places: Place[] = []
  for (const root of roots) {
    for (const { path } of await lake.list(root)) places.push({ path, ...stagedIn(path) })
  }
  // Tails lie beside their files.
  await inParallel(growingFolders(options), filesAtOnceMax, async ({ table, folder }) => {
    const listed = await lake.list(folder)
    for (const { path } of listed) places.push({ path, table, commitId: tailOf(path) })
  })
  const folders = await stagingFolders(lake, places)
  // Any fold made after the journals were read will do.
  const state = await options.log.refresh()
  return folders.map((folder) => ({ ...folder, verdict: verdictOf(options, state, folder) }))
}

export interface JudgedFolder extends StagingFolder {
  readonly verdict:
    | 'garbage'
    /** Its entry may still be put. */
    | 'undecided'
    /** Decided: its files are needed. */
    | 'unpublished'
    /** Another pipeline's. */
    | 'foreign'
    /** Its journal is unreadable. */
    | 'unjudged'
}

interface StagingFolder {
  readonly path: string
  readonly commitId: CommitId
  readonly journalPath: string
  readonly journal: StagingJournal | 'absent' | 'unreadable'
  /** All objects but the journal. */
  readonly objects: readonly string[]
}

function verdictOf(
  { pipeline }: Pick<JanitorOptions, 'pipeline'>,
  state: FoldState,
  { commitId, journal }: StagingFolder,
): JudgedFolder['verdict'] {
  // What an operator gave up needs no journal to be judged by.
  if (journal === 'unreadable' && !state.forgotten.has(commitId)) return 'unjudged'
  const known = journal === 'unreadable' || journal === 'absent' ? undefined : journal
  if (known !== undefined && known.pipeline !== pipeline) return 'foreign'
  const decision = decideStaging(state, commitId, known)
  return decision.kind === 'garbage' ? 'garbage' : decision.because
}

/** An object, and the table and commit that it was staged for; of others it has none. */
interface Place {
  readonly path: string
  readonly table?: string
  readonly commitId?: CommitId | undefined
}

/** Folders of what the log knows of tables whose files grow. */
function growingFolders({
  lake,
  log,
  tables,
  announced = false,
}: Omit<JanitorOptions, 'telemetry'>): readonly { table: string; folder: string }[] {
  if (lake.tails === undefined) return []
  const files = [...log.state.streams.values()]
    .flatMap(({ partitions }) => [...partitions.values()])
    .filter(({ place }) => announced || place === 'open')
    .flatMap((partition) => partition.files)
    .filter(({ table }) => tables.includes(table))
  const grow = new Set(files.flatMap(({ table, base }) => (base === undefined ? [] : [table])))
  const found = new Map<string, string>()
  for (const { table, path } of files) {
    if (grow.has(table)) found.set(path.slice(0, path.lastIndexOf('/')), table)
  }
  return [...found].map(([folder, table]) => ({ table, folder }))
}

/** By table and commit: the journal stands in the staging folder, wherever the file is staged. */
async function stagingFolders(
  lake: Lake,
  places: readonly Place[],
): Promise<readonly StagingFolder[]> {
  const byFolder = new Map<string, { commitId: CommitId; table: string; paths: string[] }>()
  for (const { path, table, commitId } of places) {
    if (table === undefined || commitId === undefined) continue
    const key = JSON.stringify([table, commitId])
    const folder = byFolder.get(key) ?? { table, commitId, paths: [] }
    folder.paths.push(path)
    byFolder.set(key, folder)
  }
  const folders: StagingFolder[] = []
  for (const { commitId, table, paths } of byFolder.values()) {
    const at = journalPath(table, commitId)
    folders.push({
      path: `${stagingRoot(table)}/${commitId}`,
      commitId,
      journalPath: at,
      journal: await journalAt(lake, at, commitId),
      objects: paths.filter((path) => path !== at),
    })
  }
  return folders
}

async function journalAt(
  lake: Lake,
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
    return 'unreadable'
  }
}

/** 0 where the table refuses: it keeps nothing of another from being cleaned. */
async function removedFrom(options: JanitorOptions, folder: StagingFolder): Promise<number> {
  try {
    return await removeFolder(options, folder)
  } catch (error) {
    if (isFault(error, 'LAKE_REFUSED')) return 0
    throw error
  }
}

/**
 * The journal goes last: what is left after a crash can still be judged. Every file that it names
 * is discarded, whether anything of it is to be seen or not: its writer may have died over it.
 *
 * A journal that was not there is not taken away: what was seen without one may be the journal
 * itself on its way, which stands by now, and keeps what is staged behind it.
 */
async function removeFolder(
  { lake }: JanitorOptions,
  { objects, journal, journalPath: at }: StagingFolder,
): Promise<number> {
  const files = typeof journal === 'object' ? journal.files : []
  const named = new Set(files.map(({ stagedPath }) => stagedPath))
  for (const file of files) await lake.discard(file)
  for (const path of objects) if (!named.has(path)) await lake.remove(path)
  if (journal === 'absent') return objects.length
  await lake.remove(at)
  return objects.length + 1
}

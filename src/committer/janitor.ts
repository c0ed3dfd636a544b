import { Fault, isFault } from '../base/fault.ts'
import { encodeJournal, parseJournal } from '../codec/log/journal.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { decideStaging } from '../protocol/garbage.ts'
import {
  folderOfTail,
  journalRoot,
  type StagedObject,
  spillRoot,
  stagedIn,
  stagingRoot,
  tailIn,
} from '../protocol/log-paths.ts'
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
  /** Commits whose staging was removed, and objects of them. */
  readonly removedCommits: number
  readonly removedObjects: number
  /** That may still be decided or published, or belong to another pipeline. */
  readonly keptCommits: number
  /** Journals that are unreadable: left for a person to look at, with all that they name. */
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
  const refusals = new Refusals()
  for (const staging of await judgeStaging(options)) {
    const { verdict } = staging
    if (verdict === 'unjudged') unjudged.push(staging.journalPath)
    if (verdict === 'undecided' || verdict === 'unpublished' || verdict === 'foreign') keptCommits++
    if (verdict !== 'garbage') continue
    const { removed, isWhole } = await removeStaging(options, staging, refusals)
    removedObjects += removed
    if (isWhole) removedCommits++
    else keptCommits++
  }
  const report = { removedCommits, removedObjects, keptCommits, unjudged }
  if (removedCommits > 0) options.telemetry.log.info('staging removed', { ...report })
  if (unjudged.length > 0)
    options.telemetry.log.warn('staging with an unreadable journal', { ...report })
  return report
}

/**
 * What the log says of each commit that is staged. Removes nothing.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function judgeStaging(
  options: Omit<JanitorOptions, 'telemetry'>,
): Promise<readonly JudgedStaging[]> {
  const { lake, pipeline, tables } = options
  const roots = [...tables.map(stagingRoot), spillRoot(pipeline)]
  const places: Place[] = []
  const see = (path: string, staged: Place['staged']): number => places.push({ path, staged })
  for (const { path } of await lake.list(journalRoot(pipeline))) see(path, stagedIn(path))
  // A table that refuses to be looked into hides what is its own, and nothing of another.
  await inParallel(roots, filesAtOnceMax, (root) =>
    unlessRefused(async () => {
      for (const { path } of await lake.list(root)) see(path, stagedIn(path))
    }),
  )
  // Tails lie beside their files.
  await inParallel(growingFolders(options), filesAtOnceMax, ({ table, folder }) =>
    unlessRefused(async () => {
      for (const { path } of await lake.list(folder)) see(path, tailIn(path, table))
    }),
  )
  const found = await stagingsOf(options, places)
  // Any fold made after the journals were read will do.
  const state = await options.log.refresh()
  return found.map((staging) => ({ ...staging, verdict: verdictOf(options, state, staging) }))
}

export interface JudgedStaging extends Staging {
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

/** What one journal names, or would name if it stood. */
interface Staging {
  readonly commitId: CommitId
  readonly journalPath: string
  readonly journal: StagingJournal | 'absent' | 'unreadable' | 'foreign'
  /** All objects but the journal. */
  readonly objects: readonly string[]
}

function verdictOf(
  { pipeline }: Pick<JanitorOptions, 'pipeline'>,
  state: FoldState,
  { commitId, journal }: Staging,
): JudgedStaging['verdict'] {
  if (journal === 'foreign') return journal
  // What an operator gave up needs no journal to be judged by.
  if (journal === 'unreadable' && !state.forgotten.has(commitId)) return 'unjudged'
  const known = journal === 'unreadable' || journal === 'absent' ? undefined : journal
  if (known !== undefined && known.pipeline !== pipeline) return 'foreign'
  const decision = decideStaging(state, commitId, known)
  return decision.kind === 'garbage' ? 'garbage' : decision.because
}

/** An object, and what its name tells of staging; of others it tells nothing. */
interface Place {
  readonly path: string
  readonly staged: StagedObject | undefined
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

async function stagingsOf(
  { lake, pipeline }: Pick<JanitorOptions, 'lake' | 'pipeline'>,
  places: readonly Place[],
): Promise<readonly Staging[]> {
  const byJournal = new Map<string, StagedObject & { readonly paths: string[] }>()
  for (const { path, staged } of places) {
    if (staged === undefined) continue
    const one = byJournal.get(staged.journalPath) ?? { ...staged, paths: [] }
    one.paths.push(path)
    byJournal.set(staged.journalPath, one)
  }
  return await inParallel([...byJournal.values()], filesAtOnceMax, async (one) => {
    const { commitId, journalPath: at, pipeline: owner = pipeline } = one
    // Another pipeline's journal is judged by its own log: here it would be missed, not read.
    const journal = owner === pipeline ? await journalAt(lake, at, commitId) : 'foreign'
    const objects = one.paths.filter((path) => path !== at)
    return { commitId, journalPath: at, journal, objects }
  })
}

async function journalAt(
  lake: Lake,
  path: string,
  commitId: CommitId,
): Promise<Staging['journal']> {
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

/**
 * The journal goes last: what is left after a crash can still be judged. Every file that it names
 * is discarded, whether anything of it is to be seen or not: its writer may have died over it.
 * A table that refuses keeps nothing of another from being cleaned, but the journal, which is
 * written anew with what is left: what is garbage is so for ever, and is not discarded again.
 *
 * A journal that was not there is not taken away: what was seen without one may be the journal
 * itself on its way, which stands by now, and keeps what is staged behind it.
 */
async function removeStaging(
  { lake }: JanitorOptions,
  { objects, journal, journalPath: at }: Staging,
  refusals: Refusals,
): Promise<{ readonly removed: number; readonly isWhole: boolean }> {
  const files = typeof journal === 'object' ? journal.files : []
  const named = new Set(files.map(({ stagedPath }) => stagedPath))
  const seen = new Set([...objects, ...(await besideTails(lake, files, { at, refusals }))])
  const deeds = [
    ...files.map((file) => ({ path: file.stagedPath, act: () => lake.discard(file) })),
    ...[...seen]
      .filter((path) => !named.has(path))
      .map((path) => ({ path, act: () => lake.remove(path) })),
  ]
  let removed = 0
  const left = new Set<string>()
  await inParallel(deeds, filesAtOnceMax, async ({ path, act }) => {
    const isDone = await refusals.unless(folderOf(path), act)
    if (!isDone) left.add(path)
    else if (seen.has(path)) removed++
  })
  const kept = files.filter(
    ({ stagedPath: path }) => left.has(path) || refusals.has(folderOf(path)),
  )
  if (typeof journal === 'object' && kept.length > 0 && kept.length < files.length) {
    await unlessRefused(async () => {
      await lake.put(at, encodeJournal({ ...journal, files: kept }))
    })
  }
  if (left.size + kept.length > 0 || journal === 'absent') {
    return { removed, isWhole: left.size + kept.length === 0 }
  }
  const isWhole = await unlessRefused(() => lake.remove(at))
  return { removed: removed + (isWhole ? 1 : 0), isWhole }
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** Folders that refused, each asked once in a cleaning: one may have refused a thousand commits. */
class Refusals {
  readonly #folders = new Set<string>()

  has(folder: string): boolean {
    return this.#folders.has(folder)
  }

  /** @returns false where the folder refuses, now or before. */
  async unless(folder: string, effect: () => Promise<void>): Promise<boolean> {
    if (this.has(folder)) return false
    const isDone = await unlessRefused(effect)
    if (!isDone) this.#folders.add(folder)
    return isDone
  }
}

/** @returns false where the lake refuses. */
async function unlessRefused(effect: () => Promise<void>): Promise<boolean> {
  try {
    await effect()
    return true
  } catch (error) {
    if (!isFault(error, 'LAKE_REFUSED')) throw error
    return false
  }
}

/**
 * What was begun for a tail and not named as its journal says lies beside it, wherever that is. It
 * is looked for once its commit is garbage, which it is for ever.
 */
async function besideTails(
  lake: Lake,
  files: StagingJournal['files'],
  { at, refusals }: { readonly at: string; readonly refusals: Refusals },
): Promise<readonly string[]> {
  const folders = [...new Set(files.flatMap(({ stagedPath }) => folderOfTail(stagedPath) ?? []))]
  const paths: string[] = []
  await inParallel(folders, filesAtOnceMax, (folder) =>
    refusals.unless(folder, async () => {
      for (const { path } of await lake.list(folder)) paths.push(path)
    }),
  )
  return paths.filter((path) => stagedIn(path)?.journalPath === at)
}

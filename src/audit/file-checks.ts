/**
 * The files of the log against the lake: that they stand with their size, that no other ones stand
 * beside them, that their footers tell as many rows.
 *
 * Tables are listed before the log is read, so that a file published in between is in the log. A
 * commit that is decided and not published yet may have its files in staging.
 */

import { inParallel } from '../committer/parallel.ts'
import { bytesBrought, type DataFile, rowsBrought } from '../model/data-file.ts'
import type { CommitId } from '../model/ids.ts'
import type { Lake, LakeObject } from '../ports/lake.ts'
import { noteOrigins } from '../protocol/file-origins.ts'
import { stagingRoot } from '../protocol/log-paths.ts'
import { Check, type CheckResult, counted } from './check.ts'
import { readFooterRows } from './footer-rows.ts'
import { includes, type Scope } from './scope.ts'
import type { LogWalk } from './walk-log.ts'

const filesAtOnceMax = 16

/** A file of the log, and where it stands. */
export interface CheckedFile {
  readonly file: DataFile
  /** Undefined for a file that was published before the first entry that stands. */
  readonly commitId: CommitId | undefined
  /** Whose records its rows are of; undefined as above, and where they are of several commits. */
  readonly originId: CommitId | undefined
  /** Published, or staged by a commit that is not published yet; undefined: nowhere as it must. */
  readonly path: string | undefined
}

/** By path; what lies in staging is left out. */
export async function listTables(
  lake: Lake,
  tables: readonly string[],
): Promise<ReadonlyMap<string, LakeObject>> {
  const listed = new Map<string, LakeObject>()
  for (const table of tables) {
    for (const object of await lake.list(table)) {
      if (!object.path.startsWith(`${stagingRoot(table)}/`)) listed.set(object.path, object)
    }
  }
  return listed
}

export interface FileFacts {
  readonly lake: Lake
  readonly walk: LogWalk
  readonly scope: Scope
  readonly listed: ReadonlyMap<string, LakeObject>
}

/** Every file of the log stands, with its size. */
export async function checkFiles(
  facts: FileFacts,
): Promise<{ result: CheckResult; files: readonly CheckedFile[] }> {
  const check = new Check('files')
  const wanted = filesOf(facts)
  const lengths = lengthsOf(wanted)
  const staged: DataFile[] = []
  const files = await inParallel(wanted, filesAtOnceMax, async (at) => {
    const { file, commitId } = at
    const place = await placeOf({ ...facts, lengths }, file, commitId)
    if (place.kind === 'wrong') check.fail(`"${file.path}": ${place.why}`)
    if (place.kind === 'staged') staged.push(file)
    return { ...at, path: place.kind === 'wrong' ? undefined : place.path }
  })
  const bytes = wanted.reduce((sum, { file }) => sum + bytesBrought(file), 0)
  const waiting = staged.length === 0 ? '' : `, ${staged.length} of them decided and still staged`
  const looked = `${counted(lengths.size, 'file')}, ${counted(bytes, 'byte')}${waiting}`
  return { result: check.result(looked), files }
}

function filesOf({
  walk,
  scope,
}: Pick<FileFacts, 'walk' | 'scope'>): readonly Omit<CheckedFile, 'path'>[] {
  const appended = walk.appends.flatMap(({ entry }) => {
    const starts = new Map(
      entry.places.map(({ stream, partition }) => [`${stream} ${partition.path}`, partition]),
    )
    return entry.body.files
      .filter(({ stream, partitionPath }) => {
        const partition = starts.get(`${stream} ${partitionPath}`)
        return includes(scope, stream, partition?.startMs)
      })
      .map((file) => ({ file, commitId: entry.commitId }))
  })
  const named = new Set(appended.map(({ file }) => file.path))
  const older = [...baseFilesOf(walk, scope), ...closedFilesOf(walk, scope)]
  const before = new Map(older.map((at) => [at.file.path, at] as const))
  for (const at of swappedIn(walk, scope)) before.set(at.file.path, at)
  const gone = givenUp(walk)
  const all = [...[...before.values()].filter(({ file }) => !named.has(file.path)), ...appended]
  const origins = originsOf(walk)
  return all
    .filter(({ file }) => !gone.has(file.path))
    .map((at) => {
      const own = at.file.base === undefined ? origins.get(at.file.path) : at.commitId
      return { ...at, originId: own }
    })
}

/** By path the commit whose rows a file holds. */
function originsOf({ appends, swaps }: LogWalk): ReadonlyMap<string, CommitId> {
  const origins = new Map<string, CommitId>()
  for (const { entry } of [...appends, ...swaps]) noteOrigins(origins, entry, entry.commitId)
  return origins
}

/** Files that swaps put in the place of others. */
const swappedIn = (
  { swaps }: LogWalk,
  scope: Scope,
): readonly { readonly file: DataFile; readonly commitId: CommitId }[] =>
  swaps.flatMap(({ entry }) => {
    if (entry.kind === 'forget') return []
    if (!includes(scope, entry.stream, entry.partition.startMs)) return []
    return entry.body.files.map((file) => ({ file, commitId: entry.commitId }))
  })

/** Files that nothing brings back: of swaps before an announcement, and forgotten ones. */
function givenUp({ swaps }: LogWalk): ReadonlySet<string> {
  const paths = swaps.flatMap(({ entry }) => {
    if (entry.kind === 'forget') return entry.files.flatMap((at) => at.paths)
    return entry.place === 'open' ? entry.inputs : []
  })
  return new Set(paths)
}

type OlderFile = Pick<CheckedFile, 'file' | 'commitId'>

/** Files of partitions that have left the state. */
const closedFilesOf = ({ closed }: LogWalk, scope: Scope): readonly OlderFile[] =>
  [...closed.values()]
    .flatMap(({ lists }) => lists)
    .filter(({ stream, partition: { partition } }) => includes(scope, stream, partition.startMs))
    .flatMap(({ partition }) => partition.files.map((file) => ({ file, commitId: undefined })))

/** Files of entries that are deleted: by the word of the checkpoint that stands for them. */
function baseFilesOf({ base }: LogWalk, scope: Scope): readonly OlderFile[] {
  const commits = new Map<string, CommitId>()
  for (const { commitId, files } of base.unpublished.values()) {
    for (const { path } of files) commits.set(path, commitId)
  }
  return [...base.streams].flatMap(([stream, { partitions }]) =>
    [...partitions.values()]
      .filter(({ partition }) => includes(scope, stream, partition.startMs))
      .flatMap(({ files }) => files.map((file) => ({ file, commitId: commits.get(file.path) }))),
  )
}

/** By path, what a file was and is: each length of one that grew is a whole file. */
type Lengths = ReadonlyMap<string, ReadonlySet<number>>

function lengthsOf(files: readonly OlderFile[]): Lengths {
  const lengths = new Map<string, Set<number>>()
  for (const { file } of files) {
    const known = lengths.get(file.path) ?? new Set<number>()
    lengths.set(file.path, known.add(file.sizeBytes))
  }
  return lengths
}

type Place =
  | { readonly kind: 'published' | 'staged'; readonly path: string }
  | { readonly kind: 'wrong'; readonly why: string }

async function placeOf(
  facts: FileFacts & { readonly lengths: Lengths },
  file: DataFile,
  commitId: CommitId | undefined,
): Promise<Place> {
  const { lake, listed, walk, lengths } = facts
  const { path, sizeBytes, stagedPath } = file
  const stands = (foundBytes: number | undefined): boolean =>
    foundBytes !== undefined &&
    foundBytes >= sizeBytes &&
    lengths.get(path)?.has(foundBytes) === true
  if (stands(listed.get(path)?.sizeBytes)) return { kind: 'published', path }
  const isOpen = commitId !== undefined && walk.state.unpublished.has(commitId)
  const staged = isOpen ? await lake.stat(stagedPath) : undefined
  // It may have been published after the table was listed, or after staging was looked at.
  const standing = await lake.stat(path)
  if (stands(standing?.sizeBytes)) return { kind: 'published', path }
  const missing = staged?.sizeBytes === bytesBrought(file)
  if (missing && standing?.sizeBytes === file.base?.sizeBytes) {
    return { kind: 'staged', path: stagedPath }
  }
  if (standing !== undefined) {
    return { kind: 'wrong', why: sizes(standing.sizeBytes, sizeBytes) }
  }
  if (staged !== undefined) {
    return { kind: 'wrong', why: `staged with ${sizes(staged.sizeBytes, sizeBytes)}` }
  }
  return { kind: 'wrong', why: 'missing on the lake' }
}

const sizes = (found: number, logged: number): string =>
  `${found} bytes on the lake, ${logged} in the log`

/** No data file lies in a table that the log does not know: readers of folders would count it. */
export function checkStrays({ walk, listed }: FileFacts, pipeline: string): CheckResult {
  const check = new Check('strays')
  const whole = { stream: undefined, spans: undefined }
  const known = new Set(filesOf({ walk, scope: whole }).map(({ file }) => file.path))
  let foreign = 0
  for (const { path, sizeBytes } of listed.values()) {
    if (!path.endsWith('.parquet') || known.has(path)) continue
    const isOurs = isNamedBy(pipeline, path)
    if (isOurs) check.fail(`"${path}" of ${sizeBytes} bytes is not in the log`)
    else foreign += 1
  }
  const others = foreign === 0 ? '' : `; ${counted(foreign, 'file')} not named by this pipeline`
  return check.result(`${counted(listed.size, 'object')} in tables${others}`)
}

/** "<pipeline>-<16 hex>-<counter>-<ordinal>.parquet" */
function isNamedBy(pipeline: string, path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return (
    name.startsWith(pipeline) &&
    /^-[0-9a-f]{16}-\d+-\d+\.parquet$/.test(name.slice(pipeline.length))
  )
}

/** Footers tell as many rows as the log. */
export async function checkRows(lake: Lake, files: readonly CheckedFile[]): Promise<CheckResult> {
  const check = new Check('rows')
  let rows = 0
  await inParallel(files, filesAtOnceMax, async ({ file, path: place }) => {
    // One that does not stand is told by the check of files.
    if (place === undefined) return
    const { path, rowCount, sizeBytes } = file
    // Of what grew the footer of each prefix still stands at its end.
    const found = await readFooterRows(sizeBytes, (first, next) => partOf(lake, file, first, next))
    if (found.kind === 'unreadable') check.fail(`"${path}": ${found.why}`)
    else if (found.rowCount !== rowCount) {
      check.fail(`"${path}": ${found.rowCount} rows, ${rowCount} in the log`)
    } else rows += rowsBrought(file)
  })
  return check.result(`${counted(rows, 'row')} by footers`)
}

/** Looks in staging between two looks at the table: it may be published meanwhile. */
async function partOf(
  lake: Lake,
  { path, stagedPath, base }: DataFile,
  first: number,
  next: number,
): Promise<Uint8Array | undefined> {
  const standing = await lake.readRange(path, first, next)
  if (standing?.length === next - first) return standing
  const before = base?.sizeBytes ?? 0
  const staged = await lake.readRange(stagedPath, Math.max(0, first - before), next - before)
  if (staged === undefined) return lake.readRange(path, first, next)
  return standing === undefined ? staged : Buffer.concat([standing, staged])
}

/** The file as its entry names it, wherever it stands at this moment. */
export const readWhole = (lake: Lake, file: DataFile): Promise<Uint8Array | undefined> =>
  partOf(lake, file, 0, file.sizeBytes)

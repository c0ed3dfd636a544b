/**
 * Names of everything that the commit protocol keeps on the lake. Nothing else makes such a name.
 *
 *     _lakeward/growth/log/00000004/00000000000000042117.json
 *     _lakeward/growth/bodies/9f3a…-41-5d41402abc4b2a76.json.zst
 *     _lakeward/growth/checkpoints/00000000000000042000-7f83b1657ff1fc53.jsonl.zst
 *     _lakeward/growth/_staging/9f3a…-41.json, …/9f3a…-41-spill.json
 *     _lakeward/growth/closed/app_events/dt=2026-11-20/hour=13/41402abc4b2a7676.json.zst
 *     _lakeward/growth/clock/9f3ac1d2b0e4a677
 *     _lakeward/growth/spill/ods_app_events/_staging/…, …/dt=2026-11-20/hour=13/….parquet
 *     _lakeward/growth/unreadable/00000000000000000042-7f83b1657ff1fc53
 *     _lakeward/growth/shards/clicks/…  all of these for the shard "clicks"
 *     _lakeward/growth/sharding/topics/5d41402a….json, …/configs/7f83b165….json
 *     ods_app_events/_staging/growth/9f3a…-41-0.staged
 *     ods_app_events/dt=2026-11-20/hour=13/growth-9f3ac1d2b0e4a677-41-0.parquet
 *     ods_app_events/dt=2026-11-20/hour=13/.tail-growth-9f3a…-42-0
 *
 * Invariants:
 * - names sort as their numbers do;
 * - no name holds a log index, a worker index or a time that could come back: a commit id never
 *   does, and a checkpoint's checksum tells it from one of another history;
 * - staged names never end in ".parquet": readers that glob a table would take them for data.
 */
import { assert } from '../base/assert.ts'
import { type CommitId, parseCommitId, shortCommitId, type WriterId } from '../model/ids.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { EntryIndex } from '../model/log-entry.ts'

/** A folder of the log never grows past what HDFS allows in one. */
export const entriesPerFolder = 10_000
const indexDigits = 20
const folderDigits = 8

/** What a log has of its own. A shard's, "growth.clicks", lies below that of its pipeline. */
export const homeOf = (pipeline: string): string => `_lakeward/${pipeline.replace('.', '/shards/')}`

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** Number of the folder that an entry stands in. */
export const folderOfEntry = (index: EntryIndex): number => Math.floor(index / entriesPerFolder)

/** @param folder from `folderOfEntry`. */
export const entryFolder = (pipeline: string, folder: number): string =>
  `${homeOf(pipeline)}/log/${padded(folder, folderDigits)}`

export function entryPath(pipeline: string, index: EntryIndex): string {
  assert(Number.isSafeInteger(index) && index >= 0, `log index ${index} is a whole number`)
  return `${entryFolder(pipeline, folderOfEntry(index))}/${padded(index, indexDigits)}.json`
}

const entryShape = /\/log\/\d{8}\/(\d{20})\.json$/

/** @returns undefined for an object that is no entry. */
export function parseEntryPath(path: string): EntryIndex | undefined {
  const index = entryShape.exec(path)?.[1]
  return index === undefined ? undefined : Number(index)
}

/** @param sha256 of the object, hex. */
export const bodyPath = (pipeline: string, commitId: CommitId, sha256: string): string =>
  `${homeOf(pipeline)}/bodies/${commitId}-${sha256.slice(0, 16)}.json.zst`

/** Where bytes are kept that stood at an index of the log and that nobody could read. */
export const unreadablePath = (pipeline: string, index: EntryIndex, sha256: string): string =>
  `${homeOf(pipeline)}/unreadable/${padded(index, indexDigits)}-${sha256.slice(0, 16)}`

export const checkpointFolder = (pipeline: string): string => `${homeOf(pipeline)}/checkpoints`

/** What a checkpoint's name says: it stands for all entries below `next`. */
export interface CheckpointName {
  readonly path: string
  readonly next: EntryIndex
  /** First 16 hex digits of the running checksum over those entries' heads. */
  readonly checksum16: string
}

export function checkpointName(
  pipeline: string,
  next: EntryIndex,
  checksum: string,
): CheckpointName {
  const checksum16 = checksum.slice(0, 16)
  const file = `${padded(next, indexDigits)}-${checksum16}.jsonl.zst`
  return { path: `${checkpointFolder(pipeline)}/${file}`, next, checksum16 }
}

const checkpointShape = /\/(\d{20})-([0-9a-f]{16})\.jsonl\.zst$/

/** @returns undefined for an object that is no checkpoint. */
export function parseCheckpointPath(path: string): CheckpointName | undefined {
  const [, next, checksum16] = checkpointShape.exec(path) ?? []
  if (next === undefined || checksum16 === undefined) return undefined
  return { path, next: Number(next), checksum16 }
}

/** The object that a writer puts to read the lake's clock. */
export const clockPath = (pipeline: string, writer: WriterId): string =>
  `${homeOf(pipeline)}/clock/${writer.slice(0, 16)}`

/** All lists of closed partitions of a stream, or of one partition of it. */
export const closedFolder = (pipeline: string, stream: string, path?: PartitionPath): string =>
  `${homeOf(pipeline)}/closed/${stream}${path === undefined ? '' : `/${path}`}`

/** @param sha256 of the object, hex. */
export const closedListPath = (
  pipeline: string,
  list: { readonly stream: string; readonly path: PartitionPath; readonly sha256: string },
): string =>
  `${closedFolder(pipeline, list.stream, list.path)}/${list.sha256.slice(0, 16)}.json.zst`

/** What a pipeline with shards knows of them; of one that never had any there is nothing. */
export const shardingFolder = (pipeline: string): string => `${homeOf(pipeline)}/sharding`

/**
 * Says which shard has a topic or a stream.
 * @param sha256 of its name, hex: some lakes take two names that differ in case alone for one.
 */
export const shardClaimPath = (
  pipeline: string,
  kind: 'topic' | 'stream',
  sha256: string,
): string => `${shardingFolder(pipeline)}/${kind}s/${sha256.slice(0, 32)}.json`

/** Says that a configuration of the first log, of this checksum, has shards. */
export const shardedConfigPath = (pipeline: string, checksum: string): string =>
  `${shardingFolder(pipeline)}/configs/${checksum}.json`

/** Within it each pipeline that writes the table has a folder. */
export const stagingRoot = (table: string): string => `${table}/_staging`

/** Where the journals of a pipeline's commits stand, away from the tables. */
export const journalRoot = (pipeline: string): string => `${homeOf(pipeline)}/_staging`

/** Of what a commit stages in its tables, or of what it stages in the spill area. */
export type StagingArea = 'tables' | 'spill'

/** The journal of a commit: it names all that the commit stages there, in whatever tables. */
export const journalPath = (pipeline: string, commitId: CommitId, area: StagingArea): string =>
  `${journalRoot(pipeline)}/${commitId}${area === 'spill' ? '-spill' : ''}.json`

/** What is staged: a file of a commit, by its ordinal within it. */
export interface StagedName {
  readonly pipeline: string
  readonly commitId: CommitId
  readonly ordinal: number
}

/** @param table it lies in, or what stands for it in the spill area. */
export const stagedPath = (table: string, { pipeline, commitId, ordinal }: StagedName): string =>
  `${stagingRoot(table)}/${pipeline}/${commitId}-${ordinal}.staged`

/**
 * Where the tail of a file is staged: in the same folder, where it can be joined to it, under a
 * name that readers pass over.
 *
 * @param path of the file.
 */
export const tailPath = (path: string, { pipeline, commitId, ordinal }: StagedName): string =>
  `${path.slice(0, path.lastIndexOf('/'))}/.tail-${pipeline}-${commitId}-${ordinal}`

/** Where files lie that their table refused. Within it each table has a folder like its own. */
export const spillRoot = (pipeline: string): string => `${homeOf(pipeline)}/spill`

/** Stands for a table in the names of what is staged and published in the spill area. */
export const spillTable = (pipeline: string, table: string): string =>
  `${spillRoot(pipeline)}/${table}`

const spillShape = /^_lakeward\/[^/]+(\/shards\/[^/]+)?\/spill\//

/** True for a file that its table refused and that nobody has brought home. */
export const isSpilled = (path: string): boolean => spillShape.test(path)

/** What a staged object, a tail or a journal tells by its name, whole or only begun. */
export interface StagedObject {
  readonly commitId: CommitId
  /** Of the journal that names it, or its own. */
  readonly journalPath: string
  /** Undefined where the journal alone tells it. */
  readonly pipeline: string | undefined
}

const id = '([0-9a-f]{32}-\\d+)'
const journalShape = new RegExp(
  `^_lakeward/([^/]+)(?:/shards/([^/]+))?/_staging/\\.?${id}(-spill)?\\.json`,
)
const stagedShape = new RegExp(`/_staging/([^/]+)/\\.?${id}-\\d+\\.staged`)
const tailShape = new RegExp(`/\\.+tail-([^/]+)-${id}-\\d+[^/]*$`)
const formerShape = new RegExp(`^(.*)/_staging/${id}/`)
const formerTailShape = new RegExp(`/\\.+tail-${id}-\\d+[^/]*$`)

/** @returns undefined for what is none of them. */
export function stagedIn(path: string): StagedObject | undefined {
  return journalIn(path) ?? fileStagedIn(path) ?? formerlyStagedIn(path)
}

function journalIn(path: string): StagedObject | undefined {
  const [, first, shard, text, spill] = journalShape.exec(path) ?? []
  if (first === undefined || text === undefined) return undefined
  const pipeline = shard === undefined ? first : `${first}.${shard}`
  return stagedBy(pipeline, text, spill === undefined ? 'tables' : 'spill')
}

function fileStagedIn(path: string): StagedObject | undefined {
  const [, pipeline, text] = stagedShape.exec(path) ?? tailShape.exec(path) ?? []
  if (pipeline === undefined || text === undefined) return undefined
  return stagedBy(pipeline, text, isSpilled(path) ? 'spill' : 'tables')
}

function stagedBy(pipeline: string, text: string, area: StagingArea): StagedObject {
  const commitId = parseCommitId(text)
  return { commitId, journalPath: journalPath(pipeline, commitId, area), pipeline }
}

/** Versions before ADR 0030 kept a journal in each table. */
function formerlyStagedIn(path: string): StagedObject | undefined {
  const [, table, text] = formerShape.exec(path) ?? []
  return table === undefined || text === undefined ? undefined : formerlyStaged(table, text)
}

const formerlyStaged = (table: string, text: string): StagedObject => {
  const commitId = parseCommitId(text)
  return { commitId, journalPath: formerJournalPath(table, commitId), pipeline: undefined }
}

/** Where versions before ADR 0030 kept the journal of what a commit staged in a table. */
export const formerJournalPath = (table: string, commitId: CommitId): string =>
  `${stagingRoot(table)}/${commitId}/head.json`

/** The same of a tail, which lies beside a file of this table. */
export function tailIn(path: string, table: string): StagedObject | undefined {
  // First: a pipeline may have a name like a former tail's beginning, and no former one two ids.
  const staged = fileStagedIn(path)
  if (staged !== undefined) return staged
  const [, text] = formerTailShape.exec(path) ?? []
  return text === undefined ? undefined : formerlyStaged(table, text)
}

/** The folder of a tail's file, for the path that a tail has or was to have. */
export function folderOfTail(path: string): string | undefined {
  return tailShape.test(path) ? path.slice(0, path.lastIndexOf('/')) : undefined
}

/** The folder that goes with the last object in it: that of one commit, as it once was made. */
export function folderOfOneCommit(path: string): string | undefined {
  const folder = path.slice(0, path.lastIndexOf('/'))
  return formerShape.test(`${folder}/`) && !formerShape.test(folder) ? folder : undefined
}

export interface PublishedName {
  readonly pipeline: string
  readonly table: string
  readonly partitionPath: PartitionPath
  readonly commitId: CommitId
  readonly ordinal: number
}

/** @param location the folder; by default that of table and path. */
export const publishedPath = (
  name: PublishedName,
  location: string = homeLocation(name.table, name.partitionPath),
): string => `${location}/${name.pipeline}-${shortCommitId(name.commitId)}-${name.ordinal}.parquet`

/** True for a name that `publishedPath` gives to this file of a commit. */
export const isPublishedAs = (path: string, commitId: CommitId, ordinal: number): boolean =>
  path.endsWith(`-${shortCommitId(commitId)}-${ordinal}.parquet`)

/** Where the files of a partition lie that no swap has moved. */
export const homeLocation = (table: string, path: PartitionPath): string => `${table}/${path}`

/** Where a swap after the announcement puts a partition's files: readers skip "_" folders. */
export const swappedLocation = (table: string, path: PartitionPath, commitId: CommitId): string =>
  `${table}/_swapped/${commitId}/${path}`

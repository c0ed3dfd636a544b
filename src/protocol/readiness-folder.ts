/**
 * A partition's folder against the log: what is missing in it, and what does not belong there.
 *
 * Invariants:
 * - the folder was listed before the fold that it is compared with was made: a file that a daemon
 *   published in between is in the fold, so it is never taken for one that nobody knows;
 * - only names that this pipeline gives are ever called stray:
 *   `<pipeline>-<16 hex>-<n>-<n>.parquet`. Whatever else lies there is not ours to judge;
 * - a quarantined name does not end in ".parquet": readers that glob would take it for data.
 *
 * Source: docs/protocol.md, sections 1 and 5.
 */
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { LakeObject } from '../ports/lake.ts'
import { isOurOwn } from './close-reliance.ts'
import { isClosed } from './fold-closed.ts'
import { homeOf, isSpilled } from './log-paths.ts'

/** A partition of a table; streams may share the table. */
export interface FolderPlace {
  readonly table: string
  readonly partition: LakePartition
}

/** A file of the log that is not there, or has another size. */
export interface MissingFile {
  readonly path: string
  /** Undefined where nothing stands. */
  readonly foundBytes: number | undefined
}

export interface FolderJudgement {
  readonly missing: readonly MissingFile[]
  /** Objects that bear our pipeline's name and that the log does not know: left by a zombie. */
  readonly stray: readonly LakeObject[]
}

/**
 * Compares a listing with the log.
 *
 * @param fold made after `listed` was taken.
 */
export function judgeFolder(
  fold: FoldState,
  pipeline: string,
  place: FolderPlace,
  listed: readonly LakeObject[],
): FolderJudgement {
  const known = contentOf(fold, place.partition).files.get(place.table) ?? []
  const knownPaths = new Set(known.map(({ path }) => path))
  const sizes = new Map(listed.map(({ path, sizeBytes }) => [path, sizeBytes]))
  const isOurs = nameTest(pipeline, `${place.table}/${place.partition.path}/`)
  // Of what is spilled its own stream's partition waits, by the log alone.
  const missing = known
    .filter(({ path, sizeBytes }) => !isSpilled(path) && sizes.get(path) !== sizeBytes)
    .map(({ path }) => ({ path, foundBytes: sizes.get(path) }))
  if (mayHoldClosed(fold, place)) return { missing, stray: [] }
  return {
    missing,
    stray: listed.filter(({ path }) => isOurs(path) && !knownPaths.has(path)),
  }
}

/** What the log says of the folders of one partition, in all tables. */
interface PartitionContent {
  /** By table. */
  readonly files: ReadonlyMap<string, readonly DataFile[]>
  /** Streams that have closed their part of it: their files left the fold. */
  readonly closedBy: readonly string[]
}

const contentsKnown = new WeakMap<FoldState, Map<string, PartitionContent>>()

/** Remembered for a state: the end of an hour asks of one partition for each of many streams. */
function contentOf(fold: FoldState, partition: LakePartition): PartitionContent {
  const ofFold = contentsKnown.get(fold) ?? new Map<string, PartitionContent>()
  contentsKnown.set(fold, ofFold)
  // Tables in other zones have other ends by the same path.
  const name = `${partition.path} ${partition.nextMs}`
  const known = ofFold.get(name)
  if (known !== undefined) return known
  const files: DataFile[] = []
  const closedBy: string[] = []
  for (const [stream, folded] of fold.streams) {
    files.push(...(folded.partitions.get(partition.path)?.files ?? []))
    if (isClosed(folded, partition)) closedBy.push(stream)
  }
  const content = { files: Map.groupBy(files, ({ table }) => table), closedBy }
  ofFold.set(name, content)
  return content
}

/**
 * A stream of the same table has closed its part of the folder: its files left the fold.
 * Of a stream that no configuration names any more the fold does not know the table either.
 */
function mayHoldClosed(fold: FoldState, { table, partition }: FolderPlace): boolean {
  return contentOf(fold, partition).closedBy.some((name) => {
    const configured = fold.config.streams.find((stream) => stream.name === name)
    return !isOurOwn(name) && (configured?.table ?? table) === table
  })
}

/** Tells the names that `publishedPath` gives to files in one folder. */
function nameTest(pipeline: string, folder: string): (path: string) => boolean {
  const shape = /^-[0-9a-f]{16}-\d+-\d+\.parquet$/
  const begin = `${folder}${pipeline}`
  return (path) => path.startsWith(begin) && shape.test(path.slice(begin.length))
}

/** Where a stray object is moved to. */
export const quarantinePath = (pipeline: string, path: string): string =>
  `${homeOf(pipeline)}/quarantine/${path}.quarantined`

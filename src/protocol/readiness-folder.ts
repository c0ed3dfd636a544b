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
import type { PartitionPath } from '../model/lake-partition.ts'
import type { LakeObject } from '../ports/lake.ts'

export interface FolderJudgement {
  /** Files of the log that are not there, or have another size. */
  readonly missing: readonly DataFile[]
  /** Objects that bear our pipeline's name and that the log does not know: left by a zombie. */
  readonly stray: readonly LakeObject[]
}

/**
 * Compares a listing with the log.
 *
 * @param fold made after `listed` was taken.
 * @param place table and path of the partition; streams may share a table.
 */
export function judgeFolder(
  fold: FoldState,
  pipeline: string,
  place: { readonly table: string; readonly path: PartitionPath },
  listed: readonly LakeObject[],
): FolderJudgement {
  const known = filesAt(fold, place)
  const knownPaths = new Set(known.map(({ path }) => path))
  const sizes = new Map(listed.map(({ path, sizeBytes }) => [path, sizeBytes]))
  const isOurs = nameTest(pipeline, `${place.table}/${place.path}/`)
  const missing = known.filter((file) => sizes.get(file.path) !== file.sizeBytes)
  if (mayHoldClosed(fold, place)) return { missing, stray: [] }
  return {
    missing,
    stray: listed.filter(({ path }) => isOurs(path) && !knownPaths.has(path)),
  }
}

function filesAt(
  fold: FoldState,
  { table, path }: { readonly table: string; readonly path: PartitionPath },
): readonly DataFile[] {
  const found: DataFile[] = []
  for (const { partitions } of fold.streams.values()) {
    for (const file of partitions.get(path)?.files ?? []) if (file.table === table) found.push(file)
  }
  return found
}

/** Another stream of the same table has closed partitions: the fold has not its files any more. */
function mayHoldClosed(
  { config, streams }: FoldState,
  { table, path }: { readonly table: string; readonly path: PartitionPath },
): boolean {
  const sharing = config.streams.filter((stream) => stream.table === table)
  if (sharing.length < 2) return false
  return sharing.some(({ name }) => {
    const stream = streams.get(name)
    return stream?.closed !== undefined && !stream.partitions.has(path)
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
  `_lakeward/${pipeline}/quarantine/${path}.quarantined`

/** Where the files of a partition lie, and what swaps left behind. */
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition } from '../model/fold-state.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import { homeLocation } from './log-paths.ts'

/** The folder that holds the partition's files. */
export const locationOf = ({ location, table, partition }: FoldedPartition): string =>
  location ?? homeLocation(table, partition.path)

/** What only swaps and `forget` change: every other entry hands it on. */
export function swapFieldsOf(
  known: FoldedPartition | undefined,
): Pick<FoldedPartition, 'location' | 'removed' | 'replaced'> {
  return {
    ...(known?.location === undefined ? {} : { location: known.location }),
    ...(known?.removed === undefined ? {} : { removed: known.removed }),
    ...(known?.replaced === undefined ? {} : { replaced: known.replaced }),
  }
}

/** True when the newest announcement names exactly the partition's live files. */
export const isAnnouncedAsItIs = ({ manifest, files }: FoldedPartition): boolean =>
  manifest !== undefined && namesExactly(manifest, files)

/** True when a manifest names these files and no other. */
export function namesExactly(
  manifest: Pick<ReadyManifest, 'files'>,
  files: readonly DataFile[],
): boolean {
  if (manifest.files.length !== files.length) return false
  const named = new Set(manifest.files.map(({ path }) => path))
  return files.every(({ path }) => named.has(path))
}

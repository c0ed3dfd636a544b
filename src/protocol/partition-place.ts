/** Where the files of a partition lie, and what swaps left behind. */
import { type UnixMs, unixMs } from '../base/time.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition } from '../model/fold-state.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { SwapEntry } from '../model/swap-entry.ts'
import { homeLocation } from './log-paths.ts'

/** The folder that holds the partition's files. */
export const locationOf = ({ location, table, partition }: FoldedPartition): string =>
  location ?? homeLocation(table, partition.path)

/** What an append or a swap hands on of an announced partition, where there is anything. */
type HandedOn = Pick<
  FoldedPartition,
  'firstAnnouncedAtMs' | 'location' | 'removed' | 'replaced' | 'replayed'
>

/** What an append does not change. */
export function handedOn(known: FoldedPartition | undefined): HandedOn {
  return { ...firstAnnouncedOf(known), ...swapFieldsOf(known) }
}

/** When revision 1 was decided, where a later one stands. */
export const firstAnnouncedOf = (
  known: FoldedPartition | undefined,
): Pick<FoldedPartition, 'firstAnnouncedAtMs'> =>
  known?.firstAnnouncedAtMs === undefined ? {} : { firstAnnouncedAtMs: known.firstAnnouncedAtMs }

/** What was taken in again of a day of dead letters: no entry takes that back. */
export const replayedOf = (
  known: FoldedPartition | undefined,
): Pick<FoldedPartition, 'replayed'> =>
  known?.replayed === undefined ? {} : { replayed: known.replayed }

/** Lake's clock of revision 1; undefined while the partition is open. */
export const announcedAtOf = ({
  firstAnnouncedAtMs,
  manifest,
}: FoldedPartition): UnixMs | undefined =>
  manifest === undefined
    ? undefined
    : (firstAnnouncedAtMs ?? unixMs(Date.parse(manifest.decidedAt)))

/** What only swaps, `forget` and replays change: every other entry hands it on. */
export function swapFieldsOf(
  known: FoldedPartition | undefined,
): Pick<FoldedPartition, 'location' | 'removed' | 'replaced' | 'replayed'> {
  return {
    ...replayedOf(known),
    ...(known?.location === undefined ? {} : { location: known.location }),
    ...(known?.removed === undefined ? {} : { removed: known.removed }),
    ...(known?.replaced === undefined ? {} : { replaced: known.replaced }),
  }
}

/** Of partitions that were asked about: they are values, and many ask again and again. */
const knownAsItIs = new WeakMap<FoldedPartition, boolean>()

/** True when the newest announcement names exactly the partition's live files. */
export function isAnnouncedAsItIs(partition: FoldedPartition): boolean {
  const { manifest, files } = partition
  if (manifest === undefined) return false
  const known = knownAsItIs.get(partition)
  if (known !== undefined) return known
  const asItIs = namesExactly(manifest, files)
  knownAsItIs.set(partition, asItIs)
  return asItIs
}

/** Live files that the newest announcement does not name, and paths it names that are not live. */
export function changedSince({ manifest, files }: FoldedPartition): {
  readonly added: readonly string[]
  readonly removed: readonly string[]
} {
  const named = new Set(manifest?.files.map(({ path }) => path))
  const live = new Set(files.map(({ path }) => path))
  return {
    added: [...live].filter((path) => !named.has(path)),
    removed: [...named].filter((path) => !live.has(path)),
  }
}

/** True when a manifest names these files and no other. */
export function namesExactly(
  manifest: Pick<ReadyManifest, 'files'>,
  files: readonly DataFile[],
): boolean {
  if (manifest.files.length !== files.length) return false
  const named = new Set(manifest.files.map(({ path }) => path))
  return files.every(({ path }) => named.has(path))
}

/**
 * True for a swap of files that nobody was told of: of an open partition, or a `move` of late files
 * that no revision names yet. Its inputs are given up for good.
 */
export const isBeforeAnnouncement = (
  known: FoldedPartition,
  { place, why, inputs }: Pick<SwapEntry, 'place' | 'why' | 'inputs'>,
): boolean => place === 'open' || (why === 'move' && areUnannounced(known, inputs))

/** True when the newest announcement names none of these paths. */
function areUnannounced({ manifest }: FoldedPartition, paths: readonly string[]): boolean {
  const named = new Set(manifest?.files.map(({ path }) => path))
  return paths.every((path) => !named.has(path))
}

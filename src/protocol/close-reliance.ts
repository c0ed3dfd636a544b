/** What a closing relies on. Called by `brokenReliance`. */

import type { ClosedLateEntry, Closing } from '../model/close-entry.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import { zeroChecksum } from '../model/fold-state.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import { isAnnouncedAsItIs } from './partition-place.ts'

/** Why a closing does not hold, and whether that contradicts itself or was overtaken. */
export interface BrokenClosing {
  readonly reason: 'malformed' | 'place-changed'
  readonly because: string
}

/** Streams that no configuration names: dead letters, and what belongs to none. */
export const isOurOwn = (stream: string): boolean => stream.startsWith('_')

export function brokenClosings(
  state: FoldState,
  { closings }: ClosedLateEntry,
): BrokenClosing | undefined {
  const newest = new Map<string, string>()
  const seen = new Set<string>()
  for (const closing of closings) {
    const { stream, partition, list } = closing
    const name = `"${stream}" ${partition.path}`
    if (seen.has(name)) return { reason: 'malformed', because: `${name} is closed twice` }
    seen.add(name)
    const because = brokenClosing(state, closing, newest.get(stream))
    if (because !== undefined) return { reason: 'place-changed', because: `${name} ${because}` }
    newest.set(stream, list.sha256)
  }
  return undefined
}

/** @param newest list of the stream within the same entry. */
function brokenClosing(
  state: FoldState,
  { stream, partition, version, list }: Closing,
  newest: string | undefined,
): string | undefined {
  const known = state.streams.get(stream)
  const folded = known?.partitions.get(partition.path)
  if (folded?.version !== version) {
    return `has version ${folded?.version ?? 'none'}, the entry names ${version}`
  }
  if (!isOurOwn(stream)) {
    if (folded.place === 'open') return 'is not announced'
    if (!isAnnouncedAsItIs(folded)) return `has files that revision ${folded.revision} names not`
  }
  const before = newest ?? known?.closed?.checksum ?? zeroChecksum
  if (list.previous !== before) return `follows list ${list.previous}, the newest is ${before}`
  return waitingIn(state, stream, partition.path, folded)
}

/** A list over what nobody can find any more would lose the way to publish or deliver it. */
function waitingIn(
  { unpublished, undelivered }: FoldState,
  stream: string,
  path: PartitionPath,
  { revision, removed }: FoldedPartition,
): string | undefined {
  if (removed !== undefined) return 'has files that were swapped out and are not forgotten'
  for (const { commitId, files, removals = [] } of unpublished.values()) {
    const has = [...files, ...removals].some(
      (file) => file.stream === stream && file.partitionPath === path,
    )
    if (has) return `has files of commit "${commitId}", which is not published`
  }
  const waits = undelivered.some(
    ({ manifest }) => manifest.stream === stream && manifest.partitionPath === path,
  )
  return waits ? `has revision ${revision}, which is not delivered` : undefined
}

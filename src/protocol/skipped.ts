/**
 * Gaps without rows that are too long to be announced partition by partition: told as one range, by
 * the announcement that goes on behind them.
 *
 *     …12 announced │ 13 14 15 … no rows …  │ 2026-12-30T07, its manifest: skipped 13 up to 07
 *
 * Invariants:
 * - a range begins where its stream's announcements had come to, and ends where they go on: what it
 *   covers is announced by nobody before, and late from then on;
 * - it is decided with the announcement, once; later revisions repeat it;
 * - it is one range however long it is, and a stream remembers the newest ones only.
 *
 * Source: docs/readiness.md, "Partitions without rows"; docs/adr/0036-gaps-told-as-one-range.md.
 */
import { isoOf, type UnixMs, unixMs } from '../base/time.ts'
import {
  type FoldedSkip,
  type FoldedStream,
  type FoldState,
  skipsKeptMax,
} from '../model/fold-state.ts'
import type { LakePartition, PartitionScheme } from '../model/lake-partition.ts'
import type { Announcement, EntryIndex } from '../model/log-entry.ts'
import type { ReadyManifest, SkippedRange } from '../model/ready-manifest.ts'
import { type BrokenReliance, broken } from './broken-reliance.ts'
import { schemeSpanMs } from './calendar.ts'

/** `[firstMs, nextMs)` of event time. */
export interface Gap {
  readonly firstMs: UnixMs
  readonly nextMs: UnixMs
}

/** How long a gap is, in hours or days: what a zone doubles or leaves out is not told apart. */
const partitionsIn = ({ firstMs, nextMs }: Gap, scheme: PartitionScheme): number =>
  Math.max(1, Math.round((nextMs - firstMs) / schemeSpanMs(scheme)))

/** A gap as its manifest tells it. */
export const skippedRangeOf = (
  gap: Gap,
  { scheme, emptyRunMax }: { readonly scheme: PartitionScheme; readonly emptyRunMax: number },
): SkippedRange => ({
  first: isoOf(gap.firstMs),
  next: isoOf(gap.nextMs),
  partitions: partitionsIn(gap, scheme),
  emptyRunMax,
})

/** The gap that a manifest tells. */
export const gapOf = ({ first, next }: SkippedRange): Gap => ({
  firstMs: unixMs(Date.parse(first)),
  nextMs: unixMs(Date.parse(next)),
})

/** In the order of the contract. */
export const skippedInOrder = ({ skipped }: Pick<ReadyManifest, 'skipped'>) =>
  skipped === undefined
    ? {}
    : {
        skipped: {
          first: skipped.first,
          next: skipped.next,
          partitions: skipped.partitions,
          emptyRunMax: skipped.emptyRunMax,
        },
      }

/** A stream's skips with that of an announcement, if it has one; a later revision's is known. */
export function withSkip(
  { skipped = [] }: FoldedStream,
  { manifest }: Announcement,
  entry: EntryIndex,
): Pick<FoldedStream, 'skipped'> {
  const known = skipped.length === 0 ? {} : { skipped }
  if (manifest.skipped === undefined || manifest.revision > 1) return known
  const { partitions: partitionCount, emptyRunMax } = manifest.skipped
  const skip: FoldedSkip = { ...gapOf(manifest.skipped), partitionCount, emptyRunMax, entry }
  return { skipped: [...skipped, skip].slice(-skipsKeptMax) }
}

/** True where all of a partition lies in a gap. */
export const isInGap = (
  { firstMs, nextMs }: Gap,
  partition: Pick<LakePartition, 'startMs' | 'nextMs'>,
): boolean => firstMs <= partition.startMs && partition.nextMs <= nextMs

/**
 * The skip that a partition without rows lies in, as far as it is remembered. One that got rows is
 * late, and as any other.
 */
export function skippedAt(
  stream: FoldedStream | undefined,
  partition: LakePartition,
): FoldedSkip | undefined {
  const known = stream?.partitions.get(partition.path)
  if (known !== undefined && known.files.length > 0) return undefined
  return stream?.skipped?.find((skip) => isInGap(skip, partition))
}

/**
 * What is wrong with the skips of an entry's announcements, which come in their order.
 *
 * An entry that was decided before another one announced some of the gap would tell of it as never
 * announced: the range must begin where the log has come to.
 */
export function brokenSkips(
  state: FoldState,
  announcements: readonly Announcement[],
): BrokenReliance | undefined {
  const reached = new Map<string, UnixMs | undefined>()
  for (const announcement of announcements) {
    const { stream, partition } = announcement
    const folded = state.streams.get(stream)
    const reachedMs = reached.has(stream) ? reached.get(stream) : folded?.announcedNextMs
    const found = brokenSkip(folded, reachedMs, announcement)
    if (found !== undefined) return found
    reached.set(stream, unixMs(Math.max(reachedMs ?? partition.nextMs, partition.nextMs)))
  }
  return undefined
}

function brokenSkip(
  stream: FoldedStream | undefined,
  reachedMs: UnixMs | undefined,
  { stream: name, partition, manifest }: Announcement,
): BrokenReliance | undefined {
  const { skipped, revision } = manifest
  const told = `"${name}" ${partition.path}`
  if (revision > 1) {
    const before = stream?.partitions.get(partition.path)?.manifest?.skipped
    if (skipped?.first === before?.first && skipped?.next === before?.next) return undefined
    return broken('malformed', `${told} skips something else than revision ${revision - 1}`)
  }
  if (skipped === undefined) return undefined
  const { firstMs, nextMs } = gapOf(skipped)
  // Not the other way round: a time that is none is neither.
  if (!(firstMs < nextMs && nextMs === partition.startMs)) {
    return broken('malformed', `${told} skips ${skipped.first} up to ${skipped.next}`)
  }
  if (reachedMs === undefined || reachedMs === firstMs) return undefined
  const both = `skips from ${skipped.first} on, announced is all up to ${isoOf(reachedMs)}`
  return broken('place-changed', `${told} ${both}`)
}

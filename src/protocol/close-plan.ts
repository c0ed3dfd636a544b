/** Which partitions leave the state, so that a checkpoint stays as small as what is open. */
import type { DurationMs, UnixMs } from '../base/time.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import { isOurOwn } from './close-reliance.ts'
import { announcedAtOf, isAnnouncedAsItIs } from './partition-place.ts'
import { spilledFileOf } from './spill-plan.ts'

export interface ClosePlanFacts {
  readonly state: FoldState
  /** The lake's clock. */
  readonly nowMs: UnixMs
  /** How long a partition of the stream stays after its announcement. */
  readonly closeAfterMs: (stream: string) => DurationMs
  /** Of one entry. */
  readonly closingsMax: number
}

export interface ClosablePartition {
  readonly stream: string
  readonly folded: FoldedPartition
}

/** @returns by stream and start, at most `closingsMax`. */
export function planClosing(facts: ClosePlanFacts): readonly ClosablePartition[] {
  const { state, closingsMax } = facts
  const held = heldPartitions(state)
  const found: ClosablePartition[] = []
  for (const [stream, { partitions }] of state.streams) {
    for (const folded of partitions.values()) {
      if (held.has(placeKey(stream, folded.partition.path))) continue
      if (isOver(facts, stream, folded)) found.push({ stream, folded })
    }
  }
  return found.sort(byStreamAndStart).slice(0, closingsMax)
}

/** Announced long enough ago; of our own streams, whose partitions never are, long past. */
function isOver(
  { nowMs, closeAfterMs }: ClosePlanFacts,
  stream: string,
  folded: FoldedPartition,
): boolean {
  const { partition, removed } = folded
  // What was swapped out is still to be forgotten, and only the state knows of it.
  if (removed !== undefined) return false
  const sinceMs = isOurOwn(stream) ? partition.nextMs : announcedAtOf(folded)
  if (sinceMs === undefined || !(isOurOwn(stream) || isAnnouncedAsItIs(folded))) return false
  // What its table refused is still to be brought home.
  return sinceMs + closeAfterMs(stream) <= nowMs && spilledFileOf(folded) === undefined
}

/** Partitions with files to publish, or an announcement to deliver. */
function heldPartitions({ unpublished, undelivered }: FoldState): ReadonlySet<string> {
  const held = new Set<string>()
  for (const { files, removals = [] } of unpublished.values()) {
    for (const { stream, partitionPath } of [...files, ...removals])
      held.add(placeKey(stream, partitionPath))
  }
  for (const { manifest } of undelivered) {
    held.add(JSON.stringify([manifest.stream, manifest.partitionPath]))
  }
  return held
}

const placeKey = (stream: string, path: PartitionPath): string => JSON.stringify([stream, path])

const byStreamAndStart = (a: ClosablePartition, b: ClosablePartition): number =>
  a.stream === b.stream
    ? a.folded.partition.startMs - b.folded.partition.startMs
    : a.stream < b.stream
      ? -1
      : 1

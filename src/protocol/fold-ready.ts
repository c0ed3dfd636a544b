/**
 * What a decided announcement changes, and what its delivery does.
 *
 * Called by `foldEntry` only, after every reliance was found to hold.
 */
import { PersistentMap } from '../base/persistent-map.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { zeroCounts } from '../model/counts.ts'
import type { FoldedPartition, FoldState, UndeliveredAnnouncement } from '../model/fold-state.ts'
import type {
  Announcement,
  DeliveredEntry,
  Delivery,
  EntryIndex,
  ReadyEntry,
} from '../model/log-entry.ts'
import { tableOf } from './fold-append.ts'
import { newStream } from './new-stream.ts'
import { announcedAtOf, swapFieldsOf } from './partition-place.ts'
import { withSkip } from './skipped.ts'

export function foldReady(state: FoldState, index: EntryIndex, entry: ReadyEntry): FoldState {
  let folded = state
  for (const announcement of entry.announcements) {
    folded = withAnnounced(folded, announcement, { index, entry })
  }
  const fresh = entry.announcements
    .filter(({ targets }) => targets.length > 0)
    .map(
      ({ manifest, targets }): UndeliveredAnnouncement => ({
        entry: index,
        decidedAtMs: entry.stagedAtMs,
        manifest: { ...manifest, logEntry: index },
        targets,
      }),
    )
  return { ...folded, undelivered: [...folded.undelivered, ...fresh] }
}

function withAnnounced(
  state: FoldState,
  announcement: Announcement,
  { index, entry }: { readonly index: EntryIndex; readonly entry: ReadyEntry },
): FoldState {
  const { stream: name, partition, manifest } = announcement
  const stream = state.streams.get(name) ?? newStream
  const known = stream.partitions.get(partition.path)
  const announced: FoldedPartition = {
    table: known?.table ?? tableOf(state, name),
    partition: known?.partition ?? partition,
    place: 'announced',
    version: entry.commitId,
    files: known?.files ?? [],
    counts: known?.counts ?? zeroCounts,
    revision: manifest.revision,
    manifest: { ...manifest, logEntry: index },
    ...firstAnnouncement(known),
    ...swapFieldsOf(known),
  }
  const partitions = PersistentMap.of(stream.partitions).with(partition.path, announced)
  const announcedNextMs = latest(stream.announcedNextMs, announced.partition.nextMs)
  const skipped = withSkip(stream, announcement, index)
  const changed = { ...stream, partitions, announcedNextMs, ...skipped }
  return { ...state, streams: PersistentMap.of(state.streams).with(name, changed) }
}

/** Noted with revision 2: until then the newest manifest is the first. */
function firstAnnouncement(
  known: FoldedPartition | undefined,
): Pick<FoldedPartition, 'firstAnnouncedAtMs'> {
  const firstAnnouncedAtMs = known && announcedAtOf(known)
  return firstAnnouncedAtMs === undefined ? {} : { firstAnnouncedAtMs }
}

const latest = (known: UnixMs | undefined, seen: UnixMs): UnixMs =>
  unixMs(Math.max(known ?? seen, seen))

export function foldDelivered(state: FoldState, { deliveries }: DeliveredEntry): FoldState {
  const undelivered = state.undelivered
    .map((waiting) => withoutTargets(waiting, deliveries))
    .filter(({ targets }) => targets.length > 0)
  return { ...state, undelivered }
}

/** A revision lists all files: a target that has a later one needs the earlier no more. */
function withoutTargets(
  waiting: UndeliveredAnnouncement,
  deliveries: readonly Delivery[],
): UndeliveredAnnouncement {
  const { stream, partitionPath, revision } = waiting.manifest
  const reached = deliveries.filter(
    (delivery) =>
      delivery.stream === stream &&
      delivery.partitionPath === partitionPath &&
      delivery.revision >= revision,
  )
  if (reached.length === 0) return waiting
  const targets = waiting.targets.filter((target) => reached.every((at) => at.target !== target))
  return { ...waiting, targets }
}

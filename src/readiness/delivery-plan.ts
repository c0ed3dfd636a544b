import type { MonotonicMs, UnixMs } from '../base/time.ts'
import type { FoldState, UndeliveredAnnouncement } from '../model/fold-state.ts'
import { commitIdParts, type WriterId } from '../model/ids.ts'
import { partitionPath } from '../model/lake-partition.ts'
import type { Delivery } from '../model/log-entry.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'

/** What is known of one target, besides the log. Times are of the monotonic clock. */
export interface DeliveryFacts {
  readonly target: string
  readonly fold: FoldState
  readonly writerId: WriterId
  readonly lakeNowMs: UnixMs
  readonly nowMs: MonotonicMs
  /** How long the daemon that announced is left alone with the delivery. */
  readonly takeOverAfterMs: number
  /** `deliver.deadline`. */
  readonly deadlineMs: number
  /** How long what was given up may still be written. */
  readonly lingersMs: number
  /** Acknowledged, though no entry says so yet. By manifest id. */
  readonly acknowledged: ReadonlySet<string>
  /** When this process folded an announcement first, which is after it was put. By manifest id. */
  readonly seenAtMs: ReadonlyMap<string, MonotonicMs>
  /** Sent by this process and not read back. By manifest id. */
  readonly sent: ReadonlySet<string>
  /** Nothing may begin for this stream now: something is under way, or failed a moment ago. */
  readonly isHeld: (stream: string) => boolean
}

/** What is due of one stream. */
export interface StreamDeliveries {
  readonly stream: string
  /** In the order they were announced: the next only after the one. */
  readonly sends: readonly ReadyManifest[]
  /** Sent ones that are to be read back now. */
  readonly readBacks: readonly ReadyManifest[]
}

/**
 * What to do for a target now, by stream: first who waits longest.
 *
 * A target that can be read is asked only when no deliverer can be at work any more that had folded
 * before the announcement: those begin nothing later than the deadline after their fold, and what
 * they gave up lingers for a while.
 */
export function planDeliveries(facts: DeliveryFacts): readonly StreamDeliveries[] {
  const due = new Map<string, { sends: ReadyManifest[]; readBacks: ReadyManifest[] }>()
  const held = new Set<string>()
  for (const waiting of pendingFor(facts.fold, facts.target)) {
    const { manifest } = waiting
    const { id, stream } = manifest
    if (facts.acknowledged.has(id) || isOutdated(facts.fold, manifest)) continue
    if (facts.isHeld(stream)) continue
    const { sends, readBacks } = due.get(stream) ?? { sends: [], readBacks: [] }
    if (facts.sent.has(id)) {
      if (isSettled(facts, id)) readBacks.push(manifest)
    } else if (held.has(stream) || isTheirs(facts, waiting)) {
      held.add(stream)
    } else {
      sends.push(manifest)
    }
    due.set(stream, { sends, readBacks })
  }
  return [...due].flatMap(([stream, { sends, readBacks }]) =>
    sends.length + readBacks.length === 0 ? [] : [{ stream, sends, readBacks }],
  )
}

/** What the log does not know as delivered to a target, in the order it was decided. */
export const pendingFor = (fold: FoldState, target: string): readonly UndeliveredAnnouncement[] =>
  fold.undelivered.filter(({ targets }) => targets.includes(target))

const isSettled = (facts: DeliveryFacts, id: string): boolean => {
  const { nowMs, deadlineMs, lingersMs } = facts
  const seenMs = facts.seenAtMs.get(id)
  return seenMs !== undefined && nowMs > seenMs + deadlineMs + lingersMs
}

/** A newer revision is announced, which the target gets instead. */
const isOutdated = (fold: FoldState, manifest: ReadyManifest): boolean =>
  newestRevision(fold, deliveryOf(manifest, '')) !== manifest.revision

const newestRevision = (fold: FoldState, { stream, partitionPath }: Delivery): number | undefined =>
  fold.streams.get(stream)?.partitions.get(partitionPath)?.revision

/** Another daemon announced it, lately: receivers see fewer repetitions when that one delivers. */
function isTheirs(
  facts: DeliveryFacts,
  { manifest, decidedAtMs }: UndeliveredAnnouncement,
): boolean {
  if (facts.lakeNowMs >= decidedAtMs + facts.takeOverAfterMs) return false
  const partitions = facts.fold.streams.get(manifest.stream)?.partitions
  const version = partitions?.get(partitionPath(manifest.partitionPath))?.version
  return version !== undefined && commitIdParts(version).writer !== facts.writerId
}

/** The `delivered` of a manifest, as the log takes it. */
export const deliveryOf = (manifest: ReadyManifest, target: string): Delivery => ({
  stream: manifest.stream,
  partitionPath: partitionPath(manifest.partitionPath),
  revision: manifest.revision,
  target,
})

/** True while the log waits for this delivery and would take it. */
export function isAwaited(fold: FoldState, delivery: Delivery): boolean {
  const { stream, revision, target } = delivery
  return (
    newestRevision(fold, delivery) === revision &&
    pendingFor(fold, target).some(
      ({ manifest }) =>
        manifest.stream === stream &&
        manifest.partitionPath === delivery.partitionPath &&
        manifest.revision === revision,
    )
  )
}

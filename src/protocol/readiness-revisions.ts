/**
 * Later revisions: announced partitions that late rows were added to, and that nobody was told of.
 *
 * Invariants:
 * - a revision names every live file, each of them published, by the log's word or because it was
 *   seen at its place, and tells what came since the last;
 * - at most one in `late.every`, however many commits bring late rows;
 * - no partition waits for the revision of another, and no first announcement for any revision;
 * - a topic-partition that the last one does not name must have passed the partition's end, and its
 *   leader is asked for that, as before a first announcement.
 *
 * Source: docs/readiness.md, "Late rows".
 */
import type { UnixMs } from '../base/time.ts'
import type { FoldedPartition, FoldedStream } from '../model/fold-state.ts'
import type { Announcement } from '../model/log-entry.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import { type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import { revisionDueMs } from './late.ts'
import { isAnnouncedAsItIs } from './partition-place.ts'
import { type Block, publishBlock } from './readiness-blocks.ts'
import { type ReadinessFacts, type ReadyStream, sourcesOf, viewOf } from './readiness-facts.ts'
import { type PassedSource, revisionOf, sourceIn } from './readiness-manifest.ts'
import { passageOf } from './watermark.ts'

type AnnouncedPartition = FoldedPartition & { readonly manifest: ReadyManifest }

/** A revision that is to come: when it is due, and what keeps it then. */
export type PendingRevision =
  | { readonly kind: 'due'; readonly announcement: Announcement }
  | { readonly kind: 'early'; readonly dueMs: UnixMs }
  | { readonly kind: 'blocked'; readonly block: Block }
  /** A topic-partition that the last revision does not name has not passed the partition's end. */
  | { readonly kind: 'not-passed'; readonly source: SourcePartition; readonly endMs: UnixMs }

/** The revisions of a stream that are due now, oldest partition first. */
export function dueRevisions(
  facts: ReadinessFacts,
  stream: ReadyStream,
  countMax: number,
): readonly Announcement[] {
  const due: Announcement[] = []
  for (const folded of changedPartitions(facts.fold.streams.get(stream.name))) {
    if (due.length >= countMax) break
    const pending = pendingRevision(facts, stream, folded)
    if (pending.kind === 'due') due.push(pending.announcement)
  }
  return due
}

/** What keeps revisions that are due, of every stream: one block for each of their partitions. */
export const revisionBlocks = (facts: ReadinessFacts): readonly Block[] =>
  facts.streams.flatMap((stream) =>
    changedPartitions(facts.fold.streams.get(stream.name)).flatMap((folded) => {
      const pending = pendingRevision(facts, stream, folded)
      return pending.kind === 'blocked' ? [pending.block] : []
    }),
  )

/** Revisions that wait for a topic-partition to pass: each with the first one, and up to when. */
export const revisionsNotPassed = (
  facts: ReadinessFacts,
  stream: ReadyStream,
): readonly Extract<PendingRevision, { kind: 'not-passed' }>[] =>
  changedPartitions(facts.fold.streams.get(stream.name)).flatMap((folded) => {
    const pending = pendingRevision(facts, stream, folded)
    return pending.kind === 'not-passed' ? [pending] : []
  })

/** How the next revision of a partition stands; undefined where there is none to come. */
export function pendingRevisionOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  folded: FoldedPartition,
): PendingRevision | undefined {
  if (!isChanged(folded)) return undefined
  return pendingRevision(facts, stream, folded)
}

function pendingRevision(
  facts: ReadinessFacts,
  stream: ReadyStream,
  folded: AnnouncedPartition,
): PendingRevision {
  const dueMs = revisionDueMs(folded, stream.lateEveryMs)
  if (dueMs !== undefined && facts.lakeNowMs < dueMs) return { kind: 'early', dueMs }
  const { partition, manifest, version } = folded
  const block = publishBlock(facts, stream, { partition, folded })
  if (block !== undefined) return { kind: 'blocked', block }
  const named = new Set(manifest.sources.map((source) => sourceKey(sourceIn(source))))
  const passedSince: PassedSource[] = []
  for (const source of sourcesOf(facts, stream)) {
    if (named.has(sourceKey(source))) continue
    const view = viewOf(facts, stream, source)
    const passage = passageOf(stream, view, partition.nextMs)
    if (passage === undefined) {
      return { kind: 'not-passed', source, endMs: partition.nextMs }
    }
    passedSince.push({ view, passage })
  }
  const next = revisionOf(facts, stream, folded, passedSince)
  const { name, targets } = stream
  return {
    kind: 'due',
    announcement: { stream: name, partition, version, manifest: next, targets },
  }
}

const isChanged = (folded: FoldedPartition): folded is AnnouncedPartition =>
  folded.manifest !== undefined && !isAnnouncedAsItIs(folded)

const changedKnown = new WeakMap<FoldedStream, readonly AnnouncedPartition[]>()

/** By start. Remembered as long as the stream's state is the same. */
function changedPartitions(folded: FoldedStream | undefined): readonly AnnouncedPartition[] {
  if (folded === undefined) return []
  const known = changedKnown.get(folded)
  if (known !== undefined) return known
  const changed = [...folded.partitions.values()].filter(isChanged)
  changed.sort((a, b) => a.partition.startMs - b.partition.startMs)
  changedKnown.set(folded, changed)
  return changed
}

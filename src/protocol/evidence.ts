/**
 * Which leaders to ask for their high watermark, so that quiet topic-partitions hold nothing back.
 *
 * Invariants:
 * - only the reader of a topic-partition asks for it: once to show in the log that it is read, and
 *   then only while a partition waits for it;
 * - evidence in the log that is not covered yet is left alone while its reader gets on: replacing
 *   it at each commit would move the end away for ever on a busy topic-partition;
 * - whoever is stuck says so again and again, so that `why` tells a stuck reader from none.
 *
 * Sequence: decideEvidence → ask the leaders (lake's clock read before) → an `append` entry
 * with the answers, covered or not → later appends cover them → decideReady takes them as proof.
 *
 * Source: docs/protocol.md, section 7.
 */
import { later, type UnixMs } from '../base/time.ts'
import type { FoldedPosition } from '../model/fold-state.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import { firstBlock } from './readiness.ts'
import {
  committedOf,
  isUnread,
  type ReadinessFacts,
  type ReadyStream,
  type SourceView,
  viewOf,
} from './readiness-facts.ts'
import { revisionsNotPassed } from './readiness-revisions.ts'
import { streamViewsOf } from './readiness-views.ts'
import { idleFromMs, passageOf, quietSinceOf } from './watermark.ts'

/**
 * Commit intervals after which evidence that nothing moved towards is asked for again: at each
 * second commit, though that may come a moment less than two intervals after the last question.
 * Readiness-blocks.ts takes a longer silence for none to read (`silentIntervals`).
 */
const stuckIntervals = 1.5

/**
 * The topic-partitions whose leaders are to be asked now.
 *
 * Ask at most once a commit interval: each answer becomes an entry.
 *
 * @param owned what this process reads now.
 * @returns in the order of `owned`; empty when no partition would come nearer to its announcement,
 *   and the log has had a sign of each one's reader.
 */
export function decideEvidence(
  facts: ReadinessFacts,
  owned: readonly SourcePartition[],
): readonly SourcePartition[] {
  const wanted = new Set<SourceKey>()
  for (const stream of facts.streams) {
    for (const { source, endMs } of revisionsNotPassed(facts, stream)) {
      if (isWanted(facts, stream, viewOf(facts, stream, source), endMs))
        wanted.add(sourceKey(source))
    }
    const block = firstBlock(facts, stream)
    if (block === undefined) continue
    const views = streamViewsOf(facts, stream)
    for (const [place, { key }] of views.committed.entries()) {
      if (isWanted(facts, stream, views.viewAt(place), block.partition.nextMs)) wanted.add(key)
    }
  }
  return owned.filter((source) => wanted.has(sourceKey(source)) || owesFirstSign(facts, source))
}

/** The log knows its start position, which is no sign of a reader, and nothing else. */
function owesFirstSign(facts: ReadinessFacts, source: SourcePartition): boolean {
  const committed = committedOf(facts, source)
  return committed.position !== undefined && isUnread(committed)
}

/** True when an answer of the leader, given now, would prove what is missing, or show who reads. */
function isWanted(
  facts: ReadinessFacts,
  stream: ReadyStream,
  view: SourceView,
  endMs: UnixMs,
): boolean {
  const quietSinceMs = quietSinceOf(view)
  const { position } = view
  if (position === undefined || quietSinceMs === undefined) return false
  if (passageOf(stream, view, endMs) !== undefined) return false
  if (isStuck(facts, view, position)) return facts.lakeNowMs >= later(endMs, stream.readyDelayMs)
  return !isPending(view) && facts.lakeNowMs >= idleFromMs(stream, quietSinceMs, endMs)
}

/** The log holds an end that is not reached yet. */
function isPending({ position, evidence }: SourceView): boolean {
  if (position === undefined || evidence === undefined) return false
  return evidence.highWatermark > position.next
}

/** Records wait, and for a while the log has seen neither a commit of them nor a question. */
function isStuck(facts: ReadinessFacts, view: SourceView, position: FoldedPosition): boolean {
  const { key, evidence } = view
  const end = facts.ends.get(key)?.highWatermark
  const lagging = isPending(view) || (end !== undefined && end > position.next)
  const staleMs = facts.lakeNowMs - stuckIntervals * facts.commitIntervalMs
  const askedAtMs = evidence?.askedAtMs ?? position.movedAtMs
  return lagging && position.movedAtMs <= staleMs && askedAtMs <= staleMs
}

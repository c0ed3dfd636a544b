/**
 * What an operator's decided word changes: where topic-partitions are read on, which are not read
 * any more.
 *
 * Invariants:
 * - a move of what the log knows raises its reset epoch, so that whatever was staged or is on its
 *   way under the old one can never be decided;
 * - what was known of event time and of idleness was known of the old reading: it is dropped, and
 *   partitions wait until it is known again;
 * - what ended stays known, in its epoch: rows read of it before may still be committed, and a
 *   start position of it never holds again.
 *
 * Called by `foldEntry` only, after every reliance was found to hold.
 * Source: docs/adr/0009-reset-epochs.md.
 */
import { present } from '../base/assert.ts'
import { PersistentMap } from '../base/persistent-map.ts'
import type { FoldedPosition, FoldState } from '../model/fold-state.ts'
import type { SourceEntry, SourceMove } from '../model/log-entry.ts'
import { type SourceKey, sourceKey } from '../model/topic-partition.ts'

export function foldSource(state: FoldState, entry: SourceEntry): FoldState {
  return entry.moves.reduce((folded, move) => withMove(folded, move, entry), state)
}

function withMove(state: FoldState, move: SourceMove, entry: SourceEntry): FoldState {
  const key = sourceKey(move.source)
  const ofLane = state.positions.get(move.lane) ?? PersistentMap.empty<SourceKey, FoldedPosition>()
  const known = ofLane.get(key)
  const position = movedPosition(known, move, entry)
  const changed = PersistentMap.of(ofLane).with(key, position)
  const positions = PersistentMap.of(state.positions).with(move.lane, changed)
  return withoutSigns({ ...state, positions }, key)
}

function movedPosition(
  known: FoldedPosition | undefined,
  { source, next, expected, resetEpoch }: SourceMove,
  { commitId, stagedAtMs }: SourceEntry,
): FoldedPosition {
  if (next === undefined) return { ...present(known, 'what ends is read'), ended: true }
  return {
    source,
    next,
    // The record before is the one that was read only where nothing is skipped or repeated.
    leaderEpoch: known !== undefined && next === expected ? known.leaderEpoch : -1,
    commitId,
    sinceMs: stagedAtMs,
    movedAtMs: stagedAtMs,
    eventWatermarkMs: undefined,
    ...(known === undefined ? {} : { resetEpoch: resetEpoch + 1 }),
  }
}

/** Without watermarks of any stream on it, and without evidence. */
function withoutSigns(state: FoldState, key: SourceKey): FoldState {
  let streams = PersistentMap.of(state.streams)
  for (const [name, stream] of state.streams) {
    if (!stream.progress.has(key)) continue
    const progress = PersistentMap.of(stream.progress).without(key)
    streams = streams.with(name, { ...stream, progress })
  }
  return { ...state, streams, evidence: PersistentMap.of(state.evidence).without(key) }
}

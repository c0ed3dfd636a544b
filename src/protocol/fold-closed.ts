/**
 * What a decided `closed-late` changes: partitions leave the state, sums of them stay.
 *
 * Invariants:
 * - what leaves is named by checksum: each list names the one before it, the state the newest;
 * - no event is uncounted: counts that come for a closed partition, and those of partitions beside
 *   it that never had rows, go into the sums;
 * - a writer that put nothing for a week and has nothing to publish is left out.
 *
 * Called by `foldEntry` only, after every reliance was found to hold.
 * Source: docs/protocol.md, "Closed partitions".
 */
import { present } from '../base/assert.ts'
import { PersistentMap } from '../base/persistent-map.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import type { ClosedLateEntry, Closing } from '../model/close-entry.ts'
import { addCounts, type Counts, zeroCounts } from '../model/counts.ts'
import {
  type FoldedClosed,
  type FoldedPartition,
  type FoldedStream,
  type FoldState,
  zeroChecksum,
} from '../model/fold-state.ts'
import type { LakePartition, PartitionPath } from '../model/lake-partition.ts'

/** A week, by the lake's clock. */
const writerKeptMs = 7 * 24 * 3_600_000

export function foldClosedLate(state: FoldState, entry: ClosedLateEntry): FoldState {
  let streams = PersistentMap.of(state.streams)
  for (const closing of entry.closings) {
    const stream = present(streams.get(closing.stream), 'what is closed is of a stream')
    const folded = present(stream.partitions.get(closing.partition.path), 'what is closed is known')
    streams = streams.with(closing.stream, withClosed(stream, folded, closing))
  }
  for (const name of new Set(entry.closings.map(({ stream }) => stream))) {
    const stream = present(streams.get(name), 'a partition of the stream was closed')
    streams = streams.with(name, withoutRowless(stream))
  }
  return { ...state, streams, writers: withoutSilent(state, entry.stagedAtMs) }
}

function withClosed(
  stream: FoldedStream,
  { partition, files, counts }: FoldedPartition,
  { list }: Closing,
): FoldedStream {
  const known = stream.closed
  const rows = files.reduce((sum, { rowCount }) => sum + rowCount, 0)
  const closed: FoldedClosed = {
    firstMs: unixMs(Math.min(known?.firstMs ?? partition.startMs, partition.startMs)),
    nextMs: unixMs(Math.max(known?.nextMs ?? partition.nextMs, partition.nextMs)),
    partitionCount: (known?.partitionCount ?? 0) + 1,
    fileCount: (known?.fileCount ?? 0) + files.length,
    rowCount: (known?.rowCount ?? 0) + rows,
    counts: addCounts(known?.counts ?? zeroCounts, counts),
    checksum: list.sha256,
  }
  const partitions = PersistentMap.of(stream.partitions).without(partition.path)
  return { ...stream, partitions, closed }
}

/** Open partitions without files before the newest closed one: they will never be announced. */
function withoutRowless(stream: FoldedStream): FoldedStream {
  const closed = present(stream.closed, 'a partition of the stream was closed')
  let partitions = PersistentMap.of(stream.partitions)
  let { counts } = closed
  for (const { place, partition, files, counts: held } of stream.partitions.values()) {
    if (place !== 'open' || files.length > 0 || partition.nextMs > closed.nextMs) continue
    counts = addCounts(counts, held)
    partitions = partitions.without(partition.path)
  }
  return { ...stream, partitions, closed: { ...closed, counts } }
}

function withoutSilent({ writers }: FoldState, nowMs: UnixMs): FoldState['writers'] {
  let left = PersistentMap.of(writers)
  for (const [id, { lastEntryAtMs, unpublished }] of writers) {
    if (unpublished.length === 0 && lastEntryAtMs + writerKeptMs < nowMs) left = left.without(id)
  }
  return left
}

/** True for a partition that has left the state, or would have if it had ever been known. */
export const isClosed = (
  stream: FoldedStream | undefined,
  { path, nextMs }: Pick<LakePartition, 'path' | 'nextMs'>,
): boolean =>
  stream?.closed !== undefined && nextMs <= stream.closed.nextMs && !stream.partitions.has(path)

/** Counts of events without rows that came for a closed partition. */
export const withClosedCounts = (
  stream: FoldedStream,
  closed: FoldedClosed,
  counts: Counts,
): FoldedStream => ({ ...stream, closed: { ...closed, counts: addCounts(closed.counts, counts) } })

/** The state as if this partition had not left it: for readers, who found its list. */
export function withPartitionBack(
  state: FoldState,
  name: string,
  folded: FoldedPartition,
): FoldState {
  const stream = state.streams.get(name)
  if (stream === undefined) return state
  const path: PartitionPath = folded.partition.path
  const partitions = PersistentMap.of(stream.partitions).with(path, folded)
  const streams = PersistentMap.of(state.streams).with(name, { ...stream, partitions })
  return { ...state, streams }
}

/** Checksum of a stream's newest list, which the next one names. */
export const newestListOf = (state: FoldState, stream: string): string =>
  state.streams.get(stream)?.closed?.checksum ?? zeroChecksum

/**
 * What a decided append changes: positions, files and counts of partitions, watermarks, evidence.
 *
 * Called by `foldEntry` only, after every reliance was found to hold.
 */
import { GrowingList } from '../base/growing-list.ts'
import { PersistentMap } from '../base/persistent-map.ts'
import type { UnixMs } from '../base/time.ts'
import { addCounts, type Counts, zeroCounts } from '../model/counts.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition, FoldedPosition, FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type {
  AppendEntry,
  AppendRange,
  EntryIndex,
  IdleEvidence,
  StreamProgress,
} from '../model/log-entry.ts'
import { type SourceKey, sourceKey } from '../model/topic-partition.ts'
import { isClosed, withClosedCounts } from './fold-closed.ts'
import { withUnpublished } from './fold-swap.ts'
import { withGrown } from './growth.ts'
import { newStream } from './new-stream.ts'
import { handedOn, isAnnouncedAsItIs } from './partition-place.ts'
import { takenBack, withReplayed } from './replay.ts'

export function foldAppend(state: FoldState, index: EntryIndex, entry: AppendEntry): FoldState {
  const { body, stagedAtMs, commitId } = entry
  let folded = state
  for (const range of entry.ranges) folded = withRange(folded, range, entry)
  for (const progress of body.progress) folded = withProgress(folded, progress, stagedAtMs)
  for (const evidence of body.evidence) folded = withEvidence(folded, evidence)
  for (const addition of additionsOf(entry)) folded = withAddition(folded, addition, commitId)
  if (entry.replay !== undefined) folded = withReplayed(folded, index, commitId, entry.replay)
  if (body.files.length === 0) return folded
  return withUnpublished(folded, { commitId, entry: index, stagedAtMs, files: body.files })
}

function withRange(state: FoldState, range: AppendRange, entry: AppendEntry): FoldState {
  const { lane, source, next, first, leaderEpoch } = range
  const key = sourceKey(source)
  const known = state.positions.get(lane)?.get(key)
  const moved = known === undefined || next > first
  const position: FoldedPosition = {
    ...known,
    source,
    next,
    leaderEpoch: leaderEpoch === -1 ? (known?.leaderEpoch ?? -1) : leaderEpoch,
    commitId: entry.commitId,
    sinceMs: known?.sinceMs ?? entry.stagedAtMs,
    movedAtMs: moved ? entry.stagedAtMs : known.movedAtMs,
    eventWatermarkMs: known?.eventWatermarkMs,
  }
  const ofLane = state.positions.get(lane) ?? PersistentMap.empty<SourceKey, FoldedPosition>()
  const changed = PersistentMap.of(ofLane).with(key, position)
  return { ...state, positions: PersistentMap.of(state.positions).with(lane, changed) }
}

function withProgress(state: FoldState, progress: StreamProgress, atMs: UnixMs): FoldState {
  const { source, eventWatermarkMs } = progress
  const key = sourceKey(source)
  const stream = state.streams.get(progress.stream) ?? newStream
  const known = stream.progress.get(key)
  const watermark = highest(known?.eventWatermarkMs, eventWatermarkMs)
  const ofStream = PersistentMap.of(stream.progress).with(key, {
    source,
    eventWatermarkMs: watermark,
    rowsAtMs: atMs,
  })
  const streams = PersistentMap.of(state.streams)
  return withPositionWatermark(
    { ...state, streams: streams.with(progress.stream, { ...stream, progress: ofStream }) },
    progress,
  )
}

/** Raises the watermark of a topic-partition in every lane that reads it; lanes are few. */
function withPositionWatermark(state: FoldState, progress: StreamProgress): FoldState {
  const key = sourceKey(progress.source)
  let positions = PersistentMap.of(state.positions)
  for (const [lane, ofLane] of state.positions) {
    const known = ofLane.get(key)
    if (known === undefined) continue
    const eventWatermarkMs = highest(known.eventWatermarkMs, progress.eventWatermarkMs)
    if (eventWatermarkMs === known.eventWatermarkMs) continue
    const changed = PersistentMap.of(ofLane).with(key, { ...known, eventWatermarkMs })
    positions = positions.with(lane, changed)
  }
  return { ...state, positions }
}

const highest = (known: UnixMs | undefined, seen: UnixMs): UnixMs =>
  known === undefined || seen > known ? seen : known

/** Of two answers about one topic-partition the one that was asked for later counts. */
function withEvidence(state: FoldState, evidence: IdleEvidence): FoldState {
  const key = sourceKey(evidence.source)
  const known = state.evidence.get(key)
  if (known !== undefined && known.askedAtMs > evidence.askedAtMs) return state
  return { ...state, evidence: PersistentMap.of(state.evidence).with(key, evidence) }
}

/** All that one append brings to one partition of one stream. */
interface Addition {
  readonly stream: string
  readonly partition: LakePartition
  readonly files: DataFile[]
  counts: Counts
}

function additionsOf(entry: AppendEntry): Iterable<Addition> {
  const additions = new Map<string, Addition>()
  const additionAt = (stream: string, partition: LakePartition): Addition => {
    const key = JSON.stringify([stream, partition.path])
    const addition = additions.get(key) ?? { stream, partition, files: [], counts: zeroCounts }
    additions.set(key, addition)
    return addition
  }
  for (const { stream, partition } of entry.places) additionAt(stream, partition)
  for (const file of entry.body.files) {
    additions.get(JSON.stringify([file.stream, file.partitionPath]))?.files.push(file)
  }
  for (const { stream, partition, counts } of entry.body.counts) {
    const addition = additionAt(stream, partition)
    addition.counts = addCounts(addition.counts, counts)
  }
  for (const { stream, partition, count } of takenBack(entry)) {
    const addition = additionAt(stream, partition)
    addition.counts = addCounts(addition.counts, { ...zeroCounts, read: -count, late: -count })
  }
  return additions.values()
}

/**
 * A partition gets a new version whatever was added, be it counts only: an announcement that was
 * made without them does not hold. One that is announced as it is, or was swapped since, keeps its
 * version where counts come alone: no late rows of it are to be announced.
 */
function withAddition(state: FoldState, addition: Addition, commitId: CommitId): FoldState {
  const { files, counts, partition } = addition
  const stream = state.streams.get(addition.stream) ?? newStream
  const known = stream.partitions.get(partition.path)
  if (stream.closed !== undefined && files.length === 0 && isClosed(stream, partition)) {
    const counted = withClosedCounts(stream, stream.closed, counts)
    return { ...state, streams: PersistentMap.of(state.streams).with(addition.stream, counted) }
  }
  const held = known === undefined ? GrowingList.of<DataFile>([]) : fileListOf(known)
  const folded = foldedPartition(withFiles(held, files), {
    table: files[0]?.table ?? known?.table ?? tableOf(state, addition.stream),
    partition: known?.partition ?? partition,
    place: known?.place ?? 'open',
    version: keepsVersion(known, files) ? known.version : commitId,
    counts: addCounts(known?.counts ?? zeroCounts, counts),
    revision: known?.revision ?? 0,
    manifest: known?.manifest,
    ...handedOn(known),
  })
  const partitions = PersistentMap.of(stream.partitions).with(partition.path, folded)
  const streams = PersistentMap.of(state.streams).with(addition.stream, { ...stream, partitions })
  return { ...state, streams }
}

/** What grows stands where it stood: the list is made anew, of files that are few for it. */
const withFiles = (held: GrowingList<DataFile>, files: readonly DataFile[]) =>
  files.some(({ base }) => base !== undefined)
    ? GrowingList.of(withGrown(held.toArray(), files))
    : held.with(files)

const keepsVersion = (
  known: FoldedPartition | undefined,
  added: readonly DataFile[],
): known is FoldedPartition =>
  known?.place === 'announced' &&
  added.length === 0 &&
  (isAnnouncedAsItIs(known) || known.removed !== undefined)

/** Empty for what is counted under no configured stream. */
export const tableOf = (state: FoldState, stream: string): string =>
  state.config.streams.find(({ name }) => name === stream)?.table ?? ''

/** The list behind a partition's `files`, which is made into an array only when asked for. */
const fileLists = new WeakMap<FoldedPartition, GrowingList<DataFile>>()

const fileListOf = (partition: FoldedPartition): GrowingList<DataFile> =>
  fileLists.get(partition) ?? GrowingList.of(partition.files)

function foldedPartition(
  list: GrowingList<DataFile>,
  fields: Omit<FoldedPartition, 'files'>,
): FoldedPartition {
  const partition: FoldedPartition = {
    ...fields,
    get files(): readonly DataFile[] {
      return list.toArray()
    },
  }
  fileLists.set(partition, list)
  return partition
}

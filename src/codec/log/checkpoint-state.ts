/** The lines of a checkpoint to a folded state. */
import { PersistentMap } from '../../base/persistent-map.ts'
import type {
  FoldedClosed,
  FoldedEvidence,
  FoldedPartition,
  FoldedPosition,
  FoldedProgress,
  FoldedSkip,
  FoldedStream,
  FoldedVoid,
  FoldedWriter,
  FoldState,
  UndeliveredAnnouncement,
  UnpublishedCommit,
} from '../../model/fold-state.ts'
import type { CommitId, WriterId } from '../../model/ids.ts'
import type { PartitionPath } from '../../model/lake-partition.ts'
import type { EntryIndex } from '../../model/log-entry.ts'
import { type SourceKey, sourceKey } from '../../model/topic-partition.ts'
import type { CheckpointHead, CheckpointLine } from './checkpoint-lines.ts'

/** What is collected line by line. */
interface Draft {
  readonly positions: Map<string, Map<SourceKey, FoldedPosition>>
  readonly streams: Map<string, DraftStream>
  readonly evidence: Map<SourceKey, FoldedEvidence>
  readonly writers: Map<WriterId, FoldedWriter>
  readonly unpublished: Map<CommitId, UnpublishedCommit>
  readonly undelivered: UndeliveredAnnouncement[]
  readonly voids: FoldedVoid[]
  readonly steppedOver: EntryIndex[]
  readonly forgotten: Set<CommitId>
}

interface DraftStream {
  announcedNextMs: FoldedStream['announcedNextMs']
  readonly progress: Map<SourceKey, FoldedProgress>
  readonly partitions: Map<PartitionPath, FoldedPartition>
  closed?: FoldedClosed
  skipped?: readonly FoldedSkip[]
}

export function stateOf(head: CheckpointHead, lines: readonly CheckpointLine[]): FoldState {
  const draft: Draft = {
    positions: new Map(),
    streams: new Map(),
    evidence: new Map(),
    writers: new Map(),
    unpublished: new Map(),
    undelivered: [],
    voids: [],
    steppedOver: [],
    forgotten: new Set(),
  }
  for (const line of lines) take(draft, line)
  const { next, checksum, foldVersion, voidCount } = head
  const config = { ...head.config, format: foldVersion }
  return {
    next,
    checksum,
    config,
    positions: persistent(draft.positions, (ofLane) => PersistentMap.of(ofLane)),
    streams: persistent(draft.streams, foldedStream),
    evidence: PersistentMap.of(draft.evidence),
    writers: PersistentMap.of(draft.writers),
    unpublished: PersistentMap.of(draft.unpublished),
    undelivered: draft.undelivered,
    voids: draft.voids,
    voidCount,
    steppedOver: draft.steppedOver,
    forgotten: draft.forgotten,
  }
}

function take(draft: Draft, line: CheckpointLine): void {
  switch (line.line) {
    case 'position':
      mapAt(draft.positions, line.lane).set(sourceKey(line.position.source), line.position)
      return
    case 'stream':
      streamAt(draft, line.stream).announcedNextMs = line.announcedNextMs
      return
    case 'progress':
      streamAt(draft, line.stream).progress.set(sourceKey(line.progress.source), line.progress)
      return
    case 'partition':
      streamAt(draft, line.stream).partitions.set(line.partition.partition.path, line.partition)
      return
    case 'closed':
      streamAt(draft, line.stream).closed = line.closed
      return
    case 'skipped':
      streamAt(draft, line.stream).skipped = line.skipped
      return
    case 'evidence':
      draft.evidence.set(sourceKey(line.evidence.source), line.evidence)
      return
    case 'writer':
      draft.writers.set(line.writerId, line.writer)
      return
    case 'unpublished':
      draft.unpublished.set(line.commit.commitId, line.commit)
      return
    case 'undelivered':
      draft.undelivered.push(line.announcement)
      return
    case 'void':
      draft.voids.push(line.void)
      return
    case 'stepped-over':
      draft.steppedOver.push(line.entry)
      return
    case 'forgotten':
      draft.forgotten.add(line.commitId)
  }
}

function mapAt<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const map = maps.get(key) ?? new Map<K, V>()
  maps.set(key, map)
  return map
}

function streamAt(draft: Draft, name: string): DraftStream {
  const stream = draft.streams.get(name) ?? {
    announcedNextMs: undefined,
    progress: new Map<SourceKey, FoldedProgress>(),
    partitions: new Map<PartitionPath, FoldedPartition>(),
  }
  draft.streams.set(name, stream)
  return stream
}

const foldedStream = ({ progress, partitions, ...rest }: DraftStream): FoldedStream => ({
  progress: PersistentMap.of(progress),
  partitions: PersistentMap.of(partitions),
  ...rest,
})

function persistent<K extends string, A, B>(
  map: ReadonlyMap<K, A>,
  change: (value: A) => B,
): PersistentMap<K, B> {
  let made = PersistentMap.empty<K, B>()
  for (const [key, value] of map) made = made.with(key, change(value))
  return made
}

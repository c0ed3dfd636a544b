/** Facts about readiness, written by hand: a log state with few words. */
import { durationMs, type UnixMs, unixMs } from '../../src/base/time.ts'
import type { Counts } from '../../src/model/counts.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import type {
  FoldedEvidence,
  FoldedPartition,
  FoldedPosition,
  FoldedProgress,
  FoldedStream,
  FoldedWriter,
  FoldState,
  UnpublishedCommit,
} from '../../src/model/fold-state.ts'
import { type CommitId, commitIdOf, type WriterId, writerId } from '../../src/model/ids.ts'
import type { LakePartition, PartitionPath } from '../../src/model/lake-partition.ts'
import { nextOffset } from '../../src/model/offset.ts'
import {
  clusterId,
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicId,
} from '../../src/model/topic-partition.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import type { ReadinessFacts, ReadyStream } from '../../src/protocol/readiness-facts.ts'

export const lane = 'lake'
export const writerA = writerId('a'.repeat(32))
export const writerB = writerId('b'.repeat(32))
export const minute = 60_000
export const hour = 3_600_000
export const at = (iso: string): UnixMs => unixMs(Date.parse(iso))
export const utcHours = { by: 'hour', timezone: 'UTC' } as const

/** "2026-11-20T13" as a partition of UTC hours. */
export const hourOf = (text: string): LakePartition => partitionAt(at(`${text}:00:00Z`), utcHours)

export function sourceNamed(topic: string, partition: number): SourcePartition {
  return { clusterId: clusterId('cluster'), topicId: topicId(`id-${topic}`), topic, partition }
}

export const appEvents: ReadyStream = {
  name: 'app_events',
  table: 'ods_app_events',
  topics: ['events'],
  scheme: utcHours,
  readyDelayMs: durationMs(5 * minute),
  idleMs: durationMs(10 * minute),
  lateEveryMs: durationMs(5 * minute),
  emptyRunMax: 744,
  targets: ['webhook:hook'],
}

/** One topic-partition of the log, and one stream's progress on it. */
export interface PlantedSource {
  readonly source: SourcePartition
  readonly next?: bigint
  readonly since?: UnixMs
  readonly moved?: UnixMs
  /** When its start position was put, where nobody has moved it since; it has no leader epoch. */
  readonly unmovedSince?: UnixMs
  readonly writer?: WriterId
  /** Highest event-time watermark of any stream on it, where it differs from the progress. */
  readonly topicWatermark?: UnixMs
  /** By stream. */
  readonly progress?: Readonly<
    Record<string, { readonly watermark: UnixMs; readonly rowsAt: UnixMs }>
  >
  readonly evidence?: { readonly end: bigint; readonly asked: UnixMs }
}

interface PlantedPartition {
  readonly partition: LakePartition
  readonly table?: string
  readonly place?: 'open' | 'announced'
  readonly files?: readonly DataFile[]
  readonly counts?: Counts
  readonly version?: CommitId
  readonly decidedAt?: string
}

export interface PlantedLog {
  readonly sources?: readonly PlantedSource[]
  /** By stream. */
  readonly partitions?: Readonly<Record<string, readonly PlantedPartition[]>>
  readonly announcedNext?: Readonly<Record<string, UnixMs>>
  /** When `app_events` was configured. */
  readonly configuredAt?: UnixMs
  readonly unpublished?: readonly UnpublishedCommit[]
  readonly writers?: Readonly<Record<string, UnixMs>>
}

export function dataFile(partition: LakePartition, name: string, rowCount: number): DataFile {
  return {
    stream: appEvents.name,
    table: appEvents.table,
    partitionPath: partition.path,
    path: `${appEvents.table}/${partition.path}/${name}.parquet`,
    stagedPath: `${appEvents.table}/_staging/${name}`,
    sizeBytes: rowCount * 10,
    rowCount,
    crc32c: '0a0b0c0d',
    schemaVersion: 1,
    eventTimeMs: { min: partition.startMs, max: unixMs(partition.nextMs - 1) },
  }
}

export const countsOf = (written: number): Counts => ({
  read: written,
  written,
  filtered: {},
  late: 0,
  deadLettered: {},
  lateAppended: 0,
})

function foldedPartition(planted: PlantedPartition): FoldedPartition {
  const { partition, place = 'open', files = [], decidedAt } = planted
  const rows = files.reduce((sum, file) => sum + file.rowCount, 0)
  const named = files.map(({ path }) => ({ path }))
  const told = { decidedAt, rows, logEntry: 7, files: named, sources: [] }
  const manifest = decidedAt === undefined ? undefined : (told as never)
  return {
    table: planted.table ?? appEvents.table,
    partition,
    place,
    version: planted.version ?? commitIdOf(writerA, 1),
    files,
    counts: planted.counts ?? countsOf(rows),
    revision: place === 'announced' ? 1 : 0,
    manifest,
  }
}

function foldedStream(log: PlantedLog, name: string): FoldedStream {
  const progress = new Map<SourceKey, FoldedProgress>()
  for (const { source, progress: byStream } of log.sources ?? []) {
    const own = byStream?.[name]
    if (own === undefined) continue
    const { watermark, rowsAt } = own
    progress.set(sourceKey(source), { source, eventWatermarkMs: watermark, rowsAtMs: rowsAt })
  }
  const partitions = new Map<PartitionPath, FoldedPartition>()
  for (const planted of log.partitions?.[name] ?? []) {
    partitions.set(planted.partition.path, foldedPartition(planted))
  }
  return { progress, partitions, announcedNextMs: log.announcedNext?.[name] }
}

function foldedPosition(planted: PlantedSource): FoldedPosition {
  const watermarks = Object.values(planted.progress ?? {}).map(({ watermark }) => watermark)
  const highest = watermarks.length === 0 ? undefined : unixMs(Math.max(...watermarks))
  const sinceMs = planted.unmovedSince ?? planted.since ?? unixMs(0)
  return {
    source: planted.source,
    next: nextOffset(planted.next ?? 100n),
    leaderEpoch: planted.unmovedSince === undefined ? 0 : -1,
    commitId: commitIdOf(planted.writer ?? writerA, 3),
    sinceMs,
    movedAtMs: planted.moved ?? sinceMs,
    eventWatermarkMs: planted.topicWatermark ?? highest,
  }
}

/** A log state. */
function foldOf(log: PlantedLog): FoldState {
  const positions = new Map<SourceKey, FoldedPosition>()
  const evidence = new Map<SourceKey, FoldedEvidence>()
  const streams = new Map<string, FoldedStream>()
  for (const planted of log.sources ?? []) {
    const { source } = planted
    positions.set(sourceKey(source), foldedPosition(planted))
    for (const name of Object.keys(planted.progress ?? {}))
      streams.set(name, foldedStream(log, name))
    if (planted.evidence === undefined) continue
    const { end, asked } = planted.evidence
    evidence.set(sourceKey(source), { source, highWatermark: nextOffset(end), askedAtMs: asked })
  }
  for (const name of Object.keys({ ...log.partitions, ...log.announcedNext })) {
    streams.set(name, foldedStream(log, name))
  }
  const writers = new Map<WriterId, FoldedWriter>()
  for (const [id, lastEntryAtMs] of Object.entries(log.writers ?? {})) {
    writers.set(writerId(id), {
      counterNext: 9,
      publishedNext: 0,
      unpublished: [],
      lastEntryAtMs,
      discardedCount: 0,
    })
  }
  return {
    next: 10,
    checksum: '',
    config: {
      version: 1,
      format: 1,
      checksum: '',
      streams: [{ ...appEvents, sinceMs: log.configuredAt ?? unixMs(0) }],
      putAtMs: unixMs(0),
    },
    positions: new Map([[lane, positions]]),
    streams,
    evidence,
    writers,
    unpublished: new Map((log.unpublished ?? []).map((commit) => [commit.commitId, commit])),
    undelivered: [],
    voids: [],
    voidCount: 0,
    steppedOver: [],
    forgotten: new Set(),
  }
}

/** Facts with the metadata asked at the lake's time, over the sources of the log. */
export function factsOf(
  log: PlantedLog,
  lakeNowMs: UnixMs,
  more: Partial<ReadinessFacts> = {},
): ReadinessFacts {
  return {
    pipeline: 'growth',
    lakeUrl: 'file:./lake',
    lane,
    fold: foldOf(log),
    lakeNowMs,
    commitIntervalMs: durationMs(minute),
    streams: [appEvents],
    metadata: {
      sources: (log.sources ?? []).map(({ source }) => source),
      missingTopics: [],
      askedAtMs: lakeNowMs,
    },
    ends: new Map(),
    assigned: undefined,
    lakeTrouble: undefined,
    refused: new Map(),
    stuck: new Map(),
    publishedHere: new Set(),
    filesMissing: new Map(),
    ...more,
  }
}

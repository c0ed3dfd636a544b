/**
 * The parts that entries, checkpoints and journals share, as strict shapes.
 *
 * Each is the written form of a type in `model/` and must change together with it; the compiler
 * holds the two together.
 */
import { type ZodType, z } from 'zod'
import type { UnixMs } from '../../base/time.ts'
import type { CountCell, Counts } from '../../model/counts.ts'
import type { DataFile } from '../../model/data-file.ts'
import type { CommitId, WriterId } from '../../model/ids.ts'
import type { LakePartition, PartitionPath } from '../../model/lake-partition.ts'
import type {
  AppendPlace,
  AppendRange,
  ConfiguredStream,
  IdleEvidence,
  SourceMove,
  StreamProgress,
} from '../../model/log-entry.ts'
import { nextOffset, offset } from '../../model/offset.ts'
import type {
  ManifestFile,
  ManifestSource,
  ReadyManifest,
  SkippedRange,
} from '../../model/ready-manifest.ts'
import type { ClusterId, SourcePartition, TopicId } from '../../model/topic-partition.ts'
import { dataFilesOf, manifestFilesOf } from './file-lists.ts'

/** A brand is no part of a value: what `shape` takes is taken as it is. */
const branded = <T>(shape: ZodType<unknown>): ZodType<T> => shape as ZodType<T>

const int64 = z.string().regex(/^-?\d{1,19}$/, 'expected a 64-bit number as text')

/** A value that may be absent: written as null. */
export const absentAsNull = <T>(shape: ZodType<T>): ZodType<T | undefined> =>
  shape.nullable().transform((value) => value ?? undefined)

const offsetShape = int64.transform((text) => offset(BigInt(text)))
export const nextOffsetShape = int64.transform((text) => nextOffset(BigInt(text)))
export const timeShape = branded<UnixMs>(z.number())
export const countShape = z.int().nonnegative()
/** Left out where it is 0: a log that nobody moved anything in has no trace of it. */
export const resetEpochShape = z.int().positive()
export const partitionPathShape = branded<PartitionPath>(z.string().min(1))
export const writerIdShape = branded<WriterId>(
  z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hex digits'),
)
export const commitIdShape = branded<CommitId>(
  z.string().regex(/^[0-9a-f]{32}-\d{1,15}$/, 'expected a writer id and a counter'),
)

export const sourceShape: ZodType<SourcePartition> = z.strictObject({
  clusterId: branded<ClusterId>(z.string()),
  topicId: branded<TopicId>(z.string()),
  topic: z.string(),
  partition: countShape,
})

export const partitionShape: ZodType<LakePartition> = z.strictObject({
  path: partitionPathShape,
  startMs: timeShape,
  nextMs: timeShape,
})

export const placeKindShape = z.enum(['open', 'announced'])

const byReason = z.record(z.string(), countShape)

const countFields = {
  read: countShape,
  written: countShape,
  filtered: byReason,
  late: countShape,
  deadLettered: byReason,
  lateAppended: countShape,
}

export const countsShape: ZodType<Counts> = z.strictObject(countFields)

export const countCellShape: ZodType<CountCell> = z.strictObject({
  stream: z.string(),
  partition: partitionShape,
  counts: countsShape,
})

export const dataFileShape: ZodType<DataFile> = z.strictObject({
  stream: z.string(),
  table: z.string(),
  partitionPath: partitionPathShape,
  path: z.string().min(1),
  stagedPath: z.string().min(1),
  sizeBytes: countShape,
  rowCount: countShape,
  crc32c: z.string().regex(/^[0-9a-f]{8}$/, 'expected 8 hex digits'),
  schemaVersion: z.int(),
  eventTimeMs: z.strictObject({ min: timeShape, max: timeShape }),
  base: z.strictObject({ sizeBytes: countShape, rowCount: countShape }).exactOptional(),
})

export const dataFilesShape = dataFilesOf(dataFileShape)

export const rangeShape: ZodType<AppendRange> = z.strictObject({
  lane: z.string(),
  source: sourceShape,
  expected: absentAsNull(nextOffsetShape),
  first: offsetShape,
  next: nextOffsetShape,
  leaderEpoch: z.int(),
  resetEpoch: resetEpochShape.exactOptional(),
})

export const sourceMoveShape: ZodType<SourceMove> = z.strictObject({
  lane: z.string(),
  source: sourceShape,
  expected: absentAsNull(nextOffsetShape),
  resetEpoch: countShape,
  next: absentAsNull(nextOffsetShape),
  cause: z.string(),
})

export const placeShape: ZodType<AppendPlace> = z.strictObject({
  stream: z.string(),
  partition: partitionShape,
  late: z.literal(true).exactOptional(),
})

export const progressShape: ZodType<StreamProgress> = z.strictObject({
  stream: z.string(),
  source: sourceShape,
  eventWatermarkMs: timeShape,
})

export const evidenceShape: ZodType<IdleEvidence> = z.strictObject({
  source: sourceShape,
  highWatermark: nextOffsetShape,
  askedAtMs: timeShape,
})

export const configuredStreamShape: ZodType<ConfiguredStream> = z.strictObject({
  name: z.string(),
  table: z.string(),
  topics: z.array(z.string()),
})

const manifestFileShape: ZodType<ManifestFile> = z.strictObject({
  path: z.string(),
  bytes: countShape,
  rows: countShape,
  crc32c: z.string(),
})

const manifestSourceShape: ZodType<ManifestSource> = z.strictObject({
  clusterId: z.string(),
  topic: z.string(),
  topicId: z.string(),
  partition: countShape,
  next: z.string(),
  eventWatermark: z.string().nullable(),
  evidence: z.enum(['watermark', 'caught-up']),
})

const skippedShape: ZodType<SkippedRange> = z.strictObject({
  first: z.string(),
  next: z.string(),
  partitions: z.int().positive(),
  emptyRunMax: z.int().positive(),
})

const manifestFields = {
  lakeward: z.literal(1),
  kind: z.literal('partition-ready'),
  id: z.string(),
  pipeline: z.string(),
  stream: z.string(),
  table: z.string(),
  partition: z.record(z.string(), z.string()),
  partitionPath: z.string(),
  location: z.string(),
  revision: z.int().positive(),
  reason: z.enum(['complete', 'empty', 'late', 'merge', 'backfill']),
  rows: countShape,
  files: manifestFilesOf(manifestFileShape),
  added: z.array(z.string()),
  removed: z.array(z.string()),
  counts: z.strictObject(countFields),
  sources: z.array(manifestSourceShape),
  schemaVersions: z.array(z.int()),
  eventWatermark: z.string().nullable(),
  decidedAt: z.string(),
  skipped: skippedShape.exactOptional(),
}

/** As it stands in the log: its index is that of the entry it is read from. */
export const loggedManifestShape: ZodType<Omit<ReadyManifest, 'logEntry'>> =
  z.strictObject(manifestFields)

export const manifestShape: ZodType<ReadyManifest> = z.strictObject({
  ...manifestFields,
  logEntry: countShape,
})

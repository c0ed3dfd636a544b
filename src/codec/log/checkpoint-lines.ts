/** The lines of a checkpoint as strict shapes: the written form of `model/fold-state.ts`. */
import { type ZodType, z } from 'zod'
import type {
  FoldedClosed,
  FoldedConfig,
  FoldedEvidence,
  FoldedPartition,
  FoldedPosition,
  FoldedProgress,
  FoldedReplay,
  FoldedSkip,
  FoldedStreamConfig,
  FoldedVoid,
  FoldedWriter,
  RemovedFile,
  UndeliveredAnnouncement,
  UnpublishedCommit,
} from '../../model/fold-state.ts'
import { firstFormat } from '../../model/log-entry.ts'
import type { Removal } from '../../model/swap-entry.ts'
import {
  absentAsNull,
  commitIdShape,
  countShape,
  countsShape,
  dataFileShape,
  dataFilesShape,
  manifestShape,
  nextOffsetShape,
  partitionPathShape,
  partitionShape,
  placeKindShape,
  resetEpochShape,
  sourceShape,
  timeShape,
  writerIdShape,
} from './shapes.ts'

const streamConfigShape: ZodType<FoldedStreamConfig> = z.strictObject({
  name: z.string(),
  table: z.string(),
  topics: z.array(z.string()),
  sinceMs: timeShape,
})

const configShape: ZodType<Omit<FoldedConfig, 'format'>> = z.strictObject({
  version: countShape,
  checksum: z.string(),
  streams: z.array(streamConfigShape),
  putAtMs: absentAsNull(timeShape),
})

export const checkpointHeadShape = z.strictObject({
  line: z.literal('head'),
  /** The format in force: what the fold means, and how the rest is written. */
  foldVersion: z.int().min(firstFormat),
  next: countShape,
  checksum: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  config: configShape,
  voidCount: countShape,
  lineCount: countShape,
})

export type CheckpointHead = z.output<typeof checkpointHeadShape>

const positionShape: ZodType<FoldedPosition> = z.strictObject({
  source: sourceShape,
  next: nextOffsetShape,
  leaderEpoch: z.int(),
  commitId: commitIdShape,
  sinceMs: timeShape,
  movedAtMs: timeShape,
  eventWatermarkMs: absentAsNull(timeShape),
  resetEpoch: resetEpochShape.exactOptional(),
  ended: z.literal(true).exactOptional(),
})

const progressShape: ZodType<FoldedProgress> = z.strictObject({
  source: sourceShape,
  eventWatermarkMs: timeShape,
  rowsAtMs: timeShape,
})

const removedShape: ZodType<RemovedFile> = z.strictObject({
  file: dataFileShape,
  sinceMs: timeShape,
})

const replayedShape: ZodType<FoldedReplay> = z.strictObject({
  commitId: commitIdShape,
  stream: z.string(),
  count: countShape,
  entry: countShape,
})

/** Also the form of a closed partition: see closed-list.ts. */
export const partitionLineShape: ZodType<FoldedPartition> = z.strictObject({
  table: z.string(),
  partition: partitionShape,
  place: placeKindShape,
  version: commitIdShape,
  files: dataFilesShape,
  counts: countsShape,
  revision: countShape,
  manifest: absentAsNull(manifestShape),
  firstAnnouncedAtMs: timeShape.exactOptional(),
  location: z.string().min(1).exactOptional(),
  removed: z.array(removedShape).exactOptional(),
  replaced: z
    .strictObject({
      inputs: z.array(z.string()),
      outputs: z.array(z.string()),
      location: z.string().min(1),
    })
    .exactOptional(),
  replayed: z.array(replayedShape).exactOptional(),
})

const closedShape: ZodType<FoldedClosed> = z.strictObject({
  firstMs: timeShape,
  nextMs: timeShape,
  partitionCount: countShape,
  fileCount: countShape,
  rowCount: countShape,
  counts: countsShape,
  checksum: z.string(),
})

const skipShape: ZodType<FoldedSkip> = z.strictObject({
  firstMs: timeShape,
  nextMs: timeShape,
  partitionCount: z.int().positive(),
  emptyRunMax: z.int().positive(),
  entry: countShape,
})

const foldedEvidenceShape: ZodType<FoldedEvidence> = z.strictObject({
  source: sourceShape,
  highWatermark: nextOffsetShape,
  askedAtMs: timeShape,
})

const writerShape: ZodType<FoldedWriter> = z.strictObject({
  counterNext: countShape,
  publishedNext: countShape,
  unpublished: z.array(commitIdShape),
  lastEntryAtMs: timeShape,
  discardedCount: countShape,
})

const removalShape: ZodType<Removal> = z.strictObject({
  stream: z.string(),
  partitionPath: partitionPathShape,
  path: z.string().min(1),
  stagedPath: z.string().min(1),
})

const unpublishedShape: ZodType<UnpublishedCommit> = z.strictObject({
  commitId: commitIdShape,
  entry: countShape,
  stagedAtMs: timeShape,
  files: dataFilesShape,
  removals: z.array(removalShape).exactOptional(),
})

const undeliveredShape: ZodType<UndeliveredAnnouncement> = z.strictObject({
  entry: countShape,
  decidedAtMs: timeShape,
  manifest: manifestShape,
  targets: z.array(z.string()),
})

const voidShape: ZodType<FoldedVoid> = z.strictObject({
  entry: countShape,
  commitId: commitIdShape,
  because: z.string(),
})

export const checkpointLineShape = z.discriminatedUnion('line', [
  z.strictObject({ line: z.literal('position'), lane: z.string(), position: positionShape }),
  z.strictObject({
    line: z.literal('stream'),
    stream: z.string(),
    announcedNextMs: absentAsNull(timeShape),
  }),
  z.strictObject({ line: z.literal('progress'), stream: z.string(), progress: progressShape }),
  z.strictObject({
    line: z.literal('partition'),
    stream: z.string(),
    partition: partitionLineShape,
  }),
  z.strictObject({ line: z.literal('closed'), stream: z.string(), closed: closedShape }),
  z.strictObject({
    line: z.literal('skipped'),
    stream: z.string(),
    skipped: z.array(skipShape).min(1),
  }),
  z.strictObject({ line: z.literal('evidence'), evidence: foldedEvidenceShape }),
  z.strictObject({ line: z.literal('writer'), writerId: writerIdShape, writer: writerShape }),
  z.strictObject({ line: z.literal('unpublished'), commit: unpublishedShape }),
  z.strictObject({ line: z.literal('undelivered'), announcement: undeliveredShape }),
  z.strictObject({ line: z.literal('void'), void: voidShape }),
  z.strictObject({ line: z.literal('stepped-over'), entry: countShape }),
  z.strictObject({ line: z.literal('forgotten'), commitId: commitIdShape }),
])

export type CheckpointLine = z.output<typeof checkpointLineShape>

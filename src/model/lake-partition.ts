import type { Brand } from '../base/brand.ts'
import type { UnixMs } from '../base/time.ts'

/** Folder of a partition below its table: "dt=2026-11-20/hour=13" or "dt=2026-11-20". */
export type PartitionPath = Brand<string, 'PartitionPath'>

export const partitionPath = (value: string): PartitionPath => value as PartitionPath

/** A partition of a table: the event times `[startMs, nextMs)`, by one hour or day of a zone. */
export interface LakePartition {
  readonly path: PartitionPath
  readonly startMs: UnixMs
  readonly nextMs: UnixMs
}

/** How a stream's table is partitioned by event time. */
export interface PartitionScheme {
  readonly by: 'hour' | 'day'
  /** IANA name such as "UTC" or "America/New_York". */
  readonly timezone: string
}

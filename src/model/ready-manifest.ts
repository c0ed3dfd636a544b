/**
 * The announcement that a partition is complete: one JSON everywhere (file on the lake, webhook
 * body, Kafka message). Its form is the contract in docs/interfaces.md, section 4.
 */

export interface ManifestFile {
  readonly path: string
  readonly bytes: number
  readonly rows: number
  readonly crc32c: string
}

export interface ManifestSource {
  readonly clusterId: string
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Next offset, as text because it can pass 2^53. */
  readonly next: string
  readonly eventWatermark: string | null
  readonly evidence: 'watermark' | 'caught-up'
}

/** A gap without rows before the partition of which nothing is announced: too long for that. */
export interface SkippedRange {
  /** Event time: its first partition begins, the announced one begins. */
  readonly first: string
  readonly next: string
  /** Its length in hours or days. */
  readonly partitions: number
  /** As configured then: the longest gap that would have been announced. */
  readonly emptyRunMax: number
}

export interface ReadyManifest {
  readonly lakeward: 1
  readonly kind: 'partition-ready'
  /** "<pipeline>/<stream>/<partitionPath>/<revision>" */
  readonly id: string
  readonly pipeline: string
  readonly stream: string
  readonly table: string
  readonly partition: Readonly<Record<string, string>>
  readonly partitionPath: string
  readonly location: string
  readonly revision: number
  readonly reason: 'complete' | 'empty' | 'late' | 'merge' | 'backfill'
  readonly rows: number
  readonly files: readonly ManifestFile[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly counts: {
    readonly read: number
    readonly written: number
    readonly filtered: Readonly<Record<string, number>>
    readonly late: number
    readonly deadLettered: Readonly<Record<string, number>>
    readonly lateAppended: number
  }
  readonly sources: readonly ManifestSource[]
  readonly schemaVersions: readonly number[]
  readonly eventWatermark: string | null
  readonly logEntry: number
  readonly decidedAt: string
  /** Absent: nothing was skipped. */
  readonly skipped?: SkippedRange
}

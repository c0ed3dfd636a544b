import type { UnixMs } from '../base/time.ts'
import type { PartitionPath } from './lake-partition.ts'

/** One closed Parquet file of one partition, staged or published. Paths start at the lake. */
export interface DataFile {
  readonly stream: string
  readonly table: string
  readonly partitionPath: PartitionPath
  /** Where it is published: `<table>/<partitionPath>/<pipeline>-<commit>-<n>.parquet`. */
  readonly path: string
  /** Where it was staged; never ends in ".parquet". */
  readonly stagedPath: string
  readonly sizeBytes: number
  readonly rowCount: number
  /** CRC32C of the whole file, 8 hex digits. */
  readonly crc32c: string
  readonly schemaVersion: number
  /** Lowest and highest event time of its rows. */
  readonly eventTimeMs: { readonly min: UnixMs; readonly max: UnixMs }
}

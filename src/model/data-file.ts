import type { UnixMs } from '../base/time.ts'
import type { PartitionPath } from './lake-partition.ts'

/** What of a file stood before it grew. */
export interface FileBase {
  readonly sizeBytes: number
  readonly rowCount: number
}

/**
 * One closed Parquet file of one partition, staged or published. Paths start at the lake.
 *
 * A file that grows stands in one entry after the other under the same path, each time as it is
 * with that entry's tail. What it was before is a prefix of it, and a whole file of its own.
 */
export interface DataFile {
  readonly stream: string
  readonly table: string
  readonly partitionPath: PartitionPath
  /** Where it is published: `<table>/<partitionPath>/<pipeline>-<commit>-<n>.parquet`. */
  readonly path: string
  /** Where it was staged, or its tail was; never ends in ".parquet". */
  readonly stagedPath: string
  readonly sizeBytes: number
  readonly rowCount: number
  /** CRC32C of the whole file, 8 hex digits. */
  readonly crc32c: string
  readonly schemaVersion: number
  /** Lowest and highest event time of its rows. */
  readonly eventTimeMs: { readonly min: UnixMs; readonly max: UnixMs }
  /** What the staged tail is joined to. Absent: the file was staged whole. */
  readonly base?: FileBase
}

/** Rows that the entry brought which names this file. */
export const rowsBrought = ({ rowCount, base }: Pick<DataFile, 'rowCount' | 'base'>): number =>
  rowCount - (base?.rowCount ?? 0)

/** Bytes that it staged. */
export const bytesBrought = ({ sizeBytes, base }: Pick<DataFile, 'sizeBytes' | 'base'>): number =>
  sizeBytes - (base?.sizeBytes ?? 0)

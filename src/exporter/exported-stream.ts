import type { ParquetFileOptions } from '../codec/parquet/file-writer.ts'
import type { CompiledTable } from '../kernel/compiled-table.ts'
import type { PartitionScheme } from '../model/lake-partition.ts'
import type { LateRule } from '../protocol/late.ts'

/** A table as the exporter writes it. */
export interface ExportedTable {
  readonly stream: string
  readonly table: string
  readonly compiled: CompiledTable
  readonly file: ParquetFileOptions
  /** A file is closed, and the next one opened, when it has this many bytes. */
  readonly rollBytes: number
  readonly schemaVersion: number
  /** Files go on from commit to commit, where they can. */
  readonly grows: boolean
}

/** A configured stream as the exporter sees it; its index is that of `EventTable.stream`. */
export interface ExportedStream extends ExportedTable {
  readonly scheme: PartitionScheme
  readonly outOfOrdernessMs: number
  readonly late: LateRule
  /** Where late rows go that the announced partition does not take. */
  readonly diverted: ExportedTable
}

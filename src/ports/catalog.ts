/**
 * A catalog of tables beside the lake, where query engines look up columns and partitions.
 *
 * A call that throws has an unknown outcome; every call may be made again, by anyone, at any time.
 * Faults thrown are `CATALOG_UNAVAILABLE` (try again) and others of that topic, by which a catalog
 * says what stands in the way: they hold until somebody clears it.
 */
import type { DurationMs } from '../base/time.ts'
import type { ColumnNode } from '../model/table-schema.ts'

export interface CatalogColumn {
  readonly column: ColumnNode
  readonly comment: string | undefined
}

/** A table as the catalog is to show it: files of Parquet that it does not own. */
export interface CatalogTable {
  readonly name: string
  /** Absolute URL of its folder, which stands. */
  readonly location: string
  readonly columns: readonly CatalogColumn[]
  /** Names, outermost first: ["dt", "hour"]. Their values are text. */
  readonly partitionColumns: readonly string[]
  readonly pipeline: string
  readonly stream: string
}

export type TableOutcome =
  | { readonly kind: 'created' }
  | { readonly kind: 'kept' }
  /** Columns, or fields within them, were added: their names. */
  | { readonly kind: 'grown'; readonly added: readonly string[] }

interface PartitionAnnouncement {
  readonly revision: number
  readonly rows: number
  readonly bytes: number
  readonly files: number
  /** Absolute URL of the manifest. */
  readonly manifest: string
}

/** A partition as the catalog is to show it. */
export interface CatalogPartition {
  /** "dt=2026-11-20/hour=13" */
  readonly path: string
  /** Absolute URL of its folder, which stands. */
  readonly location: string
  /** Undefined: it has rows, and is not announced. */
  readonly announced: PartitionAnnouncement | undefined
}

/** What a catalog shows. */
export interface ShownPartition {
  readonly path: string
  readonly location: string
  /** 0 while it is not announced; undefined of a partition that is not ours. */
  readonly revision: number | undefined
}

/** Of a partition that is ours: from the folder where it is to the one where it is to be. */
export interface LocationSwitch {
  readonly path: string
  readonly from: string
  readonly to: string
}

export type SwitchOutcome =
  | { readonly kind: 'switched' }
  /** It is at the new location. */
  | { readonly kind: 'already' }
  | { readonly kind: 'absent' }
  /** It is at neither. */
  | { readonly kind: 'elsewhere'; readonly location: string }

export interface Catalog {
  /** A write whose signal was aborted may take effect for so long after that, and not later. */
  readonly lingersMs: DurationMs

  /**
   * Makes the table, or takes one that is there and fits, or adds to its columns those it lacks, to
   * its partitions too. Never takes a column away and never changes the type of one.
   * @throws {Fault} `CATALOG_DATABASE_MISSING`; `CATALOG_TABLE_CONFLICT`: what is there does not
   *   fit.
   */
  ensureTable(table: CatalogTable, signal: AbortSignal): Promise<TableOutcome>

  /**
   * Adds partitions that are absent and brings those that are there up to what is asked: never
   * from a newer revision back to an older one.
   * @param partitions of different paths.
   * @throws {Fault} `CATALOG_TABLE_MISSING`; `CATALOG_TABLE_CONFLICT`: it fitted when it was
   *   ensured, and does not any more; `CATALOG_PARTITION_ELSEWHERE`: one is there that is not
   *   ours, in another folder. The others of the call are registered all the same.
   */
  register(
    table: string,
    partitions: readonly CatalogPartition[],
    signal: AbortSignal,
  ): Promise<void>

  /** Those of the paths that are there, in the order asked for; none where there is no table. */
  read(
    table: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ShownPartition[]>

  /** Points one partition to another folder, whose revision stays. */
  switchLocation(table: string, change: LocationSwitch, signal: AbortSignal): Promise<SwitchOutcome>

  /** Asks who is there, and for the database. @returns what was found, for people. */
  probe(signal: AbortSignal): Promise<string>

  /** Lets go of connections. A call after it opens them again. Never throws. */
  close(): Promise<void>
}

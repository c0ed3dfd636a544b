import type { EtlStep } from '../../etl/config.ts'
import type { TablePlan } from '../../kernel/table-plan.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import type { PartitionScheme } from '../../model/lake-partition.ts'
import type { Config } from '../config.ts'
import type { ShardPlace } from './shard-configs.ts'
import type { StreamConfig } from './stream-config.ts'

/** The version of every schema: versions other than the one in force come with the registry. */
export const schemaVersionInForce = 1

/** A step of a stream's ETL; a module with its absolute path and the checksum of its text. */
export type ResolvedStep =
  | Extract<EtlStep, { kind: 'filter' }>
  | { readonly kind: 'module'; readonly file: string; readonly checksum: string }

/** One stream as the pipeline needs it: plain data, nothing left to read. */
export interface ResolvedStream {
  readonly name: string
  /** Position among the streams: what `EventTable.stream` holds. */
  readonly index: number
  readonly topics: readonly string[]
  readonly format: StreamConfig['format']
  readonly message: MessageSchema
  /** Columns of the table, and the way of the message into them. */
  readonly plan: TablePlan
  readonly schemaVersion: number
  /** SHA-256, hex, of everything in the schema that shapes what is written. */
  readonly schemaChecksum: string
  readonly table: string
  readonly scheme: PartitionScheme
  readonly eventTime: StreamConfig['eventTime']
  readonly file: StreamConfig['file']
  /** Identity columns, in the order they were asked for. */
  readonly identity: StreamConfig['columns']
  readonly names: StreamConfig['names']
  readonly mapping: StreamConfig['mapping']
  readonly ready: StreamConfig['ready']
  readonly late: StreamConfig['late']
  readonly alignment?: StreamConfig['alignment']
  readonly etl: readonly ResolvedStep[]
  readonly limits: StreamConfig['limits']
}

/** A configuration with its schemas: what a pipeline is built from. */
export interface ResolvedConfig extends Omit<Config, 'streams'> {
  /** The main file as it was named. */
  readonly file: string
  /** Absolute path of its folder; relative paths in it start here. */
  readonly folder: string
  /** Absolute path of the lake's root, where it is a folder of this machine. */
  readonly lakeFolder: string | undefined
  /** The lake's root as its readers are told: in manifests, by `files`. */
  readonly lakeUrl: string
  readonly streams: readonly ResolvedStream[]
  /** SHA-256, hex, of everything that shapes what is written: see `checksumOf`. */
  readonly checksum: string
  /** Of a configuration made by `shardConfigs`: which shard of the log it is for. */
  readonly shard?: ShardPlace
}

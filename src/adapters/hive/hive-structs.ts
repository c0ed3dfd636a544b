/**
 * Tables and partitions as the metastore's structs. What is changed of one that is there is put
 * into the struct as it came: fields that are not known here go back as they were.
 *
 * Numbers of fields: proto/hive/hive_metastore.thrift.
 */
import type { CatalogPartition, CatalogTable } from '../../ports/catalog.ts'
import { hiveTypeOf } from './hive-types.ts'
import {
  bool,
  i32,
  readNumber,
  readStruct,
  readStructs,
  readText,
  readTextMap,
  readTexts,
  struct,
  structOf,
  structs,
  type ThriftStruct,
  text,
  textMap,
  texts,
  withFields,
} from './thrift-value.ts'

const tableField = { name: 1, database: 2, owner: 3, sd: 7, keys: 8, parameters: 9, type: 12 }
const sdField = {
  columns: 1,
  location: 2,
  input: 3,
  output: 4,
  buckets: 6,
  serde: 7,
  parameters: 10,
}
const partitionField = { values: 1, database: 2, table: 3, sd: 6, parameters: 7 }

const parquet = 'org.apache.hadoop.hive.ql.io.parquet'
export const parquetForms = {
  serde: `${parquet}.serde.ParquetHiveSerDe`,
  input: `${parquet}.MapredParquetInputFormat`,
  output: `${parquet}.MapredParquetOutputFormat`,
}
export const externalTable = 'EXTERNAL_TABLE'

/** What a metastore keeps of a comment; longer ones fail the call. */
const commentLengthMax = 256

export interface HiveColumn {
  readonly name: string
  readonly type: string
  readonly comment: string
}

/** What is read of a table. */
export interface HiveTable {
  readonly type: string
  readonly location: string
  readonly input: string
  readonly serde: string
  /** More than 0: files are of one bucket each, by which engines leave files out. */
  readonly buckets: number
  readonly columns: readonly HiveColumn[]
  readonly keys: readonly HiveColumn[]
  readonly struct: ThriftStruct
}

export interface HivePartition {
  readonly values: readonly string[]
  readonly location: string
  readonly parameters: Readonly<Record<string, string>>
  readonly struct: ThriftStruct
}

const columnStruct = ({ name, type, comment }: HiveColumn): ThriftStruct =>
  structOf([
    [1, text(name)],
    [2, text(type)],
    [3, comment === '' ? undefined : text(comment)],
  ])

const readColumn = (fields: ThriftStruct): HiveColumn => ({
  name: readText(fields, 1),
  type: readText(fields, 2),
  comment: readText(fields, 3),
})

/** The columns that a stream's table has in Hive. */
export const hiveColumnsOf = ({ columns }: CatalogTable): readonly HiveColumn[] =>
  columns.map(({ column, comment = '' }) => ({
    name: column.name.toLowerCase(),
    type: hiveTypeOf(column),
    comment: cutShort(comment.replaceAll(/\s+/g, ' ').trim()),
  }))

/** Not through a character of two units: half of one is none. */
const cutShort = (comment: string): string =>
  comment.slice(0, commentLengthMax).replace(/[\uD800-\uDBFF]$/, '')

/** A table that is not there yet. */
export function newTable(database: string, owner: string, table: CatalogTable): ThriftStruct {
  const keys = table.partitionColumns.map((name) => ({ name, type: 'string', comment: '' }))
  const serde = structOf([
    [1, text(table.name)],
    [2, text(parquetForms.serde)],
    [3, textMap({ 'serialization.format': '1' })],
  ])
  const sd = structOf([
    [sdField.columns, structs(hiveColumnsOf(table).map(columnStruct))],
    [sdField.location, text(table.location)],
    [sdField.input, text(parquetForms.input)],
    [sdField.output, text(parquetForms.output)],
    [5, bool(false)],
    [sdField.buckets, i32(-1)],
    [sdField.serde, struct(serde)],
    [8, texts([])],
    [9, structs([])],
    [sdField.parameters, textMap({})],
  ])
  // Both are wanted: the one alone makes a table that the metastore owns, and empties when dropped.
  const parameters = {
    EXTERNAL: 'TRUE',
    'lakeward.pipeline': table.pipeline,
    'lakeward.stream': table.stream,
  }
  return structOf([
    [tableField.name, text(table.name)],
    [tableField.database, text(database)],
    [tableField.owner, text(owner)],
    [4, i32(0)],
    [5, i32(0)],
    [6, i32(0)],
    [tableField.sd, struct(sd)],
    [tableField.keys, structs(keys.map(columnStruct))],
    [tableField.parameters, textMap(parameters)],
    [tableField.type, text(externalTable)],
  ])
}

export function readTable(fields: ThriftStruct): HiveTable {
  const sd = readStruct(fields, tableField.sd)
  return {
    type: readText(fields, tableField.type),
    location: readText(sd, sdField.location),
    input: readText(sd, sdField.input),
    serde: readText(readStruct(sd, sdField.serde), 2),
    buckets: readNumber(sd, sdField.buckets),
    columns: readStructs(sd, sdField.columns).map(readColumn),
    keys: readStructs(fields, tableField.keys).map(readColumn),
    struct: fields,
  }
}

export function withColumns(table: HiveTable, columns: readonly HiveColumn[]): ThriftStruct {
  const sd = readStruct(table.struct, tableField.sd) ?? new Map()
  const changed = withFields(sd, [[sdField.columns, structs(columns.map(columnStruct))]])
  return withFields(table.struct, [[tableField.sd, struct(changed)]])
}

export function readPartition(fields: ThriftStruct): HivePartition {
  return {
    values: readTexts(fields, partitionField.values),
    location: readText(readStruct(fields, partitionField.sd), sdField.location),
    parameters: readTextMap(fields, partitionField.parameters),
    struct: fields,
  }
}

/** Columns, formats and serde of a partition are its table's. */
export function newPartition(
  { database, name, table }: { database: string; name: string; table: HiveTable },
  partition: CatalogPartition,
): ThriftStruct {
  const sd = readStruct(table.struct, tableField.sd) ?? new Map()
  const own = withFields(sd, [
    [sdField.location, text(partition.location)],
    [sdField.parameters, textMap({})],
  ])
  return structOf([
    [partitionField.values, texts(valuesOf(partition.path))],
    [partitionField.database, text(database)],
    [partitionField.table, text(name)],
    [4, i32(0)],
    [5, i32(0)],
    [partitionField.sd, struct(own)],
    [partitionField.parameters, textMap(parametersOf(partition))],
  ])
}

/**
 * The same partition at this place and with these parameters besides its own. What somebody
 * computed of its columns is of other rows once these are counted: Hive 2 answers queries by it.
 */
export function changedPartition(
  partition: HivePartition,
  location: string,
  parameters: Readonly<Record<string, string>>,
): ThriftStruct {
  const sd = readStruct(partition.struct, partitionField.sd) ?? new Map()
  const { COLUMN_STATS_ACCURATE: computed, ...others } = partition.parameters
  const isCounted = computed !== undefined && parameters['numRows'] === undefined
  const kept = isCounted ? partition.parameters : others
  return withFields(partition.struct, [
    [partitionField.sd, struct(withFields(sd, [[sdField.location, text(location)]]))],
    [partitionField.parameters, textMap({ ...kept, ...parameters })],
  ])
}

/** What a partition says of itself: ADR 0027. */
export function parametersOf({ announced }: CatalogPartition): Readonly<Record<string, string>> {
  if (announced === undefined) return { 'lakeward.revision': '0' }
  const { revision, rows, bytes, files, manifest } = announced
  return {
    'lakeward.ready': 'true',
    'lakeward.revision': String(revision),
    'lakeward.rows': String(rows),
    'lakeward.manifest': manifest,
    numRows: String(rows),
    totalSize: String(bytes),
    numFiles: String(files),
  }
}

/** Undefined of a partition that lakeward did not register. */
export function revisionOf({ parameters }: HivePartition): number | undefined {
  const written = parameters['lakeward.revision']
  return written !== undefined && /^\d{1,15}$/.test(written) ? Number(written) : undefined
}

/** "dt=2026-11-20/hour=13" → ["2026-11-20", "13"] */
export const valuesOf = (path: string): readonly string[] =>
  path.split('/').map((part) => part.slice(part.indexOf('=') + 1))

/**
 * True when both name one folder. Hadoop writes "file:/a" for "file:///a", and leaves out what a
 * path ends with.
 */
export const isSamePlace = (one: string, other: string): boolean =>
  plainPlace(one) === plainPlace(other)

const plainPlace = (location: string): string =>
  location.replace(/^file:\/+/, 'file:/').replace(/\/+$/, '')

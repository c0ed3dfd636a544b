import { Fault } from '../../base/fault.ts'
import type { ColumnNode } from '../../model/table-schema.ts'
import type { CatalogTable } from '../../ports/catalog.ts'
import {
  externalTable,
  type HiveColumn,
  type HiveTable,
  hiveColumnsOf,
  isSamePlace,
  parquetForms,
} from './hive-structs.ts'
import { matchTypes } from './hive-types.ts'

/** What a table that is there lacks of what it should be. */
export type TableMatch =
  | { readonly kind: 'fits' }
  | {
      readonly kind: 'grows'
      /** All, those that are there first and in their order. */
      readonly columns: readonly HiveColumn[]
      /** Names of what is new. */
      readonly added: readonly string[]
    }

/**
 * Compares. Columns that are there and not wanted stay: a stream that lost a field leaves its old
 * files readable, and other daemons may have a newer schema.
 *
 * @param name how messages name the table.
 * @throws {Fault} `CATALOG_TABLE_CONFLICT`: no column that is added would make it fit.
 */
export function compareTable(name: string, found: HiveTable, wanted: CatalogTable): TableMatch {
  refuseOtherForm(name, found, wanted)
  const needed = hiveColumnsOf(wanted)
  const added: string[] = []
  const byName = new Map(found.columns.map((column) => [column.name.toLowerCase(), column]))
  for (const column of needed) {
    const known = byName.get(column.name)
    if (known === undefined) {
      added.push(column.name)
      byName.set(column.name, column)
      continue
    }
    const match = matchTypes(known.type, column.type, column.name)
    if (match.kind === 'conflict') throw otherColumn(name, known, column)
    if (match.kind === 'same') continue
    added.push(...match.added)
    byName.set(column.name, { ...known, type: match.type })
  }
  return added.length === 0
    ? { kind: 'fits' }
    : { kind: 'grows', columns: [...byName.values()], added }
}

const otherColumn = (table: string, known: HiveColumn, wanted: HiveColumn): Fault =>
  conflict(table, `column "${known.name}" as`, known.type, wanted.type)

function refuseOtherForm(name: string, found: HiveTable, wanted: CatalogTable): void {
  const keys = found.keys.map((key) => `${key.name} ${key.type}`).join(', ')
  const wantedKeys = wanted.partitionColumns.map((key) => `${key} string`).join(', ')
  if (found.type !== externalTable) throw conflict(name, 'the type', found.type, externalTable)
  if (found.input !== parquetForms.input) {
    throw conflict(name, 'the input format', found.input, parquetForms.input)
  }
  if (found.buckets > 0) throw conflict(name, 'the buckets', String(found.buckets), 'none')
  if (found.serde !== parquetForms.serde) {
    throw conflict(name, 'the serde', found.serde, parquetForms.serde)
  }
  if (keys.toLowerCase() !== wantedKeys) {
    throw conflict(name, 'the partition columns', keys, wantedKeys)
  }
  if (!isSamePlace(found.location, wanted.location)) {
    throw conflict(name, 'the location', found.location, wanted.location)
  }
}

/**
 * Hive compares names without case, and those of columns with those of partitions.
 *
 * @throws {Fault} `CATALOG_TABLE_CONFLICT`: nothing would read such a table.
 */
export function refuseRepeated(table: string, wanted: CatalogTable): void {
  const columns = wanted.columns.map(({ column }) => column)
  const names = [...columns.map((column) => column.name), ...wanted.partitionColumns]
  refuseTwice(table, 'two columns', names)
  for (const column of columns) refuseRepeatedFields(table, column)
}

function refuseRepeatedFields(table: string, column: ColumnNode): void {
  if (column.kind === 'leaf') return
  const names = column.children.map((child) => child.name)
  refuseTwice(table, `two fields of "${column.name.toLowerCase()}"`, names)
  for (const child of column.children) refuseRepeatedFields(table, child)
}

function refuseTwice(table: string, what: string, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names.map((each) => each.toLowerCase())) {
    if (seen.has(name)) throw conflict(table, what, name, 'names that differ without case')
    seen.add(name)
  }
}

const conflict = (table: string, what: string, found: string, wanted: string): Fault =>
  new Fault('CATALOG_TABLE_CONFLICT', { table, what, found, wanted })

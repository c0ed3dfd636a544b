/** A catalog over a metastore on loopback, with what a client that is not ours sees of it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { HiveCatalog } from '../../src/adapters/hive/hive-catalog.ts'
import { newPartition, readTable } from '../../src/adapters/hive/hive-structs.ts'
import { MetastoreConnection } from '../../src/adapters/hive/metastore-connection.ts'
import {
  bool,
  readStruct,
  readStructs,
  readText,
  readTextMap,
  struct,
  structOf,
  structs,
  type ThriftStruct,
  text,
  textMap,
  texts,
  withFields,
} from '../../src/adapters/hive/thrift-value.ts'
import type { CatalogWorld } from '../contract/catalog.ts'

const timeoutMs = 60_000
export const metastoreDatabase = 'ods'

/** A client of the metastore at `port`. */
export const hiveCatalogAt = (port: number, database = metastoreDatabase): HiveCatalog =>
  new HiveCatalog({
    name: `thrift://127.0.0.1:${port}`,
    addresses: [{ host: '127.0.0.1', port }],
    user: 'lakeward',
    database,
  })

/** @param folder where places are made. */
export async function metastoreWorld(
  port: number,
  folder: string,
  database = metastoreDatabase,
): Promise<CatalogWorld> {
  const catalog = hiveCatalogAt(port, database)
  const client = await MetastoreConnection.open({ host: '127.0.0.1', port }, timeoutMs)
  const partition = async (table: string, path: string): Promise<ThriftStruct | undefined> => {
    const asked = structOf([
      [1, text(database)],
      [2, text(table)],
      [3, texts([path])],
    ])
    const answer = await client.call('get_partitions_by_names', asked, timeoutMs)
    return readStructs(answer, 0)[0]
  }
  return {
    catalog,
    another: () => hiveCatalogAt(port, database),
    place: (path) => {
      mkdirSync(join(folder, path), { recursive: true })
      return `file://${join(folder, path)}`
    },
    parameters: async (table, path) => readTextMap(await partition(table, path), 7),
    columnsOfPartition: async (table, path) => {
      const found = readStructs(readStruct(await partition(table, path), 6), 1)
      return Object.fromEntries(found.map((each) => [readText(each, 1), readText(each, 2)]))
    },
    addForeign: (table, path, location) =>
      addForeign(client, { database, table }, { path, location }),
    close: async () => {
      client.close()
      await catalog.close()
    },
  }
}

async function addForeign(
  client: MetastoreConnection,
  { database, table }: { readonly database: string; readonly table: string },
  { path, location }: { readonly path: string; readonly location: string },
): Promise<void> {
  const named = structOf([
    [1, text(database)],
    [2, text(table)],
  ])
  const answer = await client.call('get_table_req', structOf([[1, struct(named)]]), timeoutMs)
  const home = readTable(readStruct(readStruct(answer, 0), 1) ?? new Map())
  const place = { database, name: table, table: home }
  const ours = newPartition(place, { path, location, announced: undefined })
  const theirs = withFields(ours, [[7, textMap({ made: 'by hand' })]])
  const request = withFields(named, [
    [3, structs([theirs])],
    [4, bool(false)],
    [5, bool(false)],
  ])
  await client.call('add_partitions_req', structOf([[1, struct(request)]]), timeoutMs)
}

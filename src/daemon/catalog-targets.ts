/** Catalogs of a configuration, with the tables of its streams as they show them. */
import { HiveCatalog } from '../adapters/hive/hive-catalog.ts'
import { loadKerberos } from '../adapters/kerberos/kerberos.ts'
import { present } from '../base/assert.ts'
import type { Catalog, CatalogColumn } from '../ports/catalog.ts'
import type { Lake } from '../ports/lake.ts'
import { CatalogTarget, type StreamTable } from '../readiness/catalog-target.ts'
import { type HiveTarget, targetName } from '../readiness/config.ts'
import type { ResolvedConfig, ResolvedStream } from './config/resolved-config.ts'

const thriftPort = 9_083

/**
 * A client of the metastore that a target names.
 * @throws {Fault} KERBEROS_PACKAGE_MISSING.
 */
export function hiveCatalog({ uris, database, user, kerberos }: HiveTarget): HiveCatalog {
  const key = 'ready.notify[].hive.kerberos'
  const login = kerberos && {
    kerberos: loadKerberos(key, { principal: kerberos.principal }),
    service: kerberos.service,
  }
  return new HiveCatalog({
    name: uris.join(','),
    addresses: uris.map(addressOf),
    user,
    database,
    kerberos: login,
  })
}

/** "thrift://[::1]:9083" */
function addressOf(uri: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(uri)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: port === '' ? thriftPort : Number(port) }
}

export const catalogTarget = (
  config: Pick<ResolvedConfig, 'pipeline' | 'lake' | 'lakeFolder' | 'streams'>,
  target: HiveTarget,
  lake: Lake,
  catalog: Catalog = hiveCatalog(target),
): CatalogTarget =>
  new CatalogTarget({
    target: targetName(target),
    catalog,
    lake,
    pipeline: config.pipeline,
    root: present(rootOf(config, target), 'a lake on HDFS has its location for readers'),
    tables: new Map(config.streams.map((stream) => [stream.name, tableOf(stream)])),
    register: target.register,
  })

/** The lake as readers of the catalog reach it. Hadoop's client of S3 has a scheme of its own. */
function rootOf(
  { lake, lakeFolder }: Pick<ResolvedConfig, 'lake' | 'lakeFolder'>,
  { location }: HiveTarget,
): string | undefined {
  if (location !== undefined) return location
  if (lakeFolder !== undefined) return `file://${lakeFolder.replace(/\/+$/, '')}`
  if (lake.hdfs?.location !== undefined) return lake.hdfs.location
  return lake.url.startsWith('s3://') ? lake.url.replace(/^s3:/, 's3a:') : undefined
}

function tableOf({ table, plan, message, scheme }: ResolvedStream): StreamTable {
  const comments = new Map(message.fields.map(({ number, comment }) => [number, comment]))
  const columns = plan.schema.columns.map((column): CatalogColumn => {
    const comment = column.fieldId === undefined ? undefined : comments.get(column.fieldId)
    return { column, comment }
  })
  return { table, columns, partitionColumns: scheme.by === 'hour' ? ['dt', 'hour'] : ['dt'] }
}

import type { FaultTable } from './definition.ts'

/** What can go wrong between us and a catalog of tables, such as a Hive Metastore. */
export const catalogFaults = {
  CATALOG_UNAVAILABLE: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { catalog: string; call: string; reason: string }) =>
      `could not ask catalog "${f.catalog}" for "${f.call}": ${f.reason}`,
    hint: 'Check that the metastore runs and can be reached; registration goes on by itself.',
  },
  CATALOG_LOGIN_REFUSED: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { catalog: string; reason: string }) =>
      `no login to catalog "${f.catalog}" by Kerberos: ${f.reason}`,
    hint: 'Check the keytab of KRB5_CLIENT_KTNAME, and "kerberos" of the target: its service.',
  },
  CATALOG_REFUSED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { catalog: string; call: string; what: string; reason: string }) =>
      `catalog "${f.catalog}" refused "${f.call}" for "${f.what}": ${f.reason}`,
    hint: 'Look at the log of the metastore: rights, its database, its access to the lake.',
  },
  CATALOG_DATABASE_MISSING: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { catalog: string; database: string }) =>
      `catalog "${f.catalog}" has no database "${f.database}"`,
    hint: 'Create the database, or correct "database" of the target; it goes on by itself.',
  },
  CATALOG_TABLE_CONFLICT: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { table: string; what: string; found: string; wanted: string }) =>
      `table "${f.table}" has ${f.what} "${f.found}", the stream needs "${f.wanted}"`,
    hint: 'Change or drop the table in the catalog, or give the stream another "table".',
  },
  CATALOG_TABLE_MISSING: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { catalog: string; table: string }) =>
      `catalog "${f.catalog}" has no table "${f.table}"`,
    hint: 'The table is made again where its stream is configured; wait, or create it.',
  },
  CATALOG_PARTITION_ELSEWHERE: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { table: string; partition: string; found: string; wanted: string }) =>
      `partition "${f.partition}" of "${f.table}" is at "${f.found}", not at "${f.wanted}", and ` +
      'was not registered by lakeward',
    hint: 'Drop that partition from the catalog, without its data; it is registered again.',
  },
} as const satisfies FaultTable

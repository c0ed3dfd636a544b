/** DuckDB as a reader that knows nothing of lakeward: it globs folders and counts. */
import { DuckDBInstance } from '@duckdb/node-api'

/** Runs one query. @returns rows as plain objects; 64-bit integers are bigint. */
export async function duck(sql: string): Promise<readonly Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowObjects() as Record<string, unknown>[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** All Parquet files of a table, whatever partitions it has. */
export const tableGlob = (lake: string, table: string): string =>
  `read_parquet('${lake}/${table}/**/*.parquet', hive_partitioning = true, union_by_name = true)`

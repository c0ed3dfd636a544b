import { MetastoreConnection, versionOf } from '../../src/adapters/hive/metastore-connection.ts'

const timeoutMs = 5_000

/** What a metastore on loopback says of itself. @throws {Error} it does not answer. */
export async function metastoreVersion(port: number): Promise<string> {
  const connection = await MetastoreConnection.open({ host: '127.0.0.1', port }, timeoutMs)
  try {
    return await versionOf(connection, timeoutMs)
  } finally {
    connection.close()
  }
}

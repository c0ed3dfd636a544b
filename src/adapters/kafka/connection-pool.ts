import { ConnectionPool } from './library.ts'
import { libraryLogin } from './library-login.ts'
import type { KafkaLogin } from './options.ts'

export const connectTimeoutMs = 5_000

/** Connections by broker, each made when it is first asked for. */
export function poolOf(
  options: KafkaLogin & { readonly clientId: string },
  requestTimeoutMs: number,
): ConnectionPool {
  const pool = new ConnectionPool(options.clientId, {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    ...libraryLogin(options),
  })
  // An "error" event without a listener ends the process; every call reports its own error as well.
  pool.on('connecting', ({ connection }) => connection.on('error', () => {}))
  return pool
}

/** The sockets are gone or will be; there is nothing to do about one that does not say so. */
export function closeQuietly(pool: ConnectionPool): void {
  pool.close().catch(() => {})
}

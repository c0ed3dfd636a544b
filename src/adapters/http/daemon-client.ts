/**
 * What a running daemon says of itself, asked by tools on the same host.
 *
 * Invariants:
 * - a daemon that does not answer in time, or is none, is no error: who asks works without it;
 * - a redirect is not followed: the token is for the configured address only.
 *
 * Sample: `GET http://127.0.0.1:8700/api/v1/streams/app_events/partitions/2026-11-20T13`
 *
 * Source: docs/interfaces.md, section 5.
 */

export interface DaemonAddress {
  /** As in `http.listen`: "127.0.0.1:8700". */
  readonly listen: string
  readonly token: string | undefined
  readonly timeoutMs: number
}

export type DaemonAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'silent'; readonly why: string }

/** @param path from the root: "/readyz". */
export async function askDaemon(address: DaemonAddress, path: string): Promise<DaemonAnswer> {
  const { listen, token, timeoutMs } = address
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(`http://${listen}${path}`, { headers, signal, redirect: 'error' })
    return { kind: 'answered', status: response.status, body: await response.json() }
  } catch (error) {
    return { kind: 'silent', why: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

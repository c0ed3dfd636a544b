/**
 * How a cluster is reached, and as whom.
 *
 *     GET http://nn1:9870/webhdfs/v1/x?op=…&user.name=lakeward      simple authentication
 *     GET https://gate:14000/webhdfs/v1/x?op=…&delegation=GgAEcm…   HttpFS over TLS, by a token
 */
import type { Clock } from '../../ports/clock.ts'
import type { Telemetry } from '../../ports/telemetry.ts'

export type HdfsQuery = Readonly<Record<string, string>>

export interface HdfsDoor {
  readonly scheme: 'http' | 'https'
  /** The addresses are of HttpFS, which does all that datanodes do. */
  readonly httpfs: boolean
  /** Nobody stands between us and the cluster who may send a request of ours once more. */
  readonly isDirect: boolean
  /** What each request says of us. */
  readonly identity: () => Promise<HdfsQuery>
  /** Where datanodes are reached, by their own "host:port" or "host", in lower case as in URLs. */
  readonly datanodes: ReadonlyMap<string, string>
}

/** The same URL at the place where its host is reached from here. */
export function reachedUrl(url: URL, datanodes: HdfsDoor['datanodes']): URL {
  const place = datanodes.get(url.host) ?? datanodes.get(url.hostname)
  if (place === undefined) return url
  const reached = new URL(url)
  // A place without a port keeps the datanode's own.
  reached.host = place
  return reached
}

const readAgainAfterMs = 60_000

/** What is done without a token that should be there is told, while there still is another. */
export function tellTokenTrouble(
  { log, metrics }: Telemetry,
  what: 'read' | 'renew',
  error: unknown,
): void {
  const reason = error instanceof Error ? error.message : String(error)
  log.warn('hdfs token kept', { what, reason })
  metrics.count('lakeward_hdfs_token_troubles_total', 1, { what })
}

export interface TokenPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly telemetry: Telemetry
}

/**
 * Who we are by a token, which is read again each minute: whoever renews it puts another there.
 *
 * @param read throws where there is none; once there was one, the last one stays, and that is told.
 */
export function tokenIdentity(
  read: () => Promise<string>,
  { clock, telemetry }: TokenPorts,
): HdfsDoor['identity'] {
  let known: { readonly delegation: string } | undefined
  let readAtMs = 0
  return async () => {
    const nowMs = clock.monotonicMs()
    if (known !== undefined && nowMs - readAtMs < readAgainAfterMs) return known
    // Of calls that begin at once, one tells what is wrong.
    readAtMs = nowMs
    try {
      known = { delegation: await read() }
    } catch (error) {
      if (known === undefined) throw error
      tellTokenTrouble(telemetry, 'read', error)
    }
    return known
  }
}

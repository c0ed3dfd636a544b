/**
 * A daemon with its HTTP server: the server listens first, so that it can say why the rest waits.
 */
import { ApiServer } from '../adapters/http/api-server.ts'
import { EventLoopDelay } from '../adapters/local/event-loop.ts'
import { PrometheusMetrics } from '../adapters/telemetry/prometheus.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { Logger } from '../ports/telemetry.ts'
import { apiRoutes, eventsPath } from './api.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import { readSecrets } from './config/secrets.ts'
import type { Daemon } from './daemon.ts'
import { EventFeed } from './event-feed.ts'
import { createDaemon, type StartOptions } from './start.ts'

export interface ServeOptions {
  readonly config: ResolvedConfig
  readonly files: ConfigFiles
  readonly log: Logger
  readonly worker: StartOptions['worker']
}

export interface ServedDaemon {
  readonly daemon: Daemon
  /** "http://127.0.0.1:8700" */
  readonly address: string
  /** Drains the daemon, then stops answering. */
  stop(): Promise<void>
  /** Stops answering, for a daemon that failed. */
  close(): Promise<void>
}

/**
 * Makes a daemon and serves its API; the daemon itself is started by the caller.
 * @throws {Fault} HTTP_PORT_TAKEN, CONFIG_SECRET_MISSING, ETL_MODULE_REFUSED.
 */
export async function serveDaemon(options: ServeOptions): Promise<ServedDaemon> {
  const { config, files, log, worker } = options
  const metrics = new PrometheusMetrics()
  const feed = new EventFeed()
  const delay = new EventLoopDelay()
  const telemetry = feed.over({ log, metrics })
  const daemon = await createDaemon({ config, files, telemetry, worker })
  const { httpToken } = await readSecrets(config, files)
  const server = new ApiServer({
    ...addressOf(config.http.listen),
    token: httpToken?.reveal(),
    routes: apiRoutes(daemon, {
      contentType: metrics.contentType,
      text: () => {
        metrics.gauge('lakeward_event_loop_lag_seconds', delay.longestSeconds())
        return metrics.text()
      },
    }),
    events: { path: eventsPath, subscribe: feed.subscribe },
  })
  const address = await server.listen()
  log.info('listening', { address })
  const close = async (): Promise<void> => {
    delay.stop()
    await server.close()
  }
  const stop = async (): Promise<void> => {
    await daemon.stop()
    await close()
  }
  return { daemon, address, stop, close }
}

/** "127.0.0.1:8700" and "[::1]:8700" in their parts. */
function addressOf(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(listen.slice(colon + 1)) }
}

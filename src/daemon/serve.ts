/**
 * A daemon with what answers for it: its own HTTP server, which listens first, so that it can say
 * why the rest waits, or its supervisor.
 */
import { type ApiRoute, ApiServer } from '../adapters/http/api-server.ts'
import { EventLoopDelay } from '../adapters/local/event-loop.ts'
import { PrometheusMetrics } from '../adapters/telemetry/prometheus.ts'
import { present } from '../base/assert.ts'
import { firstShard } from '../model/log-shard.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { Logger } from '../ports/telemetry.ts'
import type { SupervisorLink } from '../ports/workers.ts'
import { apiPaths, apiRoutes, eventsPath } from './api.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import { readSecrets } from './config/secrets.ts'
import type { Daemon } from './daemon.ts'
import { EventFeed } from './event-feed.ts'
import { createDaemon, type StartOptions } from './start.ts'
import { supervisedRoutes, type WorkerGroup } from './supervised-api.ts'
import type { Supervisor } from './supervisor.ts'

export interface ServeOptions {
  readonly config: ResolvedConfig
  readonly files: ConfigFiles
  readonly log: Logger
  readonly worker: StartOptions['worker']
  /** Who answers for the daemon; without it its own server does. */
  readonly link: SupervisorLink | undefined
  /** What waits for targets that are not configured is given up. */
  readonly dropsPending: boolean
}

export interface ServedDaemon extends ServedApi {
  readonly daemon: Daemon
  /** Drains the daemon, then stops answering; `close` is for one that failed or has drained. */
  stop(): Promise<void>
}

/**
 * Makes a daemon and serves its API; the daemon itself is started by the caller.
 * @throws {Fault} HTTP_PORT_TAKEN, CONFIG_SECRET_MISSING, ETL_MODULE_REFUSED.
 */
export async function serveDaemon(options: ServeOptions): Promise<ServedDaemon> {
  const { config, files, log, worker, link, dropsPending } = options
  const metrics = new PrometheusMetrics()
  const feed = new EventFeed()
  const delay = new EventLoopDelay()
  const telemetry = feed.over({ log, metrics })
  const place = link?.index
  const daemon = await createDaemon({ config, files, telemetry, worker, place, dropsPending })
  const routes = apiRoutes(daemon, {
    contentType: metrics.contentType,
    text: () => {
      metrics.gauge('lakeward_event_loop_lag_seconds', delay.longestSeconds())
      return metrics.text()
    },
  })
  const api =
    link === undefined
      ? await serveHttp({ config, files, log, routes, subscribe: feed.subscribe })
      : serveLink(link, routes, feed)
  const close = async (): Promise<void> => {
    delay.stop()
    await api.close()
  }
  const stop = async (): Promise<void> => {
    await daemon.stop()
    await close()
  }
  return { daemon, address: api.address, stop, close }
}

/** Somebody answers for a daemon, or for several. */
export interface ServedApi {
  /** "http://127.0.0.1:8700"; of a worker its supervisor's, which it does not know. */
  readonly address: string | undefined
  close(): Promise<void>
}

interface HttpOptions extends Pick<ServeOptions, 'config' | 'files' | 'log'> {
  readonly routes: readonly ApiRoute[]
  readonly subscribe: EventFeed['subscribe']
}

/**
 * Serves the API of several workers at the address of the configuration.
 * @throws {Fault} HTTP_PORT_TAKEN, CONFIG_SECRET_MISSING.
 */
export function serveSupervisor(
  supervisor: Supervisor,
  options: Pick<ServeOptions, 'config' | 'files' | 'log'> & {
    readonly shards: readonly ResolvedConfig[]
  },
): Promise<ServedApi> {
  const groups = workerGroups(options.shards, supervisor.states.length)
  const routes = supervisedRoutes(supervisor, apiPaths, groups)
  return serveHttp({ ...options, routes, subscribe: supervisor.subscribe })
}

/** Workers of one shard follow each other, as many for each. */
function workerGroups(
  shards: readonly ResolvedConfig[],
  workerCount: number,
): readonly WorkerGroup[] {
  const each = workerCount / shards.length
  return shards.map(({ shard, streams }, place) => ({
    name: shard?.name ?? firstShard,
    streams: streams.map(({ name }) => name),
    first: place * each,
    next: (place + 1) * each,
  }))
}

async function serveHttp(options: HttpOptions): Promise<ServedApi> {
  const { config, files, log, routes, subscribe } = options
  const { httpToken } = await readSecrets(config, files)
  const server = new ApiServer({
    ...addressOf(config.http.listen),
    token: httpToken?.reveal(),
    routes,
    events: { path: eventsPath, subscribe },
  })
  const address = await server.listen()
  log.info('listening', { address })
  return { address, close: () => server.close() }
}

/** Answers what the supervisor asks; whether one may ask is its concern. */
function serveLink(link: SupervisorLink, routes: readonly ApiRoute[], feed: EventFeed): ServedApi {
  link.serve(async ({ method, path, parameters, query }) => {
    const route = routes.find((at) => at.method === method && at.path === path)
    const { answer } = present(route, `a worker has the route ${method} ${path}`)
    return await answer({ parameters, query: new URLSearchParams(query) })
  })
  const unsubscribe = feed.subscribe((event) => link.tell(event))
  return { address: undefined, close: async () => unsubscribe() }
}

/** "127.0.0.1:8700" and "[::1]:8700" in their parts. */
function addressOf(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(listen.slice(colon + 1)) }
}

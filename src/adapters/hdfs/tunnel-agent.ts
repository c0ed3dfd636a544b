/**
 * HTTPS through a proxy: a tunnel for each connection, which is kept like any other.
 *
 *     CONNECT dn1:9865 HTTP/1.1       200: what follows is TLS between us and the datanode
 */
import { type ClientRequestArgs, request } from 'node:http'
import { Agent, type AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'

const answersWithinMs = 30_000
const ok = 200

type Connected = (error: Error | null, stream: Duplex) => void

export class TunnelAgent extends Agent {
  readonly #proxy: URL

  /** @param proxy "http://proxy:3128". */
  constructor(proxy: URL, options: AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  override createConnection(options: ClientRequestArgs, done?: Connected): undefined {
    const { hostname, port } = this.#proxy
    const target = `${options.host}:${options.port}`
    const failed = done as ((error: Error) => void) | undefined
    const asked = request({
      hostname,
      port,
      method: 'CONNECT',
      path: target,
      headers: { host: target },
      agent: false,
      timeout: answersWithinMs,
    })
    asked.once('timeout', () => asked.destroy(coded('ETIMEDOUT', 'the proxy does not answer')))
    asked.once('error', (error) => failed?.(error))
    asked.once('connect', ({ statusCode }, socket) => {
      socket.setTimeout(0)
      if (statusCode === ok) {
        done?.(null, connect({ ...(options as ConnectionOptions), socket }))
        return
      }
      socket.destroy()
      failed?.(coded('ECONNREFUSED', `the proxy answers ${statusCode} to CONNECT ${target}`))
    })
    asked.end()
    return undefined
  }
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

/**
 * HTTPS through a proxy: a tunnel for each connection, which is kept like any other.
 *
 *     CONNECT dn1:9865 HTTP/1.1       200: what follows is TLS between us and the datanode
 *
 * What several vendors' adapters connect by; knows none of them.
 */
import type { ClientRequestArgs } from 'node:http'
import type { AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'

/** An import would read each of their names, and load undici (adapters/http/create-server.ts). */
const { request } = process.getBuiltinModule('node:http')
const { Agent } = process.getBuiltinModule('node:https')
const { connect } = process.getBuiltinModule('node:tls')

const answersWithinMs = 30_000
const ok = 200

type Connected = (error: Error | null, stream: Duplex) => void

export class TunnelAgent extends Agent {
  readonly #proxy: URL

  /** @param proxy "http://proxy:3128", "http://user:password@proxy:3128". */
  constructor(proxy: URL, options: AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  override createConnection(options: ClientRequestArgs, done?: Connected): undefined {
    const target = `${inUrl(options.host ?? '')}:${options.port}`
    const failed = done as ((error: Error) => void) | undefined
    const asked = request({
      ...proxyAddress(this.#proxy),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyLogin(this.#proxy) },
      agent: false,
    })
    // Not of silence: one that trickles is none that answers.
    const late = (): void => {
      asked.destroy(coded('ETIMEDOUT', 'the proxy does not answer'))
    }
    const timer = setTimeout(late, answersWithinMs)
    asked.once('close', () => clearTimeout(timer))
    asked.once('error', (error) => failed?.(error))
    asked.once('connect', ({ statusCode }, socket) => {
      clearTimeout(timer)
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

/** Where a proxy listens, in the words of `http.request`. */
export const proxyAddress = ({ hostname, port }: URL) => ({
  hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
  port: port === '' ? 80 : Number(port),
})

/** The header by which a proxy knows us, where its address says who we are. */
export function proxyLogin({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '') return {}
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(words).toString('base64')}` }
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

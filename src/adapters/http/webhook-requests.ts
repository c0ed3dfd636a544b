/**
 * POSTs to one address: directly or through a proxy, with certificates of one's own.
 *
 * - Through a proxy HTTP is asked for by its whole URL, HTTPS by a tunnel.
 * - A connection that was kept may have been closed at the other end, without our knowing: what is
 *   sent on it is sent once more on another. It is harmless: the receiver tells by the key.
 * - Redirects are answers like any other.
 */
import { X509Certificate } from 'node:crypto'
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Fault } from '../../base/fault.ts'
import { answerOf } from '../net/answer-of.ts'
import { proxyAddress, proxyLogin, TunnelAgent } from '../net/tunnel-agent.ts'

/** An import would read each of their names, and load undici (create-server.ts). */
const http = process.getBuiltinModule('node:http')
const https = process.getBuiltinModule('node:https')
const { createSecureContext } = process.getBuiltinModule('node:tls')

const socketsMax = 16
/** A socket that was left alone for longer may be closed at the other end. */
const idleSocketMs = 4_000
const kept = { keepAlive: true, maxSockets: socketsMax, timeout: idleSocketMs }

export interface WebhookConnection {
  readonly target: string
  readonly url: string
  /** "http://proxy:3128", "http://user:password@proxy:3128"; undefined: directly. */
  readonly proxy?: string | undefined
  /** PEM texts. */
  readonly tls?: {
    /** Those that come with Node.js without it. */
    readonly ca?: string | undefined
    readonly certificate?: string | undefined
    readonly key?: string | undefined
  }
}

export interface WebhookPost {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly signal: AbortSignal
}

export class WebhookRequests {
  readonly #url: URL
  readonly #proxy: URL | undefined
  readonly #agent: Agent

  /** @throws {Fault} NOTIFY_CERTIFICATE_REFUSED. */
  constructor(connection: WebhookConnection) {
    const { url, proxy } = connection
    this.#url = new URL(url)
    this.#proxy = proxy === undefined ? undefined : new URL(proxy)
    this.#agent = this.#agentOf(connection)
  }

  #agentOf(connection: WebhookConnection): Agent {
    if (this.#url.protocol !== 'https:') return new http.Agent(kept)
    const secured = { ...kept, ...certificatesOf(connection) }
    return this.#proxy === undefined
      ? new https.Agent(secured)
      : new TunnelAgent(this.#proxy, secured)
  }

  /** @throws {Error} nobody answered. Aborted, the request ends at once. */
  async post(post: WebhookPost): Promise<IncomingMessage> {
    const sent = this.#send(post)
    try {
      return await answerOf(sent, post.signal)
    } catch (error) {
      if (!sent.reusedSocket || post.signal.aborted) throw error
      return await answerOf(this.#send(post), post.signal)
    }
  }

  /** Lets go of connections; the next request opens its own. */
  close(): void {
    this.#agent.destroy()
  }

  #send({ headers, body, signal }: WebhookPost): ClientRequest {
    const options = { method: 'POST', signal, agent: this.#agent }
    const request = this.#url.protocol === 'https:' ? https.request : http.request
    const sent = request({ ...options, ...this.#way(headers) })
    sent.end(body)
    return sent
  }

  #way(
    headers: WebhookPost['headers'],
  ): Pick<RequestOptions, 'hostname' | 'port' | 'path' | 'headers'> {
    const { hostname, host, port, protocol, origin, pathname, search } = this.#url
    if (this.#proxy === undefined || protocol === 'https:') {
      const target = {
        hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
        path: `${pathname}${search}`,
      }
      return { ...target, headers, ...(port === '' ? {} : { port }) }
    }
    const path = `${origin}${pathname}${search}`
    const told = { ...headers, host, ...proxyLogin(this.#proxy) }
    return { ...proxyAddress(this.#proxy), path, headers: told }
  }
}

/** Read once at the start, so that what cannot be used is refused there. */
function certificatesOf({ target, tls = {} }: WebhookConnection) {
  const { ca, certificate, key } = tls
  const own = certificate === undefined || key === undefined ? {} : { cert: certificate, key }
  const all = { ...(ca === undefined ? {} : { ca }), ...own }
  try {
    createSecureContext(all)
    // An authority that is no certificate is taken there, and ignored.
    for (const text of ca === undefined ? [] : certificatesIn(ca)) new X509Certificate(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('NOTIFY_CERTIFICATE_REFUSED', { target, reason }, { cause })
  }
  return all
}

/** Each on its own; the whole text where there is none, which is then refused. */
function certificatesIn(text: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  return found ?? [text]
}

/**
 * An HTTP proxy that hurts single requests: turned away, cut in their body, their answer lost, sent
 * twice. What it hurts nobody has to sign anew: the host's name is kept.
 *
 *     await using proxy = await HttpFaultProxy.open(server.endpoint)
 *     proxy.harm = ({ method }) => (method === 'PUT' ? { status: 503, code: 'SlowDown' } : 'none')
 *
 * Bodies are held in memory: it is for small objects.
 */
import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

export interface AskedRequest {
  readonly method: string
  /** Of the object, percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
}

export type HttpHarm =
  | 'none'
  /** The connection is reset in the middle of the request: the server never hears of it. */
  | 'cut'
  /** Done by the server; the connection is reset instead of its answer. */
  | 'lose-answer'
  /** Done by the server twice; the second answer is the one that comes. */
  | 'twice'
  /** Answered as a store of S3 does, without the server. */
  | { readonly status: number; readonly code: string }

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export class HttpFaultProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #target: URL
  readonly #agent = new Agent({ keepAlive: true })
  harm: (asked: AskedRequest) => HttpHarm = () => 'none'
  /** "PUT /bucket/key" of each request since it was emptied, harmed or not. */
  asked: string[] = []

  private constructor(server: Server, endpoint: string) {
    this.#server = server
    this.#target = new URL(endpoint)
    server.on('request', (asked, answer) => {
      this.#onRequest(asked, answer).catch(() => answer.destroy())
    })
  }

  static async open(endpoint: string): Promise<HttpFaultProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HttpFaultProxy(server, endpoint)
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    this.#agent.destroy()
    await once(this.#server, 'close')
  }

  async #onRequest(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '' } = asked
    const [path = '', query = ''] = url.split('?')
    this.asked.push(`${method} ${path}`)
    const harm = this.harm({ method, path, query: new URLSearchParams(query) })
    if (harm === 'cut') {
      asked.once('data', () => asked.socket.resetAndDestroy())
      asked.once('end', () => asked.socket.resetAndDestroy())
      return
    }
    const body = await bodyOf(asked)
    if (typeof harm === 'object') {
      answer.writeHead(harm.status, { 'content-type': 'application/xml' })
      const told = `<Error><Code>${harm.code}</Code><Message>told by the proxy</Message></Error>`
      answer.end(method === 'HEAD' ? undefined : told)
      return
    }
    const first = await this.#pass(asked, body)
    const last = harm === 'twice' ? await this.#pass(asked, body) : first
    if (harm === 'lose-answer') {
      asked.socket.resetAndDestroy()
      return
    }
    answer.writeHead(last.status, last.headers)
    answer.end(last.body)
  }

  async #pass({ method, headers, url: path }: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname: host, port } = this.#target
    const onward = request({ agent: this.#agent, method, headers, path, host, port })
    onward.end(body)
    const [told] = (await once(onward, 'response')) as [IncomingMessage]
    return { status: told.statusCode ?? 0, headers: told.headers, body: await bodyOf(told) }
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/**
 * The daemon's HTTP server: health, metrics, the reading API and a stream of events.
 *
 * Invariants:
 * - a request without the token, where one is configured, learns nothing but life and readiness;
 * - no answer waits for the lake or for Kafka longer than its route does.
 *
 * Source: docs/interfaces.md, section 5; server-sent events: the HTML standard, section 9.2.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Fault } from '../../base/fault.ts'
import { createServer } from './create-server.ts'

export interface ApiAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** Who has this answer already is told so, and gets no body: `If-None-Match`. */
  readonly isTagged?: true
}

/** What a route is asked. */
export interface ApiRequest {
  /** Values of the path's ":name" parts, decoded. */
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

export interface ApiRoute {
  readonly method: 'GET' | 'POST'
  /** "/api/v1/streams/:name"; a part that begins with ":" takes anything but "/". */
  readonly path: string
  /** Answers without a token: life and readiness only. */
  readonly isOpen?: boolean
  readonly answer: (request: ApiRequest) => Promise<ApiAnswer> | ApiAnswer
}

/** One event for those who listen. */
export interface ApiEvent {
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface ApiServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly token: string | undefined
  readonly routes: readonly ApiRoute[]
  /** Path of the stream of events, and how to listen to them; returns how to stop. */
  readonly events: {
    readonly path: string
    readonly subscribe: (listener: (event: ApiEvent) => void) => () => void
  }
}

const listenersMax = 100

export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #server: Server
  readonly #listeners = new Set<ServerResponse>()

  constructor(options: ApiServerOptions) {
    this.#options = options
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        send(response, jsonAnswer(500, { error: reason }))
      })
    })
  }

  /**
   * @returns the address to call.
   * @throws {Fault} HTTP_PORT_TAKEN.
   */
  async listen(): Promise<string> {
    const { host, port } = this.#options
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject)
        this.#server.listen(port, host, resolve)
      })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Fault('HTTP_PORT_TAKEN', { host, port, reason }, { cause })
    }
    const { port: taken } = this.#server.address() as AddressInfo
    return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${taken}`
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.end()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const { routes, events } = this.#options
    const found = routes.find(({ path }) => matched(path, url.pathname) !== undefined)
    const isOpen = found?.isOpen === true
    if (!isOpen && !this.#permitted(request)) {
      return send(response, jsonAnswer(401, { error: 'a bearer token is required' }))
    }
    if (url.pathname === events.path) return this.#stream(response)
    const route = routes.find(
      ({ method, path }) => method === request.method && matched(path, url.pathname) !== undefined,
    )
    if (route === undefined) {
      const [status, error] = found ? [405, 'method not allowed'] : [404, 'no such path']
      return send(response, jsonAnswer(Number(status), { error, path: url.pathname }))
    }
    const parameters = matched(route.path, url.pathname) ?? {}
    const answer = await route.answer({ parameters, query: url.searchParams })
    return send(response, answer, request.headers['if-none-match'])
  }

  #stream(response: ServerResponse): void {
    if (this.#listeners.size >= listenersMax) {
      return send(response, jsonAnswer(503, { error: `${listenersMax} listeners are served` }))
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(': lakeward\n\n')
    this.#listeners.add(response)
    const stop = this.#options.events.subscribe(({ event, fields }) => {
      response.write(`event: ${event}\ndata: ${JSON.stringify(fields)}\n\n`)
    })
    response.once('close', () => {
      this.#listeners.delete(response)
      stop()
    })
  }

  #permitted(request: IncomingMessage): boolean {
    const { token } = this.#options
    if (token === undefined) return true
    const given = Buffer.from(request.headers.authorization ?? '')
    const expected = Buffer.from(`Bearer ${token}`)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

/** An answer of JSON; 64-bit numbers are text. */
export const jsonAnswer = (status: number, value: unknown): ApiAnswer => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value, (_key, each: unknown) => plain(each))}\n`,
})

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return Object.fromEntries(value)
  return value
}

function send(response: ServerResponse, answer: ApiAnswer, known?: string): void {
  const { status, contentType, body, isTagged } = answer
  if (response.headersSent) return
  const type = { 'Content-Type': contentType }
  if (isTagged !== true || status !== 200) {
    response.writeHead(status, { ...type, 'Cache-Control': 'no-store' })
    response.end(body)
    return
  }
  const tag = tagOf(body)
  // It may be kept, and must be asked for each time.
  const headers = { ETag: tag, 'Cache-Control': 'no-cache' }
  if (isKnown(tag, known)) {
    response.writeHead(304, headers)
    response.end()
    return
  }
  response.writeHead(status, { ...type, ...headers })
  response.end(body)
}

const tagOf = (body: string): string => `"${hash('sha256', body, 'hex').slice(0, 32)}"`

/** @param given as in `If-None-Match`: tags, weak ones too, or "*". */
const isKnown = (tag: string, given: string | undefined): boolean =>
  given !== undefined &&
  given.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag)

/** Values of a pattern's parameters, or undefined when the path is another. */
function matched(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (!part.startsWith(':')) {
      if (part !== value) return undefined
      continue
    }
    const decoded = decodedPart(value)
    if (decoded === undefined) return undefined
    parameters[part.slice(1)] = decoded
  }
  return parameters
}

/** Undefined where it has a "%" that begins no escape. */
function decodedPart(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

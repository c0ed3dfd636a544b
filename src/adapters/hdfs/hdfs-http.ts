/**
 * One HTTP request to a namenode or a datanode, answered or broken off.
 *
 * - On Node's own client: a datanode answers "100 Continue" to whom did not ask for it, which
 *   undici takes for a broken server.
 * - A body is sent as fast as it is taken: no more than one chunk waits in the socket.
 * - Each request has a deadline over all of it, by the bytes that it moves: a datanode without a
 *   namenode hangs for minutes, and a large file takes its time.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { answerOf } from '../net/answer-of.ts'
import { TunnelAgent } from '../net/tunnel-agent.ts'
import { HdfsRefusal } from './hdfs-failure.ts'

const socketsMax = 64
/** A socket that was left alone for longer may be closed at the other end, without our knowing. */
const idleSocketMs = 4_000
const answerBytesMax = 1_073_741_824
const mib = 1_048_576

/** How long a request may take: a line of a MiB a second is slow. */
export interface HttpDeadline {
  readonly leastMs: number
  /** For each MiB that is sent, and for each that has come. */
  readonly perMibMs: number
}

const usualDeadline: HttpDeadline = { leastMs: 30_000, perMibMs: 1_000 }

export interface HttpCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly url: URL
  /** In order; sent with its length. */
  readonly chunks?: readonly Uint8Array[]
  /** "Negotiate YIIC…" */
  readonly authorization?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
  /** "application/octet-stream" */
  readonly contentType: string | undefined
  /** What the server says of itself: "Negotiate oYG1…". */
  readonly authenticate: string | undefined
}

export interface HdfsHttpOptions {
  readonly deadline?: HttpDeadline | undefined
  /** Certificates that are trusted, PEM; those that come with Node.js without it. */
  readonly ca?: string | undefined
  /** All goes through it: "http://proxy:3128". */
  readonly proxy?: string | undefined
}

interface RequestParts {
  readonly method: HttpCall['method']
  readonly headers: Readonly<Record<string, string | number>>
  readonly signal: AbortSignal
}

const kept = { keepAlive: true, maxSockets: socketsMax, timeout: idleSocketMs }

export class HdfsHttp {
  readonly #agent: Agent
  readonly #secureAgent: SecureAgent
  readonly #deadline: HttpDeadline
  readonly #proxy: URL | undefined

  constructor({ deadline = usualDeadline, ca, proxy }: HdfsHttpOptions = {}) {
    const secured = ca === undefined ? kept : { ...kept, ca }
    this.#proxy = proxy === undefined ? undefined : new URL(proxy)
    this.#agent = new Agent(kept)
    this.#secureAgent =
      this.#proxy === undefined ? new SecureAgent(secured) : new TunnelAgent(this.#proxy, secured)
    this.#deadline = deadline
  }

  /**
   * @throws {HdfsRefusal} no success.
   * @throws {Error} with a `code`: the network's, or that of a deadline that passed.
   */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const { method, url, chunks, authorization } = call
    const sizeBytes = chunks?.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const headers: RequestParts['headers'] = {
      ...(sizeBytes === undefined
        ? {}
        : { 'content-type': 'application/octet-stream', 'content-length': sizeBytes }),
      ...(authorization === undefined ? {} : { authorization }),
    }
    const deadline = new Deadline(this.#deadline, sizeBytes ?? 0)
    const { signal } = deadline
    const sent = this.#request(url, { method, headers, signal })
    try {
      const answered = answerOf(sent, signal)
      void write(sent, chunks ?? [])
      // Whoever refuses may do so before all is sent.
      const answer = await answered
      const body = await bodyOf(answer, deadline)
      const status = answer.statusCode ?? 0
      if (status < 200 || status >= 300) throw new HdfsRefusal(status, body)
      const { 'content-type': contentType, 'www-authenticate': authenticate } = answer.headers
      return { status, body, contentType, authenticate }
    } catch (error) {
      sent.destroy()
      throw signal.aborted ? deadlinePassed(deadline.allowedMs) : error
    } finally {
      deadline.clear()
    }
  }

  #request(url: URL, { headers, ...options }: RequestParts): ClientRequest {
    if (url.protocol === 'https:') {
      return secureRequest(url, { ...options, headers, agent: this.#secureAgent })
    }
    const all = { ...options, agent: this.#agent }
    if (this.#proxy === undefined) return request(url, { ...all, headers })
    // A proxy is asked with the whole URL.
    const told = { ...headers, host: url.host }
    return request(this.#proxy, { ...all, headers: told, path: url.href })
  }
}

/** Ends when all is sent, or when nobody takes it any more: the answer tells which. */
async function write(sent: ClientRequest, chunks: readonly Uint8Array[]): Promise<void> {
  sent.on('error', () => {})
  for (const chunk of chunks) {
    if (sent.destroyed) return
    if (sent.write(chunk) || sent.destroyed) continue
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        sent.off('drain', goOn)
        sent.off('close', goOn)
        resolve()
      }
      sent.on('drain', goOn)
      sent.on('close', goOn)
    })
  }
  sent.end()
}

/** Later with each MiB that comes. */
class Deadline {
  readonly #limits: HttpDeadline
  readonly #fromMs = performance.now()
  readonly #passed = new AbortController()
  #movedBytes: number
  #timer: NodeJS.Timeout

  constructor(limits: HttpDeadline, sentBytes: number) {
    this.#limits = limits
    this.#movedBytes = sentBytes
    this.#timer = setTimeout(() => this.#look(), this.allowedMs)
  }

  get signal(): AbortSignal {
    return this.#passed.signal
  }

  get allowedMs(): number {
    const { leastMs, perMibMs } = this.#limits
    return leastMs + Math.ceil(this.#movedBytes / mib) * perMibMs
  }

  moved(sizeBytes: number): void {
    this.#movedBytes += sizeBytes
  }

  clear(): void {
    clearTimeout(this.#timer)
  }

  #look(): void {
    const leftMs = this.#fromMs + this.allowedMs - performance.now()
    if (leftMs <= 0) this.#passed.abort()
    else this.#timer = setTimeout(() => this.#look(), leftMs)
  }
}

async function bodyOf(answer: IncomingMessage, deadline: Deadline): Promise<Buffer> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece)
    deadline.moved(piece.byteLength)
    sizeBytes += piece.byteLength
    if (sizeBytes > answerBytesMax) throw coded('EMSGSIZE', `more than ${answerBytesMax} bytes`)
  }
  return Buffer.concat(pieces, sizeBytes)
}

const deadlinePassed = (deadlineMs: number): Error =>
  coded('ETIMEDOUT', `no answer within ${deadlineMs} ms`)

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

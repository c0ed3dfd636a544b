/**
 * Announcements by webhook: one signed POST each.
 *
 * Invariants:
 * - any 2xx acknowledges, nothing else does; a redirect is not followed, since a POST that becomes
 *   a GET on its way would be acknowledged by a page that never saw the announcement;
 * - the same announcement has the same key and the same body every time, so that repetition is
 *   harmless; the time stamp, and with it the signature, is that of the attempt;
 * - secrets never stand in messages: the target is named as the log names it.
 *
 * Sample:
 *     POST /hook
 *     Content-Type: application/json
 *     Idempotency-Key: growth/app_events/dt=2026-11-20/hour=13/1
 *     Lakeward-Timestamp: 1795183512
 *     Lakeward-Signature: v1=<hex HMAC-SHA256 of "1795183512." and the body>
 *
 * Source: docs/interfaces.md, section 4. The time stamp is in seconds since 1970.
 */
import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Fault } from '../../base/fault.ts'
import { type MaybeSecret, revealed, shownBeginning, shownBytesOf } from '../../base/secret.ts'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Notifier } from '../../ports/notifier.ts'
import { encodeManifest } from '../../protocol/readiness-manifest.ts'
import { type WebhookConnection, WebhookRequests } from './webhook-requests.ts'

export interface WebhookOptions extends WebhookConnection {
  /** How log and metrics name it. */
  readonly target: string
  readonly url: string
  /** Key of the signature; without one requests are not signed. */
  readonly secret: string | undefined
  /** Names and values, besides ours. */
  readonly headers?: readonly (readonly [name: string, value: MaybeSecret])[]
  readonly clock: Clock
}

export class WebhookNotifier implements Notifier {
  readonly target: string
  readonly readable = false
  readonly #options: WebhookOptions
  readonly #requests: WebhookRequests

  /** @throws {Fault} NOTIFY_CERTIFICATE_REFUSED: one of `tls` cannot be used. */
  constructor(options: WebhookOptions) {
    this.target = options.target
    this.#options = options
    this.#requests = new WebhookRequests(options)
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const body = encodeManifest(manifest)
    const headers = this.#headers(manifest, body)
    try {
      const answer = await this.#requests.post({ headers, body, signal })
      const status = answer.statusCode ?? 0
      if (status >= 200 && status < 300) return leave(answer)
      throw this.#fault(manifest, `answered ${status} ${await this.#shownBody(answer)}`.trim())
    } catch (error) {
      if (error instanceof Fault) throw error
      throw this.#fault(manifest, signal.aborted ? 'no answer in time' : reasonOf(error), error)
    }
  }

  /** Never asked: the answer to the request is the acknowledgement. */
  readBack(): Promise<boolean> {
    return Promise.resolve(true)
  }

  close(): Promise<void> {
    this.#requests.close()
    return Promise.resolve()
  }

  #headers(manifest: ReadyManifest, body: Uint8Array): Record<string, string> {
    const { clock, secret } = this.#options
    const timestamp = String(Math.floor(clock.nowMs() / 1_000))
    const headers = {
      ...Object.fromEntries(this.#own.map(([name, value]) => [name, revealed(value)])),
      'Content-Type': 'application/json',
      'Idempotency-Key': manifest.id,
      'Lakeward-Timestamp': timestamp,
      'User-Agent': 'lakeward',
    }
    if (secret === undefined) return headers
    const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body)
    return { ...headers, 'Lakeward-Signature': `v1=${signature.digest('hex')}` }
  }

  get #own(): readonly (readonly [name: string, value: MaybeSecret])[] {
    return this.#options.headers ?? []
  }

  /** The beginning of an answer's body, quoted; some repeat there what they were sent. */
  async #shownBody(answer: IncomingMessage): Promise<string> {
    const values = this.#own.map(([, value]) => value)
    return shownBeginning(await beginningOf(answer, shownBytesOf(values)), values)
  }

  #fault(manifest: ReadyManifest, reason: string, cause?: unknown): Fault {
    const facts = { target: this.target, manifestId: manifest.id, reason }
    return new Fault('NOTIFY_FAILED', facts, cause === undefined ? undefined : { cause })
  }
}

/** Of an answer that acknowledges, what is read so that its connection can be used again, */
const leftBytesMax = 16_384
/** and for how long. */
const leftMsMax = 1_000

/** Nobody waits for the rest of it; one that is long or slow costs its connection. */
function leave(answer: IncomingMessage): void {
  let readBytes = 0
  const timer = setTimeout(() => answer.destroy(), leftMsMax)
  timer.unref()
  answer.on('close', () => clearTimeout(timer))
  answer.on('error', () => {})
  answer.on('data', (part: Buffer) => {
    readBytes += part.length
    if (readBytes > leftBytesMax) answer.destroy()
  })
}

/** As far as it came, and no further than `bytesMax` and what came with them. */
async function beginningOf(answer: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let readBytes = 0
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      parts.push(part)
      readBytes += part.length
      if (readBytes > bytesMax) break
    }
  } catch {
    // It was closed early, or given up: the status is what counts.
  }
  return Buffer.concat(parts)
}

/** What went wrong below HTTP. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  // One that tried several addresses of a name says it in its code alone.
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

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
import { Fault } from '../../base/fault.ts'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Notifier } from '../../ports/notifier.ts'
import { encodeManifest } from '../../protocol/readiness-manifest.ts'

/** Of an answer's body, what stands in the message. */
const shownBytesMax = 300

export interface WebhookOptions {
  /** How log and metrics name it. */
  readonly target: string
  readonly url: string
  /** Key of the signature; without one requests are not signed. */
  readonly secret: string | undefined
  readonly clock: Clock
}

export class WebhookNotifier implements Notifier {
  readonly target: string
  readonly readable = false
  readonly #options: WebhookOptions

  constructor(options: WebhookOptions) {
    this.target = options.target
    this.#options = options
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const { url } = this.#options
    const body = encodeManifest(manifest)
    const headers = this.#headers(manifest, body)
    try {
      const request = { method: 'POST', headers, body, signal, redirect: 'manual' } as const
      const response = await fetch(url, request)
      if (response.ok) return await response.body?.cancel()
      throw this.#fault(manifest, `answered ${response.status} ${await shownBody(response)}`.trim())
    } catch (error) {
      if (error instanceof Fault) throw error
      throw this.#fault(manifest, signal.aborted ? 'no answer in time' : reasonOf(error), error)
    }
  }

  /** Never asked: the answer to the request is the acknowledgement. */
  readBack(): Promise<boolean> {
    return Promise.resolve(true)
  }

  /** Connections are those of `fetch`, which keeps no process alive. */
  close(): Promise<void> {
    return Promise.resolve()
  }

  #headers(manifest: ReadyManifest, body: Uint8Array): Record<string, string> {
    const { clock, secret } = this.#options
    const timestamp = String(Math.floor(clock.nowMs() / 1_000))
    const headers = {
      'Content-Type': 'application/json',
      'Idempotency-Key': manifest.id,
      'Lakeward-Timestamp': timestamp,
      'User-Agent': 'lakeward',
    }
    if (secret === undefined) return headers
    const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body)
    return { ...headers, 'Lakeward-Signature': `v1=${signature.digest('hex')}` }
  }

  #fault(manifest: ReadyManifest, reason: string, cause?: unknown): Fault {
    const facts = { target: this.target, manifestId: manifest.id, reason }
    return new Fault('NOTIFY_FAILED', facts, cause === undefined ? undefined : { cause })
  }
}

/** The beginning of an answer's body, quoted; the rest is not read. */
async function shownBody(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let readBytes = 0
  for await (const part of response.body ?? []) {
    parts.push(part)
    readBytes += part.length
    if (readBytes >= shownBytesMax) break
  }
  if (readBytes === 0) return ''
  const text = Buffer.concat(parts).subarray(0, shownBytesMax).toString('utf8')
  return JSON.stringify(readBytes > shownBytesMax ? `${text}…` : text)
}

/** What went wrong below HTTP; `fetch` itself only says that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return 'code' in cause && typeof cause.code === 'string' && cause.message === ''
    ? cause.code
    : cause.message
}

/**
 * A receiver of announcements for the demo and for tests: checks the signature, the idempotency key
 * and the time stamp as a careful scheduler would, and hands each announcement on once.
 *
 * Source: docs/interfaces.md, section 4.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import { createServer } from './create-server.ts'

const bodyBytesMax = 16 * 1_048_576

export interface WebhookReceiverOptions {
  readonly secret: string
  /** Called once for each manifest id, in the order of arrival. */
  readonly onManifest: (manifest: ReadyManifest) => void
}

export class WebhookReceiver {
  readonly #options: WebhookReceiverOptions
  readonly #server: Server
  readonly #seen = new Set<string>()
  /** Calls whose signature, key or body was not right. */
  refusedCount = 0

  constructor(options: WebhookReceiverOptions) {
    this.#options = options
    this.#server = createServer((request, response) => {
      this.#take(request).then(
        (status) => response.writeHead(status).end(),
        () => response.writeHead(400).end(),
      )
    })
  }

  /** Listens on a free port of the loopback. @returns the URL to call. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/ready`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #take(request: IncomingMessage): Promise<number> {
    const body = await bodyOf(request)
    const key = headerOf(request, 'idempotency-key')
    if (!this.#signed(request, body)) {
      this.refusedCount += 1
      return 401
    }
    const manifest = JSON.parse(body.toString('utf8')) as ReadyManifest
    if (manifest.id !== key) {
      this.refusedCount += 1
      return 400
    }
    if (!this.#seen.has(key)) {
      this.#seen.add(key)
      this.#options.onManifest(manifest)
    }
    return 204
  }

  #signed(request: IncomingMessage, body: Buffer): boolean {
    const timestamp = headerOf(request, 'lakeward-timestamp')
    const given = Buffer.from(headerOf(request, 'lakeward-signature'))
    const mac = createHmac('sha256', this.#options.secret).update(`${timestamp}.`).update(body)
    const expected = Buffer.from(`v1=${mac.digest('hex')}`)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > bodyBytesMax) throw new Error('body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

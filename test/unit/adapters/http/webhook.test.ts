import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebhookNotifier } from '../../../../src/adapters/http/webhook.ts'
import { WebhookReceiver } from '../../../../src/adapters/http/webhook-receiver.ts'
import type { ReadyManifest } from '../../../../src/model/ready-manifest.ts'
import { manifestText } from '../../../../src/protocol/readiness-manifest.ts'
import { SimClock } from '../../../sim/clock.ts'

const manifest: ReadyManifest = {
  lakeward: 1,
  kind: 'partition-ready',
  id: 'growth/app_events/dt=2026-11-20/hour=13/1',
  pipeline: 'growth',
  stream: 'app_events',
  table: 'ods_app_events',
  partition: { dt: '2026-11-20', hour: '13' },
  partitionPath: 'dt=2026-11-20/hour=13',
  location: 'file:./lake/ods_app_events/dt=2026-11-20/hour=13',
  revision: 1,
  reason: 'empty',
  rows: 0,
  files: [],
  added: [],
  removed: [],
  counts: { read: 0, written: 0, filtered: {}, late: 0, deadLettered: {}, lateAppended: 0 },
  sources: [],
  schemaVersions: [],
  eventWatermark: null,
  logEntry: 4711,
  decidedAt: '2026-11-20T14:05:12.345Z',
}
const clock = new SimClock(Date.UTC(2026, 10, 20, 14, 5, 12, 999))
const { signal } = new AbortController()

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function serve(answer: Answer): Promise<string> {
  const server: Server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=hidden`
}
const webhook = (url: string, secret: string | undefined = 'hush') =>
  new WebhookNotifier({ target: 'webhook:scheduler', url, secret, clock })

describe('a webhook', () => {
  test('sends what the receiver of the demo accepts, once, whole', async () => {
    const got: ReadyManifest[] = []
    const receiver = new WebhookReceiver({ secret: 'hush', onManifest: (one) => got.push(one) })
    const url = await receiver.listen()
    closing.push(() => receiver.close())
    await webhook(url).deliver(manifest, signal)
    await webhook(url).deliver(manifest, signal)
    expect(got).toEqual([manifest])
    expect(receiver.refusedCount).toBe(0)
    await expect(webhook(url, 'other').deliver(manifest, signal)).rejects.toThrow('answered 401')
    expect(receiver.refusedCount).toBe(1)
  })

  test('carries the headers of the contract', async () => {
    const heard: {
      headers: IncomingMessage['headers']
      body: string
      method?: string | undefined
    }[] = []
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => {
        body += part.toString()
      })
      request.on('end', () => {
        heard.push({ headers: request.headers, body, method: request.method })
        response.writeHead(202).end('accepted')
      })
    })
    await webhook(url).deliver(manifest, signal)
    await new WebhookNotifier({ target: 't', url, secret: undefined, clock }).deliver(
      manifest,
      signal,
    )
    expect(heard[0]).toMatchObject({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': 'growth/app_events/dt=2026-11-20/hour=13/1',
        'lakeward-timestamp': String(Date.UTC(2026, 10, 20, 14, 5, 12) / 1_000),
        'lakeward-signature': expect.stringMatching(/^v1=[0-9a-f]{64}$/),
      },
      body: `${manifestText(manifest)}\n`,
    })
    expect(heard[1]?.headers['lakeward-signature']).toBeUndefined()
  })

  test.each([301, 302, 307, 400, 409, 500, 503])('is not acknowledged by a %d', async (status) => {
    const url = await serve((request, response) => {
      if (request.url === '/elsewhere') response.writeHead(200).end()
      else response.writeHead(status, { Location: '/elsewhere' }).end('come back later')
    })
    await expect(webhook(url).deliver(manifest, signal)).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      message:
        'could not deliver "growth/app_events/dt=2026-11-20/hour=13/1" to "webhook:scheduler": ' +
        `answered ${status} "come back later"`,
    })
  })

  test('shows the beginning of a long answer only, and no secret', async () => {
    const url = await serve((_request, response) =>
      response.writeHead(500).end('x'.repeat(100_000)),
    )
    const failure = await webhook(url)
      .deliver(manifest, signal)
      .catch((error: unknown) => error)
    expect(String(failure)).toMatch(/answered 500 "x{300}…"$/)
    expect(String(failure)).not.toContain('hidden')
  })

  test('gives up when told, whether nothing or half an answer came', async () => {
    const half = (_request: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(500, { 'Content-Length': '10' })
      response.write('half')
    }
    for (const { answer, told } of [
      { answer: () => {}, told: 'no answer in time' },
      { answer: half, told: 'answered 500 "half"' },
    ]) {
      const url = await serve(answer)
      const limit = new AbortController()
      const delivery = webhook(url).deliver(manifest, limit.signal)
      setImmediate(() => setTimeout(() => limit.abort(), 50))
      await expect(delivery).rejects.toThrow(told)
    }
  })

  test.each([200, 500])('reads little of an answer of %d that never ends', async (status) => {
    const page = Buffer.alloc(1_048_576, 'x')
    let sentBytes = 0
    const ended = Promise.withResolvers<void>()
    const url = await serve((_request, response) => {
      response.writeHead(status)
      const more = (): void => {
        // Ten gigabytes, unless the other end has gone.
        while (sentBytes < 10 * 2 ** 30) {
          sentBytes += page.length
          if (!response.write(page)) return void response.once('drain', more)
        }
        response.end()
      }
      response.once('close', () => ended.resolve())
      more()
    })
    const delivery = webhook(url).deliver(manifest, signal)
    if (status === 200) await expect(delivery).resolves.toBeUndefined()
    else await expect(delivery).rejects.toThrow(/answered 500 "x{300}…"/)
    await ended.promise
    expect(sentBytes).toBeLessThan(64 * 1_048_576)
  })

  test('says why nobody answers', async () => {
    await expect(
      webhook('http://127.0.0.1:1/hook').deliver(manifest, signal),
    ).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    const url = await serve((request) => request.socket.destroy())
    await expect(webhook(url).deliver(manifest, signal)).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      retry: 'backoff',
      cause: expect.any(Error),
    })
  })
})

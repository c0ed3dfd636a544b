/** Ways to a receiver: headers of others, kept connections, a proxy, certificates that are none. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebhookNotifier, type WebhookOptions } from '../../../../src/adapters/http/webhook.ts'
import { Secret } from '../../../../src/base/secret.ts'
import { SimClock } from '../../../sim/clock.ts'
import { HttpProxy } from '../../../support/http-proxy.ts'
import { sampleManifest } from '../../../support/log-samples.ts'

const manifest = { ...sampleManifest(13), logEntry: 7 }
const clock = new SimClock(Date.UTC(2026, 10, 20, 14, 5, 12))
const { signal } = new AbortController()

const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const accepts: Answer = (request, response) => {
  request.resume().on('end', () => response.writeHead(200).end('taken'))
}

/** @returns "127.0.0.1:4001". */
async function serve(answer: Answer): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startProxy(): Promise<HttpProxy> {
  const proxy = await HttpProxy.start()
  closing.push(() => proxy.close())
  return proxy
}

function webhook(url: string, more: Partial<WebhookOptions> = {}): WebhookNotifier {
  const made = new WebhookNotifier({ target: 'webhook:it', url, secret: 'hush', clock, ...more })
  closing.push(() => made.close())
  return made
}

describe('a webhook', () => {
  test('carries the headers of the configuration, and its own all the same', async () => {
    const heard: IncomingMessage['headers'][] = []
    const address = await serve((request, response) => {
      heard.push(request.headers)
      accepts(request, response)
    })
    const headers = [
      ['Authorization', 'Bearer t0ken'],
      ['X-Team', 'data'],
    ] as const
    await webhook(`http://${address}/a?b=c`, { headers }).deliver(manifest, signal)
    expect(heard[0]).toMatchObject({
      authorization: 'Bearer t0ken',
      'x-team': 'data',
      'idempotency-key': manifest.id,
      'content-type': 'application/json',
      host: address,
    })
  })

  test('uses a connection again, and asks once more where it was closed meanwhile', async () => {
    const ports: (number | undefined)[] = []
    let closes = false
    const address = await serve((request, response) => {
      ports.push(request.socket.remotePort)
      if (closes && ports.filter((port) => port === request.socket.remotePort).length > 1) {
        request.socket.destroy()
        return
      }
      accepts(request, response)
    })
    const target = webhook(`http://${address}/`)
    for (let delivery = 0; delivery < 3; delivery++) {
      await target.deliver(manifest, signal)
      // The end of the answer is read after the delivery has ended.
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(new Set(ports).size).toBe(1)
    closes = true
    await target.deliver(manifest, signal)
    expect(new Set(ports).size).toBe(2)
  })

  test('shows what came of a refusal that is closed early', async () => {
    const address = await serve((_request, response) => {
      response.writeHead(503, { 'Content-Length': '100' })
      response.write('come back', () => response.destroy())
    })
    const delivery = webhook(`http://${address}/`).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow(/answered 503( "come back")?$/)
  })

  test('is not acknowledged by what is no HTTP', async () => {
    const server = createTcpServer((socket) => socket.end('220 mail ready\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => void server.close())
    const { port } = server.address() as AddressInfo
    const delivery = webhook(`http://127.0.0.1:${port}/`).deliver(manifest, signal)
    await expect(delivery).rejects.toMatchObject({ code: 'NOTIFY_FAILED' })
  })

  test('is not acknowledged by who wants another protocol, and ends', async () => {
    const upgrade =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.write(upgrade))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => void server.close())
    const { port } = server.address() as AddressInfo
    const delivery = webhook(`http://127.0.0.1:${port}/`).deliver(manifest, signal)
    await expect(delivery).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      message: expect.stringContaining('answered 101'),
    })
  })

  test('does not tell what a receiver repeats of our secrets', async () => {
    const address = await serve((request, response) => {
      const { authorization } = request.headers
      response.writeHead(401).end(`${'x'.repeat(290)} bad token: ${authorization}`)
    })
    const headers = [['Authorization', new Secret('Bearer hunter2')]] as const
    const failure = await webhook(`http://${address}/`, { headers })
      .deliver(manifest, signal)
      .catch((error: unknown) => error)
    expect(String(failure)).toContain('answered 401')
    expect(String(failure)).not.toMatch(/Bearer|hunter/)
  })

  test.each([
    [{ ca: 'garbage' }],
    [{ ca: '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n' }],
    [{ certificate: 'CERT', key: 'KEY' }],
  ])('with certificates that are none is refused at once: %j', (tls) => {
    expect(() => webhook('https://127.0.0.1:1/', { tls })).toThrow(
      expect.objectContaining({
        code: 'NOTIFY_CERTIFICATE_REFUSED',
        message: expect.stringContaining('certificates for "webhook:it" cannot be used'),
      }),
    )
  })
})

describe('a webhook behind a proxy', () => {
  test('asks it for the whole URL, and shows who we are to it alone', async () => {
    const heard: string[] = []
    const address = await serve((request, response) => {
      heard.push(`${request.url} ${request.headers.host}`)
      accepts(request, response)
    })
    const proxy = await startProxy()
    const withLogin = proxy.url.replace('http://', 'http://user:p%40ss@')
    await webhook(`http://${address}/hook?a=b`, { proxy: withLogin }).deliver(manifest, signal)
    expect(proxy.asked).toEqual([`POST ${address}`])
    expect(proxy.logins).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`])
    expect(heard).toEqual([`/hook?a=b ${address}`])
  })

  test.each([301, 500, 503])('is not acknowledged by a %d', async (status) => {
    const address = await serve((_request, response) =>
      response.writeHead(status, { Location: 'http://elsewhere/' }).end('later'),
    )
    const proxy = await startProxy()
    const delivery = webhook(`http://${address}/`, { proxy: proxy.url }).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow(`answered ${status} "later"`)
    expect(proxy.asked).toHaveLength(1)
  })

  test('is given up when told, whether the proxy or the receiver hangs', async () => {
    const address = await serve(() => {})
    const proxy = await startProxy()
    const silent = createTcpServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closing.push(() => void silent.close())
    const hanging = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    for (const [url, at] of [
      [`http://${address}/`, proxy.url],
      [`http://${address}/`, hanging],
      [`https://${address}/`, hanging],
      // A tunnel is made, and nobody speaks TLS at its end.
      [`https://${new URL(hanging).host}/`, proxy.url],
    ] as const) {
      const giving = new AbortController()
      const delivery = webhook(url, { proxy: at }).deliver(manifest, giving.signal)
      setTimeout(() => giving.abort(), 50)
      await expect(delivery).rejects.toThrow('no answer in time')
    }
  })

  test('reads little of an answer of 500 that never ends', async () => {
    const page = Buffer.alloc(1_048_576, 'x')
    let sentBytes = 0
    const ended = Promise.withResolvers<void>()
    const address = await serve((_request, response) => {
      response.writeHead(500)
      response.once('close', () => ended.resolve())
      const more = (): void => {
        while (sentBytes < 10 * 2 ** 30) {
          sentBytes += page.length
          if (!response.write(page)) return void response.once('drain', more)
        }
        response.end()
      }
      more()
    })
    const proxy = await startProxy()
    const delivery = webhook(`http://${address}/`, { proxy: proxy.url }).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow(/answered 500 "x{300}…"$/)
    await ended.promise
    expect(sentBytes).toBeLessThan(64 * 1_048_576)
  })

  test('says what the proxy says, and that it is not there', async () => {
    const proxy = await startProxy()
    proxy.refuses = 407
    const delivery = webhook('https://127.0.0.1:1/', { proxy: proxy.url }).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow('the proxy answers 407 to CONNECT 127.0.0.1:1')
    const absent = webhook('https://127.0.0.1:1/', { proxy: 'http://user:p4ss@127.0.0.1:1' })
    const refused = await absent.deliver(manifest, signal).catch(String)
    expect(refused).toContain('ECONNREFUSED')
    expect(refused).not.toContain('p4ss')
  })
})

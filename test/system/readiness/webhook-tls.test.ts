/** A webhook by HTTPS: who is trusted, who we are, and through a tunnel, with real certificates. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebhookNotifier, type WebhookOptions } from '../../../src/adapters/http/webhook.ts'
import { SystemClock } from '../../../src/adapters/local/system-clock.ts'
import { HttpProxy } from '../../support/http-proxy.ts'
import { sampleManifest } from '../../support/log-samples.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { certificateFiles, certificateSteps } from '../services/kafka-listeners.ts'

const manifest = { ...sampleManifest(13), logEntry: 7 }
const { signal } = new AbortController()

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const pem = (name: string): string => readFileSync(join(folder.path, name), 'utf8')
const closing: (() => Promise<unknown> | void)[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
  for (const { command } of certificateSteps(folder.path)) {
    const [program = '', ...words] = command
    if (program === 'openssl') execFileSync(program, words, { stdio: 'ignore' })
  }
})
afterAll(() => folder[Symbol.asyncDispose]())
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** A receiver that says of each call whether its sender has a certificate of our authority. */
async function receiver(requestCert: boolean): Promise<{ url: string; seen: unknown[] }> {
  const seen: unknown[] = []
  const own = { cert: pem('tls-client.crt'), key: pem('tls-client.key') }
  const options = { ...own, ca: pem('tls-ca.pem'), requestCert, rejectUnauthorized: requestCert }
  const server = createServer(options, (request, response) => {
    const { authorized } = request.socket as TLSSocket
    request.resume().on('end', () => {
      seen.push({ authorized, host: request.headers.host })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, seen }
}

function webhook(url: string, more: Partial<WebhookOptions>): WebhookNotifier {
  const options = { target: 'webhook:it', url, secret: 'hush', clock: new SystemClock() }
  const made = new WebhookNotifier({ ...options, ...more })
  closing.push(() => made.close())
  return made
}

const trusted = () => ({ ca: readFileSync(certificateFiles(folder.path).ca, 'utf8') })
const identity = () => ({ certificate: pem('tls-client.crt'), key: pem('tls-client.key') })

describe('a webhook by HTTPS', () => {
  test('trusts the authority that is given, and nobody else', async () => {
    const { url, seen } = await receiver(false)
    await webhook(url, { tls: trusted() }).deliver(manifest, signal)
    expect(seen).toEqual([{ authorized: false, host: new URL(url).host }])
    const stranger = webhook(url, {}).deliver(manifest, signal)
    await expect(stranger).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      message: expect.stringMatching(/self-signed|unable to verify/),
    })
    expect(seen).toHaveLength(1)
  })

  test('shows our certificate where the receiver asks for one', async () => {
    const { url, seen } = await receiver(true)
    await webhook(url, { tls: { ...trusted(), ...identity() } }).deliver(manifest, signal)
    expect(seen).toEqual([{ authorized: true, host: new URL(url).host }])
    const without = webhook(url, { tls: trusted() }).deliver(manifest, signal)
    await expect(without).rejects.toMatchObject({ code: 'NOTIFY_FAILED' })
    expect(seen).toHaveLength(1)
  })

  test('goes through a tunnel, with the same certificates at its end', async () => {
    const { url, seen } = await receiver(true)
    const proxy = await HttpProxy.start()
    closing.push(() => proxy.close())
    const target = webhook(url, { tls: { ...trusted(), ...identity() }, proxy: proxy.url })
    await target.deliver(manifest, signal)
    expect(seen).toEqual([{ authorized: true, host: new URL(url).host }])
    expect(proxy.asked).toEqual([`CONNECT ${new URL(url).host}`])
    const stranger = webhook(url, { tls: identity(), proxy: proxy.url }).deliver(manifest, signal)
    await expect(stranger).rejects.toThrow(/self-signed|unable to verify/)
    expect(seen).toHaveLength(1)
  })
})

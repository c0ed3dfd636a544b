/** Time passes as the tests say: a proxy has its time over all, however much it says meanwhile. */
import { once } from 'node:events'
import { request } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TunnelAgent } from '../../../../src/adapters/net/tunnel-agent.ts'

const withinMs = 30_000

let proxy: Server
const asked: Socket[] = []
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  proxy = createServer((socket) => {
    socket.on('error', () => {})
    asked.push(socket)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
})
afterEach(() => {
  vi.useRealTimers()
  for (const socket of asked.splice(0)) socket.destroy()
  proxy.close()
})

/** @returns what the proxy has at its end, and the error that the request ends with. */
async function askedThrough() {
  const url = new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  const agent = new TunnelAgent(url, {})
  const sent = request({ host: 'dn1', port: 9865, agent })
  sent.end()
  const failed = once(sent, 'error').then(([error]) => error as unknown)
  const [socket] = (await once(proxy, 'connection')) as [Socket]
  await once(socket, 'data')
  return { socket, failed, agent }
}

test('one that drips bytes and comes to no end is left when its time is up', async () => {
  const { socket, failed } = await askedThrough()
  socket.write('HTTP/1.1 200 OK\r\nX-Wait: ')
  for (let passedMs = 0; passedMs < withinMs; passedMs += 1_000) {
    socket.write('.')
    expect(socket.destroyed).toBe(false)
    vi.advanceTimersByTime(1_000)
  }
  expect(await failed).toMatchObject({ code: 'ETIMEDOUT', message: 'the proxy does not answer' })
})

test('one that refuses says with which status', async () => {
  const { socket, failed } = await askedThrough()
  socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
  expect(await failed).toMatchObject({
    code: 'ECONNREFUSED',
    message: 'the proxy answers 407 to CONNECT dn1:9865',
  })
  expect(vi.getTimerCount()).toBe(0)
})

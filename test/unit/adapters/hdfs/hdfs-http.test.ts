/** How long one request may take. Time passes as the tests say, whatever the machine does. */
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HdfsHttp } from '../../../../src/adapters/hdfs/hdfs-http.ts'

const mib = Buffer.alloc(1_048_576)
/** More than lies on its way between two sockets: most of it has come once all of it is gone. */
const writtenMib = 64
const leastMs = 1_000

let server: Server
let answer: (response: ServerResponse) => Promise<void>
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  server = createServer((incoming, response) => {
    incoming.resume()
    void answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  vi.useRealTimers()
  server.closeAllConnections()
  server.close()
})

const get = (perMibMs: number) => {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return new HdfsHttp({ deadline: { leastMs, perMibMs } }).send({ method: 'GET', url })
}

/** Writes much, and then nothing. @returns what was answered with, as soon as it has gone. */
function halfAnswered(): Promise<ServerResponse> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>()
  answer = async (response) => {
    for (let count = 0; count < writtenMib; count++) {
      if (!response.write(mib)) await once(response, 'drain')
    }
    resolve(response)
  }
  return promise
}

test('a large answer has time by what has come of it', async () => {
  const half = halfAnswered()
  const whole = get(1_000)
  const response = await half
  vi.advanceTimersByTime(leastMs + (writtenMib / 2) * 1_000)
  response.end(mib)
  const { body } = await whole
  expect(body).toHaveLength((writtenMib + 1) * mib.length)
})

test('one that does not go on is broken off', async () => {
  const half = halfAnswered()
  const broken = get(1)
  const refused = expect(broken).rejects.toMatchObject({
    code: 'ETIMEDOUT',
    message: expect.stringMatching(/^no answer within 10[3-6]\d ms$/),
  })
  await half
  vi.advanceTimersByTime(leastMs + writtenMib)
  await refused
})

test('nothing at all is broken off', async () => {
  const asked = Promise.withResolvers<void>()
  answer = async () => asked.resolve()
  const refused = expect(get(60_000)).rejects.toMatchObject({ code: 'ETIMEDOUT' })
  await asked.promise
  vi.advanceTimersByTime(leastMs)
  await refused
})

test('one that wants to go on in another protocol is no answer, and told by a code', async () => {
  answer = async (response) => {
    response.writeHead(101, { connection: 'Upgrade', upgrade: 'h2c' }).end()
  }
  await expect(get(1)).rejects.toMatchObject({
    code: 'EPROTO',
    message: 'answered 101: it wants to go on in another protocol',
  })
})

test('a connection that ends before the first word is told by a code', async () => {
  answer = async (response) => void response.socket?.destroy()
  await expect(get(1)).rejects.toMatchObject({ code: 'ECONNRESET' })
})

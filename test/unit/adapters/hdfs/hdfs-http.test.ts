/** How long one request may take. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HdfsHttp } from '../../../../src/adapters/hdfs/hdfs-http.ts'

const mib = Buffer.alloc(1_048_576)
const pauseMs = 300

let server: Server
let answer: (response: ServerResponse) => Promise<void>
beforeEach(async () => {
  server = createServer((incoming, response) => {
    incoming.resume()
    void answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const get = (deadline: { leastMs: number; perMibMs: number }) => {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return new HdfsHttp({ deadline }).send({ method: 'GET', url })
}

/** Two halves, with a pause that is longer than an answer without bytes may take. */
const inHalves = async (response: ServerResponse): Promise<void> => {
  response.write(mib)
  await sleep(pauseMs)
  response.end(mib)
}

test('a large answer has time by what has come of it', async () => {
  answer = inHalves
  const { body } = await get({ leastMs: pauseMs / 2, perMibMs: 60_000 })
  expect(body).toHaveLength(2 * mib.length)
})

test('one that does not go on is broken off', async () => {
  answer = inHalves
  await expect(get({ leastMs: pauseMs / 2, perMibMs: 1 })).rejects.toMatchObject({
    code: 'ETIMEDOUT',
    message: `no answer within ${pauseMs / 2 + 1} ms`,
  })
})

test('nothing at all is broken off', async () => {
  answer = async () => {}
  await expect(get({ leastMs: 50, perMibMs: 60_000 })).rejects.toMatchObject({ code: 'ETIMEDOUT' })
})

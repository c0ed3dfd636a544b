import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { ConfluentRegistry } from '../../../../src/adapters/http/confluent-registry.ts'
import { FakeRegistry } from '../../../support/confluent.ts'

let server: FakeRegistry
beforeEach(async () => {
  server = await FakeRegistry.open()
})
afterEach(() => server.close())

const { signal } = new AbortController()
const ask = (id: number, login?: { username: string; password: string }) =>
  new ConfluentRegistry({ url: server.url, login }).schema(id, signal)
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    (error: unknown) => error,
  )

test('a protobuf schema is its text, another type is told, an unknown number is unknown', async () => {
  server.schemas.set(1, 'message A {}')
  server.schemas.set(2, { status: 200, body: '{"schema":"\\"string\\""}' })
  server.schemas.set(3, { status: 200, body: '{"schemaType":"JSON","schema":"{}"}' })
  expect(await ask(1)).toEqual({ kind: 'protobuf', text: 'message A {}' })
  expect(await ask(2)).toEqual({ kind: 'foreign', type: 'AVRO' })
  expect(await ask(3)).toEqual({ kind: 'foreign', type: 'JSON' })
  expect(await ask(9)).toEqual({ kind: 'unknown' })
  expect(server.asked.at(-1)).toBe('/schemas/ids/9')
})

test('user and password go along', async () => {
  await ask(9, { username: 'lake', password: 'sh:op' })
  const [, words = ''] = server.authorization?.split(' ') ?? []
  expect(Buffer.from(words, 'base64').toString()).toBe('lake:sh:op')
})

test.each([
  [404, '<html>no such page</html>'],
  [404, '{"error_code":40401}'],
  [401, '{"error_code":40101}'],
  [302, ''],
  [500, 'oops'],
  [200, '{"schemaType":"PROTOBUF"}'],
  [200, 'not JSON'],
])('an answer %i %s says nothing of the number: it is asked again', async (status, body) => {
  server.trouble = { status, body }
  const fault = await codeOf(ask(5))
  const facts = { url: server.url, id: 5 }
  expect(fault).toMatchObject({ code: 'SCHEMA_REGISTRY_UNREACHABLE', retry: 'backoff', facts })
})

test('a server that is not there is told with why', async () => {
  const { url } = server
  await server.close()
  const fault = await codeOf(new ConfluentRegistry({ url, login: undefined }).schema(5, signal))
  const reason = expect.stringContaining('ECONNREFUSED')
  expect(fault).toMatchObject({ code: 'SCHEMA_REGISTRY_UNREACHABLE', facts: { reason } })
  server = await FakeRegistry.open()
})

test('an answer without end is read up to a bound, and its connection let go', async () => {
  const page = Buffer.alloc(1_048_576, ' ')
  let pages = 0
  const ended = Promise.withResolvers<void>()
  const endless = createServer((_request, response) => {
    response.on('close', ended.resolve)
    const more = (): void => {
      while (!response.destroyed && response.write(page)) pages += 1
    }
    response.on('drain', more)
    more()
  })
  await new Promise<void>((go) => endless.listen(0, '127.0.0.1', go))
  onTestFinished(() => {
    endless.closeAllConnections()
    endless.close()
  })
  const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`
  const fault = await codeOf(new ConfluentRegistry({ url, login: undefined }).schema(5, signal))
  const reason = 'its answer is longer than 16777216 bytes'
  expect(fault).toMatchObject({ code: 'SCHEMA_REGISTRY_UNREACHABLE', facts: { reason } })
  await ended.promise
  expect(pages).toBeLessThan(64)
})

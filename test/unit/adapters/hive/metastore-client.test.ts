import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, Socket } from 'node:net'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { HiveCatalog } from '../../../../src/adapters/hive/hive-catalog.ts'
import type { MetastoreCall } from '../../../../src/adapters/hive/metastore-calls.ts'
import { MetastoreConnection } from '../../../../src/adapters/hive/metastore-connection.ts'
import { encodeMessage } from '../../../../src/adapters/hive/thrift-binary.ts'
import { struct, structOf, text } from '../../../../src/adapters/hive/thrift-value.ts'
import { FakeMetastore } from '../../../support/fake-metastore.ts'

let one: FakeMetastore
let other: FakeMetastore
const never = new AbortController().signal
const catalogs: HiveCatalog[] = []

beforeEach(async () => {
  one = await FakeMetastore.start()
  other = await FakeMetastore.start()
  for (const metastore of [one, other]) metastore.createDatabase('ods')
})

afterEach(async () => {
  await Promise.all(catalogs.splice(0).map((catalog) => catalog.close()))
  await Promise.all([one.close(), other.close()])
})

function catalogOf(...ports: readonly number[]): HiveCatalog {
  const addresses = ports.map((port) => ({ host: '127.0.0.1', port }))
  const catalog = new HiveCatalog({ name: 'hms', addresses, user: 'etl', database: 'ods' })
  catalogs.push(catalog)
  return catalog
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const gone = await FakeMetastore.start()
  const { port } = gone
  await gone.close()
  return port
}

test('an address that takes no connection is passed over for the next one', async () => {
  const catalog = catalogOf(await deadPort(), one.port)
  expect(await catalog.probe(never)).toContain('"ods"')
  expect(one.users).toEqual(['etl'])
})

test('when nobody takes a connection each address is named', async () => {
  const ports = [await deadPort(), await deadPort()]
  await expect(catalogOf(...ports).probe(never)).rejects.toMatchObject({
    code: 'CATALOG_UNAVAILABLE',
    message: expect.stringMatching(
      new RegExp(`127.0.0.1:${ports[0]}: .*; 127.0.0.1:${ports[1]}: `),
    ),
  })
})

test('after a connection is lost in mid-call the next call goes to the next address', async () => {
  const catalog = catalogOf(one.port, other.port)
  await catalog.probe(never)
  one.fault = { failAt: 1, moment: 'after-effect', lasting: 'forever' }
  await expect(catalog.probe(never)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
  expect(await catalog.probe(never)).toContain('"ods"')
  expect(other.calls).toEqual(['getVersion', 'get_database'])
})

test('a connection that was cut while nobody called is not used again', async () => {
  const catalog = catalogOf(one.port)
  await catalog.probe(never)
  one.cutConnections()
  // The cut may be heard only when the next call is made.
  await catalog.probe(never).catch(() => '')
  expect(await catalog.probe(never)).toContain('"ods"')
})

test('a connection that nobody used for a while is closed, and none within a call', async () => {
  const sockets: Socket[] = []
  const set = vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (
    this: Socket,
    _ms,
    passed = () => {},
  ) {
    sockets.push(this.on('timeout', passed))
    return this
  })
  onTestFinished(() => set.mockRestore())
  const catalog = catalogOf(one.port)
  one.onCall = () => sockets.at(-1)?.emit('timeout')
  await catalog.probe(never)
  await catalog.probe(never)
  expect(one.users).toHaveLength(1)
  one.onCall = () => {}
  for (const socket of sockets) socket.emit('timeout')
  await catalog.probe(never)
  expect(one.users).toHaveLength(2)
  expect(set).toHaveBeenCalledWith(60_000, expect.any(Function))
})

test('who stops waiting is told at once, and others are served meanwhile', async () => {
  const catalog = catalogOf(one.port)
  one.silent = true
  const waiting = new AbortController()
  const heard = Promise.withResolvers<void>()
  one.onCall = () => heard.resolve()
  const asked = catalog.probe(waiting.signal)
  asked.catch(() => {})
  await heard.promise
  waiting.abort()
  await expect(asked).rejects.toMatchObject({
    code: 'CATALOG_UNAVAILABLE',
    facts: { reason: 'no answer in time' },
  })
  one.silent = false
  expect(await catalog.probe(never)).toContain('"ods"')
})

test('what was given up while it connected is never begun', async () => {
  const catalog = catalogOf(one.port)
  const login = Promise.withResolvers<void>()
  one.login = login.promise
  const waiting = new AbortController()
  const asked = catalog.probe(waiting.signal)
  asked.catch(() => {})
  await vi.waitUntil(() => one.users.length === 1)
  waiting.abort()
  await expect(asked).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
  login.resolve()
  one.login = undefined
  expect(await catalog.probe(never)).toContain('"ods"')
  // Of the first connection's login the answer came before that of the second one's.
  expect(one.calls).toEqual(['getVersion', 'get_database'])
})

test('a call that nobody answers ends by its own time, and its connection with it', async () => {
  one.silent = true
  const connection = await MetastoreConnection.open({ host: '127.0.0.1', port: one.port }, 5_000)
  const asked = connection.call('getVersion', structOf([]), 20)
  await expect(asked).rejects.toThrow('no answer within 20 ms')
  expect(connection.usable).toBe(false)
  await expect(connection.call('getVersion', structOf([]), 20)).rejects.toThrow('no answer within')
})

/** A server that answers the first bytes that come with these. */
async function answering(bytes: Uint8Array): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.write(bytes))
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const close = async (): Promise<void> => {
    server.close()
    await once(server, 'close')
  }
  return { port, close }
}

const thrown = new Map([[3, struct(structOf([[1, text('of a newer one')]]))]])

test('an answer whose exceptions are not known ends the call, and the connection', async () => {
  const answer = { kind: 'reply', name: 'drop_partition', sequence: 1, fields: thrown } as const
  const server = await answering(encodeMessage(answer))
  const connection = await MetastoreConnection.open({ host: '127.0.0.1', port: server.port }, 5_000)
  const undeclared = 'drop_partition' as MetastoreCall
  await expect(connection.call(undeclared, structOf([]), 30_000)).rejects.toThrow()
  expect(connection.usable).toBe(false)
  await server.close()
})

test('an exception that a newer metastore declares is no success of a call', async () => {
  const name = 'alter_partitions_with_environment_context'
  const server = await answering(
    encodeMessage({ kind: 'reply', name, sequence: 1, fields: thrown }),
  )
  const connection = await MetastoreConnection.open({ host: '127.0.0.1', port: server.port }, 5_000)
  await expect(connection.call(name, structOf([]), 30_000)).rejects.toMatchObject({
    exception: `exception 3 of ${name}`,
    message: 'of a newer one',
  })
  expect(connection.usable).toBe(true)
  connection.close()
  await server.close()
})

test.each([
  ['ends in the middle', (whole: Buffer) => whole.subarray(0, -1)],
  ['has more behind it', (whole: Buffer) => Buffer.concat([whole, Buffer.alloc(1)])],
  // The sequence stands before the end of the struct, which is all that there is.
  [
    'is to another call',
    (whole: Buffer) => Buffer.concat([whole.subarray(0, -2), Buffer.of(2, 0)]),
  ],
])('an answer that %s is none', async (_, change) => {
  const whole = Buffer.from(
    encodeMessage({ kind: 'reply', name: 'getVersion', sequence: 1, fields: structOf([]) }),
  )
  const server = await answering(change(whole))
  const connection = await MetastoreConnection.open({ host: '127.0.0.1', port: server.port }, 5_000)
  await expect(connection.call('getVersion', structOf([]), 200)).rejects.toThrow()
  expect(connection.usable).toBe(false)
  await server.close()
})

test('an answer that goes on behind all bounds is broken off', async () => {
  const head = encodeMessage({ kind: 'reply', name: 'a', sequence: 1, fields: structOf([]) })
  const piece = Buffer.alloc(8_388_608)
  // A list of as many numbers as may be claimed.
  const list = Buffer.from('0f00000a' + '03fffff0', 'hex')
  const sent = Array.from({ length: 9 }, () => piece)
  const bytes = Buffer.concat([Buffer.from(head).subarray(0, -1), list, ...sent])
  const server = await answering(bytes)
  const connection = await MetastoreConnection.open({ host: '127.0.0.1', port: server.port }, 5_000)
  const asked = connection.call('getVersion', structOf([]), 30_000)
  await expect(asked).rejects.toThrow('more than 67108864 bytes')
  await server.close()
})

test('more calls than there are connections wait for their turn', async () => {
  const catalog = catalogOf(one.port)
  const asked = Array.from({ length: 20 }, () => catalog.probe(never))
  expect(new Set(await Promise.all(asked)).size).toBe(1)
  expect(one.users.length).toBeLessThanOrEqual(4)
})

test('an answer that is no Thrift fails the call, not the process', async () => {
  const web = createServer((_request, response) => response.end('hello'))
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  const address = web.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(catalogOf(port).probe(never)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
  web.close()
  await once(web, 'close')
})

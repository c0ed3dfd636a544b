import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { FaultProxy } from '../../../system/services/fault-proxy.ts'

/** A server that sends back what it gets, and a client of it through the proxy. */
const server = createServer({ allowHalfOpen: true }, (socket) => {
  served.push(socket)
  socket.on('error', () => undefined)
  socket.pipe(socket)
})
const served: Socket[] = []
const opened: Client[] = []
let proxy: FaultProxy

class Client {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  receivedBytes = 0
  readonly cameMs: number[] = []
  error: NodeJS.ErrnoException | undefined
  ended = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.socket.on('data', (bytes) => {
      this.cameMs.push(performance.now())
      this.receivedBytes += bytes.length
      this.#chunks.push(Buffer.from(bytes))
    })
    this.socket.on('end', () => {
      this.ended = true
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error
    })
    opened.push(this)
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  holds(sizeBytes: number): Promise<true> {
    const what = `${sizeBytes} bytes came back`
    return eventually(what, 20_000, () => this.receivedBytes >= sizeBytes || undefined)
  }
}

const until = (what: string, look: () => boolean): Promise<true> =>
  eventually(what, 20_000, () => look() || undefined)
/** Bytes that tell where they are. */
const numbered = (sizeBytes: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: sizeBytes / 4 }, (_, index) => index).buffer)

beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await FaultProxy.open({ port: (server.address() as AddressInfo).port })
})
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy()
  await proxy.close()
  for (const socket of served.splice(0)) socket.destroy()
  server.close()
  await once(server, 'close')
})

test('without a fault every byte passes, once, in order, and so does the end', async () => {
  const client = new Client(proxy.port)
  const bytes = numbered(4_000_000)
  client.socket.end(bytes)
  await until('the end', () => client.ended)
  expect(client.received.equals(bytes)).toBe(true)
  expect(proxy.connectionCount).toBe(1)
  expect([proxy.passedBytes('up'), proxy.passedBytes('down')]).toEqual([4_000_000, 4_000_000])
  await until('it is forgotten', () => proxy.openCount === 0)
})

test('latency holds each byte that long, in its direction, without a queue of waits', async () => {
  proxy.slow('down', { latencyMs: 300 })
  const client = new Client(proxy.port)
  const startMs = performance.now()
  const count = 30
  for (let sent = 1; sent <= count; sent++) {
    client.socket.write('a')
    await until('the server has it', () => (served[0]?.bytesRead ?? 0) === sent)
  }
  await client.holds(count)
  expect(client.cameMs[0]).toBeGreaterThanOrEqual(startMs + 299)
  // They wait beside each other; behind each other they would take that long at least.
  expect(client.cameMs.at(-1)).toBeLessThan(startMs + count * 299)
})

test('bandwidth is what it says: half the bytes take half of the time', async () => {
  proxy.slow('up', { bytesPerSecond: 100_000 })
  const client = new Client(proxy.port)
  const startMs = performance.now()
  const bytes = numbered(40_000)
  client.socket.write(bytes)
  await client.holds(20_000)
  const halfMs = performance.now() - startMs
  await client.holds(40_000)
  expect(halfMs).toBeGreaterThanOrEqual(150)
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(350)
  expect(client.received.equals(bytes)).toBe(true)
})

test('a sender whose bytes are held is not read from without end', async () => {
  proxy.freeze()
  const client = new Client(proxy.port)
  let taken = 0
  const piece = numbered(65_536)
  await once(client.socket, 'connect')
  for (let count = 0; count < 1_000; count++) client.socket.write(piece)
  await until('it has taken what it takes', () => {
    const before = taken
    taken = client.socket.bytesWritten - client.socket.writableLength
    return taken > 0 && taken === before
  })
  // Its own bound, and what the system keeps on both sides.
  expect(taken).toBeLessThan(32_000_000)
  proxy.thaw()
  await client.holds(65_536_000)
})

test('a cut lets exactly that much pass and resets, once', async () => {
  const client = new Client(proxy.port)
  const cut = proxy.cutAfter('down', 1_001)
  client.socket.write(numbered(4_000))
  await cut
  await until('the client knows', () => client.error !== undefined)
  expect(client.error?.code).toBe('ECONNRESET')
  expect(client.received.equals(numbered(4_000).subarray(0, 1_001))).toBe(true)
  const next = new Client(proxy.port)
  next.socket.write(numbered(4_000))
  await next.holds(4_000)
  expect(next.error).toBeUndefined()
})

test('a cut of all resets what is open, also at the server', async () => {
  const clients = [new Client(proxy.port), new Client(proxy.port)]
  for (const client of clients) client.socket.write('1234')
  for (const client of clients) await client.holds(4)
  proxy.cutAll()
  await until('all know', () => clients.every(({ error }) => error?.code === 'ECONNRESET'))
  await until('the server knows', () => served.every(({ destroyed }) => destroyed))
  expect(served.length).toBe(2)
})

test('frozen, connections stay open and nothing passes; thawed, all of it does', async () => {
  const client = new Client(proxy.port)
  client.socket.write('before')
  await client.holds(6)
  proxy.freeze()
  client.socket.write(' meanwhile')
  const late = new Client(proxy.port)
  await once(late.socket, 'connect')
  // What must not come would come by this way, and sooner.
  const beside = await FaultProxy.open({ port: (server.address() as AddressInfo).port })
  const quick = new Client(beside.port)
  quick.socket.write('quick')
  await quick.holds(5)
  expect(client.received.toString()).toBe('before')
  expect(client.error).toBeUndefined()
  await beside.close()
  proxy.thaw()
  await client.holds(16)
  expect(client.received.toString()).toBe('before meanwhile')
})

test('refused connections are reset, open ones stay, admitted ones are served again', async () => {
  const first = new Client(proxy.port)
  first.socket.write('one')
  await first.holds(3)
  proxy.refuse()
  const second = new Client(proxy.port)
  await until('it is refused', () => second.error !== undefined || second.ended)
  first.socket.write('two')
  await first.holds(6)
  expect(served.length).toBe(1)
  proxy.admit()
  const third = new Client(proxy.port)
  third.socket.write('x')
  await third.holds(1)
  expect(proxy.connectionCount).toBe(3)
})

test('a lying proxy changes what passes until it is told not to', async () => {
  proxy.rewrite('down', (bytes) => Buffer.from(bytes.toString().replace('true', 'lies')))
  const client = new Client(proxy.port)
  client.socket.write('true')
  await client.holds(4)
  proxy.rewrite('down', undefined)
  client.socket.write('true')
  await client.holds(8)
  expect(client.received.toString()).toBe('liestrue')
})

test('a server that is not there is a reset for the client', async () => {
  await using lonely = await FaultProxy.open({ port: 1 })
  const client = new Client(lonely.port)
  await until('it knows', () => client.error !== undefined || client.ended)
})

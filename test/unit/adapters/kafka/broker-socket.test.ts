import dns from 'node:dns'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { BrokerSocket } from '../../../../src/adapters/kafka/broker-socket.ts'

const kind = { apiKey: 1, version: 12, flexible: true }
const servers: Server[] = []
const sockets: BrokerSocket[] = []
const accepted: Socket[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const socket of sockets.splice(0)) socket.close()
  for (const socket of accepted.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

/** A server that answers each request's bytes by `answer`, and our socket to it. */
async function connected(
  answer: (request: Buffer, socket: Socket) => void,
  host = '127.0.0.1',
): Promise<BrokerSocket> {
  const server = createServer((socket) => {
    accepted.push(socket)
    socket.on('error', () => {})
    socket.on('data', (request) => answer(request, socket))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const options = { clientId: 'test', tls: undefined, connectTimeoutMs: 2_000 }
  const socket = await BrokerSocket.connect({ host, port }, options)
  sockets.push(socket)
  return socket
}

const frameOf = (correlation: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeInt32BE(5 + body.length, 0)
  head.writeInt32BE(correlation, 4)
  return Buffer.concat([head, body])
}
const correlationOf = (request: Buffer): number => request.readInt32BE(8)

test('an answer that comes byte by byte is put together', async () => {
  const body = Buffer.from('the answer')
  const socket = await connected((request, peer) => {
    peer.setNoDelay(true)
    for (const byte of frameOf(correlationOf(request), body)) peer.write(Buffer.from([byte]))
  })
  const { bytes, start } = await socket.request(kind, Buffer.from([1]))
  expect(Buffer.from(bytes.subarray(start)).toString()).toBe('the answer')
})

test('answers of any size follow each other in one buffer', async () => {
  let size = 5
  const socket = await connected((request, peer) => {
    peer.write(frameOf(correlationOf(request), Buffer.alloc(size, size & 255)))
  })
  for (size of [5, 3_000_000, 10, 800_000]) {
    const { bytes, start } = await socket.request(kind, Buffer.from([1]))
    const body = bytes.subarray(start)
    expect([body.length, body[0], body.at(-1)]).toEqual([size, size & 255, size & 255])
  }
})

test('answers a little over a power of two share a buffer that is little larger', async () => {
  let size = 0
  const socket = await connected((request, peer) => {
    peer.write(frameOf(correlationOf(request), Buffer.alloc(size)))
  })
  const buffers = new Set<ArrayBufferLike>()
  for (size of [1_048_576, 1_040_000, 1_100_000, 1_170_000]) {
    const { bytes } = await socket.request(kind, Buffer.from([1]))
    buffers.add(bytes.buffer)
    expect(bytes.buffer.byteLength).toBeLessThan(1_200_000)
  }
  expect(buffers.size).toBe(1)
})

test('a TLS alert, read as a frame of 352 MB, fails the request and not the process', async () => {
  const socket = await connected((_request, peer) => {
    peer.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 0x28]))
  })
  await expect(socket.request(kind, Buffer.from([1]))).rejects.toMatchObject({
    code: 'KAFKA_ANSWER_MALFORMED',
    message: expect.stringContaining('TLS'),
  })
  expect(socket.closed).toBe(true)
})

test('an answer to another request fails the connection', async () => {
  const socket = await connected((request, peer) => {
    peer.write(frameOf(correlationOf(request) + 1, Buffer.from('x')))
  })
  await expect(socket.request(kind, Buffer.from([1]))).rejects.toThrow(/came for request 1/)
  expect(socket.closed).toBe(true)
})

test('bytes that nobody asked for fail the connection', async () => {
  const socket = await connected((request, peer) => {
    const frame = frameOf(correlationOf(request), Buffer.from('x'))
    peer.write(Buffer.concat([frame, frame]))
  })
  await socket.request(kind, Buffer.from([1]))
  await expect(socket.request(kind, Buffer.from([1]))).rejects.toThrow(/nobody asked for/)
})

test('a connection that ends fails what waits on it, and what comes after', async () => {
  const socket = await connected((_request, peer) => peer.destroy())
  await expect(socket.request(kind, Buffer.from([1]))).rejects.toThrow(/closed|reset/i)
  await expect(socket.request(kind, Buffer.from([1]))).rejects.toThrow(/closed|reset/i)
})

test('an answer that does not come in time fails the connection', async () => {
  const socket = await connected(() => {})
  await expect(socket.request(kind, Buffer.from([1]), 30)).rejects.toThrow(/no answer within 30 ms/)
  expect(socket.closed).toBe(true)
})

test('nobody there is an error', async () => {
  const options = { clientId: 'test', tls: undefined, connectTimeoutMs: 2_000 }
  const nobody = BrokerSocket.connect({ host: '127.0.0.1', port: 1 }, options)
  await expect(nobody).rejects.toThrow(/ECONNREFUSED/)
})

/** Has Node.js find these addresses under the name of the broker. */
function resolveTo(...addresses: readonly string[]): void {
  type Done = (error: null, found: unknown, family?: number) => void
  const lookup = (name: string, { all }: { all?: boolean }, done: Done): void => {
    // The server looks its own address up as well.
    const found = (name === 'broker.test' ? addresses : [name]).map((address) => {
      return { address, family: 4 }
    })
    process.nextTick(() => (all === true ? done(null, found) : done(null, found[0]?.address, 4)))
  }
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as unknown as typeof dns.lookup)
}

test.each([
  ['first', ['127.0.0.2', '127.0.0.3', '127.0.0.1']],
  ['last', ['127.0.0.1', '127.0.0.2', '127.0.0.3']],
])('a broker of many addresses is reached at the one that lives: the dead %s', async (_, all) => {
  resolveTo(...all)
  const echo = (request: Buffer, peer: Socket): void => {
    peer.write(frameOf(correlationOf(request), Buffer.from('alive')))
  }
  const socket = await connected(echo, 'broker.test')
  const { bytes, start } = await socket.request(kind, Buffer.from([1]))
  expect(Buffer.from(bytes.subarray(start)).toString()).toBe('alive')
})

test('a broker of which every address is dead fails the connect', async () => {
  resolveTo('127.0.0.2', '127.0.0.3')
  await expect(connected(() => {}, 'broker.test')).rejects.toThrow()
})

import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { FetchConnection } from '../../../../src/adapters/kafka/fetch-connection.ts'
import type { KafkaSourceOptions } from '../../../../src/adapters/kafka/options.ts'
import { durationMs } from '../../../../src/base/time.ts'
import { WireReader } from '../../../../src/codec/kafka/wire-reader.ts'
import { WireWriter } from '../../../../src/codec/kafka/wire-writer.ts'
import { SimClock } from '../../../sim/clock.ts'
import { encodeFetchAnswer } from '../../../support/fetch-answer.ts'
import { sourceOptions } from '../../../support/kafka-world.ts'

const servers: Server[] = []
const accepted: Socket[] = []
afterEach(async () => {
  for (const socket of accepted.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

interface FakeBroker {
  readonly fetchVersions: readonly [number, number]
  /** Error code of a login; 0 lets in. */
  readonly loginCode?: number
  readonly sessionLifetimeMs?: bigint
}

/** A broker that knows three requests: versions, login with a plain password, fetch. */
async function fakeBroker(broker: FakeBroker): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((socket) => {
    accepted.push(socket)
    seen.push('connect')
    socket.on('data', (request) => {
      const reader = new WireReader(request, 4)
      const [key, version, correlation] = [reader.int16(), reader.int16(), reader.int32()]
      seen.push(`${key} v${version}`)
      const body = bodyOf(broker, key, version)
      const head = new WireWriter().int32(0).int32(correlation)
      if (key === 1 && version >= 12) head.uvarint(0)
      const frame = head.raw(body).bytes()
      frame.writeInt32BE(frame.length - 4, 0)
      socket.write(frame)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, seen }
}

function bodyOf(broker: FakeBroker, key: number, version: number): Uint8Array {
  const writer = new WireWriter()
  const [min, max] = broker.fetchVersions
  if (key === 18) return writer.int16(0).int32(1).int16(1).int16(min).int16(max).bytes()
  if (key === 17) return writer.int16(0).int32(1).string('PLAIN', false).bytes()
  if (key === 1) return encodeFetchAnswer(version, [])
  writer.int16(broker.loginCode ?? 0).string('who are you', false)
  return writer
    .byteString(Buffer.alloc(0), false)
    .int64(broker.sessionLifetimeMs ?? 0n)
    .bytes()
}

const sasl = { mechanism: 'plain', username: 'lake', password: 'secret' } as const

const fetchFrom = async (port: number, more: Partial<KafkaSourceOptions> = {}) => {
  const clock = new SimClock()
  const options = sourceOptions({ host: '127.0.0.1', port }, ['t'], more)
  const connection = new FetchConnection(options, clock)
  const wish = { limits: options.fetch, isolation: options.isolation, rack: '', topics: [] }
  const fetch = () => connection.fetch({ host: '127.0.0.1', port }, wish)
  return { clock, fetch }
}

test.each([
  [[4, 8], 8],
  [[0, 11], 11],
  [[4, 18], 17],
] as const)('of versions %s the highest common one is used', async (fetchVersions, version) => {
  const { port, seen } = await fakeBroker({ fetchVersions })
  const { fetch } = await fetchFrom(port)
  expect((await fetch()).throttleMs).toBe(250)
  await fetch()
  expect(seen).toEqual(['connect', '18 v0', `1 v${version}`, `1 v${version}`])
})

test.each([
  [[0, 3], '0 to 3'],
  [[18, 20], '18 to 20'],
] as const)(
  'a broker with versions %s of Fetch is refused by name',
  async (fetchVersions, offered) => {
    const { port } = await fakeBroker({ fetchVersions })
    const { fetch } = await fetchFrom(port)
    await expect(fetch()).rejects.toMatchObject({
      code: 'KAFKA_VERSION_NOT_SUPPORTED',
      facts: { api: 'Fetch', needed: '4 to 17', offered },
    })
  },
)

test('a refused login is told with the reason of the broker, without the password', async () => {
  const { port } = await fakeBroker({ fetchVersions: [4, 17], loginCode: 58 })
  const { fetch } = await fetchFrom(port, { sasl })
  const refused = await fetch().catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'KAFKA_AUTHENTICATION_REFUSED',
    facts: { reason: '58 SASL_AUTHENTICATION_FAILED who are you' },
  })
  expect(String(refused)).not.toContain('secret')
})

test('before a login expires the connection is made anew', async () => {
  const broker = { fetchVersions: [4, 17], sessionLifetimeMs: 10_000n } as const
  const { port, seen } = await fakeBroker(broker)
  const { clock, fetch } = await fetchFrom(port, { sasl })
  await fetch()
  await fetch()
  expect(seen.filter((event) => event === 'connect')).toHaveLength(1)
  await clock.run(clock.sleep(durationMs(8_000)))
  await fetch()
  expect(seen.filter((event) => event === 'connect')).toHaveLength(2)
})

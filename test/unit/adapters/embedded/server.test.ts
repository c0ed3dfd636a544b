import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { type ApiName, apis } from '../../../../src/adapters/embedded/apis/table.ts'
import { startBroker } from '../../../../src/adapters/embedded/broker.ts'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { isFault } from '../../../../src/base/fault.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { batchOf, fetchRequest, produceRequest } from './batches.ts'
import { decodeResponse, encodeRequest, framed, RawClient } from './raw-client.ts'
import { brokerWorld } from './world.ts'

const zeroId = '00000000-0000-0000-0000-000000000000'
const anyMetadata = {
  topics: null,
  autoCreate: false,
  clusterOperations: false,
  topicOperations: false,
}
const anyClient = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }

test('ApiVersions lists what is served', async () => {
  await using world = await brokerWorld()
  for (const version of [0, 1, 2, 3, 4]) {
    const answer = await world.client.call('apiVersions', version, anyClient)
    expect(answer.errorCode).toBe(0)
    expect(answer.apis).toHaveLength(Object.keys(apis).length)
    expect(answer.apis).toContainEqual({ key: 1, oldest: 4, newest: 17 })
    // Listed and not served, as real brokers do: older librdkafka compresses only where it stands.
    expect(answer.apis).toContainEqual({ key: 0, oldest: 0, newest: 9 })
  }
})

test('an ApiVersions version nobody knows is answered in version 0 with error 35', async () => {
  await using world = await brokerWorld()
  const request = encodeRequest('apiVersions', 4, anyClient)
  request.writeInt16BE(99, 2)
  const answer = decodeResponse('apiVersions', 0, await world.client.send(request))
  expect(answer.errorCode).toBe(errorCode.unsupportedVersion)
  expect(answer.apis.find(({ key }) => key === 18)).toEqual({ key: 18, oldest: 0, newest: 4 })
})

const closing: readonly [string, Buffer][] = [
  ['an unserved version', withInt16(encodeRequest('metadata', 12, anyMetadata), 2, 13)],
  [
    'produce 2, which is listed',
    withInt16(withInt16(encodeRequest('metadata', 12, anyMetadata), 0, 0), 2, 2),
  ],
  ['an unknown API', withInt16(encodeRequest('metadata', 12, anyMetadata), 0, 999)],
  ['a request that is cut', encodeRequest('metadata', 12, anyMetadata).subarray(0, 12)],
  [
    'an absurd count',
    Buffer.concat([
      encodeRequest('metadata', 1, anyMetadata).subarray(0, -4),
      Buffer.from([127, 255, 255, 255]),
    ]),
  ],
]

test.each(closing)('%s closes the connection without a word', async (_, request) => {
  await using world = await brokerWorld()
  await expect(world.client.send(request)).rejects.toThrow('connection closed')
  const [trouble] = world.troubles
  expect(isFault(trouble, 'BROKER_REQUEST_MALFORMED')).toBe(true)
})

test('a frame longer than allowed closes the connection, as a TLS greeting does', async () => {
  await using world = await brokerWorld()
  world.client.sendBytes(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
  await world.client.closed
  expect(world.troubles[0]?.message).toContain('frame')
})

test('requests in one packet, and one request in single bytes, are answered in order', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  const offsets = Array.from({ length: 5 }, () =>
    world.client.call('produce', 8, produceRequest('orders', batchOf())),
  )
  const firsts = (await Promise.all(offsets)).map(
    ({ topics }) => topics[0]?.partitions[0]?.firstOffset,
  )
  expect(firsts).toEqual([0n, 3n, 6n, 9n, 12n])
  const socket = connect(world.broker.port, '127.0.0.1').setNoDelay(true)
  const answered = once(socket, 'data')
  for (const byte of framed(encodeRequest('apiVersions', 0, anyClient, 42)))
    socket.write(Buffer.of(byte))
  const [answer] = (await answered) as [Buffer]
  expect(answer.readInt32BE(4)).toBe(42)
  socket.destroy()
})

test('what is pipelined behind a long poll waits for it, other connections do not', async () => {
  await using world = await brokerWorld()
  world.broker.createTopic('orders', 1)
  await using other = await RawClient.open(world.broker.port)
  const order: string[] = []
  const poll = world.client
    .call('fetch', 11, fetchRequest([{ topic: 'orders' }], { waitMsMax: 60_000 }))
    .then(() => order.push('poll'))
  const behind = world.client.call('metadata', 12, anyMetadata).then(() => order.push('behind'))
  await other.call('metadata', 12, anyMetadata).then(() => order.push('other'))
  await other.call('produce', 8, produceRequest('orders', batchOf()))
  await Promise.all([poll, behind])
  expect(order).toEqual(['other', 'poll', 'behind'])
})

test('metadata names the broker, its topics and what is missing', async () => {
  await using world = await brokerWorld()
  const topicId = world.broker.createTopic('orders', 2)
  const topics = ['orders', 'none', 'not/allowed'].map((name) => ({ name, topicId: zeroId }))
  for (let version = 0; version <= 12; version++) {
    const answer = await world.client.call('metadata', version, { ...anyMetadata, topics })
    expect(answer.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: world.broker.port }])
    expect(answer.topics.map((topic) => [topic.name, topic.errorCode])).toEqual([
      ['orders', 0],
      ['none', errorCode.unknownTopicOrPartition],
      ['not/allowed', errorCode.invalidTopic],
    ])
    expect(answer.topics[0]?.partitions).toHaveLength(2)
    if (version >= 2) expect(answer.clusterId).toBe(world.broker.clusterId)
    if (version >= 10) expect(answer.topics[0]?.topicId).toBe(topicId)
  }
  const byId = [
    { name: null, topicId },
    { name: null, topicId: topicId.replace(/^./, 'f') },
  ]
  const named = await world.client.call('metadata', 12, { ...anyMetadata, topics: byId })
  expect(named.topics[0]?.name).toBe('orders')
  const missing = named.topics[1]?.errorCode
  expect(topicId.startsWith('f') ? 0 : errorCode.unknownTopicId).toBe(missing)
})

test('topics are made by asking for them only where that is allowed', async () => {
  await using strict = await brokerWorld()
  const ask = { ...anyMetadata, topics: [{ name: 'new', topicId: zeroId }], autoCreate: true }
  expect((await strict.client.call('metadata', 12, ask)).topics[0]?.errorCode).toBe(3)
  await using world = await brokerWorld({ autoCreateTopics: true, partitionsDefault: 3 })
  const shy = await world.client.call('metadata', 12, { ...ask, autoCreate: false })
  expect(shy.topics[0]?.errorCode).toBe(3)
  expect((await world.client.call('metadata', 12, ask)).topics[0]?.partitions).toHaveLength(3)
})

test('a taken port is refused by name', async () => {
  await using world = await brokerWorld()
  await using folder = await temporaryFolder()
  const { port } = world.broker
  const started = startBroker({ directory: folder.path, port })
  await expect(started).rejects.toMatchObject({
    code: 'BROKER_PORT_TAKEN',
    message: expect.stringContaining(`"127.0.0.1:${port}"`),
    hint: expect.stringContaining('port 0'),
  })
})

test('close ends every connection and gives port and folder free', async () => {
  await using folder = await temporaryFolder()
  const first = await startBroker({ directory: folder.path })
  await using client = await RawClient.open(first.port)
  await Promise.all([first.close(), first.close()])
  await client.closed
  const second = await startBroker({ directory: folder.path, port: first.port })
  expect(second.clusterId).toBe(first.clusterId)
  await second.close()
})

test('every API that lists a version answers in it, without a byte left over', async () => {
  const { refusals } = await import('../../../../src/adapters/embedded/handlers/refusals.ts')
  const { WireReader } = await import('../../../../src/adapters/embedded/wire/reader.ts')
  const { WireWriter } = await import('../../../../src/adapters/embedded/wire/writer.ts')
  let tried = 0
  for (const name of Object.keys(apis) as ApiName[]) {
    const { oldest, newest, flexibleFrom, response } = apis[name]
    for (let version = oldest; version <= newest; version++) {
      const layout = { version, flexible: version >= flexibleFrom }
      const request = { topics: [], groups: [], names: [], keys: [], memberId: 'm' }
      const writer = new WireWriter()
      response.write(writer, refusals[name](request as never, errorCode.none) as never, layout)
      const reader = new WireReader(writer.toBuffer())
      response.read(reader, layout)
      expect(reader.remainingBytes, `${name} ${version}`).toBe(0)
      tried += 1
    }
  }
  expect(tried).toBeGreaterThan(120)
})

function withInt16(request: Buffer, at: number, value: number): Buffer {
  request.writeInt16BE(value, at)
  return request
}

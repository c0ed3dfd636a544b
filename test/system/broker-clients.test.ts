/**
 * Foreign judges of the embedded broker: kafkajs, @platformatic/kafka and kcat (librdkafka) each
 * read, byte for byte, what the others produced, with every codec.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { Consumer, compressionsAlgorithms, Producer } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { commandEndsWell, requireService } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { fetchRequest } from '../unit/adapters/embedded/batches.ts'
import { RawClient } from '../unit/adapters/embedded/raw-client.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

interface PlainRecord {
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: readonly (readonly [string, Buffer])[]
}

type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

interface Client {
  readonly name: string
  produce(topic: string, codec: Codec): Promise<readonly PlainRecord[]>
  /** Hands on `count` records in order of offset. */
  read(topic: string, count: number, onRecord: (record: PlainRecord) => void): Promise<void>
}

const recordCount = 100_000
const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const kcatThere = requireService('kcat', () => commandEndsWell('kcat', ['-V']))
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let broker: EmbeddedBroker

beforeAll(async () => {
  folder = await temporaryFolder()
  broker = await startBroker({ directory: folder.path })
})

afterAll(async () => {
  await broker.close()
  await folder[Symbol.asyncDispose]()
})

const address = (): string => `127.0.0.1:${broker.port}`

/** Any bytes, the same on every run: keys may be missing, headers may be many. */
function* anyRecords(): Generator<PlainRecord> {
  for (let index = 0; index < recordCount; index++) {
    const noise = createHash('sha256').update(String(index)).digest()
    const repeated = (noise[0] ?? 0) % 8
    yield {
      key: index % 10 === 0 ? null : Buffer.concat([noise.subarray(0, 6), Buffer.from(`${index}`)]),
      value: Buffer.concat([Buffer.from(`value ${index} `), ...Array(repeated).fill(noise)]),
      headers: index % 3 === 0 ? [['trace', withoutZeros(noise.subarray(8, 16))] as const] : [],
    }
  }
}

/** kcat prints a header's value up to its first zero byte only. */
function withoutZeros(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => Math.max(byte, 1)))
}

/** Text without line ends, as kcat takes it from its input. */
function* textRecords(records: readonly PlainRecord[]): Generator<PlainRecord> {
  const headers = [['source', Buffer.from('kcat')] as const]
  for (const { key, value } of records) {
    yield {
      key: Buffer.from(`k${key?.toString('hex') ?? ''}`),
      value: Buffer.from(value.toString('base64')),
      headers,
    }
  }
}

function* slices<Entry>(entries: readonly Entry[], size: number): Generator<readonly Entry[]> {
  for (let at = 0; at < entries.length; at += size) yield entries.slice(at, at + size)
}

/** One digest over all bytes of all records in order. */
class Digest {
  readonly #hash = createHash('sha256')
  #pieces: Uint8Array[] = []
  count = 0

  add(record: PlainRecord): void {
    this.count += 1
    this.#bytes(record.key)
    this.#bytes(record.value)
    this.#pieces.push(Buffer.of(record.headers.length))
    for (const [name, value] of record.headers) {
      this.#bytes(Buffer.from(name))
      this.#bytes(value)
    }
    if (this.#pieces.length > 10_000) this.#flush()
  }

  get text(): string {
    this.#flush()
    return `${this.count} ${this.#hash.copy().digest('hex')}`
  }

  #bytes(bytes: Buffer | null): void {
    const sizeBytes = Buffer.alloc(4)
    sizeBytes.writeInt32BE(bytes?.length ?? -1)
    this.#pieces.push(sizeBytes, bytes ?? Buffer.alloc(0))
  }

  /** Many pieces at once: a call per piece would cost more than all clients together. */
  #flush(): void {
    this.#hash.update(Buffer.concat(this.#pieces))
    this.#pieces = []
  }
}

const digestOf = (records: readonly PlainRecord[]): string => {
  const digest = new Digest()
  for (const record of records) digest.add(record)
  return digest.text
}

const binaryRecords = [...anyRecords()]
const textualRecords = [...textRecords(binaryRecords)]
const digests = new Map<readonly PlainRecord[], string>([
  [binaryRecords, digestOf(binaryRecords)],
  [textualRecords, digestOf(textualRecords)],
])

/**
 * The codec of most of the topic's first megabyte as it lies in the broker: no client fell back to
 * none. (librdkafka leaves a batch that compression would not make smaller as it is.)
 */
async function storedCodec(topic: string): Promise<Codec | undefined> {
  await using client = await RawClient.open(broker.port)
  const answer = await client.call('fetch', 11, fetchRequest([{ topic }]))
  const bytes = Buffer.concat(answer.topics[0]?.partitions[0]?.records ?? [])
  const bytesOf = new Map<Codec | undefined, number>()
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = bytes.readInt32BE(at + 8) + 12
    const codec = codecs[bytes.readInt16BE(at + 21) & 7]
    bytesOf.set(codec, (bytesOf.get(codec) ?? 0) + sizeBytes)
    at += sizeBytes
  }
  return [...bytesOf].sort(([, one], [, other]) => other - one)[0]?.[0]
}

/** Codecs that kafkajs takes from outside. */
function teachKafkajs(): void {
  const pairs = [
    [
      CompressionTypes.Snappy,
      compressionsAlgorithms.snappy.compressSync,
      compressionsAlgorithms.snappy.decompressSync,
    ],
    [
      CompressionTypes.LZ4,
      compressionsAlgorithms.lz4.compressSync,
      compressionsAlgorithms.lz4.decompressSync,
    ],
    [CompressionTypes.ZSTD, zstdCompressSync, zstdDecompressSync],
  ] as const
  for (const [type, compress, decompress] of pairs) {
    CompressionCodecs[type] = () => ({
      compress: async (encoder: { buffer: Buffer }) => compress(encoder.buffer),
      decompress: async (buffer: Buffer) => decompress(buffer),
    })
  }
}

const kafkajsClient: Client = {
  name: 'kafkajs',
  async produce(topic, codec) {
    const kafka = new Kafka({ brokers: [address()], logLevel: logLevel.ERROR })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const types = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
    for (const part of slices(binaryRecords, 1000)) {
      const messages = part.map(({ key, value, headers }) => {
        return { key, value, headers: Object.fromEntries(headers) }
      })
      await producer.send({ topic, compression: types[codec], messages })
    }
    await producer.disconnect()
    return binaryRecords
  },
  async read(topic, count, onRecord) {
    const kafka = new Kafka({ brokers: [address()], logLevel: logLevel.ERROR })
    const consumer = kafka.consumer({ groupId: `kafkajs-${topic}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const { promise, resolve } = Promise.withResolvers<void>()
    let seen = 0
    await consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { key, value, headers } of batch.messages) {
          const named = Object.entries(headers ?? {})
          onRecord({
            key,
            value: value ?? Buffer.alloc(0),
            headers: named.map(([name, bytes]) => [name, Buffer.from(bytes as Buffer)] as const),
          })
          seen += 1
        }
        if (seen >= count) resolve()
      },
    })
    await promise
    await consumer.disconnect()
  },
}

const platformaticClient: Client = {
  name: '@platformatic/kafka',
  async produce(topic, codec) {
    const bootstrapBrokers = [address()]
    const producer = new Producer({ clientId: 'p', bootstrapBrokers, idempotent: true })
    for (const part of slices(binaryRecords, 1000)) {
      const messages = part.map(({ key, value, headers }) => ({
        topic,
        value,
        ...(key === null ? {} : { key }),
        headers: new Map(headers.map(([name, bytes]) => [Buffer.from(name), bytes])),
      }))
      await producer.send({ messages, acks: -1, compression: codec })
    }
    await producer.close()
    return binaryRecords
  },
  async read(topic, count, onRecord) {
    const consumer = new Consumer({
      clientId: 'p',
      bootstrapBrokers: [address()],
      groupId: `platformatic-${topic}`,
      groupProtocol: topic.endsWith('zstd') ? 'consumer' : 'classic',
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
    let seen = 0
    for await (const { key, value, headers } of stream) {
      const named = [...headers].map(([name, bytes]) => [name.toString(), bytes] as const)
      onRecord({ key: key ?? null, value, headers: named })
      seen += 1
      if (seen === count) break
    }
    await stream.close()
    await consumer.close(true)
  },
}

const kcatClient: Client = {
  name: 'kcat',
  async produce(topic, codec) {
    const args = ['-P', '-b', address(), '-t', topic, '-z', codec, '-K', ':', '-H', 'source=kcat']
    const child = spawn('kcat', [...args, '-X', 'enable.idempotence=true'])
    const ended = once(child, 'exit')
    for (const part of slices(textualRecords, 1000)) {
      const lines = part.map(({ key, value }) => `${key?.toString() ?? ''}:${value.toString()}\n`)
      if (!child.stdin.write(lines.join(''))) await once(child.stdin, 'drain')
    }
    child.stdin.end()
    expect(await ended).toEqual([0, null])
    return textualRecords
  },
  async read(topic, _count, onRecord) {
    // Lengths stand before bytes, so that the output can be cut whatever the bytes are.
    const args = ['-C', '-b', address(), '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q']
    const child = spawn('kcat', [...args, '-f', '%K;%k%S;%s%h\n', '-X', 'check.crcs=true'])
    const ended = once(child, 'exit')
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer)
    expect(await ended).toEqual([0, null])
    for (const record of cutKcatOutput(Buffer.concat(chunks))) onRecord(record)
  },
}

function* cutKcatOutput(output: Buffer): Generator<PlainRecord> {
  let at = 0
  const bytes = (): Buffer | null => {
    const semicolon = output.indexOf(';', at)
    if (semicolon < at) throw new Error(`no length at byte ${at} of ${output.length}`)
    const sizeBytes = Number(output.toString('latin1', at, semicolon))
    at = semicolon + 1 + Math.max(0, sizeBytes)
    return sizeBytes < 0 ? null : output.subarray(semicolon + 1, at)
  }
  while (at < output.length) {
    const key = bytes()
    const value = bytes() ?? Buffer.alloc(0)
    const headers: (readonly [string, Buffer])[] = []
    if (output[at] !== 10) {
      // Header values are any bytes, also line ends: their length is known, kcat does not print it.
      const equals = output.indexOf('=', at)
      const sizeBytes = output.toString('latin1', at, equals) === 'trace' ? 8 : 4
      const name = output.toString('latin1', at, equals)
      headers.push([name, output.subarray(equals + 1, equals + 1 + sizeBytes)])
      at = equals + 1 + sizeBytes
    }
    at += 1
    yield { key, value, headers }
  }
}

const clients = kcatThere
  ? [kafkajsClient, platformaticClient, kcatClient]
  : [kafkajsClient, platformaticClient]
const cases = clients.flatMap((producer) => codecs.map((codec) => ({ producer, codec })))

describe('foreign clients', () => {
  teachKafkajs()

  test.each(cases)('$producer.name produces with codec $codec what all others read', async (at) => {
    const { producer, codec } = at
    const topic = `${producer.name.replace(/\W/g, '')}-${codec}`
    broker.createTopic(topic, 1)
    const expected = digests.get(await producer.produce(topic, codec))
    expect(broker.highWatermark(topic, 0)).toBe(BigInt(recordCount))
    expect(await storedCodec(topic)).toBe(codec)
    const readers = clients.filter((client) => client !== producer)
    expect(readers.length).toBeGreaterThan(0)
    for (const reader of readers) {
      const found = new Digest()
      await reader.read(topic, recordCount, (record) => found.add(record))
      expect(found.text, `read by ${reader.name}`).toBe(expected)
    }
  })
})

/**
 * The naive way in Node.js: kafkajs eachBatch → protobufjs → parquetjs-lite, with snappy (it has
 * no zstd).
 *
 * usage: naive.ts BROKER TOPIC ROWS FOLDER
 * prints: {"rows", "cpuSeconds", "peakRssBytes", "outputBytes"}
 * At its best settings: one decode per event without `toObject`, row groups of 8,192 rows,
 * eachBatch with auto-commit off, one file. CPU time counts from the first fetch on, in its favour.
 */
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import protobuf from 'protobufjs'

const [broker = '', topic = '', rowsText = '0', folder = '.'] = process.argv.slice(2)
const rowsMax = Number(rowsText)
const require = createRequire(import.meta.url)

interface ParquetWriter {
  appendRow(row: Record<string, unknown>): Promise<void>
  setRowGroupSize(rows: number): void
  close(): Promise<void>
}
const parquet = require('parquetjs-lite') as {
  ParquetSchema: new (schema: unknown) => unknown
  ParquetWriter: { openFile(schema: unknown, path: string): Promise<ParquetWriter> }
}

const compression = 'SNAPPY'
const text = { type: 'UTF8', compression }
const int32 = { type: 'INT32', compression }
const int64 = { type: 'INT64', compression }
const double = { type: 'DOUBLE', compression }
const bool = { type: 'BOOLEAN', compression }
const optional = <T extends object>(type: T) => ({ ...type, optional: true })
const schema = new parquet.ParquetSchema({
  event_id: text,
  event_time: int64,
  user_id: int64,
  device: text,
  app_version: text,
  ip: text,
  url: text,
  session_sequence: int32,
  screen_width: int32,
  screen_height: int32,
  latitude: double,
  longitude: double,
  is_foreground: bool,
  is_premium: bool,
  platform: text,
  os_version: text,
  locale: text,
  country: text,
  event_name: text,
  battery: optional(int32),
  latency_ms: double,
  session_id: int64,
  tags: { ...text, repeated: true },
  page: { optional: true, fields: { id: text, name: text, duration: double } },
  items: { repeated: true, fields: { sku: text, quantity: int32, price: double } },
  ext: { repeated: true, fields: { key: text, value: text } },
  referrer: optional(text),
})

const source = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const appEvent = protobuf
  .parse(source('../datasets/app-event.proto'), { keepCase: true })
  .root.lookupType('bench.AppEvent')
const rawEvent = protobuf
  .parse(source('../../proto/raw_event.proto'))
  .root.lookupType('lakeward.v1.RawEvent')
const platforms = ['UNKNOWN', 'IOS', 'ANDROID', 'WEB']

type Decoded = Record<string, unknown> & { ext: Record<string, string>; platform: number }

/** Changes the decoded event in place: absent fields have their defaults on its prototype. */
function rowOf(value: Buffer): Record<string, unknown> {
  const { payload } = rawEvent.decode(value) as unknown as { payload: Uint8Array }
  const event = appEvent.decode(payload) as unknown as Decoded
  const { ext, platform } = event
  const row: Record<string, unknown> = event
  for (const field of ['event_time', 'user_id', 'session_id']) row[field] = Number(row[field])
  row['platform'] = platforms[platform]
  row['ext'] = Object.entries(ext).map(([key, entry]) => ({ key, value: entry }))
  return row
}

// kafkajs leaves zstd to whoever wants it; node:zlib has it.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: async (encoder: { buffer: Buffer }) => zstdCompressSync(encoder.buffer),
  decompress: async (buffer: Buffer) => zstdDecompressSync(buffer),
})
const kafka = new kafkajs.Kafka({
  clientId: 'naive',
  brokers: [broker],
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { retries: 0 },
})
const consumer = kafka.consumer({ groupId: `naive-${process.pid}`, maxBytesPerPartition: 4 << 20 })
const path = join(folder, `naive-${process.pid}.parquet`)
const writer = await parquet.ParquetWriter.openFile(schema, path)
writer.setRowGroupSize(8_192)
let rows = 0
let peakRssBytes = 0
const { promise: done, resolve: finish } = Promise.withResolvers<void>()
consumer.on(consumer.events.CRASH, ({ payload }) => {
  console.error(payload.error)
  process.exit(1)
})
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
const begun = process.cpuUsage()
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch }) => {
    for (const { value } of batch.messages) {
      if (rows === rowsMax || value === null) break
      await writer.appendRow(rowOf(value))
      rows += 1
    }
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())
    if (rows === rowsMax) finish()
  },
})
await done
await writer.close()
const { user, system } = process.cpuUsage(begun)
const outputBytes = statSync(path).size
console.log(JSON.stringify({ rows, cpuSeconds: (user + system) / 1e6, peakRssBytes, outputBytes }))
process.exit(0)

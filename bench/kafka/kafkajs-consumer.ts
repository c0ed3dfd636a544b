/**
 * kafkajs as fast as it goes without touching a record: `eachBatch` that counts.
 *
 * usage: kafkajs-consumer.ts PORT TOPIC TOPIC_RECORDS WARM RECORDS
 * prints: {"records", "cpuSeconds", "peakRssBytes"}
 * Reads WARM records, then RECORDS more, from the beginning again whenever a partition ends.
 * It has neither zstd nor lz4: node's zstd, and our decoder of lz4 frames.
 */
import { zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { inflateLz4 } from '../../src/codec/compression/lz4-frame.ts'
import { partitionCount } from './topics.ts'

const [port, topic = '', topicRecords, warm, records] = process.argv.slice(2)
const [warmCount, wantedCount] = [Number(warm), Number(records)]
const lastOffset = `${Number(topicRecords) / partitionCount - 1}`
const inflatedMax = 64 * 1_024 * 1_024
const only = (decompress: (bytes: Buffer) => Buffer) => () => ({
  compress: async () => {
    throw new Error('nothing is produced here')
  },
  decompress: async (bytes: Buffer) => decompress(bytes),
})
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = only((bytes) =>
  zstdDecompressSync(bytes),
)
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = only((bytes) => {
  const outcome = inflateLz4(bytes, inflatedMax)
  if (outcome.kind !== 'inflated') throw new Error(`lz4: ${outcome.kind}`)
  return Buffer.from(outcome.bytes)
})
const kafka = new kafkajs.Kafka({
  clientId: 'bench',
  brokers: [`127.0.0.1:${port}`],
  logLevel: kafkajs.logLevel.NOTHING,
})
const mib = 1_024 * 1_024
const consumer = kafka.consumer({
  groupId: `bench-${process.pid}-${Date.now()}`,
  maxBytes: 16 * mib,
  maxBytesPerPartition: 4 * mib,
  // At an end a fetch is under way already, and what is asked for after it waits behind it.
  maxWaitTimeInMs: 100,
})
let count = 0
let begun: NodeJS.CpuUsage | undefined
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: true,
  eachBatch: async ({ batch }) => {
    count += batch.messages.length
    if (count >= warmCount) begun ??= process.cpuUsage()
    if (batch.lastOffset() === lastOffset) {
      consumer.seek({ topic, partition: batch.partition, offset: '0' })
    }
    if (count < warmCount + wantedCount) return
    const { user, system } = process.cpuUsage(begun)
    const cpuSeconds = (user + system) / 1e6
    const peakRssBytes = process.resourceUsage().maxRSS * 1_024
    console.log(JSON.stringify({ records: count - warmCount, cpuSeconds, peakRssBytes }))
    process.exit(0)
  },
})

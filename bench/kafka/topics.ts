/**
 * Topics of records of one size, one topic for each codec, made once and kept with the broker.
 *
 * Values are app events, so that codecs have something to do, cut or filled to the size.
 */
import { Kafka, logLevel } from 'kafkajs'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { AppEvents } from '../datasets/app-event.ts'

export const codecs = ['none', 'zstd', 'lz4'] as const
export type Codec = (typeof codecs)[number]
export const valueBytes = 330
export const partitionCount = 4
export const recordsPerBatch = 400
export const seed = 20_261_122

export const topicOf = (codec: Codec, records: number): string => `consume.${codec}.${records}`

/** Makes the topics that are not whole. @param port of the broker, on loopback. */
export async function makeTopics(port: number, records: number): Promise<void> {
  const brokers = [`127.0.0.1:${port}`]
  const admin = new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const lacking: Codec[] = []
    for (const codec of codecs) {
      const topic = topicOf(codec, records)
      const known = (await admin.listTopics()).includes(topic)
      if (known && (await countOf(admin, topic)) === records) continue
      if (known) throw new Error(`${topic} is not whole; remove bench/data/brokers`)
      const wanted = { topic, numPartitions: partitionCount, replicationFactor: 1 }
      await admin.createTopics({ topics: [wanted], waitForLeaders: true })
      lacking.push(codec)
    }
    if (lacking.length > 0) await produce(brokers, lacking, records)
  } finally {
    await admin.disconnect()
  }
}

type Admin = ReturnType<Kafka['admin']>

async function countOf(admin: Admin, topic: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic)
  return ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
}

/** The same records to the topic of each codec. */
async function produce(brokers: string[], into: readonly Codec[], count: number): Promise<void> {
  console.log(`making ${count} records in ${into.join(', ')}, once …`)
  const events = new AppEvents(seed)
  const producers = into.map((compression) => {
    const producer = new RecordProducer({ brokers, clientId: 'bench', compression })
    return { topic: topicOf(compression, count), producer }
  })
  for (let first = 0, batch = 0; first < count; first += recordsPerBatch, batch++) {
    const partition = batch % partitionCount
    const records = Array.from({ length: Math.min(recordsPerBatch, count - first) }, () => {
      const { eventTimeMs, value } = events.next()
      const sized = new Uint8Array(valueBytes)
      sized.set(value.subarray(0, valueBytes))
      return { partition, key: undefined, value: sized, timestampMs: eventTimeMs }
    })
    await Promise.all(
      producers.map(({ topic, producer }) =>
        producer.send(records.map((record) => ({ topic, ...record }))),
      ),
    )
  }
  for (const { producer } of producers) await producer.close()
}

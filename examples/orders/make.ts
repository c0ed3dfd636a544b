/** Orders in a shop, as events of a topic that is made where it lacks. */
import { readFileSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'
import protobuf from 'protobufjs'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const partitionCount = 4
/** A batch of a topic-partition. */
const recordsPerBatch = 4_000
const hourMs = 3_600_000

export interface OrdersPlace {
  /** "127.0.0.1:9092", with commas between. */
  readonly brokers: string
  readonly topic: string
  /** Of the configuration: what the envelopes name. */
  readonly stream: string
  readonly events: number
  /** Event times of the first are so long ago; those of the last are of now. */
  readonly hoursBack: number
}

/** Order n has the id `o<n>`. @throws {Error} no broker answers. */
export async function makeOrders(place: OrdersPlace): Promise<void> {
  const { topic, stream, events, hoursBack } = place
  const brokers = place.brokers.split(',')
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }] })
  await admin.disconnect()
  const order = protobuf.parse(text('../etl-module/order.proto')).root.lookupType('shop.Order')
  const rawEvent = protobuf
    .parse(text('../../proto/raw_event.proto'))
    .root.lookupType('lakeward.v1.RawEvent')
  const producer = new RecordProducer({ brokers, clientId: topic, compression: 'zstd' })
  const startMs = Date.now() - hoursBack * hourMs
  const perSend = recordsPerBatch * partitionCount
  for (let first = 0; first < events; first += perSend) {
    const count = Math.min(perSend, events - first)
    const records = Array.from({ length: count }, (_, index) => {
      const n = first + index
      const eventTimeMs = startMs + Math.floor((n / events) * hoursBack * hourMs)
      const lines = [`sku-${n % 9_973} x ${1 + (n % 3)}`]
      const payload = order
        .encode({ id: `o${n}`, country: 'DE', cents: n % 10_007, lines })
        .finish()
      const value = rawEvent.encode({ stream, eventTimeMs, payload }).finish()
      const partition = n % partitionCount
      return { topic, partition, key: undefined, value, timestampMs: eventTimeMs }
    })
    await producer.send(records)
    console.log(`${topic}: ${first + count} of ${events} events are made`)
  }
  await producer.close()
}

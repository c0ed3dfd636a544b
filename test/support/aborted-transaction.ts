import { Kafka, logLevel } from 'kafkajs'
import type { TopicPartition } from '../../src/model/topic-partition.ts'

/** A transaction of another client, taken back. @param address of a broker, "host:port". */
export async function abortTransaction(
  address: string,
  { topic, partition }: TopicPartition,
  values: readonly string[],
): Promise<void> {
  const kafka = new Kafka({ brokers: [address], clientId: 'aborter', logLevel: logLevel.NOTHING })
  const transactionalId = `aborter-${topic}-${partition}`
  const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const transaction = await producer.transaction()
  const messages = values.map((value) => ({ value, partition }))
  await transaction.send({ topic, messages })
  await transaction.abort()
  await producer.disconnect()
}

/** A consumer that is not ours, as one that lakeward takes over from. */
import type { Kafka } from 'kafkajs'

interface Committed {
  readonly topic: string
  /** By partition. */
  readonly next: ReadonlyMap<number, bigint>
}

/**
 * Joins a group, commits these offsets, and stays a member until `stop`; or leaves at once.
 *
 * @param kafka a client of the broker.
 */
export async function commitAsConsumer(
  kafka: Kafka,
  group: string,
  committed: Committed,
  end: 'leaves' | 'stays',
): Promise<{ readonly stop: () => Promise<void> }> {
  const { topic, next } = committed
  const consumer = kafka.consumer({ groupId: group })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  // Not as soon as it has joined: one that is to stop before its first fetch never leaves.
  const fetched = new Promise<void>((resolve) => {
    consumer.on('consumer.fetch', () => resolve())
  })
  await consumer.run({ autoCommit: false, eachBatch: async () => {} })
  await fetched
  const offsets = [...next].map(([partition, at]) => ({ topic, partition, offset: `${at}` }))
  await consumer.commitOffsets(offsets)
  const stop = (): Promise<void> => consumer.disconnect()
  if (end === 'leaves') await stop()
  return { stop: end === 'leaves' ? async () => {} : stop }
}

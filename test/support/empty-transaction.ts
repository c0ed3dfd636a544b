/**
 * A transaction without records: partitions are added to it, nothing is sent to them, and it ends.
 * Brokers write its marker into each partition all the same.
 *
 * Libraries have no call for that: theirs add a partition with the first records for it. It is what
 * a producer leaves that dies, or whose records are refused, between the two requests.
 *
 * Source: KIP-98, "Transactional Producer"; KIP-890: clients that speak AddPartitionsToTxn below
 * version 4 go on as before.
 */
import type { TopicPartition } from '../../src/model/topic-partition.ts'
import { eventually } from './eventually.ts'
import { KafkajsClient } from './kafkajs/kafkajs-client.ts'

export type TransactionEnd = 'commit' | 'abort'

const boundMs = 30_000

/**
 * Ends when the broker has decided; the marker may follow its answer.
 *
 * @param address of a broker, "host:port".
 */
export async function appendEmptyTransaction(
  address: string,
  { topic, partition }: TopicPartition,
  end: TransactionEnd,
): Promise<void> {
  const client = new KafkajsClient([address], 'empty-transaction')
  const transactionalId = `empty-${topic}-${partition}`
  // The log of transactions is made for the first of them, loaded, and busy after each: all of it
  // is told by errors that pass. Each request may be sent again.
  const passing = <T>(what: string, act: () => Promise<T>): Promise<T> =>
    eventually(`${what} of ${transactionalId}`, boundMs, act)
  try {
    const broker = await passing('coordinator', () =>
      client.transactionCoordinator(transactionalId),
    )
    const { producerId, producerEpoch } = await passing('producer id', () =>
      broker.initProducerId({ transactionalId, transactionTimeout: boundMs }),
    )
    const claim = { transactionalId, producerId, producerEpoch }
    const topics = [{ topic, partitions: [partition] }]
    await passing('partition', () => broker.addPartitionsToTxn({ ...claim, topics }))
    await passing('end', () => broker.endTxn({ ...claim, transactionResult: end === 'commit' }))
  } finally {
    client.close()
  }
}

/** The numbers that were produced, and what of them is on a lake. */
import { RecordProducer } from '../../../src/adapters/kafka/record-producer.ts'
import { eventually } from '../../support/eventually.ts'
import { numberRecord } from '../../support/numbers.ts'

const boundMs = 90_000

export interface NumbersToSend {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitionCount: number
  readonly first: number
  readonly count: number
}

/** Number n goes to partition n mod `partitionCount`, in a batch for each. */
export async function sendNumbers(wanted: NumbersToSend): Promise<void> {
  const { brokers, topic, partitionCount, first, count } = wanted
  const producer = new RecordProducer({ brokers, clientId: 'ledger', compression: 'none' })
  const timestampMs = Date.now()
  const records = Array.from({ length: count }, (_, index) => {
    const n = first + index
    const value = numberRecord('numbers', n, timestampMs)
    return { topic, partition: n % partitionCount, key: undefined, value, timestampMs }
  })
  await producer.send(records)
  await producer.close()
}

/** Waits until exactly these are found, each once. @param look what is there, in order. */
export async function untilFound(
  numbers: readonly number[],
  look: () => Promise<readonly number[]>,
): Promise<void> {
  const found = await eventually(`${numbers.length} numbers in the lake`, boundMs, async () => {
    const rows = await look()
    return rows.length >= numbers.length ? rows : undefined
  })
  if (JSON.stringify(found) !== JSON.stringify(numbers)) {
    throw new Error(`the lake holds ${found.join(' ')}, the ledger ${numbers.join(' ')}`)
  }
}

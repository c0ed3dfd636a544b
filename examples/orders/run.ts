/**
 * Makes orders for the examples that read them, from some hours ago until now:
 *
 *     node examples/orders/run.ts --brokers 127.0.0.1:9092 --topics orders,refunds --events 20000
 *
 * Each topic is made where it lacks, and gets as many events, for the stream of its name.
 */
import { parseArgs } from 'node:util'
import { makeOrders } from './make.ts'

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    topics: { type: 'string', default: 'orders' },
    events: { type: 'string', default: '20000' },
    hours: { type: 'string', default: '4' },
  },
})

/** @returns a whole number from 1 on; otherwise it is refused. */
function counted(flag: 'events' | 'hours'): number {
  const count = Number(values[flag])
  if (Number.isSafeInteger(count) && count >= 1) return count
  console.error(`--${flag} is "${values[flag]}", accepted is a whole number from 1 on`)
  process.exit(2)
}

// kafkajs hands timers negative times: Node warns, and takes 1 ms.
process.removeAllListeners('warning')
const events = counted('events')
const hoursBack = counted('hours')
for (const topic of values.topics.split(',')) {
  await makeOrders({ brokers: values.brokers, topic, stream: topic, events, hoursBack })
}

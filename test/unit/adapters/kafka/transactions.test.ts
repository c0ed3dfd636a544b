/** Transactions that are given up while brokers are asked again. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { Transactions } from '../../../../src/adapters/kafka/transactions.ts'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'
import type { DurationMs } from '../../../../src/base/time.ts'
import { KafkaWorld } from '../../../support/kafka-world.ts'
import { SourceRun, until } from '../../../support/source-run.ts'

const topic = 'lake.ready'
const recordOf = (text: string) => ({
  topic,
  key: Buffer.from('growth/app_events'),
  value: Buffer.from(text),
  headers: new Map<Buffer, Buffer>(),
})

/** Whoever waits by it gives up before the wait is over. */
class GivingUp extends SystemClock {
  readonly giving = new AbortController()

  override sleep(span: DurationMs): Promise<void> {
    this.giving.abort()
    return super.sleep(span)
  }
}

let world: KafkaWorld
const runs = new SourceRun()
const open: Transactions[] = []
beforeEach(async () => {
  world = await KafkaWorld.open()
  world.broker.createTopic(topic, 1)
})
afterEach(async () => {
  for (const transactions of open.splice(0)) transactions.close()
  await runs.close()
  await world.close()
})

function transactionsBy(clock: SystemClock): Transactions {
  const brokers = [`127.0.0.1:${world.broker.port}`]
  const made = new Transactions({ brokers, clientId: 'test' }, clock)
  open.push(made)
  return made
}

test.each([
  ['initProducerId', errorCode.concurrentTransactions],
  ['produce', errorCode.unknownTopicOrPartition],
  ['endTxn', errorCode.concurrentTransactions],
] as const)('what was given up is not committed when %s is answered at last', async (api, code) => {
  const clock = new GivingUp()
  const { signal } = clock.giving
  world.broker.faults.fail(api, code)
  const sent = transactionsBy(clock).send('tx', recordOf('given up'), signal)
  await expect(sent).rejects.toThrow('aborted')
  expect(signal.aborted).toBe(true)
  const next = transactionsBy(new SystemClock())
  await next.send('tx', recordOf('sent again'), new AbortController().signal)
  const reader = await runs.read(world.broker.port, [topic])
  await until('a committed record', () => reader.count > 0)
  expect(reader.of(`${topic}/0`)).toEqual(['sent again'])
})

/** Another group whose state is not told: its members may still be at work. */
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import type { Fault } from '../../../../src/base/fault.ts'
import { KafkaWorld } from '../../../support/kafka-world.ts'
import { commitAsConsumer } from '../../../support/plain-consumer.ts'

test('a group is not taken over while its coordinator does not tell its state', async () => {
  const world = await KafkaWorld.open()
  const { broker } = world
  const brokers = [`${broker.host}:${broker.port}`]
  const kafka = new Kafka({ brokers, clientId: 'plain', logLevel: logLevel.NOTHING })
  broker.createTopic('t', 1)
  const committed = { topic: 't', next: new Map([[0, 0n]]) }
  const consumer = await commitAsConsumer(kafka, 'old', committed, 'stays')
  const source = world.source(['t'], { group: 'g' })
  const asked = (): Promise<Partial<Fault>> =>
    source.groupOffsets('old').then(
      () => ({ message: 'its offsets were taken' }),
      (error: Fault) => error,
    )
  try {
    for (const code of [errorCode.unknownServerError, errorCode.invalidGroupId]) {
      broker.faults.fail('describeGroups', code)
      const reason = expect.stringContaining(String(code))
      expect(await asked()).toMatchObject({ code: 'KAFKA_GROUP_REFUSED', facts: { reason } })
    }
    expect(await asked()).toMatchObject({ code: 'KAFKA_START_GROUP_BUSY' })
    await consumer.stop()
    broker.faults.fail('consumerGroupDescribe', errorCode.unknownServerError)
    expect(await asked()).toMatchObject({ code: 'KAFKA_GROUP_REFUSED' })
    expect(await source.groupOffsets('old')).toHaveProperty('size', 1)
  } finally {
    await source.close()
    await world.close()
  }
})

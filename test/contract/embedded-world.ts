import { Kafka, logLevel } from 'kafkajs'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { KafkaWorld, refreshMs } from '../support/kafka-world.ts'
import { commitAsConsumer } from '../support/plain-consumer.ts'
import type { MovingWorld } from './moving-topics.ts'
import type { SourceWorld } from './source.ts'

type GroupProtocol = KafkaSourceOptions['groupProtocol'] & string

/** The embedded broker as the source contract has it, read by the adapter that ships. */
export const embeddedWorld = (
  world: KafkaWorld,
  groupProtocol: GroupProtocol = 'classic',
): SourceWorld => ({
  source: (topics, group, look) =>
    world.source(topics, { group, groupProtocol, metadataRefreshMs: refreshMs[look] }),
  createTopic: (topic, partitionCount) => void world.broker.createTopic(topic, partitionCount),
  deleteTopic: (topic) => void world.broker.deleteTopic(topic),
  recreateTopic: (topic, partitionCount) => {
    world.broker.deleteTopic(topic)
    world.broker.createTopic(topic, partitionCount)
  },
  append: (at, batch) => world.append(at, batch),
  appendAborted: (at, values) => world.appendAborted(at, values),
  appendEmpty: (at, end) => world.appendEmpty(at, end),
  close: () => world.close(),
})

/** A broker of its own, and a plain consumer beside the adapter. */
export async function embeddedMovingWorld(
  groupProtocol: GroupProtocol = 'classic',
): Promise<MovingWorld> {
  const world = await KafkaWorld.open()
  const brokers = [`${world.broker.host}:${world.broker.port}`]
  const kafka = new Kafka({ brokers, clientId: 'plain', logLevel: logLevel.NOTHING })
  return {
    ...embeddedWorld(world, groupProtocol),
    commitAs: (group, offsets, end) => commitAsConsumer(kafka, group, offsets, end),
  }
}

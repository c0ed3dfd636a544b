import { Kafka, logLevel } from 'kafkajs'
import { KafkaWorld, refreshMs } from '../support/kafka-world.ts'
import { commitAsConsumer } from '../support/plain-consumer.ts'
import { movingTopicsContract } from './moving-topics.ts'

movingTopicsContract('moving topics on the embedded broker', async () => {
  const world = await KafkaWorld.open()
  const { broker } = world
  const brokers = [`${broker.host}:${broker.port}`]
  const kafka = new Kafka({ brokers, clientId: 'plain', logLevel: logLevel.NOTHING })
  return {
    source: (topics, group, look) =>
      world.source(topics, { group, metadataRefreshMs: refreshMs[look] }),
    createTopic: (topic, partitionCount) => void broker.createTopic(topic, partitionCount),
    deleteTopic: (topic) => void broker.deleteTopic(topic),
    recreateTopic: (topic) => void broker.deleteTopic(topic),
    append: (at, batch) => world.append(at, batch),
    appendAborted: (at, values) => world.appendAborted(at, values),
    commitAs: (group, offsets, end) => commitAsConsumer(kafka, group, offsets, end),
    close: () => world.close(),
  }
})

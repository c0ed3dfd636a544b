import { KafkaWorld, refreshMs } from '../support/kafka-world.ts'
import { sourceContract } from './source.ts'

sourceContract('kafka adapter on the embedded broker', async () => {
  const world = await KafkaWorld.open()
  return {
    source: (topics, group, look) =>
      world.source(topics, { group, metadataRefreshMs: refreshMs[look] }),
    createTopic: (topic, partitionCount) => void world.broker.createTopic(topic, partitionCount),
    deleteTopic: (topic) => void world.broker.deleteTopic(topic),
    recreateTopic: (topic, partitionCount) => {
      world.broker.deleteTopic(topic)
      world.broker.createTopic(topic, partitionCount)
    },
    append: (at, batch) => world.append(at, batch),
    appendAborted: (at, values) => world.appendAborted(at, values),
    close: () => world.close(),
  }
})

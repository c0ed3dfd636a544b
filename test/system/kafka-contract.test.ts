/** The source contract on real brokers, one after the other. */
import { afterAll, beforeAll, describe } from 'vitest'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { type MovingWorld, movingTopicsContract } from '../contract/moving-topics.ts'
import { sourceContract } from '../contract/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { abortTransaction } from '../support/aborted-transaction.ts'
import { appendEmptyTransaction } from '../support/empty-transaction.ts'
import { refreshMs, sourceOptions } from '../support/kafka-world.ts'
import { openKafkajsSource } from '../support/kafkajs/kafkajs-library.ts'
import { commitAsConsumer } from '../support/plain-consumer.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'

for (const name of ['kafka-4', 'kafka-3'] as const) {
  describe.skipIf(!hasKafka(name))(name, () => {
    let kafka: RealKafka | undefined
    let worlds = 0
    beforeAll(async () => {
      kafka = await RealKafka.start(name)
    })
    afterAll(() => kafka?.close())

    const open = async (openSource: typeof openKafkaSource) => {
      if (kafka === undefined) throw new Error(`${name} was not started`)
      const broker = kafka
      // Groups outlive a test; topics do not.
      const suffix = `-${++worlds}`
      const world: MovingWorld = {
        source: (topics, group, look) => {
          const more = { group: group + suffix, metadataRefreshMs: refreshMs[look] }
          const options = sourceOptions(broker, topics, more)
          return openSource(options, new SystemClock(), new SimTelemetry())
        },
        createTopic: (topic, partitionCount) => broker.createTopic(topic, partitionCount),
        deleteTopic: (topic) => broker.deleteTopic(topic),
        recreateTopic: (topic, partitionCount) => broker.recreateTopic(topic, partitionCount),
        append: (at, batch) => broker.append(at, batch),
        appendAborted: (at, values) => abortTransaction(broker.address, at, values),
        appendEmpty: (at, end) => appendEmptyTransaction(broker.address, at, end),
        commitAs: (group, offsets, end) => commitAsConsumer(broker.client(), group, offsets, end),
        close: () => broker.deleteAllTopics(),
      }
      return world
    }
    sourceContract(`kafka adapter on ${name}`, () => open(openKafkaSource))
    sourceContract(`kafkajs on ${name}`, () => open(openKafkajsSource))
    movingTopicsContract(`moving topics on ${name}`, () => open(openKafkaSource))
  })
}

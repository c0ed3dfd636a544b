import type { SimKafka } from '../sim/source.ts'
import type { SourceWorld } from './source.ts'

/** The simulated brokers as the source contract has them. */
export const simWorld = (kafka: SimKafka): SourceWorld => ({
  source: (topics, group) => kafka.source(topics, group),
  createTopic: (topic, partitionCount) => void kafka.createTopic(topic, partitionCount),
  deleteTopic: (topic) => kafka.deleteTopic(topic),
  recreateTopic: (topic, partitionCount) => void kafka.createTopic(topic, partitionCount),
  append: async (at, batch) => void kafka.append(at, batch),
  appendAborted: async (at, values) =>
    kafka.appendAborted(at, { records: values.map((value) => ({ value })) }),
  appendEmpty: async (at, end) => kafka.appendEmpty(at, end),
  close: async () => {},
})

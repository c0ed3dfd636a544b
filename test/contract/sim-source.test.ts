import { SimKafka } from '../sim/source.ts'
import { sourceContract } from './source.ts'

sourceContract('simulated', async () => {
  const kafka = new SimKafka()
  return {
    source: (topics, group) => kafka.source(topics, group),
    createTopic: (topic, partitionCount) => void kafka.createTopic(topic, partitionCount),
    deleteTopic: (topic) => kafka.deleteTopic(topic),
    recreateTopic: (topic, partitionCount) => void kafka.createTopic(topic, partitionCount),
    append: async (at, batch) => void kafka.append(at, batch),
    appendAborted: async (at, values) =>
      kafka.appendAborted(at, { records: values.map((value) => ({ value })) }),
    close: async () => {},
  }
})

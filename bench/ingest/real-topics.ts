/**
 * Topics of app events on a real broker, made once and kept with the broker's data in `bench/data`.
 *
 * A topic is whole when its partitions' ends add up to its rows; one that is not is made anew.
 */
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { partitionCount, produceEvents } from './topic.ts'

/** A topic, and how its records were batched. */
export interface RealTopic {
  readonly name: string
  readonly rows: number
  readonly recordsPerBatch: number
}

/** A batch of 4,000 events is near the broker's limit of 1 MiB. */
const batchBytesMax = 8_388_608
const settleMs = 100
const settleTriesMax = 300

export const realTopic = (rows: number, recordsPerBatch: number): RealTopic => ({
  name: `app.events.${recordsPerBatch}.${rows}`,
  rows,
  recordsPerBatch,
})

/** Makes what is not there. @param port of the broker, on loopback. */
export async function makeRealTopics(port: number, topics: readonly RealTopic[]): Promise<void> {
  const brokers = [`127.0.0.1:${port}`]
  const admin = new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    for (const topic of topics) await makeTopic(admin, port, topic)
  } finally {
    await admin.disconnect()
  }
}

async function makeTopic(admin: Admin, port: number, wanted: RealTopic): Promise<void> {
  const { name, rows, recordsPerBatch } = wanted
  const isThere = async (): Promise<boolean> => (await admin.listTopics()).includes(name)
  if (await isThere()) {
    if ((await rowsOf(admin, name)) === rows) return
    await admin.deleteTopics({ topics: [name] })
    await settled(`${name} is deleted`, async () => !(await isThere()))
  }
  console.log(`making the topic ${name}, once …`)
  const configEntries = [{ name: 'max.message.bytes', value: `${batchBytesMax}` }]
  const topic = { topic: name, numPartitions: partitionCount, replicationFactor: 1, configEntries }
  await admin.createTopics({ topics: [topic], waitForLeaders: false })
  await settled(`${name} has leaders`, async () => (await rowsOf(admin, name)) === 0)
  await produceEvents({ port, topic: name, rows, recordsPerBatch })
  const made = await rowsOf(admin, name)
  if (made !== rows) throw new Error(`${name} has ${made} records, ${rows} were sent`)
}

async function rowsOf(admin: Admin, name: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(name)
  return ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
}

/** The broker answers before it has done it. */
async function settled(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < settleTriesMax; tries++) {
    if (await look().catch(() => false)) return
    await new Promise((go) => setTimeout(go, settleMs))
  }
  throw new Error(`not within ${settleMs * settleTriesMax} ms: ${what}`)
}

/**
 * One topic with the events of many streams, each in two hours, kept in `bench/data`.
 *
 *     node bench/streams/topic.ts STREAMS ROWS     makes it, or does nothing when it is there
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { AppEvents, firstEventMs } from '../datasets/app-event.ts'

export const topicName = 'app.streams'
const seed = 20_261_122
export const partitionCount = 4
/** That each stream has events of. */
export const hours = 2
const recordsPerBatch = 400
const hourMs = 3_600_000
/** Shares no factor with a number of streams: neighbours in the topic are of different ones. */
const stride = 7_919

export interface StreamsTopic {
  readonly streamCount: number
  readonly rows: number
}

export const topicFolder = ({ streamCount, rows }: StreamsTopic): string =>
  join(import.meta.dirname, '..', 'data', `streams-${seed}-${streamCount}-${rows}`)

export const topicText = ({ rows }: Pick<StreamsTopic, 'rows'>): string =>
  `app-event, ${rows} events, seed ${seed}, all streams in one topic of ${partitionCount} ` +
  `partitions, neighbours in it of different streams, two hours each from beginning to end, ` +
  `zstd batches of ${recordsPerBatch} records`

export const streamNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `s${String(index).padStart(4, '0')}`)

export const isTopicMade = (topic: StreamsTopic): boolean =>
  existsSync(join(topicFolder(topic), 'made.json'))

async function makeTopic(topic: StreamsTopic): Promise<void> {
  if (isTopicMade(topic)) return
  const { streamCount, rows } = topic
  const directory = topicFolder(topic)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const broker = await startBroker({ directory })
  broker.createTopic(topicName, partitionCount)
  const brokers = [`127.0.0.1:${broker.port}`]
  const producer = new RecordProducer({ brokers, clientId: 'bench', compression: 'zstd' })
  const events = new AppEvents(seed)
  const names = streamNames(streamCount)
  for (let first = 0, batch = 0; first < rows; first += recordsPerBatch, batch++) {
    const records = Array.from({ length: Math.min(recordsPerBatch, rows - first) }, (_, offset) => {
      const index = first + offset
      const stream = names[(index * stride) % streamCount] ?? ''
      const hour = Math.floor(index / streamCount) % hours
      const atMs = firstEventMs + Math.floor((hour + index / rows) * hourMs)
      const { eventTimeMs, value } = events.next({ stream, atMs })
      const partition = batch % partitionCount
      return { topic: topicName, partition, key: undefined, value, timestampMs: eventTimeMs }
    })
    await producer.send(records)
  }
  await producer.close()
  await broker.close()
  writeFileSync(join(directory, 'made.json'), `${JSON.stringify({ seed, ...topic })}\n`)
}

if (import.meta.main) {
  const [streamCount = 0, rows = 0] = process.argv.slice(2).map(Number)
  await makeTopic({ streamCount, rows })
}

/**
 * The topic of app events: made once by its own broker process, kept in `bench/data` by seed and
 * size.
 *
 *     node bench/ingest/topic.ts FOLDER ROWS     makes it, or does nothing when it is there
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { AppEvents } from '../datasets/app-event.ts'

export const topicName = 'app.events'
export const emptyTopicName = 'app.empty'
export const partitionCount = 4
const recordsPerBatch = 400
export const seed = 20_261_120

/** Folder of the broker that holds the topic. */
export const topicFolder = (rows: number): string =>
  join(import.meta.dirname, '..', 'data', `app-event-${seed}-${rows}`)

export const topicText = (rows: number): string =>
  `app-event, ${rows} events, seed ${seed}, ${partitionCount} partitions, zstd batches of ` +
  `${recordsPerBatch} records`

const madeMark = 'made.json'

export const isTopicMade = (rows: number): boolean => existsSync(join(topicFolder(rows), madeMark))

async function makeTopic(rows: number): Promise<void> {
  if (isTopicMade(rows)) return
  const directory = topicFolder(rows)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const broker = await startBroker({ directory })
  try {
    broker.createTopic(topicName, partitionCount)
    broker.createTopic(emptyTopicName, partitionCount)
    await produceEvents({ port: broker.port, topic: topicName, rows, recordsPerBatch })
  } finally {
    await broker.close()
  }
  writeFileSync(join(directory, madeMark), `${JSON.stringify({ seed, rows })}\n`)
}

interface EventsToMake {
  readonly port: number
  readonly topic: string
  readonly rows: number
  readonly recordsPerBatch: number
}

/** The same events for the same number of rows, batch after batch to the next partition. */
export async function produceEvents(wanted: EventsToMake): Promise<void> {
  const { port, topic, rows, recordsPerBatch } = wanted
  const events = new AppEvents(seed)
  const brokers = [`127.0.0.1:${port}`]
  const producer = new RecordProducer({ brokers, clientId: 'bench', compression: 'zstd' })
  for (let first = 0, batch = 0; first < rows; first += recordsPerBatch, batch++) {
    const records = Array.from({ length: Math.min(recordsPerBatch, rows - first) }, () => {
      const { eventTimeMs, value } = events.next()
      const partition = batch % partitionCount
      return { topic, partition, key: undefined, value, timestampMs: eventTimeMs }
    })
    await producer.send(records)
    const reached = first + records.length
    if (reached % 100_000 === 0) console.error(`${topic}: ${reached} of ${rows} events`)
  }
  await producer.close()
}

if (import.meta.main) await makeTopic(Number(process.argv[2]))

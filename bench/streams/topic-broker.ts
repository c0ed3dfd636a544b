/** A broker in its own process that holds one topic of many streams, made when it is not there. */
import { spawnSync } from 'node:child_process'
import { placementOn } from '../measure/machine.ts'
import { MeasuredProcess } from '../measure/run-process.ts'
import { isTopicMade, type StreamsTopic, topicFolder } from './topic.ts'

interface Listening {
  readonly port: number
}

export interface TopicBroker {
  readonly port: number
  readonly stop: () => Promise<void>
}

export async function startTopicBroker(topic: StreamsTopic): Promise<TopicBroker> {
  makeTopic(topic)
  const script = new URL('../ingest/broker-process.ts', import.meta.url).pathname
  const broker = new MeasuredProcess(placementOn(0), [process.execPath, script, topicFolder(topic)])
  const port = await broker.firstOf('stdout', (line) => (JSON.parse(line) as Listening).port)
  return { port, stop: () => broker.stop() }
}

/** In a process of its own, so that ours begins with nothing of it. */
function makeTopic(topic: StreamsTopic): void {
  if (isTopicMade(topic)) return
  console.log(`making the topic of ${topic.streamCount} streams, once …`)
  const script = new URL('topic.ts', import.meta.url).pathname
  const words = [process.execPath, script, `${topic.streamCount}`, `${topic.rows}`]
  const { status } = spawnSync('nice', words, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`making the topic ended with ${status}`)
}

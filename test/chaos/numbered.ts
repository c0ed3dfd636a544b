/**
 * The law of the numbered events of a chaos run. Number n alone says where it must be found:
 * stream n mod 5, topic-partition n mod 8, offset n div 8, and the hour of its event time.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { numbersProto } from '../support/numbers.ts'

export const pipeline = 'chaos'
export const topic = 'numbers'
export const partitionCount = 8
export const streamCount = 5
export const hourMs = 3_600_000
/** Between two numbers: each topic-partition carries 10 of each stream in an hour. */
export const stepMs = 9_000
export const numbersPerHourAndStream = hourMs / stepMs / streamCount
export const sessionTimeoutMs = 1_000

export const streams: readonly string[] = Array.from(
  { length: streamCount },
  (_, index) => `numbers_${index}`,
)

export const streamOf = (n: number): string => streams[n % streamCount] ?? 'none'

export type Assignment = 'group' | 'static'
export type FileMode = 'new' | 'continue'

/** Writes the configuration of the workers into a folder. */
export async function writeChaosConfig(
  folder: string,
  config: {
    readonly brokerPort: number
    readonly assignment: Assignment
    /** `new` when absent. */
    readonly fileMode?: FileMode
    /** As YAML; absent: a folder beside the configuration. */
    readonly lake?: string
  },
): Promise<string> {
  const { brokerPort, assignment, fileMode = 'new', lake = '{ url: "file:./lake" }' } = config
  const stream = (name: string): string => `  - name: ${name}
    topic: ${topic}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: 0s, pastMax: 3650d }
    columns: [_topic, _partition, _offset, _index]
    file: { mode: ${fileMode} }
`
  const text = `pipeline: ${pipeline}
kafka:
  brokers: ["127.0.0.1:${brokerPort}"]
  assignment: ${assignment}
  sessionTimeout: ${sessionTimeoutMs / 1000}s
lake: ${lake}
http: { listen: "127.0.0.1:0" }
commit: { interval: 250ms }
ready: { delay: 0s, idle: 1h, deliver: { deadline: 1s }, notify: [ { success-file: {} } ] }
streams:
${streams.map(stream).join('')}`
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'number.proto'), numbersProto)
  const path = join(folder, 'lakeward.yaml')
  await writeFile(path, text)
  return path
}

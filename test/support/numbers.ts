/** Numbered events for tests that count: number n is in the lake once, or something is wrong. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'

export const numbersProto = `syntax = "proto3";
package test;
message Number {
  int64 n = 1;
  string text = 2;
}
`

const numberType = protobuf.parse(numbersProto, { keepCase: true }).root.lookupType('test.Number')
const envelopeType = protobuf
  .parse(
    `syntax = "proto3";
     message RawEvent { string stream = 1; int64 event_time_ms = 2; bytes event_id = 3;
       int32 compression = 4; bytes payload = 5; uint32 schema_version = 6; }`,
    { keepCase: true },
  )
  .root.lookupType('RawEvent')

/** One event of `stream` in its envelope. */
export function numberRecord(
  stream: string,
  n: number,
  eventTimeMs: number,
  text = `number ${n}`,
): Uint8Array {
  return enveloped(stream, eventTimeMs, numberType.encode({ n, text }).finish())
}

/** Any event in its envelope. */
export const enveloped = (stream: string, eventTimeMs: number, payload: Uint8Array): Uint8Array =>
  envelopeType.encode({ stream, event_time_ms: eventTimeMs, payload }).finish()

export interface NumbersConfig {
  readonly brokerPort: number
  /** 127.0.0.1, when absent. */
  readonly brokerHost?: string
  readonly stream?: string
  /** One topic, or a YAML list of them. */
  readonly topic?: string
  /** More keys of the section `kafka`, in flow style: `tls: { ca: file:ca.pem }`. */
  readonly kafka?: string
  /** 3s, when absent. */
  readonly sessionTimeout?: string
  /** YAML lines put into the file as they are, at the top level. */
  readonly more?: string
  readonly assignment?: 'group' | 'static'
  /** The section, as YAML on one line; absent: the folder beside it. */
  readonly lake?: string
  /** `file.mode`; `new`, when absent. */
  readonly mode?: 'new' | 'continue'
  /** 0, when absent: a free one. */
  readonly httpPort?: number
  /** Names of more streams on the same topics. */
  readonly beside?: readonly string[]
}

/** Writes a configuration with a stream of numbers into a folder. @returns its path. */
export async function writeNumbersConfig(folder: string, config: NumbersConfig): Promise<string> {
  const { brokerPort, brokerHost = '127.0.0.1' } = config
  const { stream = 'numbers', topic = 'numbers', assignment = 'group' } = config
  const { sessionTimeout = '3s', mode = 'new', beside = [] } = config
  const { httpPort = 0, kafka, lake = '{ url: "file:./lake" }' } = config
  const kafkaKeys = kafka === undefined ? '' : `, ${kafka}`
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'number.proto'), numbersProto)
  const path = join(folder, 'lakeward.yaml')
  const streams = [stream, ...beside].map(
    (name) => `  - name: ${name}
    ${topic.startsWith('[') ? 'topics' : 'topic'}: ${topic}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: 0s, pastMax: 3650d }
    columns: [_topic, _partition, _offset, _index]
    file: { mode: ${mode} }
`,
  )
  const text = `pipeline: test
kafka: { brokers: ["${brokerHost}:${brokerPort}"], assignment: ${assignment}, sessionTimeout: ${sessionTimeout}${kafkaKeys} }
lake: ${lake}
http: { listen: "127.0.0.1:${httpPort}" }
${config.more ?? 'commit: { interval: 250ms }\nready: { delay: 0s, idle: 1h }'}
streams:
${streams.join('')}`
  await writeFile(path, text)
  return path
}

export interface PacedNumbersOptions {
  readonly brokerPort: number
  readonly topic: string
  readonly partitionCount: number
  /** Event time of number 0, and how far each next one is after it. */
  readonly startMs: number
  readonly stepMs: number
  readonly perTick: number
}

/**
 * Produces numbers at a steady pace until it is stopped; number n goes to partition n mod count.
 */
export class PacedNumbers {
  readonly #options: PacedNumbersOptions
  readonly #producer: RecordProducer
  readonly #timer: NodeJS.Timeout
  #sending: Promise<void> = Promise.resolve()
  #busy = false
  #stopped: Promise<void> | undefined
  count = 0

  constructor(options: PacedNumbersOptions) {
    this.#options = options
    this.#producer = new RecordProducer({
      brokers: [`127.0.0.1:${options.brokerPort}`],
      clientId: 'numbers',
      compression: 'none',
    })
    this.#timer = setInterval(() => {
      if (!this.#busy) this.#sending = this.#tick()
    }, 25)
  }

  async #tick(): Promise<void> {
    this.#busy = true
    const { topic, partitionCount, startMs, stepMs, perTick } = this.#options
    const records = Array.from({ length: perTick }, () => {
      const n = this.count++
      const timestampMs = startMs + n * stepMs
      const value = numberRecord('numbers', n, timestampMs)
      return { topic, partition: n % partitionCount, key: undefined, value, timestampMs }
    })
    await this.#producer.send(records)
    this.#busy = false
  }

  /** Ends; every number below `count` has been acknowledged then. Again, it does nothing more. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sending
    await this.#producer.close()
  }
}

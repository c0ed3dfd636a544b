import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord, numbersProto } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const topics = ['first', 'second', 'third'] as const
const partitionCount = 2
const hourMs = 3_600_000
const eventsEachHour = 20
const streams = Array.from({ length: 100 }, (_, index) => `s${String(index).padStart(2, '0')}`)
const bad = 's98'
const idle = 's99'
const topicOf = (stream: string): string => topics[Number(stream.slice(1)) % 3] ?? 'first'

/** Two hours that ended a while ago. */
const firstHourMs = Math.floor(Date.now() / hourMs) * hourMs - 5 * hourMs
const hourPaths = [0, 1].map((hour) => {
  const text = new Date(firstHourMs + hour * hourMs).toISOString()
  return `dt=${text.slice(0, 10)}/hour=${text.slice(11, 13)}`
})

const config = (brokerPort: number): string => `pipeline: test
kafka: { brokers: ["127.0.0.1:${brokerPort}"], sessionTimeout: 3s }
lake: { url: "file:./lake" }
http: { listen: 127.0.0.1:0 }
commit: { interval: 500ms }
ready: { delay: 0s, idle: 3s }
streams:
${streams
  .map(
    (name) => `  - name: ${name}
    topic: ${topicOf(name)}
    schema: { file: number.proto, message: test.Number }`,
  )
  .join('\n')}
`

async function produce(brokerPort: number): Promise<void> {
  const producer = new RecordProducer({
    brokers: [`127.0.0.1:${brokerPort}`],
    clientId: 'hundred',
    compression: 'zstd',
  })
  for (const hour of [0, 1]) {
    const records = streams
      .filter((stream) => stream !== idle)
      .flatMap((stream) =>
        Array.from({ length: eventsEachHour }, (_, n) => {
          const timestampMs = firstHourMs + hour * hourMs + n * 170_000
          const whole = numberRecord(stream, hour * eventsEachHour + n, timestampMs)
          const value = stream === bad ? brokenPayload(stream, timestampMs) : whole
          const partition = n % partitionCount
          return { topic: topicOf(stream), partition, key: undefined, value, timestampMs }
        }),
      )
    await producer.send(records)
  }
  await producer.close()
}

/** A sound envelope around bytes that are no message. */
function brokenPayload(stream: string, timestampMs: number): Uint8Array {
  const sound = numberRecord(stream, 1, timestampMs)
  const broken = Uint8Array.from(sound)
  // The payload is the last field, and its last one the text: 0xff is no UTF-8.
  broken[broken.length - 1] = 0xff
  return broken
}

test('of a hundred streams a bad one and an idle one harm nobody', {
  timeout: 180_000,
}, async () => {
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  for (const topic of topics) broker.createTopic(topic, partitionCount)
  await mkdir(folder.path, { recursive: true })
  await writeFile(join(folder.path, 'number.proto'), numbersProto)
  await writeFile(join(folder.path, 'lakeward.yaml'), config(broker.port))
  await produce(broker.port)
  const lake = join(folder.path, 'lake')
  const manifestOf = (stream: string, hour: string): ReadyManifest | undefined => {
    const path = join(lake, '_lakeward', 'test', 'ready', stream, hour, '1.json')
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ReadyManifest) : undefined
  }
  const daemon = new LakewardProcess(['run', '-c', join(folder.path, 'lakeward.yaml')])
  onTestFinished(() => daemon.kill())
  await eventually('every stream announced both hours', 120_000, () =>
    streams.every((stream) => hourPaths.every((hour) => manifestOf(stream, hour)))
      ? true
      : undefined,
  )
  expect(await daemon.stop()).toBe(0)

  for (const hour of hourPaths) {
    const reasons = streams.map((stream) => manifestOf(stream, hour)?.reason)
    expect(reasons.filter((reason) => reason === 'complete').length).toBe(98)
    expect(manifestOf(idle, hour)).toMatchObject({ reason: 'empty', rows: 0, files: [] })
    expect(manifestOf('s00', hour)).toMatchObject({ rows: eventsEachHour })
    expect(manifestOf(bad, hour)).toMatchObject({
      rows: 0,
      counts: { read: eventsEachHour, deadLettered: { 'decode-invalid-utf8': eventsEachHour } },
    })
  }
  const letters = await duck(
    `SELECT stream, reason, count(*) AS letters FROM ${tableGlob(lake, 'test_dead_letters')}
     GROUP BY ALL`,
  )
  const lettersOfBad = { stream: bad, reason: 'decode-invalid-utf8' }
  expect(letters).toEqual([{ ...lettersOfBad, letters: BigInt(2 * eventsEachHour) }])
})

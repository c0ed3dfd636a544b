/** A stream whose event time is a field of its message, through a real daemon. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../../src/adapters/kafka/record-producer.ts'
import { eventually } from '../../support/eventually.ts'
import { hourMs } from '../../support/numbers-broker.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'
import { bytesField, varintField } from '../../support/raw-events.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const proto = `syntax = "proto3"; package shop;
import "google/protobuf/timestamp.proto";
message Meta { google.protobuf.Timestamp created_at = 2; }
message Sale { Meta meta = 3; int64 amount = 7; }
`

const sale = (atMs: number, amount: bigint): Uint8Array => {
  const at = varintField(1, BigInt(Math.floor(atMs / 1_000)))
  return Buffer.concat([varintField(7, amount), bytesField(3, bytesField(2, at))])
}

test('hours are those of the field, whenever records were sent; without it an event is a dead letter', async () => {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('sales', 1)
  const config = join(folder.path, 'lakeward.yaml')
  await mkdir(join(folder.path, 'lake'))
  await writeFile(join(folder.path, 'sale.proto'), proto)
  const withField = (field: string): Promise<void> =>
    writeFile(
      config,
      `pipeline: test
kafka: { brokers: ["127.0.0.1:${broker.port}"], assignment: static }
lake: { url: "file:./lake" }
http: { listen: "127.0.0.1:0" }
commit: { interval: 250ms }
ready: { delay: 0s, idle: 1h }
streams:
  - name: sales
    topic: sales
    format: protobuf
    schema: { file: sale.proto, message: shop.Sale }
    eventTime: { field: ${field}, outOfOrderness: 0s }
`,
    )
  await withField('meta.createdAt')
  const refused = await lakeward(['check', '-c', config])
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(
      /streams\[0\]\.eventTime\.field: "createdAt" is no field of shop\.Meta; accepted: created_at/,
    ),
  ])

  await withField('meta.created_at')
  const brokers = [`127.0.0.1:${broker.port}`]
  const producer = new RecordProducer({ brokers, clientId: 'sales', compression: 'none' })
  onTestFinished(() => producer.close())
  const nowMs = Date.now()
  const startMs = (Math.floor(nowMs / hourMs) - 30) * hourMs
  const values = [
    sale(startMs, 1n),
    sale(startMs + hourMs - 1, 2n),
    varintField(7, 3n),
    sale(startMs + hourMs, 4n),
  ]
  await producer.send(
    values.map((value) => ({
      topic: 'sales',
      partition: 0,
      key: undefined,
      value,
      timestampMs: nowMs,
    })),
  )
  const share = ['--worker-index', '0', '--worker-count', '1']
  const daemon = new LakewardProcess(['run', '-c', config, ...share])
  onTestFinished(() => daemon.kill())
  const hour = new Date(startMs).toISOString()
  const partition = `dt=${hour.slice(0, 10)}/hour=${hour.slice(11, 13)}`
  const announced = await eventually('the hour is announced', 60_000, async () => {
    const shown = await lakeward(['ready', 'show', 'sales', partition, '--json', '-c', config])
    return shown.code === 0 ? (JSON.parse(shown.stdout) as unknown) : undefined
  })
  expect(announced).toMatchObject({ rows: 2 })
  const letters = await lakeward(['dlq', 'ls', '--json', '-c', config])
  expect(letters.stdout).toContain('event-time-missing')
  expect(await daemon.stop()).toBe(0)
  const verified = await lakeward(['verify', '--deep', '--allow-unchecked', '-c', config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
})

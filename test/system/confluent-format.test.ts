/** Records in Confluent's wire format, from a broker to the lake, by a daemon as a process. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { foldOf } from '../support/commit-phase.ts'
import { FakeRegistry, framed } from '../support/confluent.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { freePort } from './services/free-ports.ts'

const proto = `syntax = "proto3";
package shop;
message Order { int64 n = 1; }
message Refund { int64 n = 1; }
`
const written = protobuf.parse(proto, { keepCase: true }).root
const payload = (name: string, n: number): Uint8Array =>
  written.lookupType(`shop.${name}`).encode({ n }).finish()

/** A broker with two topics, a registry, a configuration of two streams that share them. */
async function openScene(registryUrl: (registry: FakeRegistry) => string) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('orders', 1)
  const registry = await FakeRegistry.open()
  onTestFinished(() => registry.close())
  const httpPort = await freePort()
  const config = join(folder.path, 'lakeward.yaml')
  const stream = (name: string, message: string): string => `
  - name: ${name}
    topic: orders
    format: confluent-protobuf
    schema: { file: shop.proto, message: shop.${message} }
    columns: [_topic, _partition, _offset, _index]
    eventTime: { outOfOrderness: 0s, pastMax: 3650d }`
  await writeFile(join(folder.path, 'shop.proto'), proto)
  await writeFile(
    config,
    `pipeline: test
kafka: { brokers: ["127.0.0.1:${broker.port}"], sessionTimeout: 3s }
schemaRegistry: { url: "${registryUrl(registry)}" }
lake: { url: "file:./lake" }
http: { listen: "127.0.0.1:${httpPort}" }
commit: { interval: 250ms }
ready: { delay: 0s, idle: 1h }
streams:${stream('orders', 'Order')}${stream('refunds', 'Refund')}
`,
  )
  const producer = new RecordProducer({
    brokers: [`127.0.0.1:${broker.port}`],
    clientId: 'test',
    compression: 'none',
  })
  onTestFinished(() => producer.close())
  const timestampMs = Date.now() - 3_600_000
  const sendAt = (atMs: number, ...values: readonly Uint8Array[]): Promise<unknown> =>
    producer.send(
      values.map((value) => ({
        topic: 'orders',
        partition: 0,
        key: undefined,
        value,
        timestampMs: atMs,
      })),
    )
  const send = (...values: readonly Uint8Array[]): Promise<unknown> =>
    sendAt(timestampMs, ...values)
  const lake = join(folder.path, 'lake')
  const reached = (next: number): Promise<true> =>
    eventually(`the log stands at ${next}`, 60_000, async () => {
      const positions = (await foldOf(lake, 'test')).positions.get('lake')?.values() ?? []
      return [...positions].some((at) => Number(at.next) === next) || undefined
    })
  const run = async (): Promise<LakewardProcess> => {
    const daemon = new LakewardProcess(['run', '-c', config])
    onTestFinished(() => daemon.kill())
    await daemon.line('"event":"started"')
    return daemon
  }
  const countsOf = (table: string) =>
    duck(`SELECT count(*) AS count, sum(n) AS sum FROM ${tableGlob(lake, table)}`)
  const readyz = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${httpPort}/readyz`)).text()
  return { folder: folder.path, registry, config, send, sendAt, reached, run, countsOf, readyz }
}

test('records wait for a registry that is silent, and each message goes to its stream', {
  timeout: 120_000,
}, async () => {
  const scene = await openScene(({ url }) => url)
  const { registry } = scene
  registry.schemas.set(7, proto)
  registry.trouble = { status: 503, body: 'soon' }
  const mixed = Array.from({ length: 20 }, (_, n) =>
    n % 2 === 0 ? framed(7, [], payload('Order', n)) : framed(7, [1], payload('Refund', n)),
  )
  await scene.send(...mixed)
  const daemon = await scene.run()
  await eventually(
    'the daemon says so',
    60_000,
    async () =>
      /could not get schema 7 from registry .*503 soon/.test(await scene.readyz()) || undefined,
  )
  await scene.reached(0)
  registry.trouble = undefined
  await scene.reached(20)
  // A number that nobody has, a message that no stream has, and a plain one behind them.
  await scene.send(framed(9, [], payload('Order', 1)), framed(7, [], payload('Order', 100)))
  await scene.reached(22)
  expect(await daemon.stop()).toBe(0)
  expect(registry.asked.at(-1)).toBe('/schemas/ids/9')
  expect(await scene.countsOf('orders')).toMatchObject([{ count: 11n }])
  expect(await scene.countsOf('refunds')).toMatchObject([{ count: 10n }])
  const { stdout } = await lakeward(['dlq', 'ls', '--json', '-c', scene.config])
  expect(stdout).toMatch(/schema-unknown/)
  const verified = await lakeward(['verify', '--deep', '-c', scene.config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
})

test('schemas come from a folder as well', { timeout: 120_000 }, async () => {
  const scene = await openScene(() => 'file:./ids')
  await mkdir(join(scene.folder, 'ids'))
  await writeFile(join(scene.folder, 'ids', '3.proto'), proto)
  await scene.send(framed(3, [], payload('Order', 1)), framed(3, [1], payload('Refund', 2)))
  const daemon = await scene.run()
  await scene.reached(2)
  expect(await daemon.stop()).toBe(0)
  expect(await scene.countsOf('orders')).toMatchObject([{ count: 1n }])
  expect(await scene.countsOf('refunds')).toMatchObject([{ count: 1n }])
})

test('a late record is taken in again: its schema is asked for anew', {
  timeout: 120_000,
}, async () => {
  const scene = await openScene(({ url }) => url)
  const { registry, config } = scene
  registry.schemas.set(7, proto)
  const hourMs = 3_600_000
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
  const order = (n: number): Uint8Array => framed(7, [], payload('Order', n))
  await scene.run()
  await scene.sendAt(startMs, order(1))
  await scene.sendAt(startMs + 2 * hourMs, order(2))
  const hour = new Date(startMs).toISOString().slice(0, 13)
  const waited = await lakeward(['ready', 'wait', 'orders', hour, '--timeout', '60s', '-c', config])
  expect(waited.code, waited.stderr).toBe(0)
  await scene.sendAt(startMs, order(3))
  await scene.reached(3)
  const asked = registry.asked.length
  const why = ['--why', 'the hour is to be whole']
  const told = await lakeward(['dlq', 'replay', 'orders', ...why, '-c', config])
  expect(told.stdout + told.stderr).toMatch(/^entry \d+: 1 late dead letter: 1 appended$/m)
  expect(registry.asked.slice(asked)).toEqual(['/schemas/ids/7'])
  expect(await scene.countsOf('orders')).toMatchObject([{ count: 3n, sum: 6n }])
  const verified = await lakeward(['verify', '--deep', '-c', config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
})

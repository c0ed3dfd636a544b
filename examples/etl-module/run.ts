/**
 * Orders through a module: produces some, runs a daemon over them, shows what is in the lake.
 *
 *     node examples/etl-module/run.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import protobuf from 'protobufjs'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const text = (path: string): string => readFileSync(here(path), 'utf8')

const orders = [
  { id: 'o1', country: 'DE', cents: 4_200, lines: ['shirt x 1', 'socks x 3'] },
  { id: 'o2', country: 'XX', cents: 100, lines: ['test x 1'] },
  { id: 'o3', country: 'FR', cents: -5, lines: ['hat x 1'] },
  { id: 'o4', country: 'FR', cents: 900, lines: ['hat x 1'] },
]

async function produce(port: number): Promise<void> {
  const order = protobuf.parse(text('order.proto')).root.lookupType('shop.Order')
  const rawEvent = protobuf
    .parse(text('../../proto/raw_event.proto'))
    .root.lookupType('lakeward.v1.RawEvent')
  const brokers = [`127.0.0.1:${port}`]
  const producer = new RecordProducer({ brokers, clientId: 'orders', compression: 'zstd' })
  const eventTimeMs = Date.now()
  await producer.send(
    orders.map((body) => {
      const payload = order.encode(body).finish()
      const value = rawEvent.encode({ stream: 'orders', eventTimeMs, payload }).finish()
      return { topic: 'orders', partition: 0, key: undefined, value, timestampMs: eventTimeMs }
    }),
  )
  await producer.close()
}

/** Drains the daemon after its first commit: all orders are in it. */
async function ingest(config: string): Promise<void> {
  const words = [here('../../bin/lakeward.js'), 'run', '-c', config]
  const daemon = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(daemon, 'exit')
  for await (const line of createInterface({ input: daemon.stderr })) {
    if (line.includes('"event":"committed"')) daemon.kill('SIGTERM')
  }
  const [code] = await exited
  if (code !== 0) throw new Error(`the daemon ended with exit code ${String(code)}`)
}

async function show(title: string, sql: string): Promise<void> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const reader = await connection.runAndReadAll(sql)
  console.log(title)
  for (const row of reader.getRows()) console.log(`  ${row.join(' · ')}`)
  connection.closeSync()
}

const folder = mkdtempSync(join(tmpdir(), 'lakeward-orders-'))
try {
  const broker = await startBroker({ directory: join(folder, 'broker') })
  try {
    broker.createTopic('orders', 1)
    await produce(broker.port)
    for (const file of ['order.proto', 'lakeward.yaml']) {
      const adapted = text(file).replace('127.0.0.1:9092', `127.0.0.1:${broker.port}`)
      writeFileSync(
        join(folder, file),
        adapted.replace('module: orders.ts', `module: ${here('orders.ts')}`),
      )
    }
    await ingest(join(folder, 'lakeward.yaml'))
  } finally {
    await broker.close()
  }
  const table = (name: string): string => `read_parquet('${folder}/lake/${name}/**/*.parquet')`
  await show(
    `${orders.length} orders became these rows:`,
    `SELECT id, country, lines[1] FROM ${table('orders')} ORDER BY ALL`,
  )
  await show(
    'and these dead letters:',
    `SELECT "offset", step, reason, error FROM ${table('shop_dead_letters')} ORDER BY ALL`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

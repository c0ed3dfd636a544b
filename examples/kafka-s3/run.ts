/**
 * Orders from a real Kafka into a real bucket: makes them, lets a daemon ingest them by
 * `examples/kafka-s3.yaml`, proves the lake, and counts it over S3 with other readers.
 *
 *     npm run services -- up kafka-4 s3          tells both addresses
 *     node examples/kafka-s3/run.ts --brokers 127.0.0.1:9092 --endpoint http://127.0.0.1:9000 \
 *       --events 5000000
 *
 * `LAKEWARD_PYTHON` names a Python that has pyarrow, and DuckDB's extension httpfs as the package
 * duckdb-extension-httpfs; without that DuckDB fetches it. A reader that cannot be had is left out
 * and named. Each run has a topic and a folder of the bucket of its own. The last line is one JSON
 * object; exit code 1 where any count differs.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { makeOrders } from '../orders/make.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const text = (path: string): string => readFileSync(here(path), 'utf8')
const bin = here('../../bin/lakeward.js')
const python = process.env['LAKEWARD_PYTHON'] ?? 'python3'
const keys = {
  LAKE_ACCESS_KEY: process.env['LAKE_ACCESS_KEY'] ?? 'lakeward',
  LAKE_SECRET_KEY: process.env['LAKE_SECRET_KEY'] ?? 'lakeward-secret',
}

interface Place {
  readonly brokers: string
  readonly endpoint: string
  readonly events: number
  readonly topic: string
  /** Below the bucket. */
  readonly folder: string
}

function placeOf(args: readonly string[]): Place {
  const { values } = parseArgs({
    args: [...args],
    options: {
      brokers: { type: 'string', default: '127.0.0.1:9092' },
      endpoint: { type: 'string', default: 'http://127.0.0.1:9000' },
      events: { type: 'string', default: '5000000' },
    },
  })
  const { brokers, endpoint } = values
  const events = Number(values.events)
  if (!Number.isSafeInteger(events) || events < 1) {
    console.error(`--events is "${values.events}", accepted is a whole number from 1 on`)
    process.exit(2)
  }
  const stamp = Date.now().toString(36)
  return { brokers, endpoint, events, topic: `orders-${stamp}`, folder: `growth-${stamp}` }
}

/** The example's configuration, at these addresses. */
function writeConfig(folder: string, { brokers, endpoint, topic, folder: below }: Place): string {
  const path = join(folder, 'lakeward.yaml')
  const adapted = text('../kafka-s3.yaml')
    .replace(
      '[127.0.0.1:9092]',
      `[${brokers
        .split(',')
        .map((at) => `"${at}"`)
        .join(', ')}]`,
    )
    .replace('http://127.0.0.1:9000', endpoint)
    .replace('s3://lakeward/growth ', `s3://lakeward/${below} `)
    .replace('topic: orders', `topic: ${topic}`)
    .replace('etl-module/order.proto', here('../etl-module/order.proto'))
  writeFileSync(path, adapted)
  return path
}

/** Ends when the daemon has committed as many rows as there are events, and has been drained. */
async function ingest(config: string, { events }: Place): Promise<void> {
  const daemon = spawn(process.execPath, [bin, 'run', '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...keys },
  })
  const exited = once(daemon, 'exit')
  let rows = 0
  for await (const line of createInterface({ input: daemon.stderr })) {
    if (!line.startsWith('{')) continue
    const said = JSON.parse(line) as { level: string; event: string; rows?: number }
    if (said.level !== 'info') console.error(line)
    if (said.event !== 'committed') continue
    rows += said.rows ?? 0
    console.log(`${rows} of ${events} events are committed`)
    if (rows >= events) daemon.kill('SIGTERM')
  }
  const [code] = await exited
  if (code !== 0) throw new Error(`the daemon ended with exit code ${String(code)}`)
}

function verify(config: string): boolean {
  const env = { ...process.env, ...keys }
  const words = [bin, 'verify', '--deep', '-c', config]
  const { status } = spawnSync(process.execPath, words, { stdio: 'inherit', env })
  return status === 0
}

/** Rows, and orders that are not each other. */
interface Counted {
  readonly rows: number
  readonly orders: number
}

/** The extension's file in its Python package; undefined without one. */
function packagedHttpfs(): string | undefined {
  const code =
    'import duckdb_extension_httpfs as e, glob; ' +
    'print(glob.glob(e.__path__[0] + "/**/httpfs.duckdb_extension", recursive=True)[0])'
  const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

async function countByDuck({ endpoint, folder }: Place): Promise<Counted> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  try {
    const file = packagedHttpfs()
    await connection.run(file === undefined ? 'INSTALL httpfs; LOAD httpfs' : `LOAD '${file}'`)
    const { host, protocol } = new URL(endpoint)
    await connection.run(`CREATE SECRET (TYPE s3, KEY_ID '${keys.LAKE_ACCESS_KEY}',
      SECRET '${keys.LAKE_SECRET_KEY}', ENDPOINT '${host}', URL_STYLE 'path',
      USE_SSL ${protocol === 'https:'}, REGION 'us-east-1')`)
    const glob = `s3://lakeward/${folder}/orders/**/*.parquet`
    const sql = `SELECT count(*)::INT AS rows, count(DISTINCT id)::INT AS orders
      FROM read_parquet('${glob}')`
    const [found] = (await connection.runAndReadAll(sql)).getRowObjects()
    return { rows: Number(found?.['rows']), orders: Number(found?.['orders']) }
  } finally {
    connection.closeSync()
  }
}

function countByPyarrow({ endpoint, folder }: Place): Counted {
  const words = [here('count.py'), endpoint, `lakeward/${folder}/orders`]
  const env = { ...process.env, ...keys }
  const { status, stdout, stderr } = spawnSync(python, words, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1) ?? `exit code ${status}`)
  return JSON.parse(stdout) as Counted
}

/** @returns undefined where the reader cannot be had, which is told. */
async function counted(
  name: string,
  count: () => Promise<Counted> | Counted,
): Promise<Counted | undefined> {
  try {
    return await count()
  } catch (error) {
    console.error(
      `${name} did not count: ${error instanceof Error ? error.message : String(error)}`,
    )
    return undefined
  }
}

// kafkajs hands timers negative times: Node warns, and takes 1 ms.
process.removeAllListeners('warning')
const place = placeOf(process.argv.slice(2))
const folder = mkdtempSync(join(tmpdir(), 'lakeward-kafka-s3-'))
try {
  await makeOrders({ ...place, stream: 'orders', hoursBack: 4 })
  const config = writeConfig(folder, place)
  const startMs = performance.now()
  await ingest(config, place)
  const seconds = Math.round((performance.now() - startMs) / 1_000)
  const verified = verify(config)
  const duckdb = await counted('DuckDB over httpfs', () => countByDuck(place))
  const pyarrow = await counted('pyarrow over S3', () => countByPyarrow(place))
  const { events } = place
  const isRight = (found: Counted | undefined): boolean =>
    found === undefined || (found.rows === events && found.orders === events)
  console.log(JSON.stringify({ events, seconds, verified, duckdb, pyarrow }))
  process.exitCode = verified && isRight(duckdb) && isRight(pyarrow) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

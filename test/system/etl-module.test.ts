/**
 * Streams with a module, on real daemons: what becomes of each event, in the lake and in the log.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { foldOf } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord, PacedNumbers, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const hourMs = 3_600_000
const partitionCount = 2
const startMs = Math.floor(Date.now() / hourMs) * hourMs - 10 * hourMs
const isoHour = (hour: number): string => new Date(startMs + hour * hourMs).toISOString()
const pathOf = (hour: number): string =>
  `dt=${isoHour(hour).slice(0, 10)}/hour=${isoHour(hour).slice(11, 13)}`

/** Number n gives n mod 3 rows, "n/0", "n/1"; those ending in 9 throw; one never ends. */
const endless = 400
const throws = (n: number): boolean => n % 10 === 9
const rowCountOf = (n: number): number => (throws(n) || n === endless ? 0 : n % 3)
const moduleText = (busyMs: number, endlessAt: number): string => `
export const map = (row: { n: bigint }, context: { offset: bigint }) => {
  const n = Number(row.n)
  if (n % 10 === 9) throw new RangeError('number ' + n + ' is refused')
  while (n === ${endlessAt}) {}
  for (const end = performance.now() + ${busyMs}; performance.now() < end; ) {}
  return Array.from({ length: n % 3 }, (_, index) => ({ n: row.n, text: n + '/' + index }))
}
`

/** A folder with the configuration of one stream of numbers that has a module. */
async function writeConfig(
  folder: string,
  brokerPort: number,
  { code, etlTime }: { code: string; etlTime: string },
): Promise<string> {
  const path = await writeNumbersConfig(folder, { brokerPort, assignment: 'static' })
  await writeFile(join(folder, 'numbers.ts'), code)
  const etl = `    etl: [{ module: numbers.ts }]\n    limits: { etlTime: ${etlTime} }\n`
  await writeFile(path, (await readFile(path, 'utf8')) + etl)
  return path
}

const runArgs = (config: string): readonly string[] => [
  'run',
  '-c',
  config,
  '--worker-index',
  '0',
  '--worker-count',
  '1',
]

async function untilCommitted(lake: string, count: number): Promise<void> {
  await eventually('everything is committed', 120_000, async () => {
    const positions = (await foldOf(lake, 'test')).positions.get('lake')
    const read = [...(positions?.values() ?? [])].reduce((sum, { next }) => sum + Number(next), 0)
    return read === count ? true : undefined
  })
}

const numbersBelow = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, n) => n)

/** Rows of a lake as "n/index", sorted as numbers are. */
async function rowsOf(lake: string): Promise<readonly string[]> {
  const rows = await duck(`SELECT text FROM ${tableGlob(lake, 'numbers')} ORDER BY n, text`)
  return rows.map(({ text }) => String(text))
}

const wantedRows = (count: number): readonly string[] =>
  numbersBelow(count).flatMap((n) => numbersBelow(rowCountOf(n)).map((index) => `${n}/${index}`))

test('each event of a stream with a module becomes its rows, is filtered, or is a dead letter', async () => {
  await using folder = await temporaryFolder()
  const lake = join(folder.path, 'lake')
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', partitionCount)
  const config = await writeConfig(folder.path, broker.port, {
    code: moduleText(0, endless),
    // Much more than an event takes on a busy machine; it is waited for twice.
    etlTime: '5s',
  })
  const brokers = [`127.0.0.1:${broker.port}`]
  const producer = new RecordProducer({ brokers, clientId: 'etl', compression: 'zstd' })
  const count = 1_200
  const hourOf = (n: number): number => Math.floor(n / 400)
  await producer.send(
    numbersBelow(count).map((n) => {
      const timestampMs = startMs + hourOf(n) * hourMs + (n % 400) * 1_000
      const value = numberRecord('numbers', n, timestampMs)
      return {
        topic: 'numbers',
        partition: n % partitionCount,
        key: undefined,
        value,
        timestampMs,
      }
    }),
  )
  await producer.close()
  const daemon = new LakewardProcess(runArgs(config))
  onTestFinished(() => daemon.kill())
  await untilCommitted(lake, count)
  expect(await daemon.stop()).toBe(0)

  expect(await rowsOf(lake)).toEqual(wantedRows(count))
  const outOfOrder = await duck(
    `SELECT * FROM (
       SELECT _offset, text, lag(_offset * 10 + CAST(split_part(text, '/', 2) AS INT)) OVER (
         PARTITION BY filename, _partition ORDER BY file_row_number) AS before
       FROM read_parquet('${lake}/numbers/**/*.parquet', filename = true, file_row_number = true)
     ) WHERE before >= _offset * 10 + CAST(split_part(text, '/', 2) AS INT)`,
  )
  expect(outOfOrder).toEqual([])
  const misplaced = await duck(
    `SELECT * FROM ${tableGlob(lake, 'numbers')}
     WHERE _partition <> n % ${partitionCount} OR _offset <> n // ${partitionCount}`,
  )
  expect(misplaced).toEqual([])

  const letters = await duck(
    `SELECT reason, step, _l."partition" + ${partitionCount} * "offset" AS n, error
     FROM ${tableGlob(lake, 'test_dead_letters')} AS _l ORDER BY n`,
  )
  expect(letters.map(({ n, reason }) => [Number(n), reason])).toEqual(
    numbersBelow(count).flatMap((n) => {
      if (throws(n)) return [[n, 'etl-failed']]
      return n === endless ? [[n, 'etl-timeout']] : []
    }),
  )
  expect(letters[0]).toMatchObject({ step: 'etl', error: 'RangeError: number 9 is refused' })

  const partitions = (await foldOf(lake, 'test')).streams.get('numbers')?.partitions
  for (const hour of [0, 1, 2]) {
    const own = numbersBelow(count).filter((n) => hourOf(n) === hour)
    const failed = own.filter(throws).length
    const timedOut = own.filter((n) => n === endless).length
    const written = own.filter((n) => rowCountOf(n) > 0).length
    expect(partitions?.get(pathOf(hour) as never)?.counts).toEqual({
      read: own.length,
      written,
      filtered: { 'etl-empty': own.length - written - failed - timedOut },
      late: 0,
      deadLettered: { 'etl-failed': failed, ...(timedOut > 0 ? { 'etl-timeout': timedOut } : {}) },
      lateAppended: 0,
    })
  }
  const verified = await lakeward(['verify', '--deep', '-c', config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
})

test('a daemon killed while its module has events in flight leaves each row in the lake once', {
  timeout: 240_000,
}, async () => {
  await using folder = await temporaryFolder()
  const lake = join(folder.path, 'lake')
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', partitionCount)
  const code = moduleText(0.3, -1)
  const config = await writeConfig(folder.path, broker.port, { code, etlTime: '60s' })
  const brokerPort = broker.port
  const paced = { brokerPort, topic: 'numbers', partitionCount, startMs, stepMs: 100, perTick: 5 }
  const numbers = new PacedNumbers(paced)
  for (const pauseMs of [0, 60, 130, 190, 320, 410]) {
    const daemon = new LakewardProcess(runArgs(config))
    onTestFinished(() => daemon.kill())
    await daemon.line('"event":"committed"')
    await sleep(pauseMs)
    await daemon.kill()
  }
  await numbers.stop()
  const last = new LakewardProcess(runArgs(config))
  onTestFinished(() => last.kill())
  await untilCommitted(lake, numbers.count)
  expect(await last.stop()).toBe(0)

  const wanted = numbersBelow(numbers.count).flatMap((n) =>
    throws(n) ? [] : numbersBelow(n % 3).map((index) => `${n}/${index}`),
  )
  expect(await rowsOf(lake)).toEqual(wanted)
  const [letters] = await duck(
    `SELECT count(*) AS letters, count(DISTINCT ("partition", "offset")) AS events
     FROM ${tableGlob(lake, 'test_dead_letters')} WHERE reason = 'etl-failed'`,
  )
  const failed = BigInt(numbersBelow(numbers.count).filter(throws).length)
  expect(letters).toEqual({ letters: failed, events: failed })
  const verified = await lakeward(['verify', '--deep', '-c', config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
})

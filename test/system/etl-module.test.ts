/**
 * Streams with a module, on real daemons: what becomes of each event, in the lake and in the log.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { foldOf } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord } from '../support/numbers.ts'
import { NumbersWorld, partitionOf } from '../support/numbers-world.ts'

const hourMs = 3_600_000
const partitionCount = 2
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

/** Numbers through a module. */
async function openWorld({ code, etlTime }: { code: string; etlTime: string }) {
  const world = await NumbersWorld.open({ partitionCount })
  await writeFile(join(world.folder, 'numbers.ts'), code)
  const etl = `    etl: [{ module: numbers.ts }]\n    limits: { etlTime: ${etlTime} }\n`
  await appendFile(world.config, etl)
  return { world, lake: join(world.folder, 'lake') }
}

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
  const { world, lake } = await openWorld({
    code: moduleText(0, endless),
    // Much more than an event takes on a busy machine; it is waited for twice.
    etlTime: '5s',
  })
  const brokers = [`127.0.0.1:${world.brokerPort}`]
  const producer = new RecordProducer({ brokers, clientId: 'etl', compression: 'zstd' })
  const count = 1_200
  const hourOf = (n: number): number => Math.floor(n / 400)
  await producer.send(
    numbersBelow(count).map((n) => {
      const timestampMs = world.startMs + hourOf(n) * hourMs + (n % 400) * 1_000
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
  const daemon = world.startDaemon()
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
    expect(partitions?.get(partitionOf(world.startMs + hour * hourMs) as never)?.counts).toEqual({
      read: own.length,
      written,
      filtered: { 'etl-empty': own.length - written - failed - timedOut },
      late: 0,
      deadLettered: { 'etl-failed': failed, ...(timedOut > 0 ? { 'etl-timeout': timedOut } : {}) },
      lateAppended: 0,
    })
  }
  await world.ask('verify', '--deep')
})

test('a daemon killed while its module has events in flight leaves each row in the lake once', {
  timeout: 240_000,
}, async () => {
  const code = moduleText(0.3, -1)
  const { world, lake } = await openWorld({ code, etlTime: '60s' })
  const numbers = world.produce({ stepMs: 100, perTick: 5 })
  for (const pauseMs of [0, 60, 130, 190, 320, 410]) {
    const daemon = world.startDaemon()
    await daemon.line('"event":"committed"')
    await sleep(pauseMs)
    await daemon.kill()
  }
  await numbers.stop()
  const last = world.startDaemon()
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
  await world.ask('verify', '--deep')
})

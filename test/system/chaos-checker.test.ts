/** The judge of chaos runs, tried on lakes that were damaged on purpose. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { judgeLake } from '../chaos/checker.ts'
import { hourMs, partitionCount, stepMs, streamOf, streams } from '../chaos/numbered.ts'
import { duck } from '../support/duck.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const startMs = Date.UTC(2025, 9, 20, 22)
const perHour = hourMs / stepMs
const counts = Array.from({ length: partitionCount }, () => (3 * perHour) / partitionCount)

const pathOf = (hour: number): string => {
  const iso = new Date(startMs + hour * hourMs).toISOString()
  return `dt=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}`
}

/** The numbers of a stream in an hour, counted from the first. */
const numbersIn = (stream: string, hour: number): readonly number[] =>
  Array.from({ length: perHour }, (_, index) => hour * perHour + index).filter(
    (n) => streamOf(n) === stream,
  )

interface SmallLake {
  readonly path: string
  write(file: string, numbers: readonly number[]): Promise<void>
  announce(stream: string, hour: number, change?: object): void
}

function smallLake(path: string): SmallLake {
  return {
    path,
    async write(file, numbers) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      await duck(`COPY (SELECT n, n % 8 AS _partition, n // 8 AS _offset
        FROM (SELECT unnest([${numbers.join()}]::BIGINT[]) AS n))
        TO '${join(path, file)}' (FORMAT parquet)`)
    },
    announce(stream, hour, change = {}) {
      const partitionPath = pathOf(hour)
      const file = { path: `${stream}/${partitionPath}/a.parquet` }
      const next = String(((hour + 1) * perHour) / partitionCount)
      const sources = counts.map((_, partition) => ({ partition, next }))
      const id = `chaos/${stream}/${partitionPath}/1`
      const rows = perHour / 5
      const manifest = { id, stream, partitionPath, rows, files: [file], sources, ...change }
      const text = JSON.stringify(manifest)
      writeFileSync(join(path, stream, partitionPath, '_SUCCESS'), text)
    },
  }
}

/** Three hours of all streams, two announced, then what `damage` does. */
async function judged(damage: (lake: SmallLake) => Promise<void> | void) {
  await using folder = await temporaryFolder()
  const lake = smallLake(join(folder.path, 'lake'))
  for (const stream of streams) {
    for (const hour of [0, 1, 2]) {
      await lake.write(`${stream}/${pathOf(hour)}/a.parquet`, numbersIn(stream, hour))
      if (hour < 2) lake.announce(stream, hour)
    }
  }
  await damage(lake)
  const { lost, doubled, misplaced, earlyReady, events, announced, findings } = await judgeLake(
    lake.path,
    { counts, startMs },
  )
  expect({ events, announced: announced >= 10 }).toEqual({ events: 1200, announced: true })
  return { lost, doubled, misplaced, earlyReady, found: findings.length > 0 }
}

const clean = { lost: 0, doubled: 0, misplaced: 0, earlyReady: 0, found: false }
const last = `numbers_1/${pathOf(2)}`
const second = `numbers_1/${pathOf(1)}`

test('a lake with each number once has nothing lost, doubled or early', async () => {
  expect(await judged(() => undefined)).toEqual(clean)
})

test('a number that is missing in an hour still open is lost', async () => {
  const verdict = await judged((lake) =>
    lake.write(`${last}/a.parquet`, numbersIn('numbers_1', 2).slice(1)),
  )
  expect(verdict).toEqual({ ...clean, lost: 1, found: true })
})

test('a file that was published twice doubles its rows', async () => {
  const verdict = await judged((lake) =>
    lake.write(`${last}/b.parquet`, numbersIn('numbers_1', 2).slice(0, 7)),
  )
  expect(verdict).toEqual({ ...clean, doubled: 7, found: true })
})

test('a file in the wrong hour is out of its place', async () => {
  const verdict = await judged(async (lake) => {
    await lake.write(`${last}/a.parquet`, numbersIn('numbers_1', 2).slice(1))
    await lake.write(`numbers_1/${pathOf(3)}/a.parquet`, numbersIn('numbers_1', 2).slice(0, 1))
  })
  expect(verdict).toEqual({ ...clean, misplaced: 1, found: true })
})

test.each<[string, (lake: SmallLake) => Promise<void> | void]>([
  [
    'rows of its hour came in a file it does not name',
    async (lake) => {
      await lake.write(`${second}/a.parquet`, numbersIn('numbers_1', 1).slice(3))
      await lake.write(`${second}/b.parquet`, numbersIn('numbers_1', 1).slice(0, 3))
    },
  ],
  ['its hour was not over for the producer', (lake) => lake.announce('numbers_1', 2, { rows: 79 })],
  [
    'it counts other rows than its files hold',
    (lake) => lake.announce('numbers_1', 1, { rows: 81 }),
  ],
  [
    'it names an offset that a number of its hour lies at',
    (lake) => {
      const sources = counts.map((_, partition) => ({
        partition,
        next: partition === 3 ? '96' : '100',
      }))
      lake.announce('numbers_1', 1, { sources })
    },
  ],
  [
    'it names no offset of a topic-partition',
    (lake) => lake.announce('numbers_1', 1, { sources: [] }),
  ],
  [
    'it was announced once more with another text',
    (lake) => {
      const folder = join(lake.path, '_lakeward/chaos/ready', second)
      mkdirSync(folder, { recursive: true })
      const text = { id: `chaos/${second}/1`, stream: 'numbers_1', partitionPath: pathOf(1) }
      const whole = { ...text, rows: 80, files: [], sources: [] }
      writeFileSync(join(folder, '1.json'), JSON.stringify(whole))
    },
  ],
])('an announcement is early when %s', async (_, damage) => {
  const { earlyReady, lost, doubled, found } = await judged(damage)
  expect({ lost, doubled, found }).toEqual({ lost: 0, doubled: 0, found: true })
  expect(earlyReady).toBeGreaterThan(0)
})

test('numbers produced after the hour was announced make it early', async () => {
  const verdict = await judged((lake) =>
    lake.write(`${second}/a.parquet`, numbersIn('numbers_1', 1).slice(0, 79)),
  )
  expect(verdict).toEqual({ ...clean, lost: 1, earlyReady: 1, found: true })
})

test('a file that was published without a decision, and moved away, is found', async () => {
  const verdict = await judged((lake) =>
    lake.write(`_lakeward/chaos/quarantine/${second}/b.parquet.quarantined`, [400]),
  )
  expect(verdict).toEqual({ ...clean, found: true })
})

test('a lake without announcements, or without files, is no proof', async () => {
  await using folder = await temporaryFolder()
  const lake = smallLake(join(folder.path, 'lake'))
  await expect(judgeLake(lake.path, { counts, startMs })).rejects.toThrow('nothing to judge')
  await lake.write(`${last}/a.parquet`, numbersIn('numbers_1', 2))
  const { findings, announced } = await judgeLake(lake.path, { counts, startMs })
  expect({ announced, last: findings.at(-1) }).toEqual({
    announced: 0,
    last: 'nothing was announced',
  })
})

/** `lakeward verify` on what a short demo leaves, and the damage that each check must find. */
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { DamagedLake } from '../support/damage.ts'
import {
  type Answered,
  DemoLake,
  type DemoLine,
  type Verdict,
  wrongIn,
} from '../support/demo-lake.ts'

let made: DemoLake
let lake: DamagedLake
let demo: DemoLine
/** The first announced hour of page views, as people write it. */
let hour = ''

beforeAll(async () => {
  made = await DemoLake.make()
  lake = made.lake
  demo = made.demo
  hour = made.hour
})

afterAll(() => made.close())

const run: DemoLake['run'] = (...words) => made.run(...words)
const json = <T>(...words: readonly string[]): Promise<Answered<T>> => made.json<T>(...words)
const openFile: DemoLake['openFile'] = (stream, rows) => made.openFile(stream, rows)

describe('a whole lake', () => {
  test('passes every check, deep ones too, and names each', async () => {
    const { exit, out } = await run('verify', '--deep')
    expect(exit, out).toBe(0)
    const names = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0])
    expect(new Set(names)).toEqual(
      new Set([
        ...'log ranges counts events files strays rows announcements kafka'.split(' '),
        ...'checksums decoded order duplicates letters offsets'.split(' '),
      ]),
    )
  })

  test('counts as many events as the demo produced', async () => {
    const { checks } = await json<Verdict>('verify')
    const counts = checks.find(({ name }) => name === 'counts')
    expect(counts?.detail).toContain(`${demo.read} events read`)
  })

  test('is looked at by stream and by hours', async () => {
    // The hour after the last one of a day is of the next day.
    const nextMs = Date.parse(`${hour}:00Z`) + 3_600_000
    const [from, to] = [hour, new Date(nextMs).toISOString().slice(0, 13)]
    const one = await json<Verdict>('verify', 'page_views', '--hours', `${from}..${to}`, '--deep')
    expect(one.exit).toBe(0)
    const { rows } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
    const decoded = one.checks.find(({ name }) => name === 'decoded')
    expect(decoded?.detail).toContain(`${rows} rows`)
    expect(one.checks.map(({ name }) => name)).not.toContain('ranges')
  })

  test('is not verified without brokers, unless that is allowed', async () => {
    await made.stopBroker()
    onTestFinished(() => made.startBroker())
    const told = await json<Verdict>('verify')
    expect(told.exit).toBe(1)
    expect(told.verdict).toBe('not-checkable')
    expect(wrongIn(told)).toEqual({ kafka: 'not-checkable' })
    const allowed = await run('verify', '--allow-unchecked')
    expect(allowed.exit).toBe(0)
    expect(allowed.out).toMatch(/kafka +not checkable: could not reach any Kafka broker/)
  })
})

describe('verify finds', () => {
  const verifyDeep = (): Promise<Verdict & { exit: number }> => json<Verdict>('verify', '--deep')

  test('a file that is gone', async () => {
    const { path } = await openFile('page_views')
    await lake.remove(path)
    const told = await verifyDeep()
    expect(told.exit).toBe(1)
    expect(wrongIn(told)).toMatchObject({ files: 'failed', decoded: 'failed' })
    const files = told.checks.find(({ name }) => name === 'files')
    expect(files?.findings).toEqual([`"${path}": missing on the lake`])
  })

  test('a byte that changed, though size and rows are right', async () => {
    const { path } = await openFile('sessions')
    await lake.flip(path)
    const told = await verifyDeep()
    expect(told.exit).toBe(1)
    expect(wrongIn(told)).toMatchObject({ checksums: 'failed' })
    expect(told.checks.find(({ name }) => name === 'files')?.state).toBe('ok')
  })

  test('a row that was dropped, though size and checksum are those of the log', async () => {
    const { path, rowCount } = await openFile('page_views')
    await lake.rewrite(path, `SELECT * FROM rows WHERE nth < ${rowCount}`, { rowCount })
    expect(wrongIn(await verifyDeep())).toMatchObject({ rows: 'failed', decoded: 'failed' })
  })

  test('a row that was dropped, though the log says so too: an event was written without it', async () => {
    const { path, rowCount } = await openFile('page_views')
    const less = { rowCount: rowCount - 1 }
    await lake.rewrite(path, `SELECT * FROM rows WHERE nth < ${rowCount}`, less)
    expect(wrongIn(await verifyDeep())).toMatchObject({ events: 'failed' })
  })

  test('a row that stands twice in the place of another one', async () => {
    const { path, rowCount } = await openFile('page_views')
    const twice = `SELECT * FROM rows WHERE nth < ${rowCount} UNION ALL SELECT * FROM rows WHERE nth = ${rowCount - 1}`
    await lake.rewrite(path, `${twice} ORDER BY nth`, { rowCount })
    const told = await verifyDeep()
    expect(wrongIn(told)).toMatchObject({ 'duplicates page_views': 'failed' })
    expect(wrongIn(told)).not.toHaveProperty('order page_views')
  })

  test('a row of an offset that its commit does not cover', async () => {
    const { path, rowCount } = await openFile('page_views')
    const moved = `SELECT * REPLACE (CASE WHEN nth = ${rowCount} THEN _offset + 1000000 ELSE _offset END AS _offset) FROM rows ORDER BY nth`
    await lake.rewrite(path, moved, { rowCount })
    const told = await verifyDeep()
    expect(wrongIn(told)).toMatchObject({ 'duplicates page_views': 'failed' })
    const [finding] = told.checks.find(({ state }) => state === 'failed')?.findings ?? []
    expect(finding).toMatch(/is in a file of a commit that covers \[\d+, \d+\) of it$/)
  })

  test('rows that do not stand in the order of their offsets', async () => {
    const { path, rowCount } = await openFile('page_views')
    await lake.rewrite(path, 'SELECT * FROM rows ORDER BY nth DESC', { rowCount })
    expect(wrongIn(await verifyDeep())).toEqual({ 'order page_views': 'failed' })
  })

  test('rows without identity columns: order and duplicates cannot be looked at', async () => {
    const { path, rowCount } = await openFile('page_views')
    await lake.rewrite(path, 'SELECT * EXCLUDE (_offset) FROM rows ORDER BY nth', { rowCount })
    const told = await verifyDeep()
    expect(told.exit).toBe(1)
    expect(wrongIn(told)).toEqual({
      'order page_views': 'not-checkable',
      'duplicates page_views': 'not-checkable',
      offsets: 'not-checkable',
    })
    expect(told.checks.find(({ name }) => name === 'order')?.detail).toBe('columns not listed')
    expect((await run('verify', '--deep', '--allow-unchecked')).exit).toBe(0)
  })

  test('a dead letter that tells another reason than was counted', async () => {
    const file = (await lake.files()).find(({ file: at }) => at.stream === '_dead_letters')?.file
    const { path, rowCount } = file ?? (await openFile('_dead_letters'))
    const other = "SELECT * REPLACE ('decode' AS step, 'another' AS reason) FROM rows ORDER BY nth"
    await lake.rewrite(path, other, { rowCount })
    expect(wrongIn(await verifyDeep())).toEqual({ letters: 'failed' })
  })

  test('a file of ours that the log does not know', async () => {
    const { path } = await openFile('page_views')
    await lake.copy(path, path.replace(/-\d+\.parquet$/, '-99.parquet'))
    expect(wrongIn(await json<Verdict>('verify'))).toEqual({ strays: 'failed' })
  })

  test('an announcement that says other rows than its files have', async () => {
    const { logEntry } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
    await lake.edit(lake.entryFile(logEntry), (entry) => {
      const { inline } = entry['body'] as { inline: { manifests: { rows: number }[] } }
      for (const manifest of inline.manifests) manifest.rows += 1
    })
    expect(wrongIn(await json<Verdict>('verify'))).toEqual({ announcements: 'failed' })
  })

  test('an entry that cannot be read: nothing behind it is called right', async () => {
    const file = lake.entryFile(5)
    await lake.keep(file)
    await writeFile(file, '{ "format": 1 }')
    const told = await verifyDeep()
    expect(told.exit).toBe(1)
    expect(told.checks.every(({ state }) => state !== 'ok')).toBe(true)
    expect(told.checks[0]).toMatchObject({ name: 'log', state: 'failed' })
  })
})

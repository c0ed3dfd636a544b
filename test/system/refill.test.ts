/** Files that were decided and are gone, read again from the broker by command line. */
import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { present } from '../../src/base/assert.ts'
import { DemoLake, type Verdict, wrongIn } from '../support/demo-lake.ts'

let made: DemoLake

interface Lost {
  readonly lost: readonly { readonly stream: string; readonly because?: string }[]
}

beforeAll(async () => {
  made = await DemoLake.make()
})
afterAll(() => made.close())

/** The log as it was when the newest commit was decided, and none of its files on the lake. */
async function loseNewest(): Promise<readonly string[]> {
  const all = await made.lake.files()
  const newest = present(all.at(-1), 'the demo wrote files').entryFile
  for (const name of await readdir(dirname(newest))) {
    if (name > basename(newest)) await rm(join(dirname(newest), name))
  }
  await rm(join(made.lake.folder, '_lakeward/shop/checkpoints'), { recursive: true, force: true })
  const paths = all.filter(({ entryFile }) => entryFile === newest).map(({ file }) => file.path)
  for (const path of paths) await rm(join(made.lake.folder, path))
  return paths
}

test('rows come back from the records that the entry covers, and the lake is whole', async () => {
  expect(wrongIn(await made.json<Verdict>('verify', '--deep'))).toEqual({})
  const gone = await loseNewest()
  expect(gone.length).toBeGreaterThan(0)
  expect(wrongIn(await made.json<Verdict>('verify'))).toMatchObject({ files: 'failed' })
  const dry = await made.json<Lost>('log', 'refill', '--dry-run')
  expect(dry).toMatchObject({ exit: 0, outcome: 'dry-run' })
  expect(dry.lost.every(({ because }) => because === undefined)).toBe(true)
  await made.stopBroker()
  const silent = await made.run('log', 'refill', '--why', 'the disk is gone')
  expect(silent).toMatchObject({ exit: 3, error: expect.stringContaining('Kafka') })
  await made.startBroker()
  const done = await made.json<Lost>('log', 'refill', '--why', 'the disk is gone')
  expect(done).toMatchObject({ exit: 0, outcome: 'refilled' })
  expect(done.lost).toHaveLength(dry.lost.length)
  expect(wrongIn(await made.json<Verdict>('verify', '--deep'))).toEqual({})
  const { out } = await made.run('log', 'ls', '--limit', '1')
  expect(out).toContain('the disk is gone')
  const again = await made.run('log', 'refill', '--why', 'once more')
  expect(again).toMatchObject({ exit: 0, out: 'no decided file is gone\n' })
})

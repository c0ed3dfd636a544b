/** Late rows through a real daemon: into a later revision, or into the table beside. */
import { copyFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { LateScene } from '../../support/late-scene.ts'
import { NumbersBroker } from '../../support/numbers-broker.ts'
import { lakeward } from '../../support/processes.ts'

let numbers: NumbersBroker

beforeAll(async () => {
  numbers = await NumbersBroker.open()
})
afterAll(() => numbers.close())

test('appended: a later revision names them, and the earlier one is still proved', async () => {
  const scene = await LateScene.open(numbers, 'appended', '{ policy: append, every: 2s }')
  await scene.send(0)
  await scene.send(0)
  const waited = await scene.ask('ready wait', '--revision', '2', '--timeout', '120s')
  expect(waited.code, waited.stderr).toBe(0)
  // Both late rows may come with one commit or with two: nothing changes any more from here on.
  const { revision: newest } = await eventually('each late row is told', 60_000, async () => {
    const told = await scene.manifest()
    return told.rows === 3 ? told : undefined
  })
  const [first, second] = [await scene.manifest(1), await scene.manifest(2)]
  expect(first).toMatchObject({ revision: 1, rows: 1, added: [], counts: { lateAppended: 0 } })
  expect(second).toMatchObject({ revision: 2, reason: 'late', counts: { late: 0 } })
  expect(second.counts.lateAppended).toBe(second.rows - 1)
  const before = new Set(first.files.map(({ path }) => path))
  const came = second.files.map(({ path }) => path).filter((path) => !before.has(path))
  expect(second.added).toEqual(came)
  for (const revision of ['1', '2']) {
    const proof = await scene.ask('ready verify', '--revision', revision)
    expect(proof.code, proof.stdout).toBe(0)
    expect(proof.stdout).toMatch(/revisions +ok/)
  }
  const all = await scene.verifyAll()
  expect(all.code, all.stdout).toBe(0)
  const place = join(scene.config, '..', 'lake/_lakeward/test/ready/numbers', first.partitionPath)
  const presented = ['ready', 'verify', '--manifest', join(place, '1.json'), '-c', scene.config]
  const overtaken = await lakeward(presented)
  expect(overtaken.code).toBe(1)
  expect(overtaken.stdout).toContain(`revision ${newest} is announced, revision 1 is overtaken`)
  await copyFile(join(place, '1.json'), join(place, `${newest}.json`))
  const older = await scene.ask('ready verify')
  expect(older.code).toBe(1)
  expect(older.stdout).toContain(`${newest}.json" says something else than log entry`)
  await rm(join(place, '1.json'))
  const gone = await scene.ask('ready verify')
  expect(gone.stdout).toMatch(/1\.json" is missing: what revision 1 named is not known/)
})

test('diverted: they lie in the table beside, as late events of their hour', async () => {
  const scene = await LateScene.open(numbers, 'diverted', '{ policy: divert }')
  await scene.send(0)
  const place = join(scene.config, '..', 'lake', 'numbers_late')
  const files = await eventually('a diverted file', 60_000, async () => {
    const names = await readdir(place, { recursive: true }).catch(() => [])
    const parquet = names.filter((name) => name.endsWith('.parquet'))
    return parquet.length > 0 ? parquet : undefined
  })
  expect(files).toEqual([expect.stringMatching(/^dt=[\d-]+\/hour=\d\d\/test-/)])
  expect((await scene.manifest(1)).rows).toBe(1)
  const all = await scene.verifyAll()
  expect(all.code, all.stdout).toBe(0)
})

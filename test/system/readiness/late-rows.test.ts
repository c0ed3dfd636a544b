/** Late rows through a real daemon: into a later revision, or into the table beside. */
import { appendFile, copyFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { eventually } from '../../support/eventually.ts'
import { writeNumbersConfig } from '../../support/numbers.ts'
import { hourMs, NumbersBroker } from '../../support/numbers-broker.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'

const startMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
const hour = new Date(startMs).toISOString().slice(0, 13)

let numbers: NumbersBroker

beforeAll(async () => {
  numbers = await NumbersBroker.open()
})
afterAll(() => numbers.close())

/** A daemon with one topic of one partition, whose first hour is announced with one row. */
class Scene {
  readonly config: string
  readonly #topic: string
  #next = 0

  private constructor(topic: string, config: string) {
    this.#topic = topic
    this.config = config
  }

  static async open(topic: string, late: string): Promise<Scene> {
    numbers.broker.createTopic(topic, 1)
    const place = numbers.place(topic)
    const options = { brokerPort: numbers.broker.port, topic, assignment: 'static' } as const
    const config = await writeNumbersConfig(place, options)
    await appendFile(config, `    late: ${late}\n`)
    const scene = new Scene(topic, config)
    const share = ['--worker-index', '0', '--worker-count', '1']
    const daemon = new LakewardProcess(['run', '-c', config, ...share])
    onTestFinished(() => daemon.kill())
    await daemon.line('"event":"started"')
    await scene.send(0)
    await scene.send(2)
    expect((await scene.ask('ready wait', '--timeout', '120s')).code).toBe(0)
    return scene
  }

  /** One event, `hours` after the first hour's beginning. */
  async send(hours: number): Promise<void> {
    const at = { topic: this.#topic, partition: 0, atMs: startMs + hours * hourMs }
    await numbers.send({ ...at, n: this.#next++ })
  }

  /** A command about the first hour, such as `ready show`, with what follows the hour. */
  ask(command: string, ...options: readonly string[]): ReturnType<typeof lakeward> {
    return lakeward([...command.split(' '), 'numbers', hour, ...options, '-c', this.config])
  }

  /** The newest one, unless a revision is asked for. */
  async manifest(revision?: number): Promise<ReadyManifest> {
    const asked = revision === undefined ? [] : ['--revision', String(revision)]
    const shown = await this.ask('ready show', ...asked, '--json')
    expect(shown.code, shown.stderr).toBe(0)
    return JSON.parse(shown.stdout) as ReadyManifest
  }

  verifyAll(): ReturnType<typeof lakeward> {
    return lakeward(['verify', '--deep', '-c', this.config])
  }
}

test('appended: a later revision names them, and the earlier one is still proved', async () => {
  const scene = await Scene.open('appended', '{ policy: append, every: 2s }')
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
  const scene = await Scene.open('diverted', '{ policy: divert }')
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

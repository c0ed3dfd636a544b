/** Late dead letters taken in again, by real operators' processes beside a real daemon. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { LateScene } from '../../support/late-scene.ts'
import { NumbersBroker } from '../../support/numbers-broker.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'

let numbers: NumbersBroker

beforeAll(async () => {
  numbers = await NumbersBroker.open()
})
afterAll(() => numbers.close())

interface Group {
  readonly count: number
  readonly replayed: number
  readonly reason: string
}

class ReplayScene {
  readonly late: LateScene

  private constructor(late: LateScene) {
    this.late = late
  }

  /** With `count` late rows in the dead letters. */
  static async open(topic: string, count: number): Promise<ReplayScene> {
    const late = await LateScene.open(numbers, topic, '{ policy: dead-letter, every: 2s }')
    const scene = new ReplayScene(late)
    for (let row = 0; row < count; row++) await late.send(0)
    await eventually('the late rows are dead letters', 60_000, async () => {
      const [group] = await scene.groups()
      return group?.count === count ? true : undefined
    })
    return scene
  }

  async groups(): Promise<readonly Group[]> {
    const told = await this.#run('dlq', 'ls', '--json')
    return (JSON.parse(told.stdout) as { readonly groups: readonly Group[] }).groups
  }

  readonly #command = ['dlq', 'replay', 'numbers', '--why', 'the hour is to be whole']

  replay(): ReturnType<typeof lakeward> {
    return this.#run(...this.#command)
  }

  /** Words that are refused, with what the refusal says. */
  async refused(...words: readonly string[]): Promise<string> {
    const told = await this.#run('dlq', 'replay', ...words)
    expect(told.code).toBe(2)
    return told.stderr
  }

  dryRun(): ReturnType<typeof lakeward> {
    return this.#run('dlq', 'replay', 'numbers', '--dry-run')
  }

  /** A replay that is killed once it has run for so long. */
  async killedAfter(spanMs: number): Promise<void> {
    const operator = new LakewardProcess([...this.#command, '-c', this.late.config])
    onTestFinished(() => operator.kill())
    await new Promise((resolve) => setTimeout(resolve, spanMs))
    await operator.kill()
  }

  /** Waits for the revision that names what was added, and holds everything against it. */
  async expectWhole(rows: number): Promise<void> {
    const waited = await this.late.ask('ready wait', '--revision', '2', '--timeout', '120s')
    expect(waited.code, waited.stderr).toBe(0)
    const manifest = await this.late.manifest()
    expect(manifest).toMatchObject({ revision: 2, reason: 'late', rows })
    const lateAppended = rows - 1
    expect(manifest.counts).toMatchObject({ read: rows, written: rows, late: 0, lateAppended })
    const before = new Set((await this.late.manifest(1)).files.map(({ path }) => path))
    const came = manifest.files.map(({ path }) => path).filter((path) => !before.has(path))
    expect(manifest.added).toEqual(came)
    const files = await this.late.ask('files', '--format', 'paths')
    expect(files.stdout.trim().split('\n')).toHaveLength(manifest.files.length)
    const proof = await this.late.ask('ready verify', '--deep')
    expect(proof.code, proof.stdout).toBe(0)
    const at = `_lakeward/test/ready/numbers/${manifest.partitionPath}/2.json`
    const file = join(this.late.config, '..', 'lake', at)
    const presented = await this.#run('ready', 'verify', '--manifest', file, '--deep')
    expect(presented.code, presented.stdout).toBe(0)
    const narrow = await this.#run('verify', 'numbers', '--deep')
    expect(narrow.code, narrow.stdout).toBe(0)
    const why = await this.late.ask('why')
    expect(why.code, why.stdout).toBe(0)
    const all = await this.late.verifyAll()
    expect(all.code, all.stdout).toBe(0)
    expect(await this.groups()).toMatchObject([
      { count: lateAppended, replayed: lateAppended, reason: 'late' },
    ])
    expect((await this.replay()).stdout).toContain('no late dead letter is left')
  }

  async log(): Promise<string> {
    return (await this.#run('log', 'ls')).stdout
  }

  #run(...words: readonly string[]): ReturnType<typeof lakeward> {
    return lakeward([...words, '-c', this.late.config])
  }
}

test('by two operators at once beside a daemon: each row once, named by a revision', async () => {
  const scene = await ReplayScene.open('replayed', 3)
  const dry = await scene.dryRun()
  expect(dry.stdout).toMatch(/^3 late dead letters of \d commits? would be taken in$/m)
  expect(await scene.refused('numbers')).toContain('--why TEXT is missing')
  const unknown = await scene.refused('_unknown', '--why', 'w')
  expect(unknown).toContain('stream "_unknown" is not configured; known: numbers')
  const both = await Promise.all([scene.replay(), scene.replay()])
  for (const { code, stderr } of both) expect(code, stderr).toBe(0)
  const told = both.map(({ stdout }) => stdout).join('\n')
  expect(told.match(/^entry \d+: 3 late dead letters: 3 appended$/gm), told).toHaveLength(1)
  await scene.expectWhole(4)
  expect(await scene.log()).toContain('replay of 3 late dead letters')
})

test('by an operator who is killed again and again, without a daemon: each row once', async () => {
  const scene = await ReplayScene.open('killed', 3)
  await scene.late.killDaemon()
  for (const spanMs of [300, 600, 900, 1_200, 1_500, 1_800]) await scene.killedAfter(spanMs)
  const last = await scene.replay()
  expect(last.code, last.stderr).toBe(0)
  await scene.late.start()
  await scene.expectWhole(4)
})

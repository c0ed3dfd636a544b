/**
 * Topics that are not what was read of them: made anew, past retention, cut by a leader that lacks
 * the newest records. Each stops, loudly; its neighbours go on; an operator's word is the way on.
 */
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { present } from '../../src/base/assert.ts'
import { topicPartitionName } from '../../src/model/topic-partition.ts'
import { foldOf } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { rawEntries } from '../support/log-files.ts'
import { numberRecord, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { freePort } from './services/free-ports.ts'

const timeout = 180_000
const startMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 24 * 3_600_000
const hour = new Date(startMs).toISOString().slice(0, 13)

/** A broker, a lake, and one stream of numbers that two topics bring. */
class Scene {
  readonly folder: string
  readonly lake: string
  readonly httpPort: number
  config = ''
  broker: EmbeddedBroker
  #producer: RecordProducer

  private constructor(folder: string, httpPort: number, broker: EmbeddedBroker) {
    this.folder = folder
    this.lake = join(folder, 'lake')
    this.httpPort = httpPort
    this.broker = broker
    this.#producer = this.#newProducer()
  }

  static async open(
    settings: { segmentBytes?: number; retentionBytes?: number } = {},
    topic = '[a, b]',
  ) {
    const folder = await temporaryFolder()
    onTestFinished(() => folder[Symbol.asyncDispose]())
    const directory = join(folder.path, 'broker')
    const broker = await startBroker({ directory, port: await freePort(), ...settings })
    const scene = new Scene(folder.path, await freePort(), broker)
    onTestFinished(() => scene.#close())
    broker.createTopic('a', 2)
    broker.createTopic('b', 1)
    const { httpPort } = scene
    const options = { brokerPort: broker.port, topic, httpPort }
    scene.config = await writeNumbersConfig(folder.path, options)
    return scene
  }

  async restartBroker(between: () => void): Promise<void> {
    const { port } = this.broker
    await this.#close()
    between()
    this.broker = await startBroker({ directory: join(this.folder, 'broker'), port })
    this.#producer = this.#newProducer()
  }

  /** One that knows how many partitions a topic made anew has. */
  async renewProducer(): Promise<void> {
    await this.#producer.close()
    this.#producer = this.#newProducer()
  }

  /** One batch of numbers `[first, next)`. */
  async produce(topic: string, partition: number, first: number, next: number): Promise<void> {
    const records = Array.from({ length: next - first }, (_, at) => {
      const value = numberRecord('numbers', first + at, startMs + first + at)
      return { topic, partition, key: undefined, value, timestampMs: startMs + first + at }
    })
    await this.#producer.send(records)
  }

  async run(): Promise<LakewardProcess> {
    const daemon = new LakewardProcess(['run', '-c', this.config])
    onTestFinished(() => daemon.kill())
    await daemon.line('"event":"started"')
    return daemon
  }

  /** Waits until the log stands at these offsets, of what is read. */
  reached(wanted: Readonly<Record<string, number>>): Promise<true> {
    return eventually(`the log stands at ${JSON.stringify(wanted)}`, 60_000, async () => {
      const positions = [
        ...((await foldOf(this.lake, 'test')).positions.get('lake')?.values() ?? []),
      ]
      const stands = Object.fromEntries(
        positions.flatMap(({ source, next, ended }) =>
          ended === true ? [] : [[topicPartitionName(source), Number(next)]],
        ),
      )
      return Object.entries(wanted).every(([name, next]) => stands[name] === next) || undefined
    })
  }

  async call(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await lakeward([...args, '--json', '-c', this.config])
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout) as Record<string, unknown>
  }

  /** What each view of the daemon and of the commands says of the stop. */
  async told(): Promise<Readonly<Record<string, string>>> {
    const readyz = await fetch(`http://127.0.0.1:${this.httpPort}/readyz`)
    const status = await this.call('status')
    const why = await this.call('why', 'numbers', hour)
    const sources = await this.call('source', 'ls')
    expect(readyz.status).toBe(503)
    const texts = [status, why, sources].map((answer) => JSON.stringify(answer))
    const [ofStatus = '', ofWhy = '', ofSources = ''] = texts
    return { readyz: await readyz.text(), status: ofStatus, why: ofWhy, sources: ofSources }
  }

  /** Numbers on the lake, each with how often it is there, but for those that are there once. */
  async numbers(): Promise<{ count: bigint; notOnce: readonly unknown[] }> {
    const table = tableGlob(this.lake, 'numbers')
    const [found] = await duck(`SELECT count(*) AS count FROM ${table}`)
    const notOnce = await duck(`SELECT n, count(*) AS c FROM ${table} GROUP BY n HAVING c <> 1`)
    return { count: found?.['count'] as bigint, notOnce }
  }

  async #close(): Promise<void> {
    await this.#producer.close()
    await this.broker.close()
  }

  #newProducer(): RecordProducer {
    const brokers = [`127.0.0.1:${this.broker.port}`]
    return new RecordProducer({ brokers, clientId: 'refusals', compression: 'none' })
  }
}

async function expectSound(scene: Scene): Promise<void> {
  for (const words of [
    ['log', 'verify'],
    ['verify', '--deep'],
  ]) {
    const { code, stdout, stderr } = await lakeward([...words, '-c', scene.config])
    expect(code, stdout + stderr).toBe(0)
  }
}

const remedy = /source accept/

test('a topic made anew stops; accepted, it is read from its first record', {
  timeout,
}, async () => {
  const scene = await Scene.open()
  await scene.produce('a', 0, 0, 10)
  await scene.produce('a', 1, 10, 15)
  await scene.produce('b', 0, 100, 105)
  const daemon = await scene.run()
  await scene.reached({ 'a/0': 10, 'a/1': 5, 'b/0': 5 })
  const before = scene.broker.createTopic('a', 2)
  scene.broker.deleteTopic('a')
  const anew = scene.broker.createTopic('a', 3)
  await scene.renewProducer()
  // Longer than what was read of the old one: by name, it would be read on from its middle.
  await scene.produce('a', 0, 20, 35)
  await scene.produce('a', 1, 40, 44)
  await scene.produce('a', 2, 50, 51)
  await scene.produce('b', 0, 105, 110)
  await daemon.line('KAFKA_TOPIC_RECREATED')
  await scene.reached({ 'a/0': 10, 'a/1': 5, 'b/0': 10 })
  for (const [view, text] of Object.entries(await scene.told())) {
    for (const part of [before, anew, remedy]) expect(text, view).toMatch(part)
  }
  const without = await lakeward(['source', 'accept', 'a', '-c', scene.config])
  expect([without.code, without.stderr]).toEqual([
    2,
    expect.stringMatching(/--why TEXT is missing/),
  ])
  const one = ['source', 'accept', 'a/0', '--why', 'x', '-c', scene.config]
  const half = await lakeward([...one, '--json'])
  expect([half.code, half.stdout]).toEqual([
    1,
    expect.stringMatching(/SOURCE_MOVE_REFUSED[^]*another one as a whole/),
  ])
  const accepted = await scene.call('source', 'accept', 'a', '--why', 'made anew by its owner')
  expect(accepted).toMatchObject({ action: 'accept', why: 'made anew by its owner' })
  const entry = rawEntries(scene.lake, 'test')[Number(accepted['entry'])]
  expect(entry).toMatchObject({ kind: 'source', why: 'made anew by its owner' })
  await scene.reached({ 'a/0': 15, 'a/1': 4, 'a/2': 1, 'b/0': 10 })
  await eventually('the daemon is ready again', 60_000, async () => {
    const { status } = await fetch(`http://127.0.0.1:${scene.httpPort}/readyz`)
    return status === 200 || undefined
  })
  expect(await daemon.stop()).toBe(0)
  expect(await scene.numbers()).toEqual({ count: 45n, notOnce: [] })
  expect(await scene.call('source', 'accept', 'a', '--why', 'again')).toEqual({
    action: 'accept',
    moves: [],
  })
  await expectSound(scene)
})

test('a topic of a pattern that is deleted stops; accepted, the others are announced without it', {
  timeout,
}, async () => {
  const scene = await Scene.open({}, "'[ab].*'")
  await scene.produce('a', 0, 0, 10)
  await scene.produce('b', 0, 100, 105)
  const daemon = await scene.run()
  await scene.reached({ 'a/0': 10, 'a/1': 0, 'b/0': 5 })
  scene.broker.createTopic('a-later', 1)
  await scene.renewProducer()
  await scene.produce('a-later', 0, 200, 203)
  await scene.reached({ 'a-later/0': 3 })
  scene.broker.deleteTopic('b')
  await daemon.line('"event":"topic gone"')
  await eventually('the daemon says so', 60_000, async () => {
    const { status } = await fetch(`http://127.0.0.1:${scene.httpPort}/readyz`)
    return status === 503 || undefined
  })
  for (const [view, text] of Object.entries(await scene.told())) {
    expect(text, view).toMatch(/b\/0.*do not have it any more|missing/)
  }
  const accepted = await scene.call('source', 'accept', 'b', '--why', 'retired')
  expect(accepted).toMatchObject({ moves: [{ topicPartition: 'b/0', from: '5' }] })
  await eventually('the daemon is ready again', 60_000, async () => {
    const { status } = await fetch(`http://127.0.0.1:${scene.httpPort}/readyz`)
    return status === 200 || undefined
  })
  // Under the same name comes another topic: it is read from its first record.
  scene.broker.createTopic('b', 1)
  await scene.renewProducer()
  await scene.produce('b', 0, 300, 307)
  await scene.reached({ 'a/0': 10, 'b/0': 7, 'a-later/0': 3 })
  expect(await daemon.stop()).toBe(0)
  expect(await scene.numbers()).toEqual({ count: 25n, notOnce: [] })
  await expectSound(scene)
})

test('retention past the log’s offset stops; accepted, it goes on with what is left', {
  timeout,
}, async () => {
  const scene = await Scene.open({ segmentBytes: 2_000, retentionBytes: 4_000 })
  await scene.produce('a', 0, 0, 10)
  await scene.produce('a', 1, 1_000, 1_010)
  const first = await scene.run()
  await scene.reached({ 'a/0': 10, 'a/1': 10 })
  expect(await first.stop()).toBe(0)
  for (let n = 10; n < 410; n += 10) await scene.produce('a', 0, n, n + 10)
  await scene.produce('a', 1, 1_010, 1_015)
  const daemon = await scene.run()
  await daemon.line('KAFKA_OFFSET_OUT_OF_RANGE')
  await scene.reached({ 'a/0': 10, 'a/1': 15 })
  for (const [view, text] of Object.entries(await scene.told())) {
    for (const part of [/no offset 10: it holds \d+ up to 410/, remedy]) {
      expect(text, view).toMatch(part)
    }
  }
  const { moves } = await scene.call('source', 'accept', 'a', '--why', 'a weekend too long')
  const [move] = moves as { from: string; to: string; skipped: string }[]
  expect(Number(move?.from)).toBe(10)
  const earliest = Number(move?.to)
  expect(earliest).toBeGreaterThan(10)
  expect(Number(move?.skipped)).toBe(earliest - 10)
  await scene.reached({ 'a/0': 410, 'a/1': 15 })
  expect(await daemon.stop()).toBe(0)
  const kept = BigInt(10 + (410 - earliest) + 15)
  expect(await scene.numbers()).toEqual({ count: kept, notOnce: [] })
  await expectSound(scene)
})

test('a leader without the newest records stops it; accepted, each record that is there is read', {
  timeout,
}, async () => {
  const scene = await Scene.open()
  for (let n = 0; n < 10; n += 2) await scene.produce('a', 0, n, n + 2)
  await scene.produce('a', 1, 1_000, 1_010)
  const first = await scene.run()
  await scene.reached({ 'a/0': 10, 'a/1': 10 })
  expect(await first.stop()).toBe(0)
  await scene.restartBroker(() => {
    const broker = join(scene.folder, 'broker')
    const topic = readdirSync(broker).find((name) => name.startsWith('a-'))
    const file = join(
      broker,
      present(topic, 'the broker keeps the topic'),
      '0',
      `${'0'.repeat(20)}.log`,
    )
    // Within the fourth of five batches: what is torn is cut when the broker opens the file.
    truncateSync(file, Math.floor(statSync(file).size * 0.7))
  })
  await scene.produce('a', 0, 60, 69)
  await scene.produce('a', 1, 1_010, 1_015)
  const daemon = await scene.run()
  await daemon.line('KAFKA_LOG_DIVERGED')
  await scene.reached({ 'a/0': 10, 'a/1': 15 })
  for (const [view, text] of Object.entries(await scene.told())) {
    for (const part of [/read up to 10, its leader's log of epoch \d+ ends at 6/, remedy]) {
      expect(text, view).toMatch(part)
    }
  }
  await scene.call('source', 'accept', 'a/0', '--why', 'an unclean election')
  await scene.reached({ 'a/0': 15, 'a/1': 15 })
  expect(await scene.numbers()).toEqual({ count: 34n, notOnce: [] })
  const again = ['source', 'reset', 'a/1', '--to', '12', '--why', 'read them again']
  const { moves } = await scene.call(...again)
  expect(moves).toMatchObject([{ topicPartition: 'a/1', from: '15', to: '12', skipped: '-3' }])
  await eventually('they are read again', 60_000, async () =>
    (await scene.numbers()).count === 37n ? true : undefined,
  )
  expect((await scene.numbers()).notOnce).toHaveLength(3)
  const beyond = await lakeward([...again.slice(0, 4), '99', ...again.slice(5), '-c', scene.config])
  expect([beyond.code, beyond.stderr]).toEqual([
    1,
    expect.stringMatching(/"a\/1" has no offset 99: it holds 0 up to 15/),
  ])
  expect(await daemon.stop()).toBe(0)
})

/**
 * Six causes, each planted on a real daemon over the embedded broker, and what `lakeward why`
 * says.
 *
 * The lake is made to refuse by a file that stands where the table's folder must be: that stops
 * every user, root too.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { FoldedPosition } from '../../../src/model/fold-state.ts'
import { foldOf } from '../../support/commit-phase.ts'
import { eventually } from '../../support/eventually.ts'
import { writeNumbersConfig } from '../../support/numbers.ts'
import { hourMs, NumbersBroker } from '../../support/numbers-broker.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'
import { freePort } from '../services/free-ports.ts'

/** Start of an hour of yesterday: the lake's time is beyond its end, whatever the minute. */
const startMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
const hour = new Date(startMs).toISOString().slice(0, 13)
const endOfHour = new Date(startMs + hourMs).toISOString()
/** Where a configuration says on which address its daemon answers. */
const listening = /listen: "([^"]*)"/
/** Longer than a log may be silent before nobody counts as reading: two intervals and 5 s. */
const silenceMs = 6_000

interface Answer {
  readonly state: string
  readonly rule: string
  readonly topicPartition?: string
  readonly writer?: string
  readonly lastOffset?: string
  readonly lagRecords?: string
  readonly since?: string
  readonly sentence: string
}

const timeIn = ({ since }: Answer): number => Date.parse(present(since, 'it tells since when'))

let numbers: NumbersBroker

beforeAll(async () => {
  numbers = await NumbersBroker.open()
})
afterAll(() => numbers.close())

/** One topic of two partitions, its configuration and its lake; `topic` names all of them. */
class Scene {
  readonly topic: string
  readonly lake: string
  readonly config: string
  #next = 0

  constructor(topic: string, config: string) {
    this.topic = topic
    this.config = config
    this.lake = join(config, '..', 'lake')
  }

  static async open(topic: string, ready: string): Promise<Scene> {
    numbers.broker.createTopic(topic, 2)
    const more = `commit: { interval: 250ms }\nready: ${ready}`
    const place = numbers.place(topic)
    const options = { brokerPort: numbers.broker.port, topic, more, assignment: 'static' } as const
    const config = await writeNumbersConfig(place, options)
    const text = await readFile(config, 'utf8')
    await writeFile(config, text.replace('127.0.0.1:0', `127.0.0.1:${await freePort()}`))
    return new Scene(topic, config)
  }

  /** Starts one of `workerCount` workers; the first one is asked by `why`. */
  async run(workerCount = 1, workerIndex = 0): Promise<LakewardProcess> {
    const config = workerIndex === 0 ? this.config : await this.#configOfAnother()
    const share = ['--worker-index', String(workerIndex), '--worker-count', String(workerCount)]
    const daemon = new LakewardProcess(['run', '-c', config, ...share])
    onTestFinished(() => daemon.kill())
    await daemon.line('"event":"started"')
    return daemon
  }

  /** The same configuration on a port of its own, on which nobody asks. */
  async #configOfAnother(): Promise<string> {
    const path = join(this.config, '..', 'another.yaml')
    const text = await readFile(this.config, 'utf8')
    await writeFile(path, text.replace(listening, 'listen: "127.0.0.1:0"'))
    return path
  }

  /** What the daemon itself answers. */
  async asked(): Promise<Answer> {
    const address = listening.exec(await readFile(this.config, 'utf8'))?.[1]
    const path = `/api/v1/streams/numbers/partitions/${hour}`
    const answer = await fetch(`http://${address}${path}`)
    return ((await answer.json()) as { why: Answer }).why
  }

  /** The position of a partition in the log. */
  async position(partition: number): Promise<FoldedPosition | undefined> {
    const positions = (await foldOf(this.lake, 'test')).positions.get('lake')
    return [...(positions?.values() ?? [])].find(({ source }) => source.partition === partition)
  }

  /** One event, `hours` after the hour that is asked about. */
  async send(partition: number, hours: number): Promise<void> {
    const at = { topic: this.topic, partition, atMs: startMs + hours * hourMs }
    await numbers.send({ ...at, n: this.#next++ })
  }

  /** Waits until so many records of each partition are committed. */
  async committed(...counts: readonly number[]): Promise<void> {
    await eventually(`${counts.join()} records are committed`, 60_000, async () => {
      const positions = (await foldOf(this.lake, 'test')).positions.get('lake')
      const next = (partition: number): number =>
        Number(
          [...(positions?.values() ?? [])].find((at) => at.source.partition === partition)?.next ??
            0,
        )
      return counts.every((count, partition) => next(partition) === count) ? true : undefined
    })
  }

  async why(): Promise<Answer> {
    const words = ['why', 'numbers', hour, '-c', this.config, '--json']
    const { code, stdout, stderr } = await lakeward(words)
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout) as Answer
  }

  /**
   * The newest entry of any writer is older than a working daemon's would be.
   * @returns its time.
   */
  silent(): Promise<number> {
    return eventually('the log is silent', 60_000, async () => {
      const writers = [...(await foldOf(this.lake, 'test')).writers.values()]
      const lastMs = Math.max(...writers.map(({ lastEntryAtMs }) => lastEntryAtMs))
      return Date.now() > lastMs + silenceMs ? lastMs : undefined
    })
  }
}

test('a topic-partition that is read and does not come along is lagging', async () => {
  const scene = await Scene.open('lagging', '{ delay: 0s, idle: 1h }')
  await scene.run()
  await scene.send(0, 0)
  await scene.send(1, 2)
  await scene.committed(1, 1)
  numbers.broker.faults.delay('fetch', 600_000)
  onTestFinished(() => numbers.broker.faults.clear())
  // A fetch that was answered before the fault may still bring one: the first two are let through.
  await scene.send(0, 0)
  const asked = await eventually('it lags', 60_000, async () => {
    await scene.send(0, 0)
    const answer = await scene.why()
    return Number(answer.lagRecords ?? 0) > 0 ? answer : undefined
  })
  expect(asked).toMatchObject({ rule: 'lagging', topicPartition: 'lagging/0', since: endOfHour })
  await scene.silent()
  const later = await scene.why()
  expect(later).toMatchObject({ rule: 'lagging', topicPartition: 'lagging/0', since: endOfHour })
  const positions = (await foldOf(scene.lake, 'test')).positions.get('lake')
  const [zero] = [...(positions?.values() ?? [])].filter(({ source }) => source.partition === 0)
  expect(later.lastOffset).toBe(String((zero?.next ?? 0n) - 1n))
  expect(later.lagRecords).toBe(
    String((numbers.broker.highWatermark('lagging', 0) ?? 0n) - (zero?.next ?? 0n)),
  )
})

test('a topic-partition without rows and without proof is told with the time it is quiet since', async () => {
  const scene = await Scene.open('idle', '{ delay: 0s, idle: 1h }')
  await scene.run()
  await scene.send(0, 0)
  await scene.send(0, 2)
  await scene.committed(2, 0)
  await scene.silent()
  const answer = await scene.why()
  expect(answer).toMatchObject({ rule: 'idle-without-proof', topicPartition: 'idle/1' })
  expect(timeIn(answer)).toBe((await scene.position(1))?.sinceMs)
})

/** The one partition that a worker said it reads. */
async function assignedTo(daemon: LakewardProcess): Promise<number> {
  const line = await daemon.line('"event":"assigned"')
  const { topicPartitions } = JSON.parse(line) as { topicPartitions: readonly string[] }
  expect(topicPartitions).toHaveLength(1)
  return Number(/\/(\d+)$/.exec(topicPartitions[0] ?? '')?.[1])
}

test('a topic-partition of a worker that was never started has no reader', async () => {
  const scene = await Scene.open('unassigned', '{ delay: 0s, idle: 1h }')
  const daemon = await scene.run(2)
  const owned = await assignedTo(daemon)
  const other = 1 - owned
  await scene.send(owned, 0)
  await scene.send(owned, 2)
  await eventually('what is read is committed', 60_000, async () =>
    (await scene.position(owned))?.next === 2n ? true : undefined,
  )
  const putMs = (await scene.position(other))?.sinceMs ?? 0
  const expected = {
    state: 'open',
    rule: 'unassigned',
    topicPartition: `unassigned/${other}`,
    since: new Date(putMs).toISOString(),
  }
  const told = await eventually('the command tells it', 60_000, async () => {
    const answer = await scene.why()
    return answer.rule === 'unassigned' ? answer : undefined
  })
  expect(Date.now(), 'not before its reader had time').toBeGreaterThan(putMs + 5_500)
  expect(told).toMatchObject({ ...expected, lagRecords: '0' })
  expect(told).not.toHaveProperty('writer')
  expect(await scene.asked()).toMatchObject(expected)

  await scene.send(other, 0)
  await scene.send(other, 2)
  expect(await scene.why()).toMatchObject({ ...expected, lagRecords: '2' })
  await daemon.kill()
  expect(await scene.why()).toMatchObject({ ...expected, lagRecords: '2' })

  expect(await assignedTo(await scene.run(2, 1))).toBe(other)
  await eventually('its reader has come, and it is announced', 60_000, async () => {
    const { rule } = await scene.why()
    return rule === 'announced' ? true : undefined
  })
})

test('a topic-partition without records that another worker reads has a reader', async () => {
  const scene = await Scene.open('shared', '{ delay: 0s, idle: 1h }')
  const daemon = await scene.run(2)
  const another = await scene.run(2, 1)
  const owned = await assignedTo(daemon)
  const quiet = await assignedTo(another)
  expect(quiet).toBe(1 - owned)
  await scene.send(owned, 0)
  await scene.send(owned, 2)
  await eventually('what is read is committed', 60_000, async () =>
    (await scene.position(owned))?.next === 2n ? true : undefined,
  )
  const expected = { rule: 'idle-without-proof', topicPartition: `shared/${quiet}` }
  await scene.silent()
  expect(await scene.why()).toMatchObject(expected)
  expect(await scene.asked()).toMatchObject(expected)
  await daemon.kill()
  await another.kill()
  expect(await scene.why()).toMatchObject(expected)
})

test('a reader that died is told as a topic-partition without one, since its last sign', async () => {
  const scene = await Scene.open('dead', '{ delay: 0s, idle: 1h }')
  const daemon = await scene.run()
  await scene.send(0, 0)
  await scene.send(1, 2)
  await scene.committed(1, 1)
  await daemon.kill()
  await scene.send(0, 0)
  await scene.silent()
  const answer = await scene.why()
  expect(answer).toMatchObject({ rule: 'unassigned', topicPartition: 'dead/0', lagRecords: '1' })
  const positions = (await foldOf(scene.lake, 'test')).positions.get('lake')
  const [zero] = [...(positions?.values() ?? [])].filter(({ source }) => source.partition === 0)
  expect(timeIn(answer)).toBeGreaterThanOrEqual(zero?.movedAtMs ?? Infinity)
})

test('a lake that refuses is told by the daemon, and found out where there is none', async () => {
  const scene = await Scene.open('refusing', '{ delay: 0s, idle: 1h }')
  const daemon = await scene.run()
  await scene.send(0, 0)
  await scene.send(1, 2)
  await scene.committed(1, 1)
  const before = present(await scene.position(0), 'it is committed').movedAtMs
  const table = join(scene.lake, 'numbers')
  await rename(table, `${table}.aside`)
  await writeFile(table, '')
  await scene.send(0, 0)
  const told = await eventually('the daemon is refused', 60_000, async () => {
    const answer = await scene.why()
    return answer.rule === 'lake-refuses' ? answer : undefined
  })
  // The daemon's view of the lake's clock, as the log has it; it may be behind ours, never ahead.
  expect(timeIn(told)).toBeGreaterThanOrEqual(before)
  expect(timeIn(told)).toBeLessThan(Date.now() + 1_000)
  expect(told.sentence).toMatch(/ENOTDIR|EEXIST/)

  await daemon.kill()
  const since = new Date(await scene.silent()).toISOString()
  expect(await scene.why()).toMatchObject({ rule: 'lake-refuses', since })

  await rm(table)
  await rename(`${table}.aside`, table)
  await mkdir(join(table, '_staging'), { recursive: true })
  expect(await scene.why()).toMatchObject({ rule: 'unassigned', topicPartition: 'refusing/0' })
})

test('an hour whose delay is not over says when it is', async () => {
  const scene = await Scene.open('delayed', '{ delay: 2d, idle: 1h }')
  await scene.run()
  await scene.send(0, 0)
  await scene.send(1, 0)
  await scene.committed(1, 1)
  const answer = await scene.why()
  expect(answer).toMatchObject({ state: 'open', rule: 'delay', since: endOfHour })
  expect(answer.sentence).toContain(new Date(startMs + hourMs + 48 * hourMs).toISOString())
})

test('without any obstacle it is announced, and the answer says when', async () => {
  const scene = await Scene.open('announced', '{ delay: 0s, idle: 1h }')
  await scene.run()
  await scene.send(0, 0)
  await scene.send(0, 2)
  await scene.send(1, 2)
  const answer = await eventually('it is announced', 60_000, async () => {
    const now = await scene.why()
    return now.rule === 'announced' ? now : undefined
  })
  expect(answer.sentence).toMatch(/revision 1, 1 rows/)
})

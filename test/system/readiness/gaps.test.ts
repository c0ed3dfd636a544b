/** Gaps of days in event time through real daemons: one range, whoever asks, killed or not. */
import { expect, onTestFinished, test } from 'vitest'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { eventually } from '../../support/eventually.ts'
import { hourMs } from '../../support/numbers-broker.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { drawn, WhyWorld } from './why-world.ts'

const stream = 'gaps_240'
/** Eleven days ago: rows of hours after it lie in the past, and are of no day of now. */
const by = drawn(240, Date.now())
const iso = (hours: number): string => new Date(by.startMs + hours * hourMs).toISOString()
const hour = (hours: number): string => iso(hours).slice(0, 13)
const skipped = { first: iso(3), next: iso(200), partitions: 197, emptyRunMax: 24 }

interface Listed {
  readonly partition: string
  readonly revision: number
  readonly reason: string
  readonly skipped?: ReadyManifest['skipped']
}

const streamsWith = (emptyRunMax: number) => ({
  streams: {
    gaps: `, ready: { emptyRunMax: ${emptyRunMax} }, late: { policy: append, every: 1s }`,
  },
})

async function json<T>(world: WhyWorld, ...words: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await world.call(...words, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

const listed = async (world: WhyWorld): Promise<readonly Listed[]> =>
  (await json<{ announced: readonly Listed[] }>(world, 'ready', 'ls', stream)).announced

/** Both topic-partitions bring an hour, and are two hours further. */
async function sendHour(world: WhyWorld, hours: number): Promise<void> {
  for (const partition of [0, 1]) {
    await world.send('gaps', partition, hours)
    await world.send('gaps', partition, hours + 2)
  }
}

test('a gap of days is told once, as one range, by log, manifest, commands, API and metrics', {
  timeout: 180_000,
}, async () => {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const world = await WhyWorld.open(by, folder.path, streamsWith(24))
  onTestFinished(() => world.close())
  await world.run()
  await sendHour(world, 0)
  await eventually('the first hours are announced', 60_000, async () =>
    (await listed(world)).length === 2 ? true : undefined,
  )
  await sendHour(world, 200)
  const line = JSON.parse(await world.line('"event":"partitions-skipped"')) as object
  const announced = await eventually('all that is over is announced', 60_000, async () => {
    const found = await listed(world)
    return found.length >= 5 ? found : undefined
  })
  expect(announced.map(({ partition, reason }) => [partition, reason])).toEqual([
    [hour(0), 'complete'],
    [hour(1), 'empty'],
    [hour(2), 'complete'],
    [hour(200), 'complete'],
    [hour(201), 'empty'],
  ])
  expect(announced.flatMap((at) => at.skipped ?? [])).toEqual([skipped])
  const manifest = await json<ReadyManifest>(world, 'ready', 'show', stream, hour(200))
  expect(manifest.skipped).toEqual(skipped)
  expect(line).toMatchObject({ level: 'warn', stream, ...skipped, entry: manifest.logEntry })
  const told = await world.told('gaps', 'skipped', hour(100))
  expect(told).toContain(`197 hours from ${iso(3)} up to ${iso(200)}`)
  expect(told).toContain(await world.asked('gaps', hour(100)))
  const waited = await world.call('ready', 'wait', stream, hour(100), '--timeout', '60s')
  expect(waited.code).toBe(1)
  expect(waited.stdout).toContain(`told as one range by log entry ${manifest.logEntry}`)
  expect((await world.call('log', 'ls')).stdout).toContain(`behind a gap from ${iso(3)}`)
  const verified = await world.call('ready', 'verify', stream, hour(200))
  expect(verified.stdout).toMatch(/^skipped +ok +197 partitions in one range$/m)
  const metrics = await (await fetch(`${world.address}/metrics`)).text()
  expect(metrics).toContain(`lakeward_partitions_skipped_total{stream="${stream}"} 197`)

  await world.kill()
  await world.configure(streamsWith(744))
  await world.run()
  await world.send('gaps', 0, 100)
  await eventually('what came to the gap is announced apart', 60_000, async () => {
    const found = await world.call('ready', 'wait', stream, hour(100), '--timeout', '1s')
    return found.code === 0 ? true : undefined
  })
  const after = await listed(world)
  expect(after.map(({ partition }) => partition)).toEqual(
    [0, 1, 2, 100, 200, 201].map((hours) => hour(hours)),
  )
  expect(after.map(({ revision }) => revision)).toEqual([1, 1, 1, 1, 1, 1])
  expect(after.flatMap((at) => at.skipped ?? [])).toEqual([skipped])
  await world.told('gaps', 'skipped', hour(101))
})

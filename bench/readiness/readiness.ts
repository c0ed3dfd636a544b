/**
 * Readiness of many streams in one daemon: when the log says it, when receivers hear it, what
 * deciding costs; and whether each hour is announced once, whatever is killed meanwhile.
 *
 * The real `lakeward run` on the embedded broker, a local lake, 32 topic-partitions that each carry
 * every stream. Hours are of yesterday and pass within seconds: only event time holds them back.
 * What is told afterwards is read from the log and from the files.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../test/support/eventually.ts'
import { lakeward } from '../../test/support/processes.ts'
import { keepResults } from '../measure/keep-results.ts'
import { commitText, loadText, machineText, thisMachine } from '../measure/machine.ts'
import { type BenchFlags, type BenchOutcome, Misused } from '../measure/outcome.ts'
import { mainCpuSecondsOf } from '../measure/process-figures.ts'
import { cellOfManifest, type Judged, judge } from './judge.ts'
import { decidingShare } from './profile.ts'
import { hourMs, partitionCount, ReadinessWorld, type WorldOptions } from './world.ts'

interface Sizes {
  readonly streams: number
  readonly hours: number
  readonly hourSeconds: number
  readonly kills: number
  /** Announcements that the command `ready verify` proves, one by one. */
  readonly verified: number
  readonly delayHours: number
  readonly decidingSeconds: number
  readonly rollover: number
  readonly hanging: number
}

const full: Sizes = {
  streams: 500,
  hours: 24,
  hourSeconds: 8,
  kills: 5,
  verified: 40,
  delayHours: 10,
  decidingSeconds: 60,
  rollover: 1_000,
  hanging: 200,
}
const quick: Sizes = {
  streams: 40,
  hours: 4,
  hourSeconds: 3,
  kills: 1,
  verified: 2,
  delayHours: 3,
  decidingSeconds: 10,
  rollover: 100,
  hanging: 20,
}

const readySecondsMax = 2
const webhookSecondsMax = 1
const decidingShareMax = 0.02
const rolloverSecondsMax = 30
const settleMs = 600_000

interface Part {
  readonly name: string
  readonly lines: readonly string[]
  readonly missed: readonly string[]
  readonly seconds: Readonly<Record<string, number>>
}

/** @returns the figures; a quick run, or one of a single part, is not recorded. */
export async function benchReadiness({ isQuick, values }: BenchFlags): Promise<BenchOutcome> {
  const sizes = isQuick ? quick : full
  const { part: only } = values
  const measures = { 'a-day': aDay, delays, deciding, rollover, 'one-hangs': oneHangs }
  const chosen = Object.entries(measures).filter(([name]) => name === (only ?? name))
  if (chosen.length === 0) {
    throw new Misused(`--part ${only}; accepted: ${Object.keys(measures).join(', ')}`)
  }
  const machine = machineText(thisMachine())
  console.log(`machine     ${machine}, load ${loadText()}`)
  const parts: Part[] = []
  for (const [, measure] of chosen) {
    const done = await measure(sizes)
    for (const line of done.lines) console.log(`${line}; load ${loadText()}`)
    parts.push(done)
  }
  const missed = parts.flatMap((part) => part.missed)
  if (isQuick || only !== undefined) console.log('not the whole run, not recorded')
  else keepResults('readiness', about, recorded(parts, missed))
  const cases = parts.map(({ name, seconds }) => ({ name, seconds }))
  return { report: { bench: 'readiness', commit: commitText(), machine, cases }, missed }
}

const about = `Appended by \`npm run bench -- readiness\`: one \`lakeward run\` over ${partitionCount} topic-partitions that
each carry every stream, on the embedded broker and a local lake, \`commit.interval\` 1s, \`ready.delay\` 0s. Times
are those of the machine's clock, from the line that tells the commit.`

const recorded = (parts: readonly Part[], missed: readonly string[]): readonly string[] => [
  ...parts.flatMap(({ lines }) => lines.map((line) => `- ${line}`)),
  `Observation: ${missed.length === 0 ? 'every bar holds' : missed.join('; ')}.`,
]

/** Opens a world in a folder that is gone afterwards. */
async function inWorld<T>(
  options: Omit<WorldOptions, 'folder' | 'startMs'>,
  work: (world: ReadinessWorld, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'lakeward-readiness-'))
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - 48 * hourMs
  const world = await ReadinessWorld.open({ ...options, folder, startMs })
  try {
    return await work(world, folder)
  } finally {
    await world.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits until so many different announcements were received. */
const received = (world: ReadinessWorld, count: number): Promise<true> =>
  eventually(`${count} announcements are received`, settleMs, () =>
    world.received.length >= count ? true : undefined,
  )

/** One hour after the other, `seconds` each; the last one releases the one before. */
async function sendHours(world: ReadinessWorld, hours: number, seconds: number): Promise<void> {
  for (let hour = 0; hour <= hours; hour++) {
    const beganMs = performance.now()
    await world.sendHour(hour)
    await sleep(Math.max(0, seconds * 1_000 - (performance.now() - beganMs)))
  }
}

/** A day of event time, with kills and late rows; then everything is proven. */
async function aDay(sizes: Sizes): Promise<Part> {
  const { streams, hours, hourSeconds, kills, verified } = sizes
  return inWorld({ streamCount: streams }, async (world) => {
    const beganMs = performance.now()
    await world.run()
    const sent = sendHours(world, hours, hourSeconds)
    const everyMs = (hours * hourSeconds * 1_000) / (kills + 1)
    for (let kill = 0; kill < kills; kill++) {
      await sleep(everyMs)
      await world.kill()
      await world.run()
    }
    await sent
    const first = streams * hours
    await received(world, first)
    // Late rows of every tenth stream, for its first hour: one more revision each.
    const late = world.streams.filter((_, at) => at % 10 === 0)
    await world.sendLate(0, late)
    await received(world, first + late.length)
    const seconds = (performance.now() - beganMs) / 1_000
    await world.stop()
    const judged = await judge(world, hours)
    const wrong = [...judged.wrong, ...(await unproven(world, verified))]
    if (judged.firstCount !== first) wrong.push(`${judged.firstCount} of ${first} announced`)
    if (judged.laterCount !== late.length) wrong.push(`${judged.laterCount} later revisions`)
    const expected = streams * hours * partitionCount + late.length
    if (judged.rowCount !== expected) wrong.push(`${judged.rowCount} rows of ${expected}`)
    return {
      name: 'a-day',
      lines: [
        `${streams} streams, ${hours} hours in ${seconds.toFixed(0)} s, ${kills} kills: ${judged.firstCount} ` +
          `announced once at revision 1, ${judged.laterCount} later revisions of ${late.length} ` +
          `hours with late rows, ${judged.rowCount} rows in ${judged.fileCount} files, each with its ` +
          `checksum; ${verified} proven by "ready verify"; ${wrong.length} wrong`,
      ],
      missed: wrong.slice(0, 20),
      seconds: { run: seconds },
    }
  })
}

/** Announcements that `ready verify` does not prove, of so many over all that there are. */
async function unproven(world: ReadinessWorld, count: number): Promise<readonly string[]> {
  const wrong: string[] = []
  const step = Math.max(1, Math.floor(world.received.length / count))
  for (let at = 0; at < count; at++) {
    const manifest = world.received[at * step]
    if (manifest === undefined) return [...wrong, 'fewer announcements than were to be proven']
    const { stream, partitionPath, id } = manifest
    const words = ['ready', 'verify', stream, partitionPath, '-c', world.config]
    const { code, stdout, stderr } = await lakeward(words)
    if (code !== 0) wrong.push(`${id} is not proven: ${(stdout + stderr).slice(-300)}`)
  }
  return wrong
}

interface Delays {
  /** Seconds from the commit that released it to its announcement in the log. */
  readonly ready: readonly number[]
  /** From there to the receiver. */
  readonly webhook: readonly number[]
}

function delaysOf(world: ReadinessWorld, judged: Judged): Delays {
  const ready: number[] = []
  const webhook: number[] = []
  const { committedMs, announcedMs, receivedMs } = world.moments
  for (const manifest of world.received) {
    const entry = judged.releasedBy.get(cellOfManifest(world, manifest))
    const released = entry === undefined ? undefined : committedMs.get(entry)
    const announced = announcedMs.get(manifest.id)
    const heard = receivedMs.get(manifest.id)
    if (released === undefined || announced === undefined || heard === undefined) {
      throw new Error(`no time is known of ${manifest.id}`)
    }
    ready.push((announced - released) / 1_000)
    webhook.push((heard - announced) / 1_000)
  }
  return { ready, webhook }
}

/** Of what lies sorted below the share. */
function percentile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

const spanText = (sample: readonly number[]): string =>
  `median ${percentile(sample, 0.5).toFixed(2)} s, p99 ${percentile(sample, 0.99).toFixed(2)} s, ` +
  `most ${percentile(sample, 1).toFixed(2)} s of ${sample.length}`

/** How long after the commit the log says it, and after that the receiver hears it. */
async function delays({ streams, delayHours, hourSeconds }: Sizes): Promise<Part> {
  return inWorld({ streamCount: streams }, async (world) => {
    await world.run()
    await sendHours(world, delayHours, hourSeconds)
    await received(world, streams * delayHours)
    await world.stop()
    const judged = await judge(world, delayHours)
    return delayPart(`${streams} streams × ${partitionCount} topic-partitions`, world, judged)
  })
}

function delayPart(name: string, world: ReadinessWorld, judged: Judged): Part {
  const { ready, webhook } = delaysOf(world, judged)
  const [readyP99, webhookP99] = [percentile(ready, 0.99), percentile(webhook, 0.99)]
  const missed = judged.wrong.slice(0, 20)
  if (readyP99 > readySecondsMax) missed.push(`${name}: in the log after more than 2 s (p99)`)
  if (webhookP99 > webhookSecondsMax) missed.push(`${name}: by webhook after more than 1 s (p99)`)
  return {
    name,
    lines: [
      `${name}: in the log ${spanText(ready)} after the commit that released it; bar: p99 at most 2 s`,
      `${name}: by webhook ${spanText(webhook)} after that; bar: p99 at most 1 s`,
    ],
    missed,
    seconds: { readyP99, webhookP99 },
  }
}

/** Events of an open hour each second, and an hour's end each minute. */
async function deciding({ streams, decidingSeconds }: Sizes): Promise<Part> {
  return inWorld({ streamCount: streams }, async (world, folder) => {
    const profiles = join(folder, 'profiles')
    await world.run({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` })
    await world.sendHour(0)
    const before = { cpuSeconds: mainCpuSecondsOf(world.pid), ms: performance.now() }
    for (let second = 0; second < decidingSeconds; second++) {
      const beganMs = performance.now()
      if (second === Math.floor(decidingSeconds / 2)) await world.sendHour(1)
      else await world.sendTrickle(second < decidingSeconds / 2 ? 0 : 1, second)
      await sleep(Math.max(0, 1_000 - (performance.now() - beganMs)))
    }
    await received(world, streams)
    const seconds = (performance.now() - before.ms) / 1_000
    const cpuSeconds = mainCpuSecondsOf(world.pid) - before.cpuSeconds
    await world.stop()
    const share = (decidingShare(profiles, seconds) * cpuSeconds) / seconds
    const name = `${streams} streams, a commit and ${streams} events each second, one end of an hour`
    const line =
      `${name}: deciding takes ${(share * 100).toFixed(2)} % of a core over ${seconds.toFixed(0)} s ` +
      `(the whole thread ${((cpuSeconds / seconds) * 100).toFixed(0)} %); bar: at most 2 %`
    const missed = share > decidingShareMax ? [`deciding takes ${(share * 100).toFixed(2)} %`] : []
    return { name: 'deciding', lines: [line], missed, seconds: { share } }
  })
}

/** The end of one hour of many streams: until the last webhook and the last `_SUCCESS`. */
async function rollover({ rollover: streams }: Sizes): Promise<Part> {
  return inWorld({ streamCount: streams, successFiles: true }, async (world) => {
    await world.run()
    await world.sendHour(0)
    await world.sendHour(1)
    await received(world, streams)
    const paths = await eventually('each folder has its file', settleMs, async () => {
      const found = await world.successFiles()
      return found.length >= streams ? found : undefined
    })
    const written = await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs))
    await world.stop()
    const judged = await judge(world, 1)
    const entries = [...judged.releasedBy.values()]
    const releasedMs = world.moments.committedMs.get(Math.max(...entries)) ?? Number.NaN
    const hook = (Math.max(...world.moments.receivedMs.values()) - releasedMs) / 1_000
    const file = (Math.max(...written) - releasedMs) / 1_000
    const last = Math.max(hook, file)
    const line =
      `an hour's end of ${streams} streams: the last webhook ${hook.toFixed(1)} s and the last _SUCCESS ` +
      `${file.toFixed(1)} s after the commit that released the last one; bar: at most 30 s`
    const missed = judged.wrong.slice(0, 20)
    if (!(last <= rolloverSecondsMax)) missed.push(`the rollover took ${last.toFixed(1)} s`)
    return { name: 'rollover', lines: [line], missed, seconds: { hook, file } }
  })
}

/** One more target that takes connections and never answers. */
async function oneHangs({ hanging: streams, delayHours, hourSeconds }: Sizes): Promise<Part> {
  const silent = createServer((socket) => void socket.on('error', () => socket.destroy()).resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const otherHook = `http://127.0.0.1:${port}/hangs`
  try {
    return await inWorld({ streamCount: streams, otherHook }, async (world) => {
      await world.run()
      await sendHours(world, delayHours, hourSeconds)
      await received(world, streams * delayHours)
      await world.kill()
      const judged = await judge(world, delayHours)
      return delayPart(`${streams} streams beside a webhook that never answers`, world, judged)
    })
  } finally {
    silent.close()
    silent.unref()
  }
}

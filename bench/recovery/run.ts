/**
 * How long a start takes on an old log, and what it reads.
 *
 *     node bench/recovery/run.ts            appends to bench/results/recovery.md
 *
 * Two logs: one of a million commits, made by the fold and the codec alone; and one that the real
 * committer committed, closed and trimmed, young and old, whose starts must read the same.
 */
import { appendFileSync } from 'node:fs'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { Lake } from '../../src/ports/lake.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { commitText, loadText, machineText, thisMachine } from '../measure/machine.ts'
import { commitForReal } from './committed-log.ts'
import { countingLake, type LakeCalls } from './counting-lake.ts'
import { makeOldLog } from './old-log.ts'

const pipeline = 'growth'
const readsMax = 20
const secondsMax = 2
const startCount = 5
const results = new URL('../results/recovery.md', import.meta.url)
const silent = {
  log: { error: () => {}, warn: () => {}, info: () => {} },
  metrics: { count: () => {}, gauge: () => {}, observe: () => {} },
}

interface Start {
  readonly seconds: number
  /** User and system time of this process: what it takes on a machine of its own. */
  readonly cpuSeconds: number
  readonly calls: LakeCalls
}

async function start(folder: string): Promise<Start> {
  const { lake, calls } = countingLake(localLake(folder))
  const clock = new SystemClock()
  const beganMs = clock.monotonicMs()
  const before = process.cpuUsage()
  const telemetry = silent
  await openCommitLog({ lake, pipeline, clock, random: new SystemRandom(), telemetry })
  const { user, system } = process.cpuUsage(before)
  const cpuSeconds = (user + system) / 1e6
  return { seconds: (clock.monotonicMs() - beganMs) / 1_000, cpuSeconds, calls }
}

const localLake = (folder: string): Lake => new LocalLake('file:./lake', folder)

/** The slowest of a few: a start must not be lucky. */
async function slowest(folder: string): Promise<Start> {
  const starts: Start[] = []
  for (let at = 0; at < startCount; at++) starts.push(await start(folder))
  return starts.reduce((a, b) => (b.seconds > a.seconds ? b : a))
}

const missed: string[] = []
const rows: string[] = []

function record(name: string, log: string, { seconds, cpuSeconds, calls }: Start): void {
  const { reads, lists } = calls
  if (reads.length > readsMax) missed.push(`${name}: ${reads.length} objects read`)
  if (seconds > secondsMax) missed.push(`${name}: ${seconds.toFixed(2)} s`)
  const other = lists.filter((folder) => !folder.endsWith('/checkpoints'))
  if (other.length > 0) missed.push(`${name}: listed ${other.join(', ')}`)
  const times = `${seconds.toFixed(3)} s | ${cpuSeconds.toFixed(3)} s`
  rows.push(`| ${name} | ${log} | ${reads.length} | ${lists.length} | ${times} |`)
  console.log(rows.at(-1))
}

await using old = await temporaryFolder()
const shape = { pipeline, commitCount: 1_000_000, streamCount: 5, checkpointEvery: 8 }
const made = await makeOldLog(localLake(old.path), shape)
const size = `${made.fileCount} files, checkpoint ${(made.checkpointBytes / 1e6).toFixed(1)} MB`
record('a million commits', size, await slowest(old.path))

const committed: number[] = []
for (const commitCount of [100, 2_000]) {
  await using folder = await temporaryFolder()
  const { fileCount } = await commitForReal(localLake(folder.path), { pipeline, commitCount })
  const measured = await slowest(folder.path)
  record(`${commitCount} real commits`, `${fileCount} files`, measured)
  committed.push(measured.calls.reads.length)
}
const [young = 0, aged = 0] = committed
if (aged > young + 8) missed.push(`reads grow with the log: ${young}, then ${aged}`)

const { cpu, cpuCount, memoryGib, node } = thisMachine()
const machine = machineText({ cpu, cpuCount, memoryGib, node })
const head = `## ${new Date().toISOString()} · ${commitText()}`
const table = `| log | size | objects read | listings | start | CPU |\n|---|---|---:|---:|---:|---:|`
const text = `\n${head}\n\n${machine}, local lake, load ${loadText()}. The slowest of ${startCount} starts each.\n\n`
appendFileSync(results, `${text}${table}\n${rows.join('\n')}\n`)
for (const line of missed) console.log(`MISSED: ${line}`)
process.exitCode = missed.length === 0 ? 0 : 1

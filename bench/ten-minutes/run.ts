/**
 * A daemon for ten minutes at the default interval: how many commits, and how soon DuckDB reads
 * each.
 *
 *     node bench/ten-minutes/run.ts            appends to bench/results/ten-minutes.md
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { duck, tableGlob } from '../../test/support/duck.ts'
import { PacedNumbers, writeNumbersConfig } from '../../test/support/numbers.ts'
import { LakewardProcess } from '../../test/support/processes.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'

const spanMs = 600_000
const readableSecondsMax = 5
const results = new URL('../results/ten-minutes.md', import.meta.url)

interface Commit {
  readonly entry: number
  readonly rows: number
  /** Until DuckDB counts every row committed so far. */
  readonly readableSeconds: number
}

interface CommittedLine {
  readonly event: string
  readonly entry: number
  readonly rows: number
}

await using folder = await temporaryFolder()
const broker = await startBroker({ directory: join(folder.path, 'broker') })
broker.createTopic('numbers', 4)
const options = { brokerPort: broker.port, more: 'ready: { delay: 1h, idle: 1h }' }
const config = await writeNumbersConfig(folder.path, options)
const lake = join(folder.path, 'lake')
const paced = { topic: 'numbers', partitionCount: 4, startMs: Date.now(), stepMs: 2, perTick: 10 }
const numbers = new PacedNumbers({ ...paced, brokerPort: broker.port })
const daemon = new LakewardProcess(['run', '-c', config])
await daemon.line('"event":"started"')
const endMs = performance.now() + spanMs
const commits: Commit[] = []
let rows = 0
for (let seen = 0; performance.now() < endMs; await sleep(50)) {
  for (const line of daemon.stderr.slice(seen)) {
    seen += 1
    const said = JSON.parse(line) as CommittedLine
    if (said.event !== 'committed') continue
    rows += said.rows
    const readableSeconds = await untilReadable(rows)
    commits.push({ entry: said.entry, rows: said.rows, readableSeconds })
    console.log(`entry ${said.entry}: ${said.rows} rows, read after ${readableSeconds} s`)
  }
}
await numbers.stop()
const code = await daemon.stop()
await broker.close()

/** @returns seconds, with milliseconds. */
async function untilReadable(expected: number): Promise<number> {
  const beganMs = performance.now()
  for (;;) {
    const [found] = await duck(`SELECT count(*) AS rows FROM ${tableGlob(lake, 'numbers')}`)
    if (Number(found?.['rows']) >= expected) break
    await sleep(20)
  }
  return Number(((performance.now() - beganMs) / 1_000).toFixed(3))
}

const slowest = Math.max(...commits.map(({ readableSeconds }) => readableSeconds))
const good = Math.abs(commits.length - 10) <= 1 && slowest <= readableSecondsMax && code === 0
const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
const cpuModel = cpus()[0]?.model ?? 'unknown CPU'
const memoryGib = Math.round(totalmem() / 2 ** 30)
const tableLine = ({ entry, rows: count, readableSeconds }: (typeof commits)[number]): string =>
  `| ${entry} | ${count} | ${readableSeconds} s |`
appendFileSync(
  results,
  `
## ${new Date().toISOString()} · ${git('rev-parse', '--short', 'HEAD')}

${[cpuModel, `${cpus().length} cores`, `${memoryGib} GiB`, `Node ${process.version}`].join(', ')},
embedded broker, local lake. Interval 60 s (default), ${spanMs / 1_000} s, ${rows} rows:
${commits.length} commits, drained with exit code ${code}.

| entry | rows | DuckDB reads all after |
|---:|---:|---:|
${commits.map(tableLine).join('\n')}
`,
)
const machine = `${cpus().length} cores`
const cases = [
  { name: 'default-interval', commits: commits.length, slowestReadableSeconds: slowest },
]
console.log(
  JSON.stringify({ bench: 'ten-minutes', commit: git('rev-parse', 'HEAD'), machine, cases }),
)
process.exitCode = good ? 0 : 1

/**
 * `lakeward run --workers N`, a real broker process, a real lake, and somebody who kills the workers
 * all the time; their supervisor starts them again:
 *
 *     npm run chaos -- --kills 30                    one worker, supervised
 *     npm run chaos -- --kills 30 --workers 4        a consumer group
 *     npm run chaos -- --kills 30 --workers 4 --assignment static
 *     npm run chaos -- --kills 60 --broker kafka-4 --lake s3     servers are hit as often
 *     npm run chaos -- --kills 60 --lake hdfs --file-mode continue
 *     npm run chaos -- --kills 1000 --resume sums.json --record
 *
 * With `--resume` the sums of judged rounds are kept in that file, and the same command goes on
 * from there, on the same commit. A round is one lake; what was cut off begins anew.
 * The last line of stdout is one JSON object. Exits 0 when nothing was lost, doubled or announced
 * early, 1 otherwise (the folder of the round stays and is named), 2 for flags.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { commitText } from '../../bench/measure/machine.ts'
import { SimRandom } from '../sim/random.ts'
import { type Flags, parseFlags } from './flags.ts'
import { type Blow, blocksOn, planBlow } from './plan.ts'
import { appendRecord } from './record.ts'
import { Round } from './round.ts'
import {
  noSums,
  type RunOf,
  readSums,
  type Sums,
  summaryLine,
  troublesOf,
  withRound,
  writeSums,
} from './sums.ts'

/** Blows on one lake: what a hard end of this process can make void. */
const killsPerRound = 100

function refuse(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(2)
}

function flagsOrRefuse(): Flags {
  try {
    return parseFlags(process.argv.slice(2))
  } catch (error) {
    return refuse(error)
  }
}

/** What was summed before, if it was summed of the same. */
function earlierSums(path: string | undefined, run: RunOf): Sums {
  const sums = path === undefined ? undefined : readSums(path)
  if (sums === undefined) return noSums(run)
  const [kept, wanted] = [JSON.stringify(sums.run), JSON.stringify(run)]
  if (kept === wanted) return sums
  return refuse(new Error(`${path} is of ${kept}, this run is of ${wanted}: take another file`))
}

const isOnService = ({ kind }: Blow): boolean => kind !== 'kill' && kind !== 'pause'

const sayBlow = (number: number, wanted: Blow, hit: Blow, seconds: number): void => {
  const where = isOnService(hit) ? '' : ` in "${hit.phase}"`
  const meant = hit.phase === wanted.phase ? '' : ` (meant: "${wanted.phase}")`
  const total = flags.kills
  console.log(`${number}/${total}  ${hit.kind}${where}${meant}, ${seconds.toFixed(1)} s`)
}

const secondsBetween = (firstMs: number, nextMs: number): string =>
  `${((nextMs - firstMs) / 1000).toFixed(1)} s`

/** One lake. @returns the sums with it, and whether its folder must stay. */
async function playRound(sums: Sums, folder: string): Promise<Sums> {
  const random = new SimRandom(flags.seed + sums.rounds * 7_919)
  const { workers: workerCount, assignment, broker, lake, fileMode } = flags
  const round = new Round({ folder, workerCount, assignment, broker, lake, fileMode, random })
  const startMs = performance.now()
  await round.start()
  const hitMs = performance.now()
  const blows: Blow[] = []
  while (blows.length < killsPerRound && sums.blows.length + blows.length < flags.kills) {
    const done = [...sums.blows, ...blows]
    const wanted = planBlow(done, flags.kills, () => random.fraction(), blocksOn[flags.lake])
    const beganMs = performance.now()
    const hit = await round.hit(wanted)
    blows.push(hit)
    sayBlow(done.length + 1, wanted, hit, (performance.now() - beganMs) / 1000)
  }
  const drainMs = performance.now()
  const verdict = await round.finish()
  console.log(
    `round ${sums.rounds + 1}: started in ${secondsBetween(startMs, hitMs)}, ` +
      `hit for ${secondsBetween(hitMs, drainMs)}, ` +
      `drained and judged in ${secondsBetween(drainMs, performance.now())}`,
  )
  const { events, announced, lost, doubled, earlyReady, discarded } = verdict
  console.log(
    `round ${sums.rounds + 1}: ${events} events, ${announced} announcements, ` +
      `${discarded} attempts discarded; lost ${lost}, doubled ${doubled}, early ${earlyReady}`,
  )
  return withRound(sums, blows, verdict)
}

const flags = flagsOrRefuse()
// kafkajs hands timers negative times once it throttled: Node warns, and takes 1 ms.
process.removeAllListeners('warning')
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const { resumePath, seed, workers, assignment, broker, lake, fileMode } = flags
const run: RunOf = { commit: commitText(), seed, workers, assignment, broker, lake, fileMode }
let sums = earlierSums(resumePath, run)
const home =
  resumePath === undefined ? mkdtempSync(join(tmpdir(), 'lakeward-chaos-')) : dirname(resumePath)
console.log(`chaos: ${JSON.stringify(run)}, in ${home}`)

while (sums.blows.length < flags.kills && sums.troubles.length === 0) {
  const folder = join(home, `round-${sums.rounds + 1}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const beganMs = performance.now()
  try {
    sums = await playRound(sums, folder)
  } catch (error) {
    const trouble = error instanceof Error ? error.message : String(error)
    sums = { ...sums, troubles: [...sums.troubles, trouble] }
  }
  sums = { ...sums, seconds: sums.seconds + (performance.now() - beganMs) / 1000 }
  if (resumePath !== undefined) writeSums(resumePath, sums)
  if (sums.troubles.length > 0) console.log(`what stood there is kept in ${folder}`)
  else rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
const troubles = troublesOf(sums)
if (resumePath === undefined && sums.troubles.length === 0) rmSync(home, { recursive: true })
for (const trouble of troubles) console.log(`FAILED: ${trouble}`)
if (flags.record) appendRecord(sums, troubles)
console.log(summaryLine(sums))
process.exit(troubles.length === 0 ? 0 : 1)

/**
 * Runs one benchmark: `npm run bench -- ingest [--quick]`. The last line of stdout is one JSON
 * object.
 *
 * Exits 0 when every bar holds, 1 when one is missed or the figures scatter too much to say, 2 for
 * a name that is not known, 3 when something outside is missing.
 */
import { type BenchOutcome, MissingOutside } from './measure/outcome.ts'

const built: Readonly<Record<string, () => Promise<(quick: boolean) => Promise<BenchOutcome>>>> = {
  ingest: async () => (await import('./ingest/ingest.ts')).benchIngest,
}
/** Records rather than benchmarks: each prints, appends its results and sets the exit code. */
const records: Readonly<Record<string, () => Promise<unknown>>> = {
  'ten-minutes': () => import('./ten-minutes/run.ts'),
}
/** Names of the contract that have no benchmark yet. */
const notBuilt = ['decode-parquet', 'merge', 'cdc', 'hdfs', 's3']

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

const [name = '', ...flags] = process.argv.slice(2)
const unknownFlag = flags.find((flag) => flag !== '--quick')
const load = Object.hasOwn(built, name) ? built[name] : undefined
const accepted = `accepted: ${[...Object.keys(built), ...Object.keys(records)].join(', ')}`
const record = Object.hasOwn(records, name) ? records[name] : undefined
if (record !== undefined) {
  if (flags[0] !== undefined) refuse(`bench "${name}" takes no flag, given ${flags[0]}`)
  await record()
  process.exit()
}
if (notBuilt.includes(name)) refuse(`bench "${name}": not supported by this version; ${accepted}`)
if (load === undefined) refuse(`there is no benchmark "${name}"; ${accepted}`)
if (unknownFlag !== undefined) refuse(`there is no flag "${unknownFlag}"; accepted: --quick`)
try {
  const bench = await load()
  const { report, missed } = await bench(flags.includes('--quick'))
  for (const line of missed) console.log(`MISSED: ${line}`)
  console.log(JSON.stringify(report))
  process.exitCode = missed.length === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof MissingOutside)) throw error
  console.error(error.message)
  process.exitCode = 3
}

/**
 * Runs one benchmark: `npm run bench -- ingest [--quick]`. The last line of stdout is one JSON
 * object.
 *
 * Exits 0 when every bar holds, 1 when one is missed or the figures scatter too much to say, 2 for
 * a name that is not known, 3 when something outside is missing.
 */
import { parseArgs } from 'node:util'
import { type BenchFlags, type BenchOutcome, MissingOutside, Misused } from './measure/outcome.ts'

interface Benchmark {
  /** Names of flags that take a value, without dashes; `--quick` goes with all. */
  readonly valued: readonly string[]
  readonly run: (flags: BenchFlags) => Promise<BenchOutcome>
}

const built: Readonly<Record<string, () => Promise<Benchmark>>> = {
  contention: async () => {
    const { benchContention } = await import('./contention/contention.ts')
    return { valued: ['trial', 'logs', 'seed'], run: benchContention }
  },
  'decode-parquet': async () => {
    const { benchDecodeParquet } = await import('./decode-parquet/decode-parquet.ts')
    return { valued: ['proto', 'message', 'data'], run: benchDecodeParquet }
  },
  hdfs: async () => {
    const { benchHdfs } = await import('./hdfs/hdfs.ts')
    return { valued: ['of'], run: benchHdfs }
  },
  ingest: async () => {
    const { benchIngestOn } = await import('./ingest/choose-broker.ts')
    return { valued: ['broker'], run: benchIngestOn }
  },
  kafka: async () => {
    const { benchKafka } = await import('./kafka/kafka.ts')
    return { valued: [], run: benchKafka }
  },
  readiness: async () => {
    const { benchReadiness } = await import('./readiness/readiness.ts')
    return { valued: ['part'], run: benchReadiness }
  },
  s3: async () => {
    const { benchS3 } = await import('./s3/s3.ts')
    return { valued: [], run: benchS3 }
  },
  streams: async () => {
    const { benchStreams } = await import('./streams/streams.ts')
    return { valued: ['of'], run: benchStreams }
  },
}
/** Records rather than benchmarks: each prints, appends its results and sets the exit code. */
const records: Readonly<Record<string, () => Promise<unknown>>> = {
  rebalance: () => import('./rebalance/run.ts'),
  recovery: () => import('./recovery/run.ts'),
  'ten-minutes': () => import('./ten-minutes/run.ts'),
}
/** Names of the contract that have no benchmark yet. */
const notBuilt = ['merge', 'cdc']

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

const [name = '', ...flags] = process.argv.slice(2)
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
try {
  const { valued, run } = await load()
  const { report, missed } = await run(flagsOf(flags, valued))
  for (const line of missed) console.log(`MISSED: ${line}`)
  console.log(JSON.stringify(report))
  process.exitCode = missed.length === 0 ? 0 : 1
} catch (error) {
  if (error instanceof Misused) refuse(error.message)
  if (!(error instanceof MissingOutside)) throw error
  console.error(error.message)
  process.exitCode = 3
}

/** @throws {Misused} a flag is not known, or lacks its value. */
function flagsOf(words: readonly string[], valued: readonly string[]): BenchFlags {
  const options = {
    quick: { type: 'boolean' },
    ...Object.fromEntries(valued.map((flag) => [flag, { type: 'string' }] as const)),
  } as const
  try {
    const { quick, ...values } = parseArgs({ args: [...words], options }).values
    const texts = Object.entries(values).map(([flag, value]) => [flag, String(value)] as const)
    return { isQuick: quick === true, values: Object.fromEntries(texts) }
  } catch (error) {
    const known = ['quick', ...valued].map((flag) => `--${flag}`).join(', ')
    throw new Misused(
      `${error instanceof Error ? error.message : String(error)}; accepted: ${known}`,
    )
  }
}

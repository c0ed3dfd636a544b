/** The readers that judge our files, and how each of them is run. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { present } from '../../../src/base/assert.ts'
import { commandEndsWell, python, type ServiceName } from '../../support/require-service.ts'
import type { Feature } from '../features/feature.ts'
import { hyparquetCount, hyparquetRows } from './hyparquet-reader.ts'
import type { Answer } from './verdict.ts'

export interface Reader {
  readonly id: string
  readonly title: string
  /** Who else reads this way. */
  readonly alsoReads: string
  /** False when texts and bytes are of one type. */
  readonly hasText: boolean
  /** Named in LAKEWARD_REQUIRE where its tests must run; absent when it runs by hand only. */
  readonly service: ServiceName | undefined
  /** Whether it can run here. */
  readonly isThere: () => boolean
  /** @param files the path of each; all in one folder. */
  readonly ask: (files: ReadonlyMap<AskedFile, string>) => Promise<ReaderAnswers>
}

type AskedFile = Pick<Feature, 'name' | 'filters'>

interface ReaderAnswers {
  readonly version: string
  readonly answers: readonly Answer[]
}

interface Command {
  readonly program: string
  readonly given: readonly string[]
}

const here = import.meta.dirname
const outputBytesMax = 1 << 29

/** Runs a reader's script over all files; what it prints is described in canonical.py. */
function askCommand(
  { program, given }: Command,
  files: ReadonlyMap<AskedFile, string>,
): Promise<ReaderAnswers> {
  const jobs = [...files].map(([{ name, filters = [] }, file]) => ({
    name,
    file,
    filters: filters.map(({ column, operator, value }) => ({ column, operator, value })),
  }))
  const [first = ''] = files.values()
  const jobsPath = join(first, '..', 'jobs.json')
  writeFileSync(jobsPath, JSON.stringify(jobs))
  const ran = spawnSync(
    'nice',
    [program, ...given.map((each) => (each === jobsPlace ? jobsPath : each))],
    { encoding: 'utf8', maxBuffer: outputBytesMax, env: { ...process.env, TZ: 'UTC' } },
  )
  if (ran.status !== 0)
    throw new Error(`${program} ${given.join(' ')}: ${ran.stderr.slice(-2_000)}`)
  const [version, ...answers] = ran.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line))
  const { version: named } = version as { readonly version: string }
  return Promise.resolve({ version: named, answers: answers as readonly Answer[] })
}

/** Stands for the path of the jobs in a command. */
const jobsPlace = '<jobs>'

/** A reader that is installed with `LAKEWARD_PYTHON`. */
function pythonReader(
  about: Pick<Reader, 'title' | 'alsoReads' | 'hasText' | 'service'>,
  module: string,
): Reader {
  const given = ['-B', join(here, `read_${module}.py`), jobsPlace]
  return {
    ...about,
    id: module,
    isThere: () => commandEndsWell(python, ['-c', `import pyarrow, ${module}`]),
    ask: (files) => askCommand({ program: python, given }, files),
  }
}

const sparkWays = {
  vectorised: { title: 'vectorised', alsoReads: '' },
  rows: { title: 'by rows', alsoReads: 'on parquet-java' },
  hive: { title: 'Hive 2.3', alsoReads: 'Hive’s own reader, as Spark carries it' },
} as const

/** Spark releases, and the variable that names an interpreter with each. */
const sparks = {
  '4': 'LAKEWARD_SPARK_4',
  '3.5': 'LAKEWARD_SPARK_35',
  '3.5.6': 'LAKEWARD_SPARK_356',
} as const

function sparkReader(release: keyof typeof sparks, way: keyof typeof sparkWays): Reader {
  const program = process.env[sparks[release]]
  const { title, alsoReads } = sparkWays[way]
  const given = ['-B', join(here, 'read_spark.py'), jobsPlace, way]
  return {
    id: `spark-${release}-${way}`,
    title: `Spark ${release} ${title}`,
    alsoReads,
    hasText: true,
    service: undefined,
    isThere: () => program !== undefined,
    ask: (files) => askCommand({ program: program ?? 'python3', given }, files),
  }
}

/** parquet-java with the jars of the folder that LAKEWARD_PARQUET_JAVA names. */
function javaReader(model: 'groups' | 'avro', title: string, alsoReads: string): Reader {
  const jars = process.env['LAKEWARD_PARQUET_JAVA']
  const source = join(here, 'parquet-java', 'ReadParquet.java')
  const heap = ['-Xmx700m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  return {
    id: `parquet-java-${model}`,
    title,
    alsoReads,
    hasText: true,
    service: undefined,
    isThere: () => jars !== undefined,
    ask: (files) =>
      askCommand(
        {
          program: 'java',
          given: [...heap, '-cp', join(`${jars}`, '*'), source, jobsPlace, model],
        },
        files,
      ),
  }
}

/** Trino releases: the variable that names the folder of each, and its java. */
const trinos = {
  '476': { home: 'LAKEWARD_TRINO', java: 'LAKEWARD_TRINO_JAVA' },
  '368': { home: 'LAKEWARD_TRINO_368', java: 'LAKEWARD_TRINO_368_JAVA' },
} as const

function trinoReader(release: keyof typeof trinos): Reader {
  const home = process.env[trinos[release].home]
  const java = process.env[trinos[release].java] ?? 'java'
  const given = ['-B', join(here, 'read_trino.py'), jobsPlace, `${home}`, java]
  return {
    id: `trino-${release}`,
    title: `Trino ${release}`,
    alsoReads: 'the Hive connector',
    hasText: true,
    service: undefined,
    isThere: () => home !== undefined,
    ask: (files) => askCommand({ program: python, given }, files),
  }
}

/** Of a package that package.json names exactly. */
function pinnedVersion(name: string): string {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  return present(manifest.dependencies[name], 'the package is a dependency')
}

const hyparquetReader: Reader = {
  id: 'hyparquet',
  title: 'hyparquet',
  alsoReads: '`lakeward verify --deep`, `dlq show`',
  hasText: true,
  service: undefined,
  isThere: () => true,
  ask: async (files) => {
    const answers: Answer[] = []
    for (const [{ name, filters = [] }, path] of files) {
      const counts: Answer['counts'][number][] = []
      for (const filter of filters) counts.push(await attempted(() => hyparquetCount(path, filter)))
      answers.push({ name, rows: await attempted(() => hyparquetRows(path)), counts })
    }
    return { version: pinnedVersion('hyparquet'), answers }
  },
}

async function attempted<Value>(work: () => Promise<Value>): Promise<Value | { error: string }> {
  try {
    return await work()
  } catch (error) {
    return { error: String(error) }
  }
}

/** In the order of the page. */
export const readers: readonly Reader[] = [
  pythonReader(
    { title: 'pyarrow', alsoReads: 'pandas, all on Arrow C++', hasText: true, service: 'pyarrow' },
    'pyarrow',
  ),
  pythonReader({ title: 'DuckDB', alsoReads: '', hasText: true, service: 'duckdb' }, 'duckdb'),
  pythonReader({ title: 'Polars', alsoReads: '', hasText: true, service: 'polars' }, 'polars'),
  pythonReader(
    {
      title: 'DataFusion',
      alsoReads: 'delta-rs, all on arrow-rs',
      hasText: true,
      service: 'datafusion',
    },
    'datafusion',
  ),
  pythonReader(
    { title: 'ClickHouse', alsoReads: 'as chdb', hasText: false, service: 'chdb' },
    'chdb',
  ),
  pythonReader(
    {
      title: 'hudi-rs',
      alsoReads: 'a table of one base file',
      hasText: true,
      service: undefined,
    },
    'hudi',
  ),
  hyparquetReader,
  javaReader('groups', 'parquet-java', 'checked with its own object model'),
  javaReader('avro', 'parquet-java, Avro', 'Flink, Hudi, Beam'),
  trinoReader('476'),
  trinoReader('368'),
  sparkReader('4', 'vectorised'),
  sparkReader('4', 'rows'),
  sparkReader('4', 'hive'),
  sparkReader('3.5', 'vectorised'),
  sparkReader('3.5', 'rows'),
  sparkReader('3.5', 'hive'),
  sparkReader('3.5.6', 'vectorised'),
]

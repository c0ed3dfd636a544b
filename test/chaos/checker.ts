/**
 * Judges the lake of a chaos run, by DuckDB over its Parquet files and by the manifests as files.
 * It knows the law of the numbers and nothing of lakeward's code.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { duck } from '../support/duck.ts'
import {
  hourMs,
  numbersPerHourAndStream,
  partitionCount,
  pipeline,
  stepMs,
  streamCount,
  streams,
} from './numbered.ts'

export interface Verdict {
  readonly events: number
  /** Numbers that were produced and are in no table. */
  readonly lost: number
  /** Rows too many. */
  readonly doubled: number
  /** Announcements of a partition that was not complete, or that changed afterwards. */
  readonly earlyReady: number
  /** Rows that are not where their number says: table, hour, topic-partition, offset. */
  readonly misplaced: number
  readonly announced: number
  /** For people: what was found, at most some of each. */
  readonly findings: readonly string[]
}

export interface Produced {
  /** Records by topic-partition. */
  readonly counts: readonly number[]
  /** Event time of number 0. */
  readonly startMs: number
}

interface Manifest {
  readonly id: string
  readonly stream: string
  readonly partitionPath: string
  readonly rows: number
  readonly files: readonly { readonly path: string; readonly rows: number }[]
  readonly sources: readonly { readonly partition: number; readonly next: string }[]
}

const findingsMax = 5

/** @throws {Error} there is no file to judge. */
export async function judgeLake(lake: string, produced: Produced): Promise<Verdict> {
  const rows = await judgeRows(lake, produced)
  const announced = await judgeAnnouncements(lake, produced)
  const nothing = announced.announced === 0 ? ['nothing was announced'] : []
  const findings = [...rows.findings, ...announced.findings, ...nothing]
  return { ...rows, ...announced, findings }
}

/** Numbers as they were produced: `n, stream, part, at_offset, hour`. */
const expectedSql = ({ counts, startMs }: Produced): string => {
  const highest = Math.max(...counts) * partitionCount
  return `(SELECT n, n % ${streamCount} AS stream, n % ${partitionCount} AS part,
      n // ${partitionCount} AS at_offset,
      strftime(make_timestamp((${startMs} + n * ${stepMs}) // ${hourMs} * ${hourMs * 1000}),
        'dt=%Y-%m-%d/hour=%H') AS hour
    FROM range(${highest}) numbers(n)
    WHERE n // ${partitionCount} < [${counts.join()}][n % ${partitionCount} + 1])`
}

const hasFiles = (folder: string): boolean =>
  existsSync(folder) &&
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((at) => at.endsWith('.parquet'))

/** Rows as they are found: `stream, n, part, at_offset, hour, path`. */
function foundSql(lake: string): string {
  const tables = streams.flatMap((table, stream) => {
    if (!hasFiles(join(lake, table))) return []
    const glob = `'${lake}/${table}/**/*.parquet'`
    return `SELECT ${stream} AS stream, n, _partition AS part, _offset AS at_offset,
        regexp_extract(filename, 'dt=[^/]+/hour=[^/]+') AS hour,
        filename[${lake.length + 2}:] AS path
      FROM read_parquet(${glob}, filename = true, hive_partitioning = false)`
  })
  if (tables.length === 0) throw new Error(`nothing to judge: no Parquet file below ${lake}`)
  return `(${tables.join(' UNION ALL ')})`
}

async function judgeRows(lake: string, produced: Produced) {
  const [sums] = await duck(`WITH expected AS ${expectedSql(produced)}, found AS ${foundSql(lake)}
    SELECT (SELECT count(*) FROM expected) AS events,
      (SELECT count(*) FROM expected ANTI JOIN found USING (n)) AS lost,
      (SELECT count(*) - count(DISTINCT n) FROM found) AS doubled,
      (SELECT count(*) FROM found ANTI JOIN expected
        USING (n, stream, part, at_offset, hour)) AS misplaced`)
  const count = (name: string): number => Number(sums?.[name])
  const sample = `LIMIT ${findingsMax}`
  const found = await duck(`WITH expected AS ${expectedSql(produced)}, found AS ${foundSql(lake)}
    (SELECT format('lost {}: partition {}, offset {}, {}', n, part, at_offset, hour) AS finding
      FROM expected ANTI JOIN found USING (n) ORDER BY n ${sample})
    UNION ALL (SELECT format('doubled {}: {}', n, string_agg(path, ' and ' ORDER BY path))
      FROM found GROUP BY n HAVING count(*) > 1 ORDER BY n ${sample})
    UNION ALL (SELECT format('misplaced {}: partition {}, offset {}, {}', n, part, at_offset, path)
      FROM found ANTI JOIN expected USING (n, stream, part, at_offset, hour)
      ORDER BY n ${sample})`)
  const findings = found.map(({ finding }) => String(finding))
  return {
    events: count('events'),
    lost: count('lost'),
    doubled: count('doubled'),
    misplaced: count('misplaced'),
    findings: [...findings, ...deadLetterFindings(lake), ...quarantineFindings(lake)],
  }
}

/** No number is meant to be one: a late one was announced without. */
function deadLetterFindings(lake: string): readonly string[] {
  const table = join(lake, `${pipeline}_dead_letters`)
  return hasFiles(table) ? [`there are dead letters: ${table}`] : []
}

/**
 * Nothing stands in a table but what an entry decided. Before a partition is announced, what the
 * log does not know is moved away: afterwards its rows are doubled for nobody, before that they
 * were.
 */
function quarantineFindings(lake: string): readonly string[] {
  const folder = join(lake, '_lakeward', pipeline, 'quarantine')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.quarantined'))
    .slice(0, findingsMax)
    .map((name) => `published without a decision: ${name}`)
}

/** Manifests that stand on the lake, those of readers' folders too, each text once. */
function readManifests(lake: string): readonly Manifest[] {
  const texts = [`_lakeward/${pipeline}/ready`, ...streams].flatMap((folder) => {
    const root = join(lake, folder)
    if (!existsSync(root)) return []
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('_SUCCESS') || /\/\d+\.json$/.test(name))
      .filter((name) => !name.startsWith('_staging'))
      .map((name) => readFileSync(join(root, name), 'utf8'))
  })
  return [...new Set(texts)].map((text) => JSON.parse(text) as Manifest)
}

/**
 * An announcement is early when its files hold not each number of its hour and stream exactly once,
 * when its folder holds other rows, when its hour was not over for the producer, or when it names
 * for a topic-partition a next offset at or below one of its numbers. Two texts under one id are an
 * announcement that changed.
 */
async function judgeAnnouncements(lake: string, produced: Produced) {
  const manifests = readManifests(lake)
  const path = join(lake, '..', 'announced.ndjson')
  const lines = manifests.map((manifest, index) => JSON.stringify(announcedLine(manifest, index)))
  writeFileSync(path, lines.join('\n'))
  const early = await duck(`WITH expected AS ${expectedSql(produced)}, found AS ${foundSql(lake)},
    announced AS (SELECT * FROM read_json('${path}', format = 'newline_delimited', columns = {
      index: 'BIGINT', id: 'VARCHAR', stream: 'BIGINT', hour: 'VARCHAR', rows: 'BIGINT',
      paths: 'VARCHAR[]', nexts: 'BIGINT[]'})),
    wanted AS (SELECT index, count(*) AS events,
        count(*) FILTER (at_offset >= coalesce(nexts[part + 1], 0)) AS beyond
      FROM announced JOIN expected USING (stream, hour) GROUP BY index),
    listed AS (SELECT index, count(DISTINCT n) FILTER (paths.list_contains(path)) AS events,
        count(*) FILTER (paths.list_contains(path)) AS rows, count(*) AS standing
      FROM announced JOIN found USING (stream, hour) GROUP BY index),
    judged AS (SELECT id, announced.index, announced.rows AS said,
        coalesce(wanted.events, 0) AS events, coalesce(listed.events, 0) AS listed,
        coalesce(listed.rows, 0) AS rows, coalesce(standing, 0) AS standing,
        coalesce(beyond, 0) AS beyond, count(*) OVER (PARTITION BY id) AS texts
      FROM announced LEFT JOIN wanted USING (index) LEFT JOIN listed USING (index))
    SELECT format('early {}: {} numbers, announced {} rows; its files hold {} rows of {} numbers,'
        || ' its folder {} rows; {} numbers at or above the offsets it names; {} texts',
        id, events, said, rows, listed, standing, beyond, texts) AS finding
    FROM judged WHERE events <> listed OR events <> rows OR events <> said
      OR events <> standing
      OR events < ${numbersPerHourAndStream} OR beyond > 0 OR texts > 1 ORDER BY id`)
  const findings = early.slice(0, findingsMax).map(({ finding }) => String(finding))
  return { announced: manifests.length, earlyReady: early.length, findings }
}

/** One line for DuckDB; `nexts` by topic-partition. */
function announcedLine(manifest: Manifest, index: number) {
  const { id, stream, partitionPath: hour, rows, files, sources } = manifest
  const nextOf = (partition: number): number =>
    Number(sources.find((source) => source.partition === partition)?.next ?? 0)
  const nexts = Array.from({ length: partitionCount }, (_, partition) => nextOf(partition))
  const paths = files.map((file) => file.path)
  return { index, id, stream: streams.indexOf(stream), hour, rows, paths, nexts }
}

/**
 * Spark's own SQL over tables of a Hive Metastore: one process for all queries of a test, since its
 * start costs half a minute and a gigabyte.
 *
 *     const [counts] = await sparkSql({ metastore: 'thrift://127.0.0.1:24001' }, [
 *       'SELECT hour, count(*) FROM ods.orders GROUP BY hour',
 *     ])                                                        // [['13', '200'], …]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { serviceNamed } from '../system/services/catalogue.ts'
import { artifactsFolder, isFetched } from '../system/services/fetch-artifacts.ts'
import { userPlaces } from '../system/services/service-harness.ts'
import { commandEndsWell, requireNamedService } from './require-service.ts'

const checkout = join(import.meta.dirname, '..', '..')
const { cacheRoot } = userPlaces(checkout)

/** Java, and the jars in the cache: asked for by name alone. */
export const wantsSpark = (): boolean =>
  requireNamedService(
    'spark',
    () => commandEndsWell('java', ['-version']) && isFetched(serviceNamed('spark'), cacheRoot),
  )

/** What Spark opens of Java 17, as its own launcher does. */
const opened = [
  'java.base/java.lang',
  'java.base/java.lang.invoke',
  'java.base/java.lang.reflect',
  'java.base/java.io',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/sun.nio.ch',
  'java.base/sun.nio.cs',
  'java.base/sun.security.action',
  'java.base/sun.util.calendar',
]

/** Between the answers of two queries. */
const mark = '-- next --'

/**
 * @returns rows of each query, in order; values as Spark prints them.
 * @throws {Error} it ended ill.
 */
export async function sparkSql(
  { metastore }: { readonly metastore: string },
  queries: readonly string[],
): Promise<readonly (readonly (readonly string[])[])[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lakeward-spark-'))
  const settings = {
    'spark.master': 'local[1]',
    'spark.app.name': 'lakeward',
    'spark.ui.enabled': 'false',
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.sql.shuffle.partitions': '1',
    'spark.sql.session.timeZone': 'UTC',
    'spark.sql.warehouse.dir': `file://${folder}/warehouse`,
    'spark.local.dir': folder,
    'spark.hadoop.hive.metastore.uris': metastore,
    'spark.hadoop.dfs.client.use.datanode.hostname': 'true',
  }
  const command = [
    '-Xmx1g',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Djava.net.preferIPv4Stack=true',
    `-Djava.io.tmpdir=${folder}`,
    `-Dderby.system.home=${folder}`,
    ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
    '-cp',
    join(artifactsFolder(serviceNamed('spark'), cacheRoot), '*'),
    'org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver',
    '-e',
    queries.map((query) => `${query}; SELECT '${mark}';`).join(' '),
  ]
  try {
    const child = spawn('java', command, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder })
    const ended = once(child, 'exit')
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    const [code] = await ended
    if (code !== 0) throw new Error(`Spark ended with ${String(code)}: ${stderr.slice(-3_000)}`)
    return answersIn(stdout, queries.length)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function answersIn(stdout: string, count: number): readonly (readonly (readonly string[])[])[] {
  const answers = stdout.split(`${mark}\n`)
  if (answers.length !== count + 1) throw new Error(`${answers.length - 1} answers: ${stdout}`)
  const rowsOf = (answer: string): readonly (readonly string[])[] =>
    answer
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'))
  return answers.slice(0, count).map(rowsOf)
}

/**
 * Spark's own SQL as a process that answers one query after the other: its start costs half a
 * minute and a gigabyte.
 *
 *     const spark = SparkSql.start({ metastore: 'thrift://127.0.0.1:24001' })
 *     await spark.ask('SELECT hour, count(*) FROM ods.orders GROUP BY hour')   // [['13', '200'], …]
 *     await spark.close()
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
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

/** Asked for before and after each query: its rows stand between. */
const marks = ['-- rows --', '-- end --'] as const
/** Before each line that it is sent, which it says again, in several where it is long. */
const prompt = 'spark-sql'
/** Told on stderr after each query that did not fail. */
const succeeded = 'Time taken'
const saidMax = 100_000

interface SparkOptions {
  /** "thrift://127.0.0.1:24001"; absent: no tables but those named by path. */
  readonly metastore?: string
}

export class SparkSql {
  readonly #folder: string
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #exited: Promise<unknown>
  readonly #lines: AsyncIterator<string>
  /** On stderr since the last query was sent. */
  #said = ''

  private constructor(folder: string, options: SparkOptions) {
    this.#folder = folder
    this.#child = spawn('java', commandIn(folder, options), {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: folder,
    })
    this.#exited = once(this.#child, 'exit')
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.#said = (this.#said + bytes.toString()).slice(-saidMax)
    })
    // What it did not read because it ended is told by its silence on stdout.
    this.#child.stdin.on('error', () => {})
  }

  static start(options: SparkOptions): SparkSql {
    return new SparkSql(mkdtempSync(join(tmpdir(), 'lakeward-spark-')), options)
  }

  /**
   * One at a time.
   * @returns rows, at least one; values as Spark prints them.
   * @throws {Error} it failed, or found no row; with what Spark said.
   */
  async ask(query: string): Promise<readonly (readonly string[])[]> {
    this.#said = ''
    const [before, after] = marks
    const asked = `SELECT '${before}'; ${query.replaceAll(/\s+/g, ' ')};`
    this.#child.stdin.write(`${asked}\nSELECT '${after}';\n`)
    await this.#linesUntil(before)
    const lines = await this.#linesUntil(after)
    const rows = lines.filter((line) => !line.startsWith(prompt)).map((line) => line.split('\t'))
    if (rows.length > 0) return rows
    // Of both marks; what is told of the query comes between.
    while (this.#said.split(succeeded).length <= marks.length) await this.#saysMore()
    throw new Error(this.#said)
  }

  async #linesUntil(mark: string): Promise<readonly string[]> {
    for (const lines: string[] = []; ; ) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error(`Spark ended: ${this.#said}`)
      if (value === mark) return lines
      lines.push(value)
    }
  }

  async #saysMore(): Promise<void> {
    const ended = this.#exited.then(() => {
      throw new Error(`Spark ended: ${this.#said}`)
    })
    await Promise.race([once(this.#child.stderr, 'data'), ended])
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function commandIn(folder: string, { metastore }: SparkOptions): readonly string[] {
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
    'spark.hadoop.dfs.client.use.datanode.hostname': 'true',
    ...(metastore === undefined
      ? { 'spark.sql.catalogImplementation': 'in-memory' }
      : { 'spark.hadoop.hive.metastore.uris': metastore }),
  }
  return [
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
  ]
}

/**
 * Outside programs that a test needs: never missed in silence.
 *
 *     describe.skipIf(!requireService('kcat', hasKcat))('records of kcat', …)
 *
 * A missing one skips the tests with a line on stderr. `LAKEWARD_REQUIRE` (names, comma between)
 * turns that into a failure: the gate sets it, so that a green run means that they ran. In it
 * `services` stands for the names in `test/system/required.json`, `all` for every name.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type ServiceName =
  | 'pyarrow'
  | 'protobuf'
  | 'duckdb'
  | 'polars'
  | 'datafusion'
  | 'chdb'
  | 'kcat'
  | 'flights'
  | 'kafka-4'
  | 'kafka-3'
  | 'kafka-4-three'
  | 'kafka-3-three'
  | 'tmpfs'
  | 'hadoop'
  | 'hive'
  | 'hive-3'
  | 'hive-kerberos'
  | 's3'
  | 's3-minio'
  | 'hdfs'
  | 'hdfs-faults'
  | 'hdfs-ha'
  | 'hdfs-httpfs'
  | 'hdfs-three'
  | 'hdfs-tls'
  | 'httpfs'
  | 'kerberos'
  | 'spark'
  | 'airflow'
  | 'mysql'
  | 'clickhouse'

/** The interpreter that has pyarrow and duckdb. */
export const python = process.env['LAKEWARD_PYTHON'] ?? 'python3'

/**
 * @param probe whether the service is there; what it throws means that it is not.
 * @returns true when tests that need it can run.
 * @throws {Error} it is missing and `LAKEWARD_REQUIRE` names it.
 */
export function requireService(name: ServiceName, probe: () => boolean): boolean {
  if (answers(probe)) return true
  if (isRequired(name)) throw new Error(`${name} is missing, LAKEWARD_REQUIRE names it`)
  process.stderr.write(`\n!!! SKIPPED: tests that need ${name}, which is not there !!!\n`)
  return false
}

/**
 * For tests that take minutes: they run where `LAKEWARD_REQUIRE` names the service, and nowhere
 * else, also where it is there.
 */
export function requireNamedService(name: ServiceName, probe: () => boolean): boolean {
  if (isRequired(name)) return requireService(name, probe)
  process.stderr.write(
    `\n!!! SKIPPED: tests of ${name}, which LAKEWARD_REQUIRE does not name !!!\n`,
  )
  return false
}

function isRequired(name: ServiceName): boolean {
  const names = (process.env['LAKEWARD_REQUIRE'] ?? '').split(',').map((each) => each.trim())
  const services = names.includes('services') ? required() : []
  return [...names, ...services].some((each) => each === name || each === 'all')
}

function required(): readonly string[] {
  const path = new URL('../system/required.json', import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as readonly string[]
}

function answers(probe: () => boolean): boolean {
  try {
    return probe()
  } catch {
    return false
  }
}

/** True when the command ends with 0. */
export const commandEndsWell = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** pyarrow and DuckDB for Python, the judges of our files. */
export const hasPyarrow = (): boolean =>
  requireService('pyarrow', () => commandEndsWell(python, ['-c', 'import pyarrow, duckdb']))

/** Google's protobuf runtime for Python, on upb. */
export const hasGoogleRuntime = (): boolean =>
  requireService('protobuf', () => {
    const upb =
      'from google.protobuf.internal import api_implementation as a; a.Type() == "upb" or exit(1)'
    return commandEndsWell(python, ['-c', upb])
  })

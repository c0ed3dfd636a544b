/**
 * Airflow's own classes, for the sensor of `examples/schedulers/`: a process that runs it.
 *
 * Airflow pins what it needs, so it has an interpreter of its own, `LAKEWARD_AIRFLOW`:
 *
 *     python3 -m venv airflow && airflow/bin/pip install -r test/system/requirements-airflow.txt
 *     LAKEWARD_AIRFLOW=$PWD/airflow/bin/python LAKEWARD_REQUIRE=airflow npx vitest run …
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { commandEndsWell, requireService } from './require-service.ts'

const interpreter = process.env['LAKEWARD_AIRFLOW'] ?? 'python3'
const script = join(import.meta.dirname, 'airflow-sensor.py')

export const hasAirflow = (): boolean =>
  requireService('airflow', () => commandEndsWell(interpreter, ['-c', 'import airflow.sdk']))

export interface SensorCase {
  /** Arguments of the sensor. */
  readonly sensor: Readonly<Record<string, string | number>>
  /** Start of the data interval, ISO. */
  readonly hour: string
}

export interface SensorRun {
  /** How each case ended: "complete", or the name of the exception. */
  readonly ended: readonly string[]
  /** All that was logged. */
  readonly log: string
}

/**
 * Runs sensors one after the other.
 *
 * @param home an empty folder for Airflow.
 * @param onLine told each line as it is logged.
 */
export async function runSensors(
  cases: readonly SensorCase[],
  home: string,
  onLine: (line: string) => void = () => {},
): Promise<SensorRun> {
  const env = { ...process.env, AIRFLOW_HOME: home, AIRFLOW__CORE__LOAD_EXAMPLES: 'False' }
  const child = spawn(interpreter, [script, JSON.stringify(cases)], { env })
  const lines: string[] = []
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line)
      onLine(line)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  const log = lines.join('\n')
  if (code !== 0) throw new Error(`the sensor's process ended with ${code}:\n${log}`)
  const ended = lines.flatMap((line) =>
    line.startsWith('{"ended"') ? (JSON.parse(line) as { ended: string }).ended : [],
  )
  return { ended, log }
}

/** What ours is compared with: each baseline in a process of its own, at its best settings. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Placement } from '../measure/machine.ts'
import { MissingOutside } from '../measure/outcome.ts'
import { lastJsonOf } from '../measure/run-process.ts'

const baselines = join(import.meta.dirname, '..', 'baselines')
const python = process.env['LAKEWARD_PYTHON'] ?? 'python3'

export interface BaselineRun {
  readonly rows: number
  readonly cpuSeconds: number
}

const runOf = ({ rows, cpuSeconds }: Record<string, unknown>): BaselineRun => ({
  rows: Number(rows),
  cpuSeconds: Number(cpuSeconds),
})

/** The naive way over the first rows of the topic; its start-up is not counted. */
export async function runNaive(
  place: { port: number; topic: string; rows: number; folder: string },
  placement: Placement,
): Promise<BaselineRun> {
  const { port, topic, rows, folder } = place
  const words = [`127.0.0.1:${port}`, topic, `${rows}`, folder]
  const command = [process.execPath, '--no-warnings', join(baselines, 'naive.ts'), ...words]
  return runOf(await lastJsonOf(placement, command))
}

/** A write or two scatter by a sixth; so many seconds of them are steadier. */
const pyarrowSampleSeconds = 15

/** pyarrow writing the rows of these files, with one thread; reading them is not counted. */
export async function runPyarrow(
  files: readonly string[],
  placement: Placement,
): Promise<BaselineRun> {
  const script = join(baselines, 'pyarrow-write.py')
  return runOf(await lastJsonOf(placement, [python, script, `${pyarrowSampleSeconds}`, ...files]))
}

/** Names, versions and settings, to be printed with the figures. @throws {MissingOutside} */
export function baselineTexts(): { readonly naive: string; readonly pyarrow: string } {
  const version = (name: string): string => {
    const path = join(import.meta.dirname, '..', '..', 'node_modules', name, 'package.json')
    return `${name} ${(JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version}`
  }
  const asked = spawnSync(python, ['-c', 'import pyarrow; print(pyarrow.__version__)'], {
    encoding: 'utf8',
  })
  if (asked.status !== 0) {
    throw new MissingOutside(
      `"${python}" has no pyarrow, which ours is compared with: name one that has, LAKEWARD_PYTHON=…`,
    )
  }
  const naive = ['kafkajs', 'protobufjs', 'parquetjs-lite'].map(version).join(' + ')
  return {
    naive: `${naive}: eachBatch, snappy, row groups of 8,192 rows`,
    pyarrow: `pyarrow ${asked.stdout.trim()}: write_table only, zstd level 1, dictionaries, one thread`,
  }
}

/** Real processes on a real file system, killed at any moment: what the simulation cannot prove. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { durationMs } from '../../src/base/time.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import { cleanStaging } from '../../src/committer/janitor.ts'
import type { SimStore } from '../sim/lake.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { foldOf } from '../support/commit-phase.ts'
import { judgeLog } from '../support/judged-log.ts'
import {
  expectCoveredOnce,
  expectPublishedExactly,
  expectSameState,
} from '../support/log-oracle.ts'
import { appendDraft, lane, table } from '../support/log-samples.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const pipeline = 'growth'
const partitions = 2
const workersAtOnce = 3
/** How long after its first commit each life of a worker ends. */
const lifeMs = [0, 5, 20, 80, 250]
/** More than anybody commits here: who has that many before them does not end by itself. */
const endless = 1_000_000
/** What is left to race for when nobody is killed any more. */
const lastRecords = 150

const worker = new URL('../support/commit-worker.ts', import.meta.url).pathname

interface Tally {
  committed: number
  discarded: number
  killed: number
}

interface RunningWorker {
  readonly process_: ChildProcess
  readonly begun: Promise<void>
  readonly ended: Promise<number | null>
}

/** @param records of each topic-partition, after which it ends. */
function start(folder: string, records: number, tally: Tally): RunningWorker {
  const words = [worker, folder, `${records}`, `${partitions}`]
  const process_ = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  return { process_, ...watch(process_, tally) }
}

/** Starts a worker again and again, and kills it; longer while nobody has met another one. */
async function workAndDie(folder: string, tally: Tally): Promise<void> {
  for (let life = 0; life < lifeMs.length || tally.discarded === 0; life++) {
    const { process_, begun, ended } = start(folder, endless, tally)
    await Promise.race([begun, ended])
    await wait(lifeMs[life % lifeMs.length])
    process_.kill('SIGKILL')
    expect(await ended).toBeNull()
    tally.killed++
  }
}

function watch(process_: ChildProcess, tally: Tally): Omit<RunningWorker, 'process_'> {
  const begun = new Promise<void>((resolve) => {
    process_.stdout?.on('data', (chunk: Buffer) => {
      resolve()
      for (const line of chunk.toString().trim().split('\n')) {
        if (line === 'committed' || line === 'discarded') tally[line]++
      }
    })
  })
  const ended = new Promise<number | null>((resolve) => process_.on('close', resolve))
  return { ended, begun }
}

/** Everything below a folder, as the simulated lake would hold it. */
async function storeOf(folder: string): Promise<SimStore> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const store: SimStore = new Map()
  for (const name of names.filter((at) => at.isFile())) {
    const file = join(name.parentPath, name.name)
    const path = file.slice(folder.length + 1)
    store.set(path, { body: await readFile(file), modifiedMs: 0 })
  }
  return store
}

test('processes that race and are killed cover every record exactly once', async () => {
  await using folder = await temporaryFolder()
  const tally: Tally = { committed: 0, discarded: 0, killed: 0 }
  const racers = Array.from({ length: workersAtOnce })
  await Promise.all(racers.map(() => workAndDie(folder.path, tally)))
  const positions = (await foldOf(folder.path, pipeline)).positions.get(lane)?.values() ?? []
  const records = lastRecords + Math.max(0, ...[...positions].map(({ next }) => Number(next)))
  const last = racers.map(() => start(folder.path, records, tally).ended)
  expect(await Promise.all(last)).toEqual([0, 0, 0])

  const lake = new LocalLake(`file:${folder.path}`)
  const telemetry = new SimTelemetry()
  const shared = { lake, pipeline, clock: new SystemClock(), random: new SystemRandom(), telemetry }
  const log = await openCommitLog(shared)
  await new Committer({ ...shared, log }).publishPending(durationMs(0))
  await log.put(appendDraft(log.nextCommitId()))
  await cleanStaging({ lake, log, pipeline, tables: [table], telemetry })

  const store = await storeOf(folder.path)
  const judged = judgeLog(store, pipeline)
  expect(judged.entries.filter(({ decided }) => !decided)).toEqual([])
  expectCoveredOnce(judged, { 'growth.events/0': records, 'growth.events/1': records })
  expectPublishedExactly(judged, store)
  expectSameState(log.state, judged.state)
  expect([...store.keys()].filter((path) => path.includes('/_staging/'))).toEqual([])
  expect(tally.killed).toBeGreaterThanOrEqual(workersAtOnce * lifeMs.length)
  // A commit holds five records at most.
  expect(tally.committed).toBeGreaterThanOrEqual((partitions * lastRecords) / 5)
  expect(tally.discarded).toBeGreaterThan(0)
})

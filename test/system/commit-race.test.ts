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
import { judgeLog } from '../support/judged-log.ts'
import {
  expectCoveredOnce,
  expectPublishedExactly,
  expectSameState,
} from '../support/log-oracle.ts'
import { appendDraft, table } from '../support/log-samples.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const pipeline = 'growth'
const records = 200
const partitions = 2
const workersAtOnce = 3
const killsMin = 10

const worker = new URL('../support/commit-worker.ts', import.meta.url).pathname

interface Tally {
  committed: number
  discarded: number
  killed: number
}

/** Runs one worker to its end, killing and starting it again a few times. */
async function workAndDie(folder: string, tally: Tally, kills: number): Promise<void> {
  for (let life = 0; ; life++) {
    const process_ = spawn(process.execPath, [worker, folder, `${records}`, `${partitions}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { ended, begun } = watch(process_, tally)
    await Promise.race([begun, ended])
    if (life < kills) {
      await Promise.race([ended, wait(20 + Math.random() * 250)])
      process_.kill('SIGKILL')
    }
    const code = await ended
    if (code === 0) return
    expect(code).toBeNull()
    tally.killed++
  }
}

function watch(
  process_: ChildProcess,
  tally: Tally,
): { ended: Promise<number | null>; begun: Promise<void> } {
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
  const lives = Array.from({ length: workersAtOnce }, () => workAndDie(folder.path, tally, 5))
  await Promise.all(lives)

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
  expect(tally.killed).toBeGreaterThanOrEqual(killsMin)
  expect(tally.committed).toBeGreaterThan(30)
  expect(tally.discarded).toBeGreaterThan(0)
})

/** A file that grew by an entry which is stepped over, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { durationMs } from '../../../src/base/time.ts'
import { cutBack } from '../../../src/committer/cut-back.ts'
import { planStepOver, stepOver } from '../../../src/committer/step-over.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import { entryPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import {
  commitNext,
  expectOnce,
  liveFiles,
  pipeline,
  ranges,
  startedStore,
  startProcess,
} from '../../support/growing-log.ts'
import { nextOf, sealedCommit } from '../../support/log-samples.ts'

interface Torn {
  readonly clock: SimClock
  readonly store: SimStore
  /** As the log has it once the torn entry is stepped over. */
  readonly file: DataFile
  readonly grownBytes: number
}

/** Entry 1 begins a file, entry 2 goes on with it, its tail is joined, and entry 2 is torn. */
async function tornWorld(): Promise<Torn> {
  const clock = new SimClock()
  const store = await startedStore(clock)
  const process = await startProcess(clock, store, { seed: 2, checkpointEvery: 100 })
  await commitNext(process, 0, 5)
  const file = present(liveFiles(process)[0], 'a file is live')
  await commitNext(process, 5, 9)
  const { sizeBytes: grownBytes } = present(liveFiles(process)[0], 'it grew')
  expect(store.get(file.path)?.body.byteLength).toBe(grownBytes)
  await process.lake.put(entryPath(pipeline, 2), Buffer.from('{"torn'))
  return { clock, store, file, grownBytes }
}

function optionsOf({ clock, store }: Torn, seed: number, more: { fault?: LakeFault } = {}) {
  const lake = new SimLake({ clock, store, kind: 'hdfs', ...more })
  const around = { random: new SimRandom(seed), telemetry: new SimTelemetry() }
  return { lake, pipeline, clock, ...around, checkpointEvery: 100 }
}

/** What `lakeward log void 2` does. */
async function repair(options: ReturnType<typeof optionsOf>): Promise<readonly unknown[]> {
  const plan = await planStepOver(options, [2])
  if (plan.kind === 'step-over') await stepOver(options, plan.unreadable, 'the disk lost it')
  return cutBack(options)
}

/** A new process finishes what was decided, and reads again what the torn entry covered. */
async function succeed({ clock, store }: Torn): Promise<void> {
  const { log, committer } = await startProcess(clock, store, { seed: 4 })
  await committer.publishPending(durationMs(0))
  expect(committer.setbacks).toEqual([])
  for (const [first, next] of ranges) {
    if ((nextOf(log) ?? 0n) > BigInt(first)) continue
    const outcome = await committer.commit(sealedCommit(log.nextCommitId(), first, next))
    expect(outcome.kind).toBe('committed')
  }
}

const asideIn = (store: SimStore): readonly (readonly [string, number])[] =>
  [...store].flatMap(([path, { body }]) =>
    path.includes('/quarantine/') ? [[path, body.byteLength] as const] : [],
  )

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('cutting a file back, fault %s', (moment) => {
  test.each(['once', 'forever'] as const)(
    'fails %s at any call: given again, every row is there once, and what goes is kept',
    async (lasting) => {
      let failAt = 1
      for (; ; failAt++) {
        const torn = await tornWorld()
        const { clock, store, file, grownBytes } = torn
        const options = optionsOf(torn, 3, { fault: { failAt, moment, lasting } })
        const ending = new AbortController()
        const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
        const { signal } = ending
        const ended = repair(Object.assign(options, { signal })).catch(() => 'failed')
        await clock.run(Promise.all([ended, killer]))
        options.lake.settle()
        await clock.run(repair(optionsOf(torn, 5)))
        const message = `failAt=${failAt}`
        expect(store.get(file.path)?.body.byteLength, message).toBe(file.sizeBytes)
        expect(asideIn(store), message).toEqual([
          [expect.stringContaining(file.path), grownBytes - file.sizeBytes],
        ])
        await clock.run(succeed(torn))
        expectOnce(store, message)
        if (options.lake.calls < failAt) break
      }
      expect(failAt).toBeGreaterThan(15)
    },
  )
})

test('a dry run tells what would be cut back, and changes nothing', async () => {
  const torn = await tornWorld()
  const { path, sizeBytes } = torn.file
  const plan = await planStepOver(optionsOf(torn, 3), [2])
  const longer = [{ path, sizeBytes, foundBytes: torn.grownBytes }]
  expect(plan).toMatchObject({ kind: 'step-over', longer })
  expect(torn.store.get(path)?.body.byteLength).toBe(torn.grownBytes)
})

test('a file that does not begin with what the log says is left alone', async () => {
  const torn = await tornWorld()
  const { path } = torn.file
  const { lake } = optionsOf(torn, 3)
  const { body } = present(torn.store.get(path), 'the file stands')
  await lake.put(path, body.toReversed())
  expect(await repair(optionsOf(torn, 3))).toMatchObject([{ path, kind: 'kept' }])
  expect(torn.store.get(path)?.body).toEqual(body.toReversed())
})

test('a tail that is joined once more, behind the operator, is cut by the next look', async () => {
  const torn = await tornWorld()
  const { path, sizeBytes } = torn.file
  const { body } = present(torn.store.get(path), 'the file stands')
  await repair(optionsOf(torn, 3))
  await optionsOf(torn, 3).lake.put(path, body)
  expect(await repair(optionsOf(torn, 3))).toMatchObject([{ path, kind: 'cut' }])
  expect(torn.store.get(path)?.body.byteLength).toBe(sizeBytes)
  expect(await repair(optionsOf(torn, 3))).toEqual([])
})

test('what grows while the operator looks is not cut: the log explains it', async () => {
  const clock = new SimClock()
  const store = await startedStore(clock)
  const process = await startProcess(clock, store, { seed: 2, checkpointEvery: 100 })
  await commitNext(process, 0, 5)
  const file = present(liveFiles(process)[0], 'a file is live')
  const options = optionsOf({ clock, store, file, grownBytes: 0 }, 3)
  const list = options.lake.list.bind(options.lake)
  options.lake.list = async (folder) => {
    if (folder.includes('hour=') && nextOf(process.log) === 5n) await commitNext(process, 5, 9)
    return list(folder)
  }
  expect(await cutBack(options)).toEqual([])
  await commitNext(process, 9, 12)
  expectOnce(store, 'nothing was cut')
})

/** Checkpoints: made by whoever folds past one, begun from, and heeded by those who slept. */
import { describe, expect, test } from 'vitest'
import { LogReader } from '../../../src/committer/log-reader.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { entryPath } from '../../../src/protocol/log-paths.ts'
import { SimLake } from '../../sim/lake.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import {
  appendDraft,
  nextOf,
  sampleFile,
  sampleHour,
  sampleRange,
  stream,
} from '../../support/log-samples.ts'
import {
  checkpointsIn,
  type LogWorld,
  logWorld,
  pipeline,
  putUntil,
  sleepBeforePut,
} from '../../support/log-world.ts'

const folder = `_lakeward/${pipeline}/checkpoints/`

describe('checkpoints', () => {
  test('are written every so many entries, by whoever folds past', async () => {
    const sim = logWorld()
    await putUntil(await sim.open(1), 25)
    expect(checkpointsIn(sim.lake.store)).toEqual([10, 20])
  })

  test('are not written twice, and not by readers', async () => {
    const sim = logWorld()
    const [writer, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(writer, 12)
    const { lake, telemetry } = sim
    const before = lake.history.filter((call) => call.startsWith(`putIfAbsent ${folder}`)).length
    await other.refresh()
    const reader = new LogReader({ lake, pipeline, telemetry, checkpointEvery: 0, newestFormat: 1 })
    await reader.open()
    await putUntil(writer, 15)
    const after = lake.history.filter((call) => call.startsWith(`putIfAbsent ${folder}`)).length
    expect(after).toBe(before)
  })

  test('spare who opens the log the entries below', async () => {
    const sim = logWorld()
    await putUntil(await sim.open(1), 25)
    sim.lake.history.length = 0
    const log = await sim.open(2)
    const read = sim.lake.history.filter((call) => call.includes('/log/'))
    expect(read[0]).toBe(`read ${entryPath(pipeline, 20)}`)
    expect(log.state.next).toBe(25)
    expectSameState(log.state, judgeLog(sim.lake.store, pipeline).state)
  })

  test('that cannot be read are passed over for older ones, loudly', async () => {
    const sim = logWorld()
    await putUntil(await sim.open(1), 25)
    const newest = [...sim.lake.store.keys()]
      .filter((path) => path.startsWith(folder))
      .sort()
      .at(-1)
    await sim.lake.put(newest ?? '', Buffer.from('torn'))
    const log = await sim.open(2)
    expectSameState(log.state, judgeLog(sim.lake.store, pipeline).state)
    expect(sim.telemetry.events.map(({ event }) => event)).toContain('checkpoint is unreadable')
  })

  test('a failing lake delays a checkpoint and nothing else', async () => {
    const sim = logWorld()
    const log = await sim.open(1)
    await putUntil(log, 9)
    const { lake } = sim
    lake.putIfAbsent = new Proxy(lake.putIfAbsent.bind(lake), {
      apply: (put, _, [path, body]: [string, Uint8Array]) => {
        if (path.startsWith(folder))
          lake.fault = { failAt: 1, moment: 'before-effect', lasting: 'forever' }
        return put(path, body).finally(() => {
          lake.fault = undefined
        })
      },
    })
    await putUntil(log, 11)
    expect(checkpointsIn(sim.lake.store)).toEqual([])
    lake.putIfAbsent = SimLake.prototype.putIfAbsent.bind(lake)
    await putUntil(log, 12)
    expect(checkpointsIn(sim.lake.store)).toEqual([10])
  })
})

/** Deletes entries as a later version may: only at or below the index of a checkpoint. */
function deleteEntriesBelow({ lake }: LogWorld, next: number): void {
  for (let index = 0; index < next; index++) lake.store.delete(entryPath(pipeline, index))
}

/** Entries go while a writer sleeps. */
const sleepWhileDeleted = (sim: LogWorld, other: CommitLog): void =>
  sleepBeforePut(sim, async () => {
    await putUntil(other, 25)
    deleteEntriesBelow(sim, 20)
  })

describe('a writer that slept while entries below a checkpoint were deleted', () => {
  test('does not take the freed index it wins for a decision', async () => {
    const sim = logWorld()
    const [sleeper, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(sleeper, 5)
    sleepWhileDeleted(sim, other)
    const draft = appendDraft(sleeper.nextCommitId(), { ranges: [sampleRange(0, 4, 9)] })
    const outcome = await sim.clock.run(sleeper.put(draft))
    expect(outcome.kind).not.toBe('decided')
    expect(nextOf(sleeper)).toBe(24n)
    expectSameState(sleeper.state, await other.refresh())
  })

  test('and whoever reads its garbage begins again at the checkpoint, too', async () => {
    const sim = logWorld()
    const [sleeper, reader, other] = [await sim.open(1), await sim.open(2), await sim.open(3)]
    await putUntil(sleeper, 5)
    await reader.refresh()
    sleepWhileDeleted(sim, other)
    const draft = appendDraft(sleeper.nextCommitId(), { ranges: [sampleRange(0, 4, 9)] })
    await sim.clock.run(sleeper.put(draft))
    expect(sim.lake.store.has(entryPath(pipeline, 5))).toBe(true)
    await reader.refresh()
    expectSameState(reader.state, other.state)
  })

  test('learns that its own entry was decided when the checkpoint holds its files', async () => {
    const sim = logWorld()
    const [sleeper, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(sleeper, 5)
    const put = sim.lake.putIfAbsent.bind(sim.lake)
    sim.lake.putIfAbsent = async (path, body) => {
      const outcome = await put(path, body)
      if (path !== entryPath(pipeline, 5)) return outcome
      // Between its put and its look at it the writer sleeps, and the world goes on.
      sim.lake.putIfAbsent = put
      await putUntil(other, 25)
      deleteEntriesBelow(sim, 20)
      return outcome
    }
    const id = sleeper.nextCommitId()
    const places = [{ stream, partition: sampleHour(13) }]
    const ranges = [sampleRange(0, 4, 5)]
    const body = { files: [sampleFile(id, 13)] }
    const outcome = await sim.clock.run(sleeper.put(appendDraft(id, { ranges, places, body })))
    expect(outcome).toEqual({ kind: 'decided', entry: 5, commitId: id })
    expectSameState(sleeper.state, other.state)
  })

  test('says which checkpoint it cannot do without when that is unreadable', async () => {
    const sim = logWorld()
    const [sleeper, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(sleeper, 5)
    await putUntil(other, 25)
    deleteEntriesBelow(sim, 20)
    for (const path of sim.lake.store.keys()) {
      if (path.startsWith(folder)) await sim.lake.put(path, Buffer.from('torn'))
    }
    const put = sleeper.put(appendDraft(sleeper.nextCommitId(), { ranges: [sampleRange(0, 4, 9)] }))
    await expect(put).rejects.toMatchObject({ code: 'LOG_CHECKPOINT_UNREADABLE' })
  })
})

test('a fold that the lake breaks off is gone on with, and looks at checkpoints all the same', async () => {
  const sim = logWorld()
  const [sleeper, other] = [await sim.open(1), await sim.open(2)]
  await putUntil(sleeper, 5)
  const early = new Map(sim.lake.store)
  sleepWhileDeleted(sim, other)
  const draft = appendDraft(sleeper.nextCommitId(), { ranges: [sampleRange(0, 4, 9)] })
  await sim.clock.run(sleeper.put(draft))
  expect(sim.lake.store.has(entryPath(pipeline, 5))).toBe(true)
  let failAt = 1
  for (; ; failAt++) {
    const lake = new SimLake({ store: new Map(early), clock: sim.clock })
    const reader = new LogReader({ ...sim, lake, pipeline, checkpointEvery: 0, newestFormat: 1 })
    await reader.open()
    expect(reader.state.next).toBe(5)
    lake.store.clear()
    for (const [path, object] of sim.lake.store) lake.store.set(path, object)
    lake.calls = 0
    lake.fault = { failAt, moment: 'before-effect', lasting: 'once' }
    await reader.foldToTail().catch(() => reader.foldToTail())
    expectSameState(reader.state, other.state)
    if (lake.calls < failAt) break
  }
  expect(failAt).toBeGreaterThan(5)
})

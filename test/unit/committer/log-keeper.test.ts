/** Old entries and checkpoints: what goes, what stays, and who reads on regardless. */
import { describe, expect, test } from 'vitest'
import { walkLog } from '../../../src/audit/walk-log.ts'
import { durationMs } from '../../../src/base/time.ts'
import { encodeCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import { type TrimReport, trimLog } from '../../../src/committer/log-keeper.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import {
  checkpointName,
  entryPath,
  parseCheckpointPath,
  parseEntryPath,
} from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import { appendDraft, nextOf, sampleRange } from '../../support/log-samples.ts'
import {
  checkpointsIn,
  type LogWorld,
  logWorld,
  pipeline,
  putUntil as putEntriesUntil,
  sleepBeforePut,
} from '../../support/log-world.ts'

interface World extends LogWorld {
  readonly trim: (log: CommitLog, keepMs?: number) => Promise<TrimReport>
}

function world(store: SimStore = new Map(), clock = new SimClock()): World {
  const sim = logWorld(store, clock)
  const { lake, telemetry } = sim
  const shared = { lake, pipeline, telemetry, sparseEvery: 20 }
  return {
    ...sim,
    trim: (log, keepMs = 0) => trimLog({ ...shared, log, keepMs: durationMs(keepMs) }),
  }
}

/** One entry of five is large. */
const putUntil = (log: CommitLog, next: number, bodyEvery = 5): Promise<void> =>
  putEntriesUntil(log, next, bodyEvery)

const entriesOf = (store: SimStore): readonly number[] =>
  [...store.keys()].flatMap((path) => parseEntryPath(path) ?? []).sort((a, b) => a - b)
const bodiesOf = (store: SimStore): number =>
  [...store.keys()].filter((path) => path.includes('/bodies/')).length
const from = (first: number, next: number): readonly number[] =>
  Array.from({ length: next - first }, (_, at) => first + at)

describe('old entries', () => {
  test('go with their bodies, up to the older of the newest two checkpoints', async () => {
    const sim = world()
    const log = await sim.open(1)
    await putUntil(log, 55)
    expect(bodiesOf(sim.lake.store)).toBe(11)
    const report = await sim.trim(log)
    expect(report).toEqual({ removedEntries: 40, removedCheckpoints: 3 })
    expect(entriesOf(sim.lake.store)).toEqual(from(40, 55))
    expect(checkpointsIn(sim.lake.store)).toEqual([40, 50])
    expect(bodiesOf(sim.lake.store)).toBe(3)
    expectSameState((await sim.open(2)).state, log.state)
  })

  test('stay for as long as is asked for, and so does the checkpoint below them', async () => {
    const sim = world()
    const log = await sim.open(1)
    await putUntil(log, 35)
    await sim.clock.run(sim.clock.sleep(durationMs(60_000)))
    await putUntil(log, 85)
    expect((await sim.trim(log, 60_000)).removedEntries).toBe(30)
    expect(entriesOf(sim.lake.store)).toEqual(from(30, 85))
    expect(checkpointsIn(sim.lake.store)).toEqual([30, 40, 60, 70, 80])
  })

  test('can be done without when the newest checkpoint turns out unreadable', async () => {
    const sim = world()
    const log = await sim.open(1)
    await putUntil(log, 55)
    await sim.trim(log)
    const newest = [...sim.lake.store.keys()].find((path) => parseCheckpointPath(path)?.next === 50)
    await sim.lake.put(newest ?? '', Buffer.from('torn'))
    expectSameState((await sim.open(2)).state, log.state)
  })

  test('stay when the checkpoint over them cannot be read', async () => {
    const sim = world()
    const log = await sim.open(1)
    await putUntil(log, 55)
    for (const path of sim.lake.store.keys()) {
      if (parseCheckpointPath(path)?.next === 40) await sim.lake.put(path, Buffer.from('torn'))
    }
    expect((await sim.trim(log)).removedEntries).toBe(0)
    expect(entriesOf(sim.lake.store)).toEqual(from(0, 55))
    expect(sim.telemetry.events.map(({ event }) => event)).toContain('no log entries removed')
  })

  test('keep the checkpoint below them while the one over them cannot be read', async () => {
    const sim = world()
    const log = await sim.open(1)
    await putUntil(log, 55)
    await sim.trim(log)
    await putUntil(log, 105)
    const torn = async (next: number): Promise<void> => {
      for (const path of sim.lake.store.keys()) {
        if (parseCheckpointPath(path)?.next === next) await sim.lake.put(path, Buffer.from('torn'))
      }
    }
    await torn(90)
    expect(await sim.trim(log)).toEqual({ removedEntries: 0, removedCheckpoints: 0 })
    expect(checkpointsIn(sim.lake.store)).toContain(40)
    await torn(100)
    expectSameState((await sim.open(2)).state, log.state)
  })

  test('go folder by folder, from the lowest up', async () => {
    const sim = world()
    const begun = { ...emptyFold(), next: 9_990 }
    const { path } = checkpointName(pipeline, begun.next, begun.checksum)
    await sim.lake.put(path, encodeCheckpoint(begun))
    const log = await sim.open(1)
    const put = async (): Promise<void> => {
      expect((await log.put(appendDraft(log.nextCommitId()))).kind).toBe('decided')
    }
    while (log.state.next < 10_045) await put()
    expect((await sim.trim(log)).removedEntries).toBe(10)
    expect(entriesOf(sim.lake.store)).toEqual(from(10_000, 10_045))
    expect((await sim.trim(log)).removedEntries).toBe(30)
    expect(entriesOf(sim.lake.store)).toEqual(from(10_030, 10_045))
    expectSameState((await sim.open(2)).state, log.state)
  })
})

test('an entry that is missing below a checkpoint that cannot be read ends the reading', async () => {
  const sim = world()
  await putUntil(await sim.open(1), 35)
  const newest = [...sim.lake.store.keys()].find((path) => parseCheckpointPath(path)?.next === 30)
  await sim.lake.put(newest ?? '', Buffer.from('torn'))
  sim.lake.store.delete(entryPath(pipeline, 24))
  const list = sim.lake.list.bind(sim.lake)
  let lists = 0
  sim.lake.list = async (folder) => {
    lists += 1
    if (lists > 1_000) throw new Error('it lists again and again')
    return list(folder)
  }
  await expect(sim.open(2)).rejects.toMatchObject({ code: 'LOG_CHECKPOINT_UNREADABLE' })
})

test('who checks the log while its lowest entries go finds no fault with it', async () => {
  const sim = world()
  const log = await sim.open(1)
  await putUntil(log, 55)
  await sim.trim(log)
  await putUntil(log, 105)
  const checker = new SimLake({ clock: sim.clock, store: sim.lake.store })
  const read = checker.read.bind(checker)
  let trimmed = false
  checker.read = async (path) => {
    if (!trimmed && path === entryPath(pipeline, 40)) {
      trimmed = true
      await sim.trim(log)
    }
    return read(path)
  }
  const { trouble, state } = await walkLog(checker, pipeline)
  expect([trimmed, trouble, state.next]).toEqual([true, undefined, 105])
})

describe('a process that slept while what it would read next was deleted', () => {
  test('does not take the missing entry for the end of the log', async () => {
    const sim = world()
    const [sleeper, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(sleeper, 5)
    await putUntil(other, 55)
    await sim.trim(other)
    await sleeper.refresh()
    expectSameState(sleeper.state, other.state)
  })

  test('wins no freed index, and its garbage is deleted with the next old entries', async () => {
    const sim = world()
    const [sleeper, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(sleeper, 5)
    // What it puts then lands where an entry was deleted.
    sleepBeforePut(sim, async () => {
      await putUntil(other, 55)
      await sim.trim(other)
    })
    const draft = appendDraft(sleeper.nextCommitId(), { ranges: [sampleRange(0, 4, 9)] })
    const outcome = await sim.clock.run(sleeper.put(draft))
    expect(outcome.kind).not.toBe('decided')
    expect(entriesOf(sim.lake.store)).toEqual([5, ...from(40, 55)])
    expect(nextOf(sleeper)).toBe(54n)
    expectSameState(sleeper.state, other.state)
    expectSameState((await sim.open(3)).state, other.state)
    await sim.trim(other)
    expect(entriesOf(sim.lake.store)).toEqual(from(40, 55))
  })

  test('reads on when a body goes before its head', async () => {
    const sim = world()
    const [sleeper, other] = [await sim.open(1), await sim.open(2)]
    await putUntil(sleeper, 3)
    await putUntil(other, 54)
    const bodies = [...sim.lake.store.keys()].filter((path) => path.includes('/bodies/'))
    for (const path of bodies) if (!/-(4[78]|5\d)-/.test(path)) sim.lake.store.delete(path)
    await sleeper.refresh()
    expectSameState(sleeper.state, other.state)
  })
})

describe('trimming, whichever single lake call fails', () => {
  test.each(['before-effect', 'after-effect', 'lands-late'] as const)(
    '%s: it is gone on with, and the log is read from both ends',
    async (moment) => {
      const origin = world()
      await putUntil(await origin.open(1), 25, 30)
      let failAt = 1
      for (; ; failAt++) {
        const sim = world(new Map(origin.lake.store))
        const log = await sim.open(2)
        sim.lake.calls = 0
        sim.lake.fault = { failAt, moment, lasting: 'once' }
        await sim.trim(log).catch((error: unknown) => {
          expect(error, `failAt=${failAt}`).toMatchObject({ code: 'LAKE_UNAVAILABLE' })
        })
        const reached = sim.lake.calls >= failAt
        sim.lake.fault = undefined
        expectSameState((await sim.open(3)).state, log.state)
        const walk = await walkLog(sim.lake, pipeline)
        expect(walk.trouble, `failAt=${failAt}`).toBeUndefined()
        expectSameState(walk.state, log.state)
        await sim.trim(log)
        sim.lake.settle()
        expect(entriesOf(sim.lake.store), `failAt=${failAt}`).toEqual(from(10, 25))
        expect(bodiesOf(sim.lake.store), `failAt=${failAt}`).toBe(0)
        if (!reached) break
      }
      expect(failAt).toBeGreaterThan(20)
    },
  )

  test('with the lake down from some call on, nothing is lost', async () => {
    const origin = world()
    await putUntil(await origin.open(1), 25, 30)
    const { state } = await origin.open(2)
    for (let failAt = 1; ; failAt++) {
      const sim = world(new Map(origin.lake.store))
      const log = await sim.open(3)
      sim.lake.calls = 0
      sim.lake.fault = { failAt, moment: 'after-effect', lasting: 'forever' }
      await sim.trim(log).catch(() => undefined)
      const reached = sim.lake.calls >= failAt
      sim.lake.fault = undefined
      expectSameState((await sim.open(4)).state, state)
      if (!reached) return
    }
  })
})

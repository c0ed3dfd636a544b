/** A log with an entry that nobody can read, and who goes on how. */
import { expect, test } from 'vitest'
import { encodeEntry } from '../../../src/codec/log/entry.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { planStepOver, stepOver } from '../../../src/committer/step-over.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { EntryIndex } from '../../../src/model/log-entry.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { entryPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import {
  appendDraft,
  entryBase,
  nextOf,
  sampleRange,
  startRange,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const why = 'the disk lost it'

const world = () => {
  const clock = new SimClock()
  const lake = new SimLake({ clock })
  const optionsOf = (seed: number) => ({
    lake,
    pipeline,
    clock,
    random: new SimRandom(seed),
    telemetry: new SimTelemetry(),
    checkpointEvery: 100,
  })
  return { lake, optionsOf, open: (seed: number) => openCommitLog(optionsOf(seed)) }
}

/** Entry 0 begins, entry n covers the record n - 1. */
async function putUntil(log: CommitLog, next: number): Promise<void> {
  for (let at = log.state.next; at < next; at++) {
    const range = at === 0 ? startRange(0, 0) : sampleRange(0, at - 1, at)
    await log.put(appendDraft(log.nextCommitId(), { ranges: [range] }))
  }
}

const damage = (lake: SimLake, index: EntryIndex): Promise<unknown> =>
  lake.put(entryPath(pipeline, index), Buffer.from('{"torn'))

async function repair(
  { optionsOf }: ReturnType<typeof world>,
  indexes: readonly EntryIndex[],
  seed = 9,
): Promise<Awaited<ReturnType<typeof planStepOver>>> {
  const plan = await planStepOver(optionsOf(seed), indexes)
  if (plan.kind === 'step-over') {
    expect(await stepOver(optionsOf(seed), plan.unreadable, why)).toMatchObject({ kind: 'decided' })
  }
  return plan
}

test('without the operator nobody passes; with him everybody goes on from before it', async () => {
  const sim = world()
  await putUntil(await sim.open(1), 5)
  await damage(sim.lake, 3)
  await expect(sim.open(2)).rejects.toMatchObject({ code: 'LOG_ENTRY_UNREADABLE' })
  const plan = await repair(sim, [3])
  expect(plan).toMatchObject({ kind: 'step-over', next: 5, fallen: [{ entry: 4 }] })
  const log = await sim.open(3)
  expect(log.state).toMatchObject({ next: 6, steppedOver: [3], voidCount: 2 })
  expect(nextOf(log)).toBe(2n)
  const again = await log.put(appendDraft(log.nextCommitId(), { ranges: [sampleRange(0, 2, 5)] }))
  expect(again.kind).toBe('decided')
  expectSameState((await sim.open(4)).state, judgeLog(sim.lake.store, pipeline).state)
})

test('the torn bytes are kept, and a second repair finds nothing to do', async () => {
  const sim = world()
  await putUntil(await sim.open(1), 3)
  await damage(sim.lake, 2)
  await repair(sim, [2])
  const kept = [...sim.lake.store].filter(([path]) => path.includes('/unreadable/'))
  expect(kept.map(([, { body }]) => Buffer.from(body).toString())).toEqual(['{"torn'])
  expect(await repair(sim, [2])).toEqual({ kind: 'done' })
})

test('a checkpoint that lands afterwards, over the entry as it was, keeps nobody from beginning', async () => {
  const sim = world()
  await putUntil(await openCommitLog({ ...sim.optionsOf(1), checkpointEvery: 2 }), 4)
  const made = [...sim.lake.store].filter(([path]) => path.includes('/checkpoints/'))
  expect(made).toHaveLength(2)
  for (const [path] of made) sim.lake.store.delete(path)
  await damage(sim.lake, 3)
  await repair(sim, [3])
  for (const [path, { body }] of made) await sim.lake.put(path, body)
  const log = await sim.open(3)
  expect(log.state).toMatchObject({ next: 5, steppedOver: [3] })
  expectSameState(log.state, judgeLog(sim.lake.store, pipeline).state)
  await putUntil(log, 8)
  expectSameState((await sim.open(4)).state, judgeLog(sim.lake.store, pipeline).state)
})

test('it is known to be done when its stand-in went with all old entries', async () => {
  const sim = world()
  await putUntil(await sim.open(1), 3)
  await damage(sim.lake, 2)
  await repair(sim, [2])
  await putUntil(await openCommitLog({ ...sim.optionsOf(3), checkpointEvery: 2 }), 8)
  await sim.lake.remove(entryPath(pipeline, 2))
  expect(await repair(sim, [2])).toEqual({ kind: 'done' })
  await sim.lake.remove(entryPath(pipeline, 1))
  expect(await repair(sim, [1])).toMatchObject({ because: 'no entry 1 stands in the log' })
})

test('who could read the entry, and folded on, stops at the notice and at every later look', async () => {
  const sim = world()
  const reader = await sim.open(1)
  await putUntil(reader, 4)
  await damage(sim.lake, 2)
  await repair(sim, [2])
  const before = reader.state
  for (let look = 0; look < 2; look++) {
    await expect(reader.refresh()).rejects.toMatchObject({ code: 'LOG_ENTRY_VOIDED' })
    expect(reader.state).toBe(before)
  }
  // It stops already while the stand-in is not there yet.
  const early = world()
  const first = await early.open(1)
  await putUntil(first, 4)
  await damage(early.lake, 2)
  const plan = await planStepOver(early.optionsOf(9), [2])
  if (plan.kind !== 'step-over') throw new Error(plan.kind)
  const put = early.lake.put.bind(early.lake)
  early.lake.put = (path, body) =>
    path.includes('/log/') ? Promise.reject(new Error('killed')) : put(path, body)
  await expect(stepOver(early.optionsOf(9), plan.unreadable, why)).rejects.toThrow('killed')
  await expect(first.refresh()).rejects.toMatchObject({ code: 'LOG_ENTRY_VOIDED' })
})

test('a notice of an entry that can be read is void and stops nobody', async () => {
  const sim = world()
  const log = await sim.open(1)
  await putUntil(log, 3)
  const putFaulty = async (index: EntryIndex, entry: EntryIndex): Promise<void> => {
    const base = entryBase(commitIdOf(writerId('f'.repeat(32)), index))
    const faulty = { kind: 'void', ...base, entry, sha256: '0'.repeat(64), why } as const
    const { head } = encodeEntry(faulty, () => '')
    await sim.lake.put(entryPath(pipeline, index), head)
    await log.refresh()
  }
  await putFaulty(3, 1)
  expect(nextOf(log)).toBe(2n)
  expect(log.state).toMatchObject({ next: 4, steppedOver: [], voidCount: 1 })
  // Nor does one of a notice, which stands for nothing.
  await putFaulty(4, 3)
  expect(log.state).toMatchObject({ next: 5, steppedOver: [], voidCount: 2 })
})

test('of two unreadable entries both must be named', async () => {
  const sim = world()
  await putUntil(await sim.open(1), 5)
  await damage(sim.lake, 1)
  await damage(sim.lake, 3)
  await expect(planStepOver(sim.optionsOf(9), [1])).rejects.toMatchObject({
    code: 'LOG_ENTRY_UNREADABLE',
  })
  await repair(sim, [3, 1])
  expect((await sim.open(3)).state.steppedOver).toEqual([1, 3])
})

test('a missing body makes an entry unreadable as well', async () => {
  const sim = world()
  const log = await sim.open(1)
  await putUntil(log, 2)
  const evidence = Array.from({ length: 400 }, (_, at) => ({
    ...sampleRange(at, 0, 1),
    highWatermark: sampleRange(at, 0, 1).next,
    askedAtMs: log.lakeNowMs(),
  })).map(({ source, highWatermark, askedAtMs }) => ({ source, highWatermark, askedAtMs }))
  await log.put(appendDraft(log.nextCommitId(), { body: { evidence } }))
  const [body] = [...sim.lake.store.keys()].filter((path) => path.includes('/bodies/'))
  sim.lake.store.delete(body ?? '')
  const plan = await repair(sim, [2])
  expect(plan).toMatchObject({ unreadable: [{ reason: expect.stringContaining('is missing') }] })
  expect((await sim.open(3)).state).toMatchObject({ next: 4, steppedOver: [2] })
})

test('an entry below a checkpoint, or one that can be read, is not stepped over', async () => {
  const sim = world()
  const options = { ...sim.optionsOf(1), checkpointEvery: 4 }
  await putUntil(await openCommitLog(options), 6)
  await damage(sim.lake, 2)
  expect(await repair(sim, [2])).toMatchObject({ kind: 'refuse' })
  expect(await repair(sim, [5])).toMatchObject({ because: 'entry 5 can be read' })
  expect(await repair(sim, [7])).toMatchObject({ because: 'no entry 7 stands in the log' })
  const checkpoint = [...sim.lake.store.keys()].find((path) => path.includes('/checkpoints/'))
  await sim.lake.put(checkpoint ?? '', Buffer.from('torn'))
  const torn = await repair(sim, [2])
  expect(torn).toMatchObject({ because: expect.stringContaining('restore it first') })
})

import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { leaveUnpublished, parquet, staging, world } from '../../support/committer-world.ts'
import { appendDraft, sealedCommit, table } from '../../support/log-samples.ts'

describe('a commit', () => {
  test('is staged, decided, published, and leaves nothing behind in staging', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    const id = log.nextCommitId()
    expect(await committer.commit(sealedCommit(id, 0, 5))).toEqual({ kind: 'committed', entry: 1 })
    const hour = 'dt=2026-11-20/hour=13'
    expect(parquet(sim)).toEqual([`${table}/${hour}/growth-${id.slice(0, 16)}-0-0.parquet`])
    expect(staging(sim)).toEqual([])
    expect([...log.publishedHere]).toEqual([id])
  })

  test('journals before it stages, stages before it puts, and publishes after', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    sim.lake.history.length = 0
    const id = log.nextCommitId()
    await committer.commit(sealedCommit(id, 0, 5))
    const at = (call: RegExp): number => sim.lake.history.findIndex((done) => call.test(done))
    const order = [
      /^putIfAbsent _lakeward\/growth\/_staging\//,
      /^stage .*-0\.staged/,
      /^putIfAbsent .*\/log\//,
      /^publish/,
    ]
    const places = order.map(at)
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })

  test('tells in its next entry what was published, and nothing that was not', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    const [first, second] = [log.nextCommitId(), log.nextCommitId()]
    await committer.commit(sealedCommit(first, 0, 5))
    expect([...log.state.unpublished.keys()]).toEqual([first])
    await committer.commit(sealedCommit(second, 5, 9))
    expect([...log.state.unpublished.keys()]).toEqual([second])
  })

  test('is not told as published by an entry that is put while it is being published', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    const publish = sim.lake.publish.bind(sim.lake)
    let aside: Promise<unknown> = Promise.resolve()
    sim.lake.publish = async (request) => {
      aside = log.put(appendDraft(log.nextCommitId()))
      await aside
      expect([...log.state.unpublished.keys()]).toEqual([id])
      return publish(request)
    }
    const id = log.nextCommitId()
    await committer.commit(sealedCommit(id, 0, 5))
    await aside
    await log.put(appendDraft(log.nextCommitId()))
    expect(log.state.unpublished.size).toBe(0)
  })

  test('without files stages nothing', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    sim.lake.history.length = 0
    const sealed = { ...sealedCommit(log.nextCommitId(), 0, 5), files: [] }
    expect(await committer.commit(sealed)).toMatchObject({ kind: 'committed' })
    expect(sim.lake.history.filter((call) => call.startsWith('stage'))).toEqual([])
  })

  test('whose counts do not add up is discarded before anything is staged, and told of', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    const sealed = sealedCommit(log.nextCommitId(), 0, 5)
    const counts = sealed.counts.map((cell) => ({ ...cell, counts: { ...cell.counts, read: 1 } }))
    expect(await committer.commit({ ...sealed, counts })).toMatchObject({
      kind: 'discarded',
      because: expect.stringContaining('do not add up'),
    })
    expect(staging(sim)).toEqual([])
    await committer.commit(sealedCommit(log.nextCommitId(), 0, 5))
    expect(log.state.writers.get(log.writerId)?.discardedCount).toBe(1)
  })

  test('that lost its range is discarded, and takes its staging away', async () => {
    const sim = await world()
    const [a, b] = [await sim.start(1), await sim.start(2)]
    await a.committer.commit(sealedCommit(a.log.nextCommitId(), 0, 5))
    const outcome = await b.committer.commit(sealedCommit(b.log.nextCommitId(), 0, 4))
    expect(outcome).toMatchObject({ kind: 'discarded' })
    expect(staging(sim)).toEqual([])
    expect(parquet(sim)).toHaveLength(1)
  })

  test('waits for a lake that refuses, says so meanwhile, and is well again after', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    sim.lake.fault = {
      failAt: sim.lake.calls + 1,
      moment: 'before-effect',
      lasting: 'forever',
      code: 'LAKE_REFUSED',
    }
    const commit = committer.commit(sealedCommit(log.nextCommitId(), 0, 5))
    const watch = async (): Promise<string | undefined> => {
      await sim.clock.sleep(durationMs(3_600_000))
      const seen = committer.trouble?.code
      sim.lake.fault = undefined
      return seen
    }
    const [outcome, trouble] = await sim.clock.run(Promise.all([commit, watch()]))
    expect(outcome.kind).toBe('committed')
    expect(trouble).toBe('LAKE_REFUSED')
    expect(committer.trouble).toBeUndefined()
  })
})

describe('what a dead writer left decided and unpublished', () => {
  test('is published by anyone who asks, and told to the log', async () => {
    const sim = await world()
    await leaveUnpublished(sim, 1)
    expect(parquet(sim)).toEqual([])
    const { log, committer } = await sim.start(2)
    await committer.publishPending(durationMs(0))
    expect(parquet(sim)).toHaveLength(1)
    expect(log.publishedHere.size).toBe(1)
    await log.put(appendDraft(log.nextCommitId()))
    expect(log.state.unpublished.size).toBe(0)
    expect(log.publishedHere.size).toBe(0)
  })

  test('is left alone while it is young', async () => {
    const sim = await world()
    await leaveUnpublished(sim, 1)
    const { committer } = await sim.start(2)
    await committer.publishPending(durationMs(120_000))
    expect(parquet(sim)).toEqual([])
    await sim.clock.run(sim.clock.sleep(durationMs(121_000)))
    await committer.publishPending(durationMs(120_000))
    expect(parquet(sim)).toHaveLength(1)
  })

  test('and is gone from the lake is an alarm, until it is back', async () => {
    const sim = await world()
    await leaveUnpublished(sim, 1)
    const staged = staging(sim).find((path) => path.endsWith('.staged')) ?? ''
    const kept = sim.lake.store.get(staged)
    sim.lake.store.delete(staged)
    const { committer, telemetry } = await sim.start(2)
    await committer.publishPending(durationMs(0))
    expect(committer.setbacks).toMatchObject([{ code: 'LOG_FILE_GONE', facts: { entry: 1 } }])
    expect(committer.setbacks[0]?.message).toContain(staged)
    await committer.publishPending(durationMs(0))
    expect(telemetry.events.filter(({ level }) => level === 'error')).toHaveLength(1)
    if (kept !== undefined) sim.lake.store.set(staged, kept)
    await committer.publishPending(durationMs(0))
    expect(committer.setbacks).toEqual([])
    expect(parquet(sim)).toHaveLength(1)
  })

  test('and is gone keeps no other file of its commit from being published', async () => {
    const sim = await world()
    const { log, committer: dying } = await sim.start(1)
    const sealed = sealedCommit(log.nextCommitId(), 0, 5)
    const files = Array.from({ length: 400 }, () => sealed.files).flat()
    sim.lake.publish = async ({ path }) => {
      throw new Fault('LAKE_REFUSED', { operation: 'publish', path, reason: 'quota' })
    }
    await sim.clock.run(dying.commit({ ...sealed, files }))
    Reflect.deleteProperty(sim.lake, 'publish')
    sim.lake.store.delete(staging(sim).find((path) => path.endsWith('.staged')) ?? '')
    const { committer } = await sim.start(2)
    await committer.publishPending(durationMs(0))
    expect(committer.setbacks).toMatchObject([{ code: 'LOG_FILE_GONE' }])
    expect(parquet(sim)).toHaveLength(files.length - 1)
  })

  test('and stands with another size is an alarm, and is not touched', async () => {
    const sim = await world()
    await leaveUnpublished(sim, 1)
    const staged = staging(sim).find((path) => path.endsWith('.staged')) ?? ''
    await sim.lake.put(staged, Buffer.from('torn'))
    const { committer } = await sim.start(2)
    await committer.publishPending(durationMs(0))
    expect(committer.setbacks).toMatchObject([
      { code: 'LOG_FILE_MISMATCH', facts: { foundBytes: 4, sizeBytes: 7 } },
    ])
    // It holds up nothing else.
    expect(committer.trouble).toBeUndefined()
    expect(parquet(sim)).toEqual([])
  })

  test('is no trouble of ours any more once somebody else published it', async () => {
    const sim = await world()
    await leaveUnpublished(sim, 1)
    const [a, b] = [await sim.start(2), await sim.start(3)]
    sim.lake.fault = { failAt: 1, moment: 'before-effect', lasting: 'forever' }
    await a.committer.publishPending(durationMs(0))
    expect(a.committer.setbacks).toMatchObject([{ code: 'LAKE_UNAVAILABLE' }])
    sim.lake.fault = undefined
    await b.committer.publishPending(durationMs(0))
    await b.log.put(appendDraft(b.log.nextCommitId()))
    await a.log.refresh()
    await a.committer.publishPending(durationMs(0))
    expect(a.committer.setbacks).toEqual([])
  })
})

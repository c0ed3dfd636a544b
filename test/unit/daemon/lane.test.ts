import { describe, expect, test } from 'vitest'
import { Fault, isFault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { topicId } from '../../../src/model/topic-partition.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import type { EtlModule } from '../../../src/ports/etl-module.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  fetchedNumbers,
  type LaneWorld,
  openLaneWorld,
  owning,
  pipeline,
  settle,
} from '../../support/lane-world.ts'
import { expectCoveredOnce } from '../../support/log-oracle.ts'

/** Calls `hook` at the beginning of each refresh. */
const hooked =
  (hook: () => void) =>
  (log: CommitLog): CommitLog =>
    new Proxy(log, {
      get: (target, key) => {
        if (key === 'refresh') hook()
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })

test('what was taken in is committed from where the log says, and goes on there', async () => {
  const world = await openLaneWorld()
  await world.lane.onAssigned([world.at(0), world.at(1)])
  expect(world.source.takeCalls()).toEqual(['seek events/0 0', 'seek events/1 0'])
  await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 3), fetchedNumbers(world.at(1), 0, 1)])
  await world.commits.commitNow()
  await world.lane.onFetched([fetchedNumbers(world.at(0), 3, 5)])
  await world.commits.commitNow()
  expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 5, 'events/1': 1 })
  expect(world.fatal).toEqual([])
})

describe('a commit that falls', () => {
  /** Another writer goes on from where partition 1 is. */
  async function overtaken(around?: (log: CommitLog) => CommitLog) {
    const world = await openLaneWorld({ ...(around && { around }) })
    await owning(world, 0, 1)
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 2 })
    await owning(other, 1)
    await other.lane.onFetched([fetchedNumbers(other.at(1), 0, 2)])
    await other.commits.commitNow()
    return world
  }

  test('is read again from where the log says, with the minute that accumulated', async () => {
    const world = await overtaken()
    await world.lane.onFetched([
      fetchedNumbers(world.at(0), 0, 4),
      fetchedNumbers(world.at(1), 0, 1),
    ])
    await world.commits.commitNow()
    expect(world.source.takeCalls()).toEqual(['seek events/0 0', 'seek events/1 2'])
    expect(world.lane.bufferedBytes).toBe(0)
    await world.lane.onFetched([
      fetchedNumbers(world.at(0), 0, 4),
      fetchedNumbers(world.at(1), 2, 3),
    ])
    await world.commits.commitNow()
    expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 4, 'events/1': 3 })
  })

  test('drops an answer held meanwhile, even one that fits by chance', async () => {
    const held: Promise<void>[] = []
    const watched: { world?: LaneWorld } = {}
    const world = await overtaken(
      hooked(() => {
        const { world: at } = watched
        // Positions are being set anew.
        if (at === undefined || at.lane.owned.size > 0 || held.length > 0) return
        held.push(at.lane.onFetched([fetchedNumbers(at.at(0), 0, 2)]))
      }),
    )
    watched.world = world
    await world.lane.onFetched([fetchedNumbers(world.at(1), 0, 1)])
    await world.commits.commitNow()
    expect(held).toHaveLength(1)
    await Promise.all(held)
    // The source reads again from where it was told to, and more has come by now.
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 3)])
    await world.lane.onFetched([fetchedNumbers(world.at(0), 3, 4)])
    await world.commits.commitNow()
    expect(world.next(0)).toBe(4n)
  })

  test('whose content contradicts itself is read again once, then all stops', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    const { lane, commits } = world
    const seal = lane.seal.bind(lane)
    lane.seal = async (fold) => {
      const sealed = await seal(fold)
      const wrong = sealed?.counts.map((cell) => {
        return { ...cell, counts: { ...cell.counts, read: cell.counts.read + 1 } }
      })
      return sealed && { ...sealed, counts: wrong ?? [] }
    }
    await lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    await commits.commitNow()
    expect(world.source.takeCalls()).toEqual(['seek events/0 0'])
    await lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    await expect(commits.commitNow()).rejects.toThrow('contradicts itself again')
    expect(world.next(0)).toBe(0n)
  })
})

test('an answer that does not continue is asked for again', async () => {
  const world = await openLaneWorld()
  await owning(world, 0)
  await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
  await world.lane.onFetched([fetchedNumbers(world.at(0), 5, 6)])
  expect(world.source.takeCalls()).toEqual(['seek events/0 2'])
  await world.lane.onFetched([fetchedNumbers(world.at(0), 2, 6)])
  await world.commits.commitNow()
  expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 6, 'events/1': 0 })
})

describe('giving up', () => {
  test('commits first, and takes nothing more in of what leaves', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    const revoked = world.lane.onRevoked([world.at(0)])
    await world.lane.onFetched([
      fetchedNumbers(world.at(0), 2, 3),
      fetchedNumbers(world.at(1), 0, 1),
    ])
    await revoked
    expect([...world.lane.owned]).toHaveLength(1)
    expect(world.next(0)).toBe(2n)
    await world.commits.commitNow()
    expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 2, 'events/1': 1 })
    expect(world.fatal).toEqual([])
  })

  test('and getting back at once reads on from what was committed', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    world.lane.onLost([world.at(0)])
    await world.lane.onAssigned([world.at(0)])
    expect(world.source.takeCalls()).toEqual(['seek events/0 2'])
    await world.lane.onFetched([fetchedNumbers(world.at(0), 2, 3)])
    await world.commits.commitNow()
    expect(world.next(0)).toBe(3n)
  })

  test('before it was known from where to read leaves nothing behind', async () => {
    const world = await openLaneWorld()
    world.source.starts.clear()
    const assigned = world.lane.onAssigned([world.at(0)])
    const revoked = world.lane.onRevoked([world.at(0)])
    await Promise.all([assigned, revoked])
    world.source.starts.set(0, 0n)
    await world.clock.run(world.clock.sleep(durationMs(60_000)))
    expect(world.lane.owned.size).toBe(0)
    expect(world.source.takeCalls()).toEqual([])
  })

  test('ends the process loudly where the commit before it meets a bug', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    world.lane.commit = () => Promise.reject(new Error('a bug'))
    await world.lane.onRevoked([world.at(0)])
    expect(world.fatal).toMatchObject([{ message: 'a bug' }])
    // Where that commit stood is not known: nothing may follow it.
    await expect(world.commits.commitNow()).rejects.toThrow('a bug')
  })
})

describe('a lake that does not answer', () => {
  test('holds a fold up, and ends nothing', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    world.lake.fault = { failAt: world.lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
    const committed = world.commits.commitNow()
    await world.clock.run(world.clock.sleep(durationMs(120_000)))
    expect(world.lane.trouble?.code).toBe('LAKE_UNAVAILABLE')
    world.lake.fault = undefined
    await world.clock.run(committed)
    expect([world.next(0), world.lane.trouble, world.fatal]).toEqual([1n, undefined, []])
  })

  test('holds an assignment up, and no revocation behind it', async () => {
    const world = await openLaneWorld()
    await owning(world, 1)
    world.lake.fault = { failAt: world.lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
    await world.lane.onAssigned([world.at(0)])
    expect(world.lane.startTrouble?.code).toBe('LAKE_UNAVAILABLE')
    expect(world.source.takeCalls()).toEqual([])
    world.lake.fault = undefined
    await world.clock.run(world.lane.onRevoked([world.at(1)]))
    await world.clock.run(world.clock.sleep(durationMs(60_000)))
    expect(world.source.takeCalls()).toEqual(['seek events/0 0'])
    expect([world.lane.startTrouble, world.fatal]).toEqual([undefined, []])
  })

  test('is no trouble any more when what waited for it is given up', async () => {
    const world = await openLaneWorld()
    world.lake.fault = { failAt: world.lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
    await world.lane.onAssigned([world.at(0)])
    world.lake.fault = undefined
    await world.clock.run(world.lane.onRevoked([world.at(0)]))
    await world.clock.run(world.clock.sleep(durationMs(60_000)))
    expect([world.lane.startTrouble, world.lane.owned.size]).toEqual([undefined, 0])
  })

  test('keeps positions while they are set anew, until it answers', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    world.lane.commit = async () => {
      world.lake.fault = { failAt: world.lake.calls + 1, moment: 'after-effect', lasting: 'once' }
      return { kind: 'discarded', because: 'range-moved: for a test' }
    }
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    await world.clock.run(world.commits.commitNow())
    expect(world.source.takeCalls()).toEqual(['seek events/0 0'])
    expect(world.lane.owned.size).toBe(1)
  })

  test('is left when the process must end: nothing is told as a failure', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    world.lake.fault = { failAt: world.lake.calls + 1, moment: 'before-effect', lasting: 'forever' }
    const revoked = world.lane.onRevoked([world.at(0)])
    await world.clock.run(world.clock.sleep(durationMs(5_000)))
    world.abandon.abort()
    await world.clock.run(revoked)
    expect(world.fatal).toEqual([])
    expect(world.next(0)).toBe(0n)
  })
})

describe('after a bug', () => {
  test('while taking in, nothing is sealed any more and the process ends', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    await world.lane.onFetched([fetchedNumbers(world.at(1), 0, 1)])
    const twice = [fetchedNumbers(world.at(0), 0, 2), fetchedNumbers(world.at(0), 0, 1)]
    await world.lane.onFetched(twice)
    expect(world.fatal).toMatchObject([{ message: 'a position never goes back' }])
    await world.lane.onFetched([fetchedNumbers(world.at(0), 2, 3)])
    await world.commits.commitNow()
    expect([world.next(0), world.next(1)]).toEqual([0n, 0n])
  })

  test('in a module whose rows nobody waits for, likewise', async () => {
    const module: EtlModule = {
      run: () => Promise.reject(new Error('a bug')),
      close: async () => {},
    }
    const world = await openLaneWorld({ modules: new Map([[0, module]]) })
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    await settle(world.clock)
    expect(world.fatal).toMatchObject([{ message: 'a bug' }])
    await world.commits.commitNow()
    expect(world.next(0)).toBe(0n)
  })
})

describe('a configuration', () => {
  test('that another daemon changed ends this one; no row of it is put under the new one', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 2 })
    await adoptOrPutConfig(other.log, { checksum: 'another file', streams: [] })
    const thrown = await world.commits.commitNow().catch((error: unknown) => error)
    expect(isFault(thrown, 'CONFIG_CONFLICT') && thrown.facts.logChecksum).toBe('another file')
    const { entries } = judgeLog(world.store, pipeline)
    expect(entries.filter(({ entry }) => entry.kind === 'append')).toHaveLength(1)
  })

  test('changed while a commit is staged discards it, and ends the daemon then', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 2 })
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    const commit = world.lane.commit.bind(world.lane)
    world.lane.commit = async (sealed) => {
      await adoptOrPutConfig(other.log, { checksum: 'another file', streams: [] })
      return commit(sealed)
    }
    await expect(world.commits.commitNow()).rejects.toThrow('another file')
    expect(world.next(0)).toBe(0n)
    expect([...world.store.keys()].filter((path) => path.endsWith('.parquet'))).toEqual([])
  })

  test('changed and changed back is still the own one', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 2 })
    await adoptOrPutConfig(other.log, { checksum: 'another file', streams: [] })
    await adoptOrPutConfig(other.log, { checksum: world.config.checksum, streams: [] })
    await world.commits.commitNow()
    expect(world.next(0)).toBe(2n)
  })
})

describe('a refused topic-partition', () => {
  test('is neither sought nor resumed when others start over', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    const bad = { ...fetchedNumbers(world.at(1), 0, 2) }
    Buffer.from(bad.bytes.buffer, bad.bytes.byteOffset).writeInt16BE(7, 21)
    await world.lane.onFetched([bad, fetchedNumbers(world.at(0), 0, 1)])
    expect(world.lane.refused.map(({ fault }) => fault.code)).toEqual(['KAFKA_CODEC_NOT_SUPPORTED'])
    expect(world.source.takeCalls()).toEqual(['pause events/1'])
    await world.lane.startOver()
    expect(world.source.takeCalls()).toEqual(['seek events/0 0'])
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
    await world.commits.commitNow()
    expect([world.next(0), world.next(1)]).toEqual([1n, 0n])
  })

  test('is sought where the reader is, when it is past what was asked for in vain', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
    const where = { topicPartition: 'events/0', earliest: 2n, latest: 9n }
    world.lane.onRefused(
      world.at(0),
      new Fault('KAFKA_OFFSET_OUT_OF_RANGE', { ...where, asked: 0n }),
    )
    expect(world.source.takeCalls()).toEqual(['seek events/0 2'])
    expect(world.lane.refused).toEqual([])
    const fault = new Fault('KAFKA_OFFSET_OUT_OF_RANGE', { ...where, earliest: 5n, asked: 2n })
    world.lane.onRefused(world.at(0), fault)
    expect(world.lane.refused).toEqual([])
    await world.commits.commitNow()
    expect(world.lane.refused.map(({ fault: { code } }) => code)).toEqual([
      'KAFKA_OFFSET_OUT_OF_RANGE',
    ])
  })

  test('is sought where another one has committed what was asked for in vain', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 2 })
    await owning(other, 0)
    await other.lane.onFetched([fetchedNumbers(other.at(0), 0, 5)])
    await other.commits.commitNow()
    const facts = { topicPartition: 'events/0', earliest: 5n, latest: 9n, asked: 0n }
    world.lane.onRefused(world.at(0), new Fault('KAFKA_OFFSET_OUT_OF_RANGE', facts))
    await world.commits.commitNow()
    expect(world.lane.refused).toEqual([])
    expect(world.source.takeCalls()).toEqual(['seek events/0 5', 'seek events/1 0'])
    await world.lane.onFetched([fetchedNumbers(world.at(0), 5, 7)])
    await world.commits.commitNow()
    expect(world.next(0)).toBe(7n)
  })

  test('that was asked for before it was given up is not stopped when it comes back', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    const facts = { topicPartition: 'events/0', earliest: 5n, latest: 9n, asked: 0n }
    world.lane.onRefused(world.at(0), new Fault('KAFKA_OFFSET_OUT_OF_RANGE', facts))
    await Promise.all([world.lane.onRevoked([world.at(0)]), world.lane.onAssigned([world.at(0)])])
    await world.commits.commitNow()
    expect(world.lane.refused).toEqual([])
  })

  test('of a topic made anew is not read, and its neighbours are', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    const anew = { ...world.at(1), topicId: topicId('another') }
    await world.lane.onRevoked([world.at(0), world.at(1)])
    await world.lane.onAssigned([world.at(0), anew])
    expect(world.lane.refused.map(({ fault }) => fault.code)).toEqual(['KAFKA_TOPIC_RECREATED'])
    expect(world.source.takeCalls().filter((call) => call.startsWith('seek'))).toEqual([
      'seek events/0 0',
    ])
  })
})

import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import type { SourceMove } from '../../../src/model/log-entry.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey, topicId } from '../../../src/model/topic-partition.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import type { FetchedBatches } from '../../../src/ports/source.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  fetchedNumbers,
  type LaneWorld,
  openLaneWorld,
  owning,
  pipeline,
} from '../../support/lane-world.ts'

const ids = { topicPartition: 'events/0', logHas: 'id-of-events', brokerHas: 'another' }

describe('an operator’s word', () => {
  const relied = { lane: 'lake', resetEpoch: 0, cause: 'asked for' }
  const saying = async (world: LaneWorld, ...moves: readonly SourceMove[]): Promise<void> => {
    const other = await openLaneWorld({ store: world.store, clock: world.clock, seed: 7 })
    const commitId = other.log.nextCommitId()
    const draft = { kind: 'source', commitId, action: 'reset', why: 'a test', moves } as const
    expect((await other.log.put(draft)).kind).toBe('decided')
  }
  const bad = (world: LaneWorld, partition: number): FetchedBatches => {
    const answer = fetchedNumbers(world.at(partition), 0, 2)
    Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset).writeInt16BE(7, 21)
    return answer
  }

  test('lifts a refusal: reading goes on where it says, in a new epoch', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    await world.lane.onFetched([bad(world, 1), fetchedNumbers(world.at(0), 0, 3)])
    await world.commits.commitNow()
    expect(world.lane.refusals.get('events/1')).toMatch(/uses codec 7.*"source reset" passes it$/)
    world.source.takeCalls()
    const to = nextOffset(2n)
    await saying(world, { ...relied, source: world.at(1), expected: nextOffset(0n), next: to })
    await world.commits.commitNow()
    expect(world.lane.refused).toEqual([])
    const calls = ['resume events/1', 'seek events/0 3', 'seek events/1 2']
    expect(world.source.takeCalls()).toEqual(calls)
    await world.lane.onFetched([fetchedNumbers(world.at(1), 2, 4)])
    await world.commits.commitNow()
    expect([world.next(0), world.next(1)]).toEqual([3n, 4n])
    expect(judgeLog(world.store, pipeline).state.voidCount).toBe(0)
  })

  test('voids what accumulated under the former epoch, and no neighbour’s rows are lost', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    await world.lane.onFetched([
      fetchedNumbers(world.at(0), 0, 3),
      fetchedNumbers(world.at(1), 0, 4),
    ])
    const to = nextOffset(9n)
    await saying(world, { ...relied, source: world.at(1), expected: nextOffset(0n), next: to })
    world.source.takeCalls()
    await world.commits.commitNow()
    expect([world.next(0), world.next(1)]).toEqual([0n, 9n])
    const calls = ['resume events/1', 'seek events/0 0', 'seek events/1 9']
    expect(world.source.takeCalls()).toEqual(calls)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 3)])
    await world.commits.commitNow()
    expect(world.next(0)).toBe(3n)
    expect(world.fatal).toEqual([])
  })

  test('ends a topic that the brokers have no more: until then it stands as stopped', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    const stopped = () =>
      world.lane.refused.map(({ source, fault }) => [source.partition, fault.code])
    expect(stopped()).toEqual([])
    world.lane.onTopics(new Set(['events']))
    expect(stopped()).toEqual([])
    world.lane.onTopics(new Set(['other']))
    const code = 'KAFKA_TOPIC_GONE'
    expect(stopped()).toEqual([
      [0, code],
      [1, code],
    ])
    world.lane.onTopics(new Set(['events']))
    expect(stopped()).toEqual([])
    world.lane.onTopics(new Set())
    const ended = { ...relied, expected: nextOffset(0n), next: undefined }
    await saying(world, { ...ended, source: world.at(0) }, { ...ended, source: world.at(1) })
    await world.commits.commitNow()
    expect(stopped()).toEqual([])
  })

  test('to read a topic made anew saves what was read of the old one before', async () => {
    const world = await openLaneWorld()
    await owning(world, 0, 1)
    await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 3)])
    const anew = (partition: number) => ({ ...world.at(partition), topicId: topicId('another') })
    world.lane.onRefused(world.at(0), new Fault('KAFKA_TOPIC_RECREATED', ids))
    world.lane.onRefused(world.at(1), new Fault('KAFKA_TOPIC_RECREATED', ids))
    const ended = { ...relied, expected: nextOffset(0n), next: undefined }
    const begun = { ...relied, expected: undefined, next: nextOffset(5n) }
    await saying(
      world,
      { ...ended, source: world.at(0) },
      { ...ended, source: world.at(1) },
      { ...begun, source: anew(0) },
    )
    world.source.takeCalls()
    await world.commits.commitNow()
    expect(world.next(0)).toBe(3n)
    expect(world.lane.refused).toEqual([])
    expect(world.source.takeCalls()).toEqual(['resume events/0', 'seek events/0 5'])
    await world.lane.onFetched([fetchedNumbers(anew(0), 5, 7)])
    await world.commits.commitNow()
    const { positions } = judgeLog(world.store, pipeline).state
    expect(positions.get('lake')?.get(sourceKey(anew(0)))?.next).toBe(7n)
    await world.lane.onRevoked([anew(0)])
    expect(world.lane.owned.size).toBe(0)
    expect(world.fatal).toEqual([])
  })

  test('also moves on who holds a partition of the old topic that nobody had begun', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    const anew = (partition: number) => ({ ...world.at(partition), topicId: topicId('another') })
    const ended = { ...relied, expected: nextOffset(0n), next: undefined }
    const begun = { ...relied, expected: undefined, next: nextOffset(4n) }
    const old = [world.at(0), world.at(1)].map((source) => ({ ...ended, source }))
    await saying(world, ...old, ...[0, 1, 2].map((at) => ({ ...begun, source: anew(at) })))
    const told = { ...ids, topicPartition: 'events/2' }
    world.lane.onRefused(world.at(2), new Fault('KAFKA_TOPIC_RECREATED', told))
    await world.lane.onAssigned([world.at(2)])
    expect(world.lane.refusals.get('events/2')).toContain('the broker has "another"')
    world.source.takeCalls()
    await world.commits.commitNow()
    expect(world.lane.refused).toEqual([])
    expect(world.source.takeCalls()).toContain('seek events/2 4')
  })

  test('what is given up while the log is asked of it is not stopped, nor paused under its name', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onRevoked([world.at(0)])
    world.source.takeCalls()
    const answered = Promise.withResolvers<void>()
    const refresh = world.log.refresh.bind(world.log)
    world.log.refresh = async () => {
      await answered.promise
      return refresh()
    }
    const other = { ...world.at(0), topicId: topicId('another') }
    const assigned = world.lane.onAssigned([other])
    await new Promise(setImmediate)
    const revoked = world.lane.onRevoked([other])
    answered.resolve()
    await Promise.all([assigned, revoked])
    expect(world.lane.refused).toEqual([])
    expect(world.source.takeCalls()).toEqual([])
  })

  test('is waited for by what stops while the tenure before is still being given up', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    const revoked = world.lane.onRevoked([world.at(0)])
    const assigned = world.lane.onAssigned([world.at(0)])
    world.lane.onRefused(world.at(0), new Fault('KAFKA_TOPIC_RECREATED', ids))
    await Promise.all([revoked, assigned])
    expect(world.lane.refused).toMatchObject([{ source: world.at(0) }])
  })

  test('said while a worker was away is found when it is assigned the new topic', async () => {
    const world = await openLaneWorld()
    await owning(world, 0)
    await world.lane.onRevoked([world.at(0)])
    const anew = { ...world.at(0), topicId: topicId('another') }
    await world.lane.onAssigned([anew])
    expect(world.lane.refused.map(({ fault }) => fault.code)).toEqual(['KAFKA_TOPIC_RECREATED'])
    const ended = { ...relied, expected: nextOffset(0n), next: undefined }
    const begun = { ...relied, expected: undefined, next: nextOffset(0n), source: anew }
    const all = [world.at(0), world.at(1)].map((source) => ({ ...ended, source }))
    await saying(world, ...all, begun)
    world.source.takeCalls()
    await world.commits.commitNow()
    expect(world.lane.refused).toEqual([])
    expect(world.source.takeCalls()).toEqual(['resume events/0', 'seek events/0 0'])
  })

  test.each([0, 1, 2, 3])('is taken up though the lake fails at refresh %i', async (failing) => {
    let refreshes = Number.NEGATIVE_INFINITY
    const around = (log: CommitLog): CommitLog => {
      const refresh = async (): ReturnType<CommitLog['refresh']> => {
        const facts = { operation: 'read', path: 'log', reason: 'a test' }
        if (refreshes++ === failing) throw new Fault('LAKE_UNAVAILABLE', facts)
        return log.refresh()
      }
      return new Proxy(log, {
        get: (_, key) => {
          if (key === 'refresh') return refresh
          const value: unknown = Reflect.get(log, key, log)
          return typeof value === 'function' ? value.bind(log) : value
        },
      })
    }
    const world = await openLaneWorld({ around })
    await owning(world, 0, 1)
    await world.lane.onRevoked([world.at(0)])
    const anew = { ...world.at(0), topicId: topicId('another') }
    await world.lane.onAssigned([anew])
    const ended = { ...relied, expected: nextOffset(0n), next: undefined }
    const begun = { ...relied, expected: undefined, next: nextOffset(0n), source: anew }
    const all = [world.at(0), world.at(1)].map((source) => ({ ...ended, source }))
    await saying(world, ...all, begun)
    world.source.takeCalls()
    refreshes = 0
    await world.clock.run(world.commits.commitNow())
    // What stopped is read on, and what ended is not said to have stopped.
    expect(world.source.takeCalls()).toEqual(['resume events/0', 'seek events/0 0'])
    expect(world.lane.refused).toEqual([])
    expect(world.lane.owned).toEqual(new Set([sourceKey(anew)]))
  })
})

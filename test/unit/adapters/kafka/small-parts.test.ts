import { AuthenticationError, MultipleErrors, NetworkError } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { type ClusterFacts, carriedOver } from '../../../../src/adapters/kafka/cluster-facts.ts'
import { Overdue, withDeadline } from '../../../../src/adapters/kafka/deadline.ts'
import { decideFetchError, decideGroupAnswer } from '../../../../src/adapters/kafka/error-code.ts'
import { faultOf } from '../../../../src/adapters/kafka/foreign-error.ts'
import { parseAddress } from '../../../../src/adapters/kafka/options.ts'
import { follow, readingOf } from '../../../../src/adapters/kafka/reading.ts'
import { isInShare } from '../../../../src/adapters/kafka/static-share.ts'
import { TroubleBoard } from '../../../../src/adapters/kafka/trouble-board.ts'
import { backoffMs, Wake } from '../../../../src/adapters/kafka/wake.ts'
import { InvariantError } from '../../../../src/base/assert.ts'
import { Fault } from '../../../../src/base/fault.ts'
import { durationMs } from '../../../../src/base/time.ts'
import { clusterId, topicId } from '../../../../src/model/topic-partition.ts'
import { SimClock } from '../../../sim/clock.ts'
import { anySource } from '../../../support/read-batches.ts'

test('the library has every name that we use, each of its version', async () => {
  const library: Record<string, unknown> = await import('@platformatic/kafka')
  const modules = {
    apiVersionsV0: [18, 0],
    findCoordinatorV4: [10, 4],
    heartbeatV4: [12, 4],
    joinGroupV6: [11, 6],
    leaveGroupV4: [13, 4],
    listOffsetsV6: [2, 6],
    metadataV12: [3, 12],
    offsetCommitV8: [8, 8],
    syncGroupV4: [14, 4],
  } as const
  for (const [name, [key, version]] of Object.entries(modules)) {
    expect(library[name], name).toHaveProperty('api.key', key)
    expect(library[name], name).toHaveProperty('api.version', version)
  }
  for (const name of ['ConnectionPool', 'ResponseError', 'AuthenticationError'] as const) {
    expect(typeof library[name]).toBe('function')
  }
  expect(library['protocolErrorsCodesById']).toMatchObject({ 74: 'FENCED_LEADER_EPOCH' })
})

test('errors of the library become faults, with every reason in them', () => {
  const refusedBy = new NetworkError('Connection to h:1 failed.', {
    cause: new Error('ECONNREFUSED'),
  })
  const fault = faultOf(new MultipleErrors('Cannot connect.', [refusedBy]), { brokers: ['h:1'] })
  expect(fault.message).toContain('h:1')
  expect(fault.message).toContain('ECONNREFUSED')
  expect(fault).toMatchObject({ code: 'KAFKA_UNREACHABLE', retry: 'backoff' })
})

test('a wrong password is its own fault, and never shows the password', () => {
  const sasl = { mechanism: 'plain', username: 'lake', password: 'secret' } as const
  const cause = new AuthenticationError('SASL authentication failed.')
  const error = new NetworkError('Connection failed.', { cause })
  const fault = faultOf(error, { brokers: ['h:1'], sasl })
  expect(fault.code).toBe('KAFKA_AUTHENTICATION_REFUSED')
  expect(fault.message).not.toContain('secret')
})

test('faults stay what they are, and bugs are not explained away', () => {
  const fault = new Fault('KAFKA_ANSWER_MALFORMED', { reason: 'x' })
  expect(faultOf(fault, { brokers: [] })).toBe(fault)
  expect(() => faultOf(new InvariantError('bug'), { brokers: [] })).toThrow(InvariantError)
  expect(faultOf('text', { brokers: ['h:1'] }).code).toBe('KAFKA_UNREACHABLE')
})

test('the reader hears of the oldest trouble once, and of the end of the last', () => {
  const told: (string | undefined)[] = []
  const board = new TroubleBoard((fault) => told.push(fault?.message))
  const fault = (reason: string) => new Fault('KAFKA_ANSWER_MALFORMED', { reason })
  board.set('a', fault('one'))
  board.set('a', fault('one'))
  board.set('b', fault('two'))
  board.clear('a')
  board.clear('b')
  board.clear('b')
  expect(told.map((message) => message?.split(': ')[1])).toEqual(['one', 'two', undefined])
})

test('pauses double up to a bound, and chance takes at most half of them', () => {
  expect([1, 2, 3, 20].map((attempt) => backoffMs(attempt, 1))).toEqual([100, 200, 400, 5_000])
  expect([1, 2, 3, 20].map((attempt) => backoffMs(attempt, 0))).toEqual([50, 100, 200, 2_500])
})

test('what takes too long is given up, what comes in time is not', async () => {
  const clock = new SimClock()
  const bound = { what: 'the call', timeoutMs: 500 }
  const never = clock.run(withDeadline(clock, new Promise(() => {}), bound))
  await expect(never).rejects.toThrow(Overdue)
  expect(clock.monotonicMs()).toBe(500)
  const slow = clock.sleep(durationMs(400)).then(() => 'done')
  expect(await clock.run(withDeadline(clock, slow, bound))).toBe('done')
})

test('a wake before the sleep is not forgotten, and wakes once', async () => {
  const clock = new SimClock()
  const wake = new Wake(clock)
  wake.wake()
  await clock.run(wake.sleep(durationMs(1_000)))
  expect(clock.monotonicMs()).toBe(0)
  await clock.run(wake.sleep(durationMs(1_000)))
  expect(clock.monotonicMs()).toBe(1_000)
})

test('every partition is in the share of exactly one worker', () => {
  for (const topic of ['a', 'events', 'growth.events']) {
    for (let partition = 0; partition < 20; partition++) {
      const takers = [0, 1, 2].filter((workerIndex) =>
        isInShare({ topic, partition }, { workerIndex, workerCount: 3 }),
      )
      expect(takers).toHaveLength(1)
    }
  }
})

test('each error code leads to its own way on', () => {
  expect([1, 6, 74, 100, 29].map(decideFetchError)).toEqual([
    'judge-range',
    'look-again',
    'look-again',
    'look-again',
    'tell',
  ])
  expect([0, 27, 79, 22, 25, 16, 30].map(decideGroupAnswer)).toEqual([
    'ok',
    'rejoin',
    'rejoin',
    'lost',
    'lost',
    'find-coordinator',
    'refused',
  ])
})

const facts = (leaderId: number, leaderEpoch: number): ClusterFacts => {
  const { topic, topicId: id, partition } = anySource
  const partitions = [{ partition, leaderId, leaderEpoch }]
  return {
    clusterId: clusterId('c'),
    brokers: new Map(),
    topics: new Map([[topic, { topic, topicId: id, partitions }]]),
    missingTopics: [],
    hiddenTopics: new Map(),
  }
}

test('a newer leader is followed, older metadata is not, a nearer replica is kept', () => {
  const reading = readingOf(anySource)
  follow(reading, facts(1, 5))
  expect(reading).toMatchObject({ nodeId: 1, leaderEpoch: 5 })
  reading.nodeId = 3
  follow(reading, facts(1, 5))
  expect(reading.nodeId).toBe(3)
  follow(reading, facts(2, 4))
  expect(reading.leaderId).toBe(1)
  follow(reading, facts(2, 6))
  expect(reading).toMatchObject({ nodeId: 2, leaderId: 2, leaderEpoch: 6 })
  const renamed = { ...anySource, topicId: topicId('another') }
  const other = readingOf(renamed)
  follow(other, facts(1, 5))
  expect(other.nodeId).toBe(-1)
})

test('a topic that is hidden for a moment keeps its partitions, a missing one does not', () => {
  const before = facts(1, 5)
  const empty = { ...before, topics: new Map<string, never>() }
  const hidden = { ...empty, hiddenTopics: new Map([['events', 5]]) }
  expect(carriedOver(before, hidden).topics.has('events')).toBe(true)
  expect(carriedOver(before, empty).topics.has('events')).toBe(false)
})

test('addresses are host and port, also of IPv6', () => {
  expect(parseAddress('kafka-1:9092')).toEqual({ host: 'kafka-1', port: 9092 })
  expect(parseAddress('[::1]:9092')).toEqual({ host: '::1', port: 9092 })
})

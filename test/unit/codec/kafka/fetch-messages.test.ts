import {
  fetchV4,
  fetchV5,
  fetchV6,
  fetchV7,
  fetchV8,
  fetchV9,
  fetchV10,
  fetchV11,
  fetchV12,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  Reader,
} from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { isFault } from '../../../../src/base/fault.ts'
import { parseFetchAnswer } from '../../../../src/codec/kafka/fetch-answer.ts'
import { encodeFetchRequest } from '../../../../src/codec/kafka/fetch-request.ts'
import { offset } from '../../../../src/model/offset.ts'
import { encodeFetchAnswer, type TestTopic } from '../../../support/fetch-answer.ts'
import { encodeBatch } from '../../../support/record-batch.ts'

const topicId = '01234567-89ab-cdef-0123-456789abcdef'
const judges = [
  [4, fetchV4],
  [5, fetchV5],
  [6, fetchV6],
  [7, fetchV7],
  [8, fetchV8],
  [9, fetchV9],
  [10, fetchV10],
  [11, fetchV11],
  [12, fetchV12],
  [13, fetchV13],
  [14, fetchV14],
  [15, fetchV15],
  [16, fetchV16],
  [17, fetchV17],
] as const

const limits = { maxBytes: 1_000_000, partitionMaxBytes: 50_000, maxWaitMs: 500, minBytes: 1 }

test.each(judges)('a request of version %i is what another client writes', (version, judge) => {
  const asked = { partition: 3, leaderEpoch: 5, fetchOffset: offset(1n << 40n), lastEpoch: 4 }
  const many = [3, ...Array.from({ length: 300 }, (_, index) => index * 700)]
  const partitions = many.map((partition) => ({ ...asked, partition }))
  const topics = [{ topic: 'events', topicId, partitions }]
  const wish = { limits, isolation: 'read_committed', rack: 'r1', topics } as const
  const theirs = judge.createRequest(
    limits.maxWaitMs,
    limits.minBytes,
    limits.maxBytes,
    1,
    0,
    -1,
    [
      {
        topicId: version >= 13 ? topicId : 'events',
        partitions: many.map((partition) => ({
          partition,
          currentLeaderEpoch: 5,
          fetchOffset: 1n << 40n,
          lastFetchedEpoch: 4,
          partitionMaxBytes: limits.partitionMaxBytes,
        })),
      },
    ],
    [],
    'r1',
  )
  expect(encodeFetchRequest(version, wish).toString('hex')).toBe(theirs.buffer.toString('hex'))
})

const records = encodeBatch({ baseOffset: 8n, records: [{ value: 'a' }, { value: 'b' }] })
const answer: readonly TestTopic[] = [
  {
    topic: 'events',
    topicId,
    partitions: [
      { partition: 0, highWatermark: 10n, records, aborted: [{ producerId: 9n, first: 4n }] },
      { partition: 7, highWatermark: 1n << 50n, aborted: null },
    ],
  },
]

test.each(judges)(
  'an answer of version %i is read as another client reads it',
  (version, judge) => {
    const bytes = encodeFetchAnswer(version, answer)
    const theirs = judge.parseResponse(1, 1, version, Reader.from(Buffer.from(bytes)))
    const ours = parseFetchAnswer(version, bytes, 0)
    expect(ours.throttleMs).toBe(theirs.throttleTimeMs)
    const [topic] = theirs.responses
    for (const [index, their] of (topic?.partitions ?? []).entries()) {
      const our = ours.partitions[index]
      expect(our?.partition).toBe(their.partitionIndex)
      expect(our?.highWatermark).toBe(their.highWatermark)
      expect(our?.abortedTransactions ?? []).toEqual(
        (their.abortedTransactions ?? []).map(({ producerId, firstOffset }) => ({
          producerId,
          first: firstOffset,
        })),
      )
    }
    expect(ours.partitions.length).toBe(2)
    expect(ours.partitions[0]?.topic).toBe(version >= 13 ? topicId : 'events')
    const spans = ours.partitions.map(({ start, end }) => bytes.subarray(start, end))
    expect(spans[0]?.equals(records)).toBe(true)
    expect(spans[1]?.length).toBe(0)
  },
)

test('errors, nearer replicas, new leaders and logs that went apart are told', () => {
  const partitions = [
    { partition: 0, errorCode: 74, leader: { nodeId: 2, leaderEpoch: 9 } },
    { partition: 1, preferredReplica: 3 },
    { partition: 2, diverged: { leaderEpoch: 4, next: 77n } },
  ]
  const bytes = encodeFetchAnswer(16, [{ topic: 'events', topicId, partitions }])
  expect(parseFetchAnswer(16, bytes, 0).partitions).toMatchObject([
    { errorCode: 74, leader: { nodeId: 2, leaderEpoch: 9 }, diverged: undefined },
    { errorCode: 0, preferredReplica: 3, leader: undefined },
    { diverged: { leaderEpoch: 4, next: 77n } },
  ])
})

test('an answer cut at any byte is a fault', () => {
  for (const version of [4, 11, 17]) {
    const bytes = encodeFetchAnswer(version, answer)
    for (let cut = 0; cut < bytes.length; cut++) {
      let thrown: unknown
      try {
        parseFetchAnswer(version, bytes.subarray(0, cut), 0)
      } catch (error) {
        thrown = error
      }
      expect(isFault(thrown, 'KAFKA_ANSWER_MALFORMED'), `v${version} cut=${cut}`).toBe(true)
    }
  }
})

test('a varint that never ends is a fault', () => {
  const bytes = Buffer.concat([Buffer.alloc(10), Buffer.alloc(9, 255)])
  expect(() => parseFetchAnswer(12, bytes, 0)).toThrow(/varint/)
})

import { expect, test } from 'vitest'
import type { ClusterFacts } from '../../../../src/adapters/kafka/cluster-facts.ts'
import { subscribedTopics } from '../../../../src/adapters/kafka/cluster-facts.ts'
import { planTakeOver } from '../../../../src/adapters/kafka/take-over.ts'
import {
  clusterId,
  type SourcePartition,
  type TopicId,
  topicId,
} from '../../../../src/model/topic-partition.ts'

const idOf = (digit: number): TopicId => topicId(`00000000-0000-4000-8000-00000000000${digit}`)
const [oldT, newT, idOfU, stranger] = [idOf(1), idOf(2), idOf(3), idOf(4)]

const clusterOf = (topics: Readonly<Record<string, readonly [TopicId, number]>>): ClusterFacts => ({
  clusterId: clusterId('c'),
  brokers: new Map(),
  topics: new Map(
    Object.entries(topics).map(([topic, [id, count]]) => [
      topic,
      {
        topic,
        topicId: id,
        partitions: Array.from({ length: count }, (_, partition) => {
          return { partition, leaderId: 1, leaderEpoch: 0 }
        }),
      },
    ]),
  ),
  missingTopics: [],
  hiddenTopics: new Map(),
})

const at = (topic: string, id: TopicId, partition: number): SourcePartition => {
  return { clusterId: clusterId('c'), topic, topicId: id, partition }
}
const share = (id: TopicId, ...partitions: readonly number[]) => ({ topicId: id, partitions })
const cluster = clusterOf({ t: [oldT, 4], u: [idOfU, 1] })

test('what is told and not owned is added, what is owned and not told is given up', () => {
  const owned = [at('t', oldT, 0), at('t', oldT, 1)]
  const told = [share(oldT, 1, 2), share(idOfU, 0)]
  expect(planTakeOver({ owned, told, cluster })).toEqual({
    added: [at('t', oldT, 2), at('u', idOfU, 0)],
    revoked: [at('t', oldT, 0)],
    kept: [at('t', oldT, 1)],
    unknown: false,
  })
})

test('nothing told is nothing kept', () => {
  const owned = [at('t', oldT, 0)]
  expect(planTakeOver({ owned, told: [], cluster })).toMatchObject({ revoked: owned, kept: [] })
})

test('a topic that the metadata does not know is not taken over, and said', () => {
  const plan = planTakeOver({ owned: [], told: [share(stranger, 0)], cluster })
  expect(plan).toEqual({ added: [], revoked: [], kept: [], unknown: true })
})

test('a partition that the metadata does not know yet is not taken over, and said', () => {
  const plan = planTakeOver({ owned: [], told: [share(oldT, 3, 4)], cluster })
  expect(plan).toMatchObject({ added: [at('t', oldT, 3)], unknown: true })
})

test('a topic that is gone from the metadata is kept for as long as it is told', () => {
  const owned = [at('t', oldT, 0)]
  const plan = planTakeOver({ owned, told: [share(oldT, 0)], cluster: clusterOf({}) })
  expect(plan).toEqual({ added: [], revoked: [], kept: owned, unknown: false })
})

test('a topic made anew under its name is kept, under the id that is told', () => {
  const owned = [at('t', oldT, 0), at('t', oldT, 1)]
  const renewed = clusterOf({ t: [newT, 2] })
  const plan = planTakeOver({ owned, told: [share(newT, 0, 1)], cluster: renewed })
  const kept = [at('t', newT, 0), at('t', newT, 1)]
  expect(plan).toEqual({ added: [], revoked: [], kept, unknown: false })
})

test('named topics are subscribed to whether they are there or not, patterns as they select', () => {
  const facts = clusterOf({ 'growth.b': [oldT, 1], 'growth.a': [newT, 1], u: [idOfU, 1] })
  const selectors = ['u', 'later', 'growth\\..*']
  expect(subscribedTopics(selectors, facts)).toEqual(['growth.a', 'growth.b', 'later', 'u'])
})

test('a topic that we have no right to see is not subscribed to, one that is hidden else is', () => {
  const hiddenTopics = new Map([
    ['t', 29],
    ['u', 5],
  ])
  expect(subscribedTopics(['t', 'u'], { ...cluster, hiddenTopics })).toEqual(['u'])
})

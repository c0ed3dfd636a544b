/**
 * The suites that need a broker fail for what they are about, and for nothing else: a wrong source
 * for each case. The other suites' are in `test/contract/lies.test.ts`.
 */
import { expect, test } from 'vitest'
import type { Source } from '../../src/ports/source.ts'
import { type ConsumerBrokers, consumerMembers } from '../contract/consumer-members.ts'
import { embeddedMovingWorld } from '../contract/embedded-world.ts'
import { lyingConsumers } from '../contract/lying-consumers.ts'
import { lyingMembers } from '../contract/lying-members.ts'
import { lyingTopics } from '../contract/lying-topics.ts'
import { movingTopicsContract } from '../contract/moving-topics.ts'
import {
  type Brokers,
  type OpenMember,
  openMember,
  staticMembers,
} from '../contract/static-members.ts'
import { type ContractCase, casesOf, failuresOf, failuresTogether } from '../contract/suite.ts'
import { KafkaWorld } from '../support/kafka-world.ts'

/** For what never comes from a wrong source. */
const boundMs = 40_000

const topicCases = (lie: (source: Source) => Source): readonly ContractCase[] =>
  casesOf((suite) => {
    const open = async () => {
      const world = await embeddedMovingWorld()
      const source: typeof world.source = (...asked) => lie(world.source(...asked))
      return { ...world, source }
    }
    movingTopicsContract('lying', open, suite, boundMs)
  })

const memberCases = (open: OpenMember, brokers: () => Brokers): readonly ContractCase[] =>
  casesOf((suite) => staticMembers('lying', brokers, suite, { open, boundMs }))

const consumerCases = (open: OpenMember, brokers: () => ConsumerBrokers): readonly ContractCase[] =>
  casesOf((suite) => consumerMembers('lying', brokers, suite, { open, boundMs }))

const unasked = (): never => {
  throw new Error('no case was run')
}

test('there is a wrong source for each case of moving topics', () => {
  const names = topicCases((source) => source).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingTopics)).toEqual(names)
})

test('there is a wrong source for each case of static members', () => {
  const names = memberCases(openMember, unasked).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingMembers)).toEqual(names)
})

test('there is a wrong source for each case of members of KIP-848', () => {
  const names = consumerCases(openMember, unasked).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingConsumers)).toEqual(names)
})

test.concurrent.each(Object.entries(lyingTopics))(
  'a source wrong in one thing fails only: %s',
  async (name, lie) => {
    expect(await failuresOf(topicCases(lie))).toEqual([name])
  },
)

test.concurrent.each(Object.entries(lyingMembers))(
  'a member wrong in one thing fails only: %s',
  async (name, newLie) => {
    const world = await KafkaWorld.open()
    try {
      const cases = memberCases(newLie(), () => world.broker)
      expect(await failuresTogether(cases)).toEqual([name])
    } finally {
      await world.close()
    }
  },
)

test.concurrent.each(Object.entries(lyingConsumers))(
  'a member of KIP-848 wrong in one thing fails only: %s',
  async (name, newLie) => {
    const world = await KafkaWorld.open()
    try {
      const brokers = () => world.consumerBrokers()
      expect(await failuresOf(consumerCases(newLie(), brokers))).toEqual([name])
    } finally {
      await world.close()
    }
  },
)

/** A member of the classic protocol: a clock of ours, a coordinator that says what it is told. */
import { expect, test } from 'vitest'
import type { MemberCalls } from '../../../../src/adapters/kafka/client-library.ts'
import type { ClusterFacts } from '../../../../src/adapters/kafka/cluster-facts.ts'
import { errorCode } from '../../../../src/adapters/kafka/error-code.ts'
import { Membership } from '../../../../src/adapters/kafka/membership.ts'
import { TroubleBoard } from '../../../../src/adapters/kafka/trouble-board.ts'
import { durationMs } from '../../../../src/base/time.ts'
import { clusterId, topicId } from '../../../../src/model/topic-partition.ts'
import { SimClock } from '../../../sim/clock.ts'
import { sourceOptions } from '../../../support/kafka-world.ts'

const address = { host: '127.0.0.1', port: 9092 }
const t = { topic: 't', topicId: topicId('6f0e8a4e-2f3b-4f53-9b0b-4f5a2b1c0d9e') }
const leader = { leaderId: 1, leaderEpoch: 0 }
const cluster: ClusterFacts = {
  clusterId: clusterId('c'),
  brokers: new Map([[1, address]]),
  topics: new Map([
    ['t', { ...t, partitions: [0, 1].map((at) => ({ partition: at, ...leader })) }],
  ]),
  missingTopics: [],
  hiddenTopics: new Map(),
}

/** A member from its join to the end of `withinMs`. @returns what it did, and when. */
async function member(
  sessionTimeoutMs: number,
  withinMs: number,
  hears: (nowMs: number) => number,
) {
  const clock = new SimClock()
  const told: string[] = []
  const shares = [[0], [0, 1]]
  const say = (what: string): number => told.push(`${clock.monotonicMs()} ${what}`)
  const namesOf = (all: readonly { readonly partition: number }[]): string =>
    all.map(({ partition }) => partition).join()
  const session: MemberCalls = {
    join: async (_at, owned) => {
      say(`joins with ${namesOf(owned)}`)
      return { errorCode: 0, leads: false, members: undefined }
    },
    sync: async () => {
      const assigned = (shares.shift() ?? []).map((partition) => ({ topic: 't', partition }))
      return { errorCode: 0, assigned, mark: '' }
    },
    heartbeat: async () => {
      const code = hears(clock.monotonicMs())
      say(`hears ${code}`)
      return code
    },
    leave: async () => {},
    commit: async () => 0,
    dropGeneration: () => void say('drops all'),
  }
  const membership = new Membership({
    options: sourceOptions(address, ['t'], { sessionTimeoutMs, rebalanceTimeoutMs: 60_000 }),
    control: {
      metadata: async () => cluster,
      listOffsets: async () => [],
      epochEnds: async () => [],
      coordinator: async () => address,
      dropGroupConnection: () => {},
      close: () => {},
    },
    session,
    clock,
    trouble: new TroubleBoard((fault) => void say(`trouble ${fault?.code}`)),
    cluster: async () => cluster,
    loads: () => [],
    events: {
      onAssigned: (added) => void say(`begins ${namesOf(added)}`),
      onRevoked: async (revoked) => void say(`gives up ${namesOf(revoked)}`),
      onLost: (lost) => void say(`loses ${namesOf(lost)}`),
    },
  })
  const run = membership.run()
  await clock.run(clock.sleep(durationMs(withinMs)))
  await clock.run(membership.close())
  await clock.run(run)
  return told
}

test('a member whose session is 10 s hears within a second that another one is gone', async () => {
  const goneMs = 4_100
  const told = await member(10_000, 5_500, (nowMs) =>
    nowMs > goneMs && nowMs <= 5_000 ? errorCode.rebalanceInProgress : errorCode.none,
  )
  // It joins with what it has, at once, and gives nothing up: one round is enough.
  expect(told).toEqual([
    '0 joins with ',
    '0 begins 0',
    ...[1, 2, 3, 4].map((second) => `${second}000 hears 0`),
    `5000 hears ${errorCode.rebalanceInProgress}`,
    '5000 joins with 0',
    '5000 begins 1',
  ])
})

test('a member of a short session has three heartbeats in it', async () => {
  const told = await member(1_500, 1_600, () => errorCode.none)
  expect(told.filter((line) => line.endsWith('hears 0'))).toEqual(
    [500, 1_000, 1_500].map((ms) => `${ms} hears 0`),
  )
})

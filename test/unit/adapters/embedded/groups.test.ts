import { expect, test } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { type BrokerWorld, ordersWorld } from './world.ts'

const outside = { groupId: 'g', generationId: -1, memberId: '', instanceId: null }

function commitTopics(nextOffset: bigint, more: { name?: string; metadata?: string | null } = {}) {
  const { name = 'orders', metadata = null } = more
  return [{ name, partitions: [{ partition: 0, nextOffset, leaderEpoch: 4, metadata }] }]
}

async function commit(world: BrokerWorld, request: object = {}, version = 8) {
  const full = { ...outside, topics: commitTopics(5n), ...request }
  const answer = await world.client.call('offsetCommit', version, full)
  return answer.topics[0]?.partitions[0]?.errorCode
}

async function committed(world: BrokerWorld, version = 8, groupId = 'g') {
  const topics = [{ name: 'orders', partitions: [0, 1] }]
  const groups = [{ groupId, memberId: null, memberEpoch: -1, topics }]
  const answer = await world.client.call('offsetFetch', version, {
    groupId,
    topics,
    groups,
    requireStable: false,
  })
  const found = version >= 8 ? answer.groups[0]?.topics : answer.topics
  return found?.[0]?.partitions.map(({ nextOffset }) => nextOffset)
}

/** The first one of a member of KIP-848. */
const heartbeat = {
  groupId: 'g',
  memberId: 'm',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: 1_000,
  topicNames: ['orders'],
  topicRegex: null,
  assignor: null,
  owned: [],
}

test('committed offsets are found in every version, and after a restart', async () => {
  await using before = await ordersWorld(2)
  for (let version = 2; version <= 9; version++) expect(await commit(before, {}, version)).toBe(0)
  for (let version = 1; version <= 9; version++) {
    expect(await committed(before, version)).toEqual([5n, -1n])
  }
  await using world = await before.restart()
  expect(await committed(world)).toEqual([5n, -1n])
  const everything = { groupId: 'g', topics: null, groups: [], requireStable: false }
  const all = await world.client.call('offsetFetch', 7, everything)
  expect(all.topics).toEqual([
    {
      name: 'orders',
      partitions: [{ partition: 0, nextOffset: 5n, leaderEpoch: 4, metadata: '', errorCode: 0 }],
    },
  ])
})

test('a commit is refused for missing partitions, long metadata and claims of nobody', async () => {
  await using world = await ordersWorld(2)
  const refusals: readonly [object, number][] = [
    [{ topics: commitTopics(5n, { name: 'none' }) }, errorCode.unknownTopicOrPartition],
    [
      { topics: commitTopics(5n, { metadata: 'x'.repeat(4097) }) },
      errorCode.offsetMetadataTooLarge,
    ],
    [{ groupId: '' }, errorCode.invalidGroupId],
    [{ generationId: 3, memberId: 'm' }, errorCode.illegalGeneration],
  ]
  for (const [request, code] of refusals) expect(await commit(world, request)).toBe(code)
  expect(await committed(world)).toEqual([-1n, -1n])
})

test('a topic made again begins without committed offsets', async () => {
  await using before = await ordersWorld(2)
  await commit(before)
  before.broker.deleteTopic('orders')
  before.broker.createTopic('orders', 2)
  expect(await committed(before)).toEqual([-1n, -1n])
  await using world = await before.restart()
  expect(await committed(world)).toEqual([-1n, -1n])
})

test('a member of KIP-848 commits with its epoch from version 9 on', async () => {
  await using world = await ordersWorld(2)
  const joined = await world.client.call('consumerGroupHeartbeat', 1, heartbeat)
  expect(joined.assignment?.partitions[0]?.partitions).toEqual([0, 1])
  const member = { memberId: 'm', generationId: joined.memberEpoch }
  expect(await commit(world, member, 8)).toBe(errorCode.unsupportedVersion)
  expect(await commit(world, member, 9)).toBe(0)
  expect(await commit(world, { ...member, generationId: 0 }, 9)).toBe(errorCode.staleMemberEpoch)
  expect(await commit(world, {}, 9)).toBe(errorCode.unknownMemberId)
  const described = await world.client.call('consumerGroupDescribe', 0, {
    groups: ['g', 'x'],
    operations: false,
  })
  expect(described.groups.map(({ state, errorCode: code }) => [state, code])).toEqual([
    ['Stable', 0],
    ['', errorCode.groupIdNotFound],
  ])
  const classic = await world.client.call('describeGroups', 5, { groups: ['g'], operations: false })
  expect(classic.groups[0]?.state).toBe('Dead')
})

const joining = {
  groupId: 'g',
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 6_000,
  memberId: '',
  instanceId: null,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from('m') }],
  reason: null,
}

test('a classic group is joined in every version, described, listed and deleted when empty', async () => {
  await using world = await ordersWorld(2)
  for (let version = 0; version <= 9; version++) {
    const groupId = `g${version}`
    const first = await world.client.call('joinGroup', version, { ...joining, groupId })
    const { memberId } = first
    const answer =
      version < 4
        ? first
        : await world.client.call('joinGroup', version, { ...joining, groupId, memberId })
    expect([answer.errorCode, answer.generationId, answer.leader]).toEqual([0, 1, memberId])
    const claim = { groupId, generationId: 1, memberId, instanceId: null }
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    const names = { protocolType: 'consumer', protocolName: 'range' }
    const synced = await world.client.call('syncGroup', Math.min(version, 5), {
      ...claim,
      ...names,
      assignments,
    })
    expect(synced.assignment.toString()).toBe('all')
    const beat = await world.client.call('heartbeat', Math.min(version, 4), claim)
    expect(beat.errorCode).toBe(0)
    const described = await world.client.call('describeGroups', Math.min(version, 5), {
      groups: [groupId],
      operations: false,
    })
    expect(described.groups[0]).toMatchObject({ state: 'Stable', protocolName: 'range' })
    expect(described.groups[0]?.members[0]?.assignment.toString()).toBe('all')
    const remove = async () =>
      (await world.client.call('deleteGroups', 2, { groups: [groupId] })).groups[0]?.errorCode
    expect(await remove()).toBe(errorCode.nonEmptyGroup)
    const members = [{ memberId, instanceId: null, reason: null }]
    const left = await world.client.call('leaveGroup', Math.min(version, 5), {
      groupId,
      memberId,
      members,
    })
    expect(left.errorCode).toBe(0)
    expect(await remove()).toBe(0)
    expect(await remove()).toBe(errorCode.groupIdNotFound)
  }
  const listed = await world.client.call('listGroups', 5, { states: [], types: [] })
  expect(listed.groups).toEqual([])
})

test('both protocols do not mix in one group', async () => {
  await using world = await ordersWorld(2)
  await world.client.call('joinGroup', 3, joining)
  const { inconsistentGroupProtocol } = errorCode
  const refused = await world.client.call('consumerGroupHeartbeat', 1, heartbeat)
  expect(refused.errorCode).toBe(inconsistentGroupProtocol)
  await world.client.call('consumerGroupHeartbeat', 1, { ...heartbeat, groupId: 'h' })
  const classic = await world.client.call('joinGroup', 3, { ...joining, groupId: 'h' })
  expect(classic.errorCode).toBe(inconsistentGroupProtocol)
})

test('a session outside the limits and an empty group id are refused', async () => {
  await using world = await ordersWorld(2)
  const code = async (more: object) =>
    (await world.client.call('joinGroup', 9, { ...joining, ...more })).errorCode
  expect(await code({ sessionTimeoutMs: 99 })).toBe(errorCode.invalidSessionTimeout)
  expect(await code({ sessionTimeoutMs: 1_800_001 })).toBe(errorCode.invalidSessionTimeout)
  expect(await code({ groupId: '' })).toBe(errorCode.invalidGroupId)
})

test('topics are made, grown and deleted by request, each refusal with its error', async () => {
  await using world = await ordersWorld(2)
  const make = async (more: object, validateOnly = false) => {
    const topic = {
      name: 'new',
      partitionCount: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
      ...more,
    }
    const answer = await world.client.call('createTopics', 7, {
      topics: [topic],
      timeoutMs: 1,
      validateOnly,
    })
    return answer.topics[0]?.errorCode
  }
  expect(await make({ name: 'orders' })).toBe(errorCode.topicAlreadyExists)
  expect(await make({ name: '..' })).toBe(errorCode.invalidTopic)
  expect(await make({ partitionCount: 0 })).toBe(errorCode.invalidPartitions)
  expect(await make({ replicationFactor: 3 })).toBe(errorCode.invalidReplicationFactor)
  const configs = [{ name: 'retention.bytes', value: 'much' }]
  expect(await make({ configs })).toBe(errorCode.invalidConfig)
  expect(await make({}, true)).toBe(0)
  expect(world.broker.highWatermark('new', 0)).toBeUndefined()
  for (let version = 2; version <= 7; version++) {
    const topic = {
      name: `v${version}`,
      partitionCount: -1,
      replicationFactor: -1,
      assignments: [],
      configs: [],
    }
    const request = { topics: [topic], timeoutMs: 1, validateOnly: false }
    expect((await world.client.call('createTopics', version, request)).topics[0]?.errorCode).toBe(0)
    expect(world.broker.highWatermark(topic.name, 3)).toBe(0n)
  }
  const grow = async (partitionCount: number, name = 'orders') => {
    const topics = [{ name, partitionCount, assignments: null }]
    const request = { topics, timeoutMs: 1, validateOnly: false }
    return (await world.client.call('createPartitions', 3, request)).topics[0]?.errorCode
  }
  expect([await grow(2), await grow(3), await grow(9, 'none')]).toEqual([
    errorCode.invalidPartitions,
    0,
    3,
  ])
  expect(world.broker.highWatermark('orders', 2)).toBe(0n)
  await using later = await world.restart()
  expect(later.broker.highWatermark('orders', 2)).toBe(0n)
  const remove = async (version: number, name: string) => {
    const named = { name, topicId: '00000000-0000-0000-0000-000000000000' }
    const request = { names: [name], topics: [named], timeoutMs: 1 }
    return (await later.client.call('deleteTopics', version, request)).topics[0]?.errorCode
  }
  for (let version = 1; version <= 6; version++)
    expect(await remove(version, `v${version + 1}`)).toBe(0)
  expect(await remove(6, 'v2')).toBe(errorCode.unknownTopicOrPartition)
})

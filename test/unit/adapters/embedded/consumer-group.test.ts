import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { assignors } from '../../../../src/adapters/embedded/groups/assignors.ts'
import {
  ConsumerGroup,
  type HeartbeatRequest,
} from '../../../../src/adapters/embedded/groups/consumer-group.ts'
import { settingsOf } from '../../../../src/adapters/embedded/settings.ts'
import { TopicStore } from '../../../../src/adapters/embedded/store/topic-store.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let topics: TopicStore
let group: ConsumerGroup

beforeEach(async () => {
  folder = await temporaryFolder()
  const settings = settingsOf({ directory: folder.path })
  topics = new TopicStore(folder.path, 0, settings)
  group = new ConsumerGroup(settings, topics)
  vi.useFakeTimers()
})

afterEach(async () => {
  vi.useRealTimers()
  group.close()
  topics.close()
  await folder[Symbol.asyncDispose]()
})

/** A member that does what it is told: reports what it owns, takes over what it is given. */
class Member {
  readonly memberId: string
  epoch = 0
  owned: readonly number[] = []
  answer = this.#send({ topicNames: ['orders'], rebalanceTimeoutMs: 30_000 })

  constructor(memberId: string) {
    this.memberId = memberId
    this.answer = this.#send({ topicNames: ['orders'], rebalanceTimeoutMs: 30_000, owned: [] })
    this.obey()
  }

  /** One heartbeat that says what it owns. @returns what it owns afterwards. */
  beat(more: Partial<HeartbeatRequest> = {}): readonly number[] {
    const topicId = topics.byName('orders')?.id ?? ''
    this.answer = this.#send({ owned: [{ topicId, partitions: [...this.owned] }], ...more })
    return this.obey()
  }

  /** One heartbeat whose answer is not obeyed yet. */
  listen(): void {
    this.answer = this.#send({})
  }

  obey(): readonly number[] {
    expect(this.answer.errorCode).toBe(0)
    this.epoch = this.answer.memberEpoch
    const { assignment } = this.answer
    if (assignment !== null) this.owned = assignment.partitions.flatMap((each) => each.partitions)
    return this.owned
  }

  #send(more: Partial<HeartbeatRequest>) {
    if (this.memberId === undefined) return refused
    return heartbeat({ memberId: this.memberId, memberEpoch: this.epoch, ...more })
  }
}

const refused = {
  errorCode: 0,
  errorMessage: null,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
} as ReturnType<ConsumerGroup['heartbeat']>

function heartbeat(more: Partial<HeartbeatRequest>, idFromBroker = false) {
  const request: HeartbeatRequest = {
    groupId: 'g',
    memberId: '',
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    topicNames: null,
    topicRegex: null,
    assignor: null,
    owned: null,
    ...more,
  }
  return group.heartbeat(request, { clientId: 'c', idFromBroker })
}

const begin: Partial<HeartbeatRequest> = {
  topicNames: ['orders'],
  rebalanceTimeoutMs: 30_000,
  owned: [],
}

test('the only member gets every partition at once', () => {
  topics.create('orders', 4, {})
  const alone = new Member('a')
  expect(alone.owned).toEqual([0, 1, 2, 3])
  expect(alone.epoch).toBe(group.groupEpoch)
  expect(group.state).toBe('Stable')
})

test('a partition is handed over only when its owner no longer lists it', () => {
  topics.create('orders', 4, {})
  const first = new Member('a')
  const second = new Member('b')
  expect(second.owned).toEqual([])
  const epochBefore = first.epoch
  // Told to give up two, the first still owns four: the second gets nothing, the epoch stays.
  first.listen()
  expect(first.answer.assignment?.partitions.flatMap(({ partitions }) => partitions)).toHaveLength(
    2,
  )
  expect(first.answer.memberEpoch).toBe(epochBefore)
  expect(second.beat()).toEqual([])
  expect(group.state).toBe('Reconciling')
  first.obey()
  first.beat()
  expect(first.epoch).toBe(group.groupEpoch)
  expect(second.beat()).toHaveLength(2)
  expect(new Set([...first.owned, ...second.owned])).toEqual(new Set([0, 1, 2, 3]))
  expect(group.state).toBe('Stable')
})

test('a heartbeat without news carries no assignment', () => {
  topics.create('orders', 2, {})
  const alone = new Member('a')
  expect(heartbeat({ memberId: 'a', memberEpoch: alone.epoch }).assignment).toBeNull()
})

test('a member that leaves or falls silent gives its partitions to the others', () => {
  topics.create('orders', 4, {})
  const first = new Member('a')
  const second = new Member('b')
  first.beat()
  first.beat()
  second.beat()
  expect(heartbeat({ memberId: 'a', memberEpoch: -1 }).memberEpoch).toBe(-1)
  expect(second.beat()).toEqual([0, 1, 2, 3])
  const third = new Member('c')
  expect(third.owned).toEqual([])
  vi.advanceTimersByTime(40_000)
  third.beat()
  vi.advanceTimersByTime(6_000)
  expect(group.memberCount).toBe(1)
  expect(third.beat()).toHaveLength(4)
})

test('a member that does not give up in time is dropped', () => {
  topics.create('orders', 2, {})
  const first = new Member('a')
  const second = new Member('b')
  first.listen()
  vi.advanceTimersByTime(29_000)
  first.listen()
  second.beat()
  expect(group.memberCount).toBe(2)
  vi.advanceTimersByTime(1_001)
  expect(second.beat()).toEqual([0, 1])
  expect(heartbeat({ memberId: 'a', memberEpoch: 1 }).errorCode).toBe(errorCode.unknownMemberId)
})

test('an epoch that is not the member’s own is fenced, a lost answer forgiven', () => {
  const { id: topicId } = topics.create('orders', 2, {})
  const first = new Member('a')
  const at = (memberEpoch: number, partitions: readonly number[]) =>
    heartbeat({ memberId: 'a', memberEpoch, owned: [{ topicId, partitions }] }).errorCode
  expect(at(first.epoch + 1, [])).toBe(errorCode.fencedMemberEpoch)
  const epochBefore = first.epoch
  heartbeat({ ...begin, memberId: 'b', topicNames: ['other'] })
  first.beat()
  expect(first.epoch).toBeGreaterThan(epochBefore)
  expect(at(epochBefore, [0, 1])).toBe(0)
  expect(at(epochBefore, [0, 1, 2])).toBe(errorCode.fencedMemberEpoch)
  expect(at(epochBefore - 1, [])).toBe(errorCode.fencedMemberEpoch)
})

test('commits carry the member’s epoch: older is stale, newer fenced, strangers unknown', () => {
  topics.create('orders', 2, {})
  const first = new Member('a')
  const claim = { memberId: 'a', instanceId: null, generationId: first.epoch }
  expect(group.epochRefusal(claim)).toBeUndefined()
  expect(group.epochRefusal({ ...claim, generationId: first.epoch - 1 })).toBe(
    errorCode.staleMemberEpoch,
  )
  expect(group.epochRefusal({ ...claim, generationId: first.epoch + 1 })).toBe(
    errorCode.fencedMemberEpoch,
  )
  expect(group.epochRefusal({ ...claim, memberId: 'x' })).toBe(errorCode.unknownMemberId)
})

test('new partitions and new topics reach members by heartbeat', () => {
  const topic = topics.create('orders', 1, {})
  const first = new Member('a')
  expect(first.owned).toEqual([0])
  topics.grow(topic, 3)
  expect(first.beat()).toEqual([0, 1, 2])
  heartbeat({ memberId: 'a', memberEpoch: first.epoch, topicRegex: 'ord.*|new' })
  topics.create('new', 1, {})
  const seen = heartbeat({ memberId: 'a', memberEpoch: group.members[0]?.epoch ?? 0 })
  expect(seen.assignment?.partitions).toHaveLength(2)
})

test('a static member that leaves for now keeps its partitions for its next process', () => {
  topics.create('orders', 2, {})
  heartbeat({ ...begin, memberId: 'a', instanceId: 'i' })
  const early = heartbeat({ ...begin, memberId: 'b', instanceId: 'i' })
  expect(early.errorCode).toBe(errorCode.unreleasedInstanceId)
  const away = heartbeat({ memberId: 'a', instanceId: 'i', memberEpoch: -2 })
  expect([away.errorCode, away.memberEpoch]).toEqual([0, -2])
  new Member('other')
  const back = heartbeat({ ...begin, memberId: 'b', instanceId: 'i' })
  expect(back.assignment?.partitions.flatMap(({ partitions }) => partitions)).toHaveLength(1)
  const former = heartbeat({ memberId: 'a', instanceId: 'i', memberEpoch: 1 })
  expect(former.errorCode).toBe(errorCode.fencedInstanceId)
})

test('the broker makes the member id in version 0, the client in version 1', () => {
  topics.create('orders', 1, {})
  expect(heartbeat(begin).errorCode).toBe(errorCode.invalidRequest)
  expect(heartbeat(begin, true).memberId).toMatch(/^[0-9a-f-]{36}$/)
})

const malformed: readonly [string, Partial<HeartbeatRequest>, number][] = [
  ['no group', { ...begin, memberId: 'a', groupId: '' }, errorCode.invalidGroupId],
  ['no topics', { ...begin, memberId: 'a', topicNames: null }, errorCode.invalidRequest],
  ['no timeout', { ...begin, memberId: 'a', rebalanceTimeoutMs: -1 }, errorCode.invalidRequest],
  ['a strange epoch', { ...begin, memberId: 'a', memberEpoch: -3 }, errorCode.invalidRequest],
  [
    'a strange assignor',
    { ...begin, memberId: 'a', assignor: 'toString' },
    errorCode.unsupportedAssignor,
  ],
  [
    'a broken pattern',
    { ...begin, memberId: 'a', topicRegex: '(' },
    errorCode.invalidRegularExpression,
  ],
  ['an unknown member', { memberId: 'a', memberEpoch: 3 }, errorCode.unknownMemberId],
]

test.each(malformed)('%s is refused', (_, request, code) => {
  topics.create('orders', 1, {})
  expect(heartbeat(request).errorCode).toBe(code)
  expect(group.memberCount).toBe(0)
})

test.each(['uniform', 'range'])(
  'assignor %s gives each partition one owner, in fair shares',
  (name) => {
    const some = [topics.create('x', 7, {}), topics.create('y', 5, {}), topics.create('z', 2, {})]
    const members = ['a', 'b', 'c', 'd'].map((memberId, index) => ({
      memberId,
      topics: index === 3 ? some.slice(0, 1) : some,
      before: new Set<string>(),
    }))
    const target = assignors[name]?.(members) ?? new Map()
    const all = [...target.values()].flatMap((keys) => [...keys])
    expect(all).toHaveLength(14)
    expect(new Set(all).size).toBe(14)
    const sizes = [...target.values()].map(({ size }) => size)
    if (name === 'uniform') expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2)
  },
)

test('the uniform assignor moves no more than balance asks for', () => {
  const topic = topics.create('x', 6, {})
  const subscriber = (memberId: string, before: ReadonlySet<string>) => ({
    memberId,
    topics: [topic],
    before,
  })
  const alone = assignors['uniform']?.([subscriber('a', new Set())]).get('a') ?? new Set()
  const target = assignors['uniform']?.([subscriber('a', alone), subscriber('b', new Set())])
  const kept = target?.get('a') ?? new Set()
  expect(kept.size).toBe(3)
  expect([...kept].every((key) => alone.has(key))).toBe(true)
})

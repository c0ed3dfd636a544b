import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ApiRequest } from '../../../../src/adapters/embedded/apis/table.ts'
import { errorCode } from '../../../../src/adapters/embedded/error-code.ts'
import { ClassicGroup } from '../../../../src/adapters/embedded/groups/classic-group.ts'
import type { JoinAnswer } from '../../../../src/adapters/embedded/groups/classic-member.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type JoinRequest = ApiRequest<'joinGroup'>
const call = { clientId: 'c', idFirst: true, skipKnown: false }

function joinRequest(more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    instanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    reason: null,
    ...more,
  }
}

/** Joins as a client of today does: takes the id it is given, then joins with it. */
async function join(group: ClassicGroup, more: Partial<JoinRequest> = {}): Promise<JoinAnswer> {
  const first = await group.join(joinRequest(more), call)
  if (first.errorCode !== errorCode.memberIdRequired) return first
  return await group.join(joinRequest({ ...more, memberId: first.memberId }), call)
}

function claimOf(answer: JoinAnswer, instanceId: string | null = null) {
  const { memberId, generationId } = answer
  return { groupId: 'g', memberId, generationId, instanceId }
}

async function sync(
  group: ClassicGroup,
  answer: JoinAnswer,
  assignments: Record<string, string> = {},
) {
  const listed = Object.entries(assignments).map(([memberId, text]) => {
    return { memberId, assignment: Buffer.from(text) }
  })
  const request = {
    ...claimOf(answer),
    protocolType: null,
    protocolName: null,
    assignments: listed,
  }
  return await group.sync(request)
}

/** Two members, stable, in one generation. */
async function pair(group: ClassicGroup): Promise<{ leader: JoinAnswer; follower: JoinAnswer }> {
  const alone = await join(group)
  await sync(group, alone)
  const joining = join(group)
  await vi.advanceTimersByTimeAsync(0)
  expect(group.heartbeat(claimOf(alone))).toBe(errorCode.rebalanceInProgress)
  const again = await group.join(joinRequest({ memberId: alone.memberId }), call)
  const follower = await joining
  const waiting = sync(group, follower)
  const given = { [again.memberId]: 'a', [follower.memberId]: 'b' }
  const texts = [await sync(group, again, given), await waiting].map((each) =>
    each.assignment.toString(),
  )
  expect(texts).toEqual(['a', 'b'])
  expect(group.state).toBe('Stable')
  return { leader: again, follower }
}

test('the first member leads, a second joins in the next generation', async () => {
  const group = new ClassicGroup(0)
  const { leader, follower } = await pair(group)
  expect(leader.leader).toBe(leader.memberId)
  expect(leader.generationId).toBe(2)
  expect(leader.members.map(({ memberId }) => memberId).sort()).toEqual(
    [leader.memberId, follower.memberId].sort(),
  )
  expect(follower.members).toEqual([])
  expect(group.heartbeat(claimOf(follower))).toBe(0)
})

test('a client that knows no ids first is admitted at once', async () => {
  const group = new ClassicGroup(0)
  const answer = await group.join(joinRequest(), { ...call, idFirst: false })
  expect([answer.errorCode, answer.generationId]).toEqual([0, 1])
})

test('strangers, old generations and foreign protocols are refused', async () => {
  const group = new ClassicGroup(0)
  const { leader } = await pair(group)
  expect(group.heartbeat({ ...claimOf(leader), memberId: 'x' })).toBe(errorCode.unknownMemberId)
  expect(group.heartbeat({ ...claimOf(leader), generationId: 1 })).toBe(errorCode.illegalGeneration)
  const other = await join(group, { protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] })
  expect(other.errorCode).toBe(errorCode.inconsistentGroupProtocol)
  const connect = await join(group, { protocolType: 'connect' })
  expect(connect.errorCode).toBe(errorCode.inconsistentGroupProtocol)
  expect(group.commitRefusal({ memberId: '', instanceId: null, generationId: -1 })).toBe(
    errorCode.unknownMemberId,
  )
  expect(group.commitRefusal({ ...claimOf(leader), generationId: 1 })).toBe(
    errorCode.illegalGeneration,
  )
  expect(group.commitRefusal(claimOf(leader))).toBeUndefined()
})

test('a member that falls silent is dropped after its session, not before', async () => {
  const group = new ClassicGroup(0)
  const { leader, follower } = await pair(group)
  await vi.advanceTimersByTimeAsync(9_000)
  expect(group.heartbeat(claimOf(leader))).toBe(0)
  expect(group.members).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1_001)
  expect(group.members).toHaveLength(1)
  expect(group.heartbeat(claimOf(leader))).toBe(errorCode.rebalanceInProgress)
  expect(group.heartbeat(claimOf(follower))).toBe(errorCode.unknownMemberId)
})

test('a generation begins without a member that does not join in time', async () => {
  const group = new ClassicGroup(0)
  const { leader, follower } = await pair(group)
  const joining = group.join(joinRequest({ memberId: leader.memberId }), call)
  // Heartbeats alone do not save a member that does not join again.
  for (let second = 0; second < 30; second += 5) {
    expect(group.heartbeat(claimOf(follower))).toBe(errorCode.rebalanceInProgress)
    await vi.advanceTimersByTimeAsync(5_000)
  }
  const answer = await joining
  expect(answer.generationId).toBe(3)
  expect(answer.members).toHaveLength(1)
  expect(group.heartbeat(claimOf(follower))).toBe(errorCode.unknownMemberId)
})

test('the leader’s place goes to another when it leaves', async () => {
  const group = new ClassicGroup(0)
  const { leader, follower } = await pair(group)
  expect(group.leave({ memberId: leader.memberId, instanceId: null })).toBe(0)
  expect(group.leave({ memberId: leader.memberId, instanceId: null })).toBe(
    errorCode.unknownMemberId,
  )
  const alone = await group.join(joinRequest({ memberId: follower.memberId }), call)
  expect([alone.leader, alone.generationId]).toEqual([follower.memberId, 3])
  expect(group.leave({ memberId: follower.memberId, instanceId: null })).toBe(0)
  expect(group.state).toBe('Empty')
  expect(group.commitRefusal({ memberId: '', instanceId: null, generationId: -1 })).toBeUndefined()
})

test('commits wait for the assignment and go on while others join', async () => {
  const group = new ClassicGroup(0)
  const alone = await join(group)
  expect(group.commitRefusal(claimOf(alone))).toBe(errorCode.rebalanceInProgress)
  await sync(group, alone)
  void join(group)
  await vi.advanceTimersByTimeAsync(0)
  expect(group.state).toBe('PreparingRebalance')
  expect(group.commitRefusal(claimOf(alone))).toBeUndefined()
})

test('members that wait for their assignment are told to join again when another comes', async () => {
  const group = new ClassicGroup(0)
  const { leader, follower } = await pair(group)
  const rejoined = [leader, follower].map(
    async ({ memberId }) =>
      await group.join(
        joinRequest({ memberId, protocols: [{ name: 'range', metadata: Buffer.from('new') }] }),
        call,
      ),
  )
  const answers = await Promise.all(rejoined)
  const waiting = answers.find(({ members }) => members.length === 0)
  if (waiting === undefined) throw new Error('somebody follows')
  const syncing = sync(group, waiting)
  void join(group)
  await vi.advanceTimersByTimeAsync(0)
  expect((await syncing).errorCode).toBe(errorCode.rebalanceInProgress)
})

test('a static member that starts again keeps its place, and its former self is fenced', async () => {
  const group = new ClassicGroup(0)
  const former = await join(group, { instanceId: 'i' })
  await sync(group, former, { [former.memberId]: 'mine' })
  const newer = await join(group, { instanceId: 'i' })
  expect(newer.memberId).not.toBe(former.memberId)
  expect([newer.errorCode, newer.generationId]).toEqual([0, former.generationId])
  // An older client is told of its former self as leader, so that it does not assign anew.
  expect([newer.leader, newer.members]).toEqual([former.memberId, []])
  expect((await sync(group, newer)).assignment.toString()).toBe('mine')
  expect(group.heartbeat(claimOf(former, 'i'))).toBe(errorCode.fencedInstanceId)
  expect(group.heartbeat(claimOf(newer, 'i'))).toBe(0)
  expect(group.leave({ memberId: '', instanceId: 'i' })).toBe(0)
})

test('a static member that owns nothing yet when it starts again keeps its place all the same', async () => {
  const group = new ClassicGroup(0)
  const metadata = (text: string) => [{ name: 'own', metadata: Buffer.from(text) }]
  const former = await join(group, { instanceId: 'i', protocols: metadata('owns t/0') })
  await sync(group, former, { [former.memberId]: 'mine' })
  const request = joinRequest({ instanceId: 'i', protocols: metadata('owns nothing') })
  const newer = await group.join(request, { ...call, skipKnown: true })
  expect([newer.errorCode, newer.generationId]).toEqual([0, former.generationId])
  expect([newer.leader, newer.skipAssignment]).toEqual([newer.memberId, true])
  expect(newer.members.map(({ metadata: known }) => known.toString())).toEqual(['owns nothing'])
  expect(group.state).toBe('Stable')
})

test('a static member that starts again with other protocols begins a generation', async () => {
  const group = new ClassicGroup(0)
  const former = await join(group, { instanceId: 'i' })
  await sync(group, former, { [former.memberId]: 'mine' })
  const protocols = [{ name: 'sticky', metadata: Buffer.from('m') }]
  const newer = await join(group, { instanceId: 'i', protocols })
  expect([newer.errorCode, newer.generationId]).toEqual([0, former.generationId + 1])
})

test('a static member that is silent for its session is dropped as well', async () => {
  const group = new ClassicGroup(0)
  const member = await join(group, { instanceId: 'i' })
  await sync(group, member)
  await vi.advanceTimersByTimeAsync(10_001)
  expect(group.members).toEqual([])
})

test('an id that nobody joins with is forgotten and holds nobody up', async () => {
  const group = new ClassicGroup(0)
  const alone = await join(group)
  await sync(group, alone)
  const promised = await group.join(joinRequest({ sessionTimeoutMs: 6_000 }), call)
  expect(promised.errorCode).toBe(errorCode.memberIdRequired)
  const again = group.join(
    joinRequest({
      memberId: alone.memberId,
      protocols: [{ name: 'range', metadata: Buffer.from('x') }],
    }),
    call,
  )
  await vi.advanceTimersByTimeAsync(6_001)
  expect((await again).generationId).toBe(2)
  const late = await group.join(joinRequest({ memberId: promised.memberId }), call)
  expect(late.errorCode).toBe(errorCode.unknownMemberId)
})

test('with a delay the first generation waits for others', async () => {
  const group = new ClassicGroup(50)
  const both = Promise.all([join(group), join(group)])
  await vi.advanceTimersByTimeAsync(50)
  expect((await both).map(({ generationId }) => generationId)).toEqual([1, 1])
})

test('the protocol most members prefer among those all know is chosen', async () => {
  const group = new ClassicGroup(50)
  const named = (...names: string[]) => names.map((name) => ({ name, metadata: Buffer.from(name) }))
  const all = Promise.all([
    join(group, { protocols: named('own', 'range', 'sticky') }),
    join(group, { protocols: named('sticky', 'range') }),
    join(group, { protocols: named('sticky', 'range') }),
  ])
  await vi.advanceTimersByTimeAsync(50)
  expect((await all).map(({ protocolName }) => protocolName)).toEqual([
    'sticky',
    'sticky',
    'sticky',
  ])
})

test('a member that joins and never syncs is dropped after the rebalance timeout', async () => {
  const group = new ClassicGroup(0)
  const alone = await join(group, { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 5_000 })
  await vi.advanceTimersByTimeAsync(5_001)
  expect(group.heartbeat(claimOf(alone))).toBe(errorCode.unknownMemberId)
})

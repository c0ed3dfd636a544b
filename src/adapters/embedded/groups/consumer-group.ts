/**
 * A group of KIP-848: the broker assigns, members report by heartbeat.
 *
 *     subscription or topics change → group epoch + 1 → new target → members give up, then take
 *
 * Invariants: a partition has one owner at a time (`reconcile`); a member that is silent for its
 * session, or slow to give up, is dropped; an epoch that is not the member's own is fenced.
 *
 * Source: KIP-848; request and answer of ConsumerGroupHeartbeat 0 (Kafka 3.9) and 1 (4.x).
 */
import { randomUUID } from 'node:crypto'
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { BrokerSettings } from '../settings.ts'
import type { Topic, TopicStore } from '../store/topic-store.ts'
import { assignors } from './assignors.ts'
import type { MemberClaim } from './classic-member.ts'
import { byTopic, keysOf, type PartitionKey, sameSet } from './partition-set.ts'
import { reconcile } from './reconcile.ts'

export type HeartbeatRequest = ApiRequest<'consumerGroupHeartbeat'>
type HeartbeatAnswer = ApiResponse<'consumerGroupHeartbeat'>
export type ConsumerState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

export interface ConsumerMember {
  memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  clientId: string
  epoch: number
  previousEpoch: number
  topicNames: readonly string[]
  topicRegex: string | null
  assignor: string | null
  rebalanceTimeoutMs: number
  assigned: ReadonlySet<PartitionKey>
  revoking: ReadonlySet<PartitionKey>
  target: ReadonlySet<PartitionKey>
  session: NodeJS.Timeout | undefined
  revocation: NodeJS.Timeout | undefined
}

/** Member epoch of a static member that leaves to come back; -1 leaves for good. */
const leavingForNow = -2
const defaultAssignor = 'uniform'

export class ConsumerGroup {
  readonly #settings: BrokerSettings
  readonly #topics: TopicStore
  readonly #members = new Map<string, ConsumerMember>()
  #groupEpoch = 0
  #targetEpoch = 0
  /** The subscribed topics as the target saw them: ids and partition counts. */
  #topicsSeen = ''

  constructor(settings: BrokerSettings, topics: TopicStore) {
    this.#settings = settings
    this.#topics = topics
  }

  get memberCount(): number {
    return this.#members.size
  }

  get members(): readonly ConsumerMember[] {
    return [...this.#members.values()]
  }

  get groupEpoch(): number {
    return this.#groupEpoch
  }

  get targetEpoch(): number {
    return this.#targetEpoch
  }

  get assignor(): string {
    return this.members.find(({ assignor }) => assignor !== null)?.assignor ?? defaultAssignor
  }

  get state(): ConsumerState {
    if (this.#members.size === 0) return 'Empty'
    if (this.#groupEpoch > this.#targetEpoch) return 'Assigning'
    const settled = this.members.every(
      (each) => each.epoch === this.#targetEpoch && sameSet(each.assigned, each.target),
    )
    return settled ? 'Stable' : 'Reconciling'
  }

  /** Why a member's claim (of an offset commit or fetch) is refused, or undefined. */
  epochRefusal(claim: MemberClaim): ErrorCode | undefined {
    const member = this.#members.get(claim.memberId)
    if (member === undefined) return errorCode.unknownMemberId
    if (claim.generationId > member.epoch) return errorCode.fencedMemberEpoch
    return claim.generationId < member.epoch ? errorCode.staleMemberEpoch : undefined
  }

  heartbeat(
    request: HeartbeatRequest,
    call: { clientId: string; idFromBroker: boolean },
  ): HeartbeatAnswer {
    const refusal = this.#requestRefusal(request, call.idFromBroker)
    if (refusal !== undefined) return refusedHeartbeat(...refusal)
    if (request.memberEpoch < 0) return this.#leave(request)
    const member =
      request.memberEpoch === 0 ? this.#enter(request, call.clientId) : this.#known(request)
    if (typeof member === 'number') return refusedHeartbeat(member, 'the member is not known so')
    const before = member.assigned
    if (this.#subscribe(member, request) || this.#topicsChanged()) this.#groupEpoch += 1
    if (this.#groupEpoch > this.#targetEpoch) this.#assign()
    this.#advance(member, request)
    this.#listenTo(member)
    const full =
      request.memberEpoch === 0 || (request.topicNames !== null && request.owned !== null)
    const tell = full || !sameSet(before, member.assigned)
    return this.#answer(member, tell)
  }

  close(): void {
    for (const member of this.#members.values()) stopTimers(member)
  }

  #requestRefusal(
    request: HeartbeatRequest,
    idFromBroker: boolean,
  ): [ErrorCode, string] | undefined {
    const { memberEpoch, memberId, assignor, topicRegex } = request
    if (request.groupId === '') return [errorCode.invalidGroupId, 'the group id is empty']
    if (memberId === '' && !(memberEpoch === 0 && idFromBroker)) {
      return [errorCode.invalidRequest, 'the member id is empty']
    }
    if (memberEpoch < leavingForNow) return [errorCode.invalidRequest, 'the epoch is below -2']
    if (memberEpoch === 0 && request.topicNames === null && (topicRegex ?? '') === '') {
      return [errorCode.invalidRequest, 'the first heartbeat names no topics']
    }
    if (memberEpoch === 0 && request.rebalanceTimeoutMs < 0) {
      return [errorCode.invalidRequest, 'the first heartbeat names no rebalance timeout']
    }
    if (assignor !== null && !Object.hasOwn(assignors, assignor)) {
      const known = Object.keys(assignors).join(', ')
      return [errorCode.unsupportedAssignor, `assignor "${assignor}" is not one of ${known}`]
    }
    if (topicRegex !== null && regexOf(topicRegex) === undefined) {
      return [errorCode.invalidRegularExpression, `"${topicRegex}" is no regular expression`]
    }
    return undefined
  }

  #leave(request: HeartbeatRequest): HeartbeatAnswer {
    const member = this.#members.get(request.memberId)
    if (member === undefined) return refusedHeartbeat(errorCode.unknownMemberId, 'no such member')
    if (request.memberEpoch === leavingForNow && member.instanceId !== null) {
      // Its partitions stay its own until it is back or its session ends.
      member.epoch = leavingForNow
    } else this.#drop(member)
    const { memberId, memberEpoch } = request
    return { ...refusedHeartbeat(errorCode.none, null), memberId, memberEpoch }
  }

  /** A member that begins: new, back after it was fenced, or a static one as a new process. */
  #enter(request: HeartbeatRequest, clientId: string): ConsumerMember | ErrorCode {
    const { instanceId } = request
    const memberId = request.memberId === '' ? randomUUID() : request.memberId
    const known = this.#members.get(memberId)
    if (known !== undefined) return known
    const replaced = instanceId === null ? undefined : this.#ofInstance(instanceId)
    if (replaced === undefined) {
      const member = newMember(request, memberId, clientId)
      this.#members.set(memberId, member)
      this.#groupEpoch += 1
      return member
    }
    if (replaced.epoch !== leavingForNow) return errorCode.unreleasedInstanceId
    this.#members.delete(replaced.memberId)
    Object.assign(replaced, { memberId, clientId, epoch: 0, previousEpoch: 0 })
    this.#members.set(memberId, replaced)
    return replaced
  }

  #known(request: HeartbeatRequest): ConsumerMember | ErrorCode {
    const { memberEpoch, instanceId } = request
    if (instanceId !== null && this.#ofInstance(instanceId)?.memberId !== request.memberId) {
      return this.#ofInstance(instanceId) === undefined
        ? errorCode.unknownMemberId
        : errorCode.fencedInstanceId
    }
    const member = this.#members.get(request.memberId)
    if (member === undefined) return errorCode.unknownMemberId
    if (memberEpoch === member.epoch) return member
    // The answer that raised the epoch was lost: right as long as it owns nothing foreign.
    const owned = request.owned === null ? undefined : keysOf(request.owned)
    const lost =
      memberEpoch === member.previousEpoch &&
      owned !== undefined &&
      [...owned].every((key) => member.assigned.has(key))
    return lost ? member : errorCode.fencedMemberEpoch
  }

  /** Takes over what the request says of the subscription; true when it changed. */
  #subscribe(member: ConsumerMember, request: HeartbeatRequest): boolean {
    const before = JSON.stringify([member.topicNames, member.topicRegex, member.assignor])
    if (request.topicNames !== null) member.topicNames = [...request.topicNames].sort()
    if (request.topicRegex !== null) member.topicRegex = request.topicRegex
    if (request.assignor !== null) member.assignor = request.assignor
    if (request.rebalanceTimeoutMs >= 0) member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    return before !== JSON.stringify([member.topicNames, member.topicRegex, member.assignor])
  }

  #topicsChanged(): boolean {
    const topics = new Set(this.members.flatMap((member) => this.#subscribedTopics(member)))
    const seen = [...topics].map(({ id, partitions }) => `${id}:${partitions.length}`).sort()
    const changed = seen.join() !== this.#topicsSeen
    this.#topicsSeen = seen.join()
    return changed
  }

  #subscribedTopics(member: ConsumerMember): readonly Topic[] {
    const named = member.topicNames.flatMap((name) => this.#topics.byName(name) ?? [])
    const pattern = member.topicRegex === null ? undefined : regexOf(member.topicRegex)
    const matched = this.#topics.all.filter(({ name }) => pattern?.test(name) ?? false)
    return [...new Set([...named, ...matched])]
  }

  #assign(): void {
    const assign = assignors[this.assignor]
    const target = assign?.(
      this.members.map((member) => ({
        memberId: member.memberId,
        topics: this.#subscribedTopics(member),
        before: member.target,
      })),
    )
    for (const member of this.members) member.target = target?.get(member.memberId) ?? new Set()
    this.#targetEpoch = this.#groupEpoch
  }

  #advance(member: ConsumerMember, request: HeartbeatRequest): void {
    const others = this.members.filter((each) => each !== member)
    const next = reconcile({
      ...member,
      targetEpoch: this.#targetEpoch,
      // A member that begins owns nothing, whatever it was told before.
      owned:
        request.owned !== null
          ? keysOf(request.owned)
          : request.memberEpoch === 0
            ? new Set()
            : undefined,
      heldByOthers: new Set(others.flatMap((each) => [...each.assigned, ...each.revoking])),
    })
    if (next.epoch !== member.epoch) member.previousEpoch = member.epoch
    const newlyRevoking = next.revoking.size > 0 && member.revoking.size === 0
    Object.assign(member, next)
    if (next.revoking.size === 0) clearTimeout(member.revocation)
    if (newlyRevoking) {
      const slow = (): void => this.#drop(member)
      member.revocation = setTimeout(slow, member.rebalanceTimeoutMs).unref()
    }
  }

  #listenTo(member: ConsumerMember): void {
    clearTimeout(member.session)
    const silent = (): void => this.#drop(member)
    member.session = setTimeout(silent, this.#settings.consumerSessionMs).unref()
  }

  #drop(member: ConsumerMember): void {
    stopTimers(member)
    if (this.#members.delete(member.memberId)) this.#groupEpoch += 1
  }

  #ofInstance(instanceId: string): ConsumerMember | undefined {
    return this.members.find((member) => member.instanceId === instanceId)
  }

  #answer(member: ConsumerMember, tellAssignment: boolean): HeartbeatAnswer {
    return {
      errorCode: errorCode.none,
      errorMessage: null,
      memberId: member.memberId,
      memberEpoch: member.epoch,
      heartbeatIntervalMs: this.#settings.consumerHeartbeatMs,
      assignment: tellAssignment ? { partitions: byTopic(member.assigned) } : null,
    }
  }
}

export function refusedHeartbeat(code: ErrorCode, errorMessage: string | null): HeartbeatAnswer {
  return {
    errorCode: code,
    errorMessage,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}

function newMember(request: HeartbeatRequest, memberId: string, clientId: string): ConsumerMember {
  return {
    memberId,
    instanceId: request.instanceId,
    rackId: request.rackId,
    clientId,
    epoch: 0,
    previousEpoch: 0,
    topicNames: [],
    topicRegex: null,
    assignor: null,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    assigned: new Set(),
    revoking: new Set(),
    target: new Set(),
    session: undefined,
    revocation: undefined,
  }
}

function stopTimers(member: ConsumerMember): void {
  clearTimeout(member.session)
  clearTimeout(member.revocation)
}

/** The whole name must match, as in Kafka; undefined when it is no expression. */
function regexOf(source: string): RegExp | undefined {
  if (source === '') return undefined
  try {
    return new RegExp(`^(?:${source})$`)
  } catch {
    return undefined
  }
}

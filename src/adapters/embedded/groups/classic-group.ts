/**
 * A group of the classic protocol: members join, the leader assigns, all sync.
 *
 *     empty → preparing (members join) → completing (leader assigns) → stable
 *               ↑──────────── a member joins, leaves, falls silent ─────────┘
 *
 * Invariants: a generation begins when every member has joined, or when the rebalance timeout has
 * passed, without those that have not; a dynamic member that is silent for its session is dropped;
 * a static member (KIP-345) that starts again takes its place over without a rebalance.
 *
 * Source: Kafka protocol guide; KIP-345, KIP-394 (a member id before the first join).
 */
import { randomUUID } from 'node:crypto'
import { present } from '../../../base/assert.ts'
import type { ApiRequest } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import {
  type ClassicMember,
  commonProtocols,
  dismiss,
  electProtocol,
  type JoinAnswer,
  type JoinCall,
  type JoinRequest,
  type MemberClaim,
  newMember,
  noBytes,
  ownProtocols,
  rebalanceTimeoutOf,
  refusedJoin,
  refusedSync,
  type SyncAnswer,
  sameProtocols,
} from './classic-member.ts'

type SyncRequest = ApiRequest<'syncGroup'>
export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export class ClassicGroup {
  readonly #members = new Map<string, ClassicMember>()
  /** Ids given out that nobody has joined with yet. */
  readonly #promised = new Map<string, NodeJS.Timeout>()
  readonly #rebalanceDelayMs: number
  #state: ClassicState = 'Empty'
  #generationId = 0
  #leader = ''
  #protocolType: string | null = null
  #protocolName: string | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(rebalanceDelayMs: number) {
    this.#rebalanceDelayMs = rebalanceDelayMs
  }

  get state(): ClassicState {
    return this.#state
  }

  get generationId(): number {
    return this.#generationId
  }

  get protocolType(): string {
    return this.#protocolType ?? ''
  }

  get protocolName(): string {
    return this.#state === 'Stable' ? (this.#protocolName ?? '') : ''
  }

  get members(): readonly ClassicMember[] {
    return [...this.#members.values()]
  }

  metadataOf(member: ClassicMember): Buffer {
    const chosen = member.protocols.find(({ name }) => name === this.#protocolName)
    return chosen?.metadata ?? noBytes
  }

  join(request: JoinRequest, call: JoinCall): Promise<JoinAnswer> | JoinAnswer {
    const { memberId, instanceId } = request
    if (!this.#fits(request)) return refusedJoin(errorCode.inconsistentGroupProtocol, memberId)
    if (memberId === '') return this.#joinNew(request, call)
    if (this.#promised.has(memberId)) {
      this.#breakPromise(memberId)
      return this.#admit(request, memberId, call)
    }
    const refusal = this.#claimRefusal({ memberId, instanceId })
    if (refusal !== undefined) return refusedJoin(refusal, memberId)
    return this.#rejoin(this.#member(memberId), request)
  }

  sync(request: SyncRequest): Promise<SyncAnswer> | SyncAnswer {
    const refusal = this.claimRefusal(request) ?? this.#syncRefusal(request)
    if (refusal !== undefined) return refusedSync(refusal)
    const member = this.#member(request.memberId)
    this.#listenTo(member)
    if (this.#state === 'Stable') return this.#syncAnswer(member)
    return new Promise((resolve) => {
      member.syncing?.(refusedSync(errorCode.rebalanceInProgress))
      member.syncing = resolve
      if (member.memberId === this.#leader) this.#takeAssignments(request)
    })
  }

  heartbeat(claim: MemberClaim): ErrorCode {
    const refusal = this.claimRefusal(claim)
    if (refusal !== undefined) return refusal
    this.#listenTo(this.#member(claim.memberId))
    return this.#state === 'PreparingRebalance' ? errorCode.rebalanceInProgress : errorCode.none
  }

  /** Lets one member go. A static member may be named by its instance alone. */
  leave(leaving: { readonly memberId: string; readonly instanceId: string | null }): ErrorCode {
    if (this.#promised.has(leaving.memberId)) {
      this.#breakPromise(leaving.memberId)
      this.#joinedMaybe()
      return errorCode.none
    }
    const byInstance = this.#ofInstance(leaving.instanceId)
    const memberId = leaving.memberId === '' ? (byInstance?.memberId ?? '') : leaving.memberId
    const refusal = this.#claimRefusal({ memberId, instanceId: leaving.instanceId })
    if (refusal !== undefined) return refusal
    this.#remove(this.#member(memberId))
    return errorCode.none
  }

  /** Why the group refuses a claim of membership, or undefined. */
  claimRefusal(claim: MemberClaim): ErrorCode | undefined {
    const refusal = this.#claimRefusal(claim)
    if (refusal !== undefined) return refusal
    return claim.generationId === this.#generationId ? undefined : errorCode.illegalGeneration
  }

  /** Why the group refuses an offset commit, or undefined. A commit counts as a heartbeat. */
  commitRefusal(claim: MemberClaim): ErrorCode | undefined {
    // Without generation somebody commits from outside: right as long as nobody is inside.
    if (claim.generationId < 0 && this.#members.size === 0) return undefined
    if (claim.generationId < 0 && claim.memberId === '') return errorCode.unknownMemberId
    const refusal = this.claimRefusal(claim)
    if (refusal !== undefined) return refusal
    this.#listenTo(this.#member(claim.memberId))
    return this.#state === 'CompletingRebalance' ? errorCode.rebalanceInProgress : undefined
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const timer of this.#promised.values()) clearTimeout(timer)
    for (const member of this.#members.values()) clearTimeout(member.session)
  }

  #fits(request: JoinRequest): boolean {
    if (request.protocolType === '' || request.protocols.length === 0) return false
    const others = this.members.filter(({ memberId, instanceId }) => {
      return (
        memberId !== request.memberId && (instanceId === null || instanceId !== request.instanceId)
      )
    })
    if (others.length === 0) return true
    const common = commonProtocols(others)
    return (
      request.protocolType === this.#protocolType &&
      request.protocols.some(({ name }) => common.includes(name))
    )
  }

  #joinNew(request: JoinRequest, call: JoinCall): Promise<JoinAnswer> | JoinAnswer {
    const memberId = `${request.instanceId ?? call.clientId}-${randomUUID()}`
    const replaced = this.#ofInstance(request.instanceId)
    if (replaced !== undefined) return this.#replace(replaced, { request, memberId, call })
    if (request.instanceId !== null || !call.idFirst) return this.#admit(request, memberId, call)
    const expire = (): void => {
      this.#breakPromise(memberId)
      this.#joinedMaybe()
    }
    this.#promised.set(memberId, setTimeout(expire, request.sessionTimeoutMs).unref())
    return refusedJoin(errorCode.memberIdRequired, memberId)
  }

  #breakPromise(memberId: string): void {
    clearTimeout(this.#promised.get(memberId))
    this.#promised.delete(memberId)
  }

  #admit(request: JoinRequest, memberId: string, call: JoinCall): Promise<JoinAnswer> {
    const member = newMember(request, memberId, call.clientId)
    this.#members.set(memberId, member)
    this.#protocolType = request.protocolType
    return this.#awaitGeneration(member)
  }

  /** A static member came back as a new process: it takes the place, the old one is fenced. */
  #replace(
    member: ClassicMember,
    by: { readonly request: JoinRequest; readonly memberId: string; readonly call: JoinCall },
  ): Promise<JoinAnswer> | JoinAnswer {
    const leaderBefore = this.#leader
    dismiss(member, errorCode.fencedInstanceId)
    this.#members.delete(member.memberId)
    if (this.#leader === member.memberId) this.#leader = by.memberId
    member.memberId = by.memberId
    this.#members.set(by.memberId, member)
    if (this.#state !== 'Stable') return this.#rejoin(member, by.request)
    this.#take(member, by.request)
    // As in Kafka what counts is the protocol by name: a fresh process claims to own nothing yet.
    if (electProtocol(this.members) !== this.#protocolName) return this.#awaitGeneration(member)
    this.#listenTo(member)
    if (by.call.skipKnown) {
      const leads = this.#leader === member.memberId
      return { ...this.#joinAnswer(member), skipAssignment: leads }
    }
    // An older client that believes to lead would assign anew, so it is told of its former self.
    return { ...this.#joinAnswer(member), leader: leaderBefore, members: [] }
  }

  #rejoin(member: ClassicMember, request: JoinRequest): Promise<JoinAnswer> | JoinAnswer {
    const unchanged = sameProtocols(member.protocols, request.protocols)
    const leads = member.memberId === this.#leader
    const repeats =
      unchanged && (this.#state === 'CompletingRebalance' || (this.#state === 'Stable' && !leads))
    this.#listenTo(member)
    if (repeats) return this.#joinAnswer(member)
    this.#take(member, request)
    return this.#awaitGeneration(member)
  }

  /** Takes over what the member says of itself. */
  #take(member: ClassicMember, request: JoinRequest): void {
    member.sessionTimeoutMs = request.sessionTimeoutMs
    member.rebalanceTimeoutMs = rebalanceTimeoutOf(request)
    member.protocols = ownProtocols(request)
  }

  #awaitGeneration(member: ClassicMember): Promise<JoinAnswer> {
    return new Promise((resolve) => {
      member.joining?.(refusedJoin(errorCode.unknownMemberId, member.memberId))
      member.joining = resolve
      // Who waits to join is not silent: its session begins with the generation.
      clearTimeout(member.session)
      this.#prepare()
      this.#joinedMaybe()
    })
  }

  #prepare(): void {
    if (this.#state === 'PreparingRebalance') return
    const fresh = this.#state === 'Empty'
    this.#state = 'PreparingRebalance'
    for (const member of this.#members.values()) {
      member.syncing?.(refusedSync(errorCode.rebalanceInProgress))
      member.syncing = undefined
    }
    const timeoutsMs = this.members.map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs)
    const waitMs = fresh ? this.#rebalanceDelayMs : Math.max(0, ...timeoutsMs)
    this.#startTimer(waitMs, () => this.#beginGeneration())
    this.#gathering = fresh && this.#rebalanceDelayMs > 0
  }

  /** The first members of an empty group wait for others, however many have joined. */
  #gathering = false

  #joinedMaybe(): void {
    if (this.#state !== 'PreparingRebalance' || this.#gathering) return
    if (this.#members.size > 0 && this.#promised.size > 0) return
    if (this.members.every(({ joining }) => joining !== undefined)) this.#beginGeneration()
  }

  #beginGeneration(): void {
    clearTimeout(this.#timer)
    this.#gathering = false
    for (const member of this.members) {
      if (member.joining === undefined && member.instanceId === null) this.#forget(member)
    }
    const joined = this.members.filter(({ joining }) => joining !== undefined)
    this.#generationId += 1
    if (joined.length === 0) {
      this.#state = 'Empty'
      this.#protocolName = null
      return
    }
    this.#state = 'CompletingRebalance'
    this.#protocolName = electProtocol(this.members) ?? null
    if (this.#members.get(this.#leader)?.joining === undefined) {
      this.#leader = present(joined[0], 'somebody joined').memberId
    }
    for (const member of joined) {
      member.assignment = noBytes
      this.#listenTo(member)
      member.joining?.(this.#joinAnswer(member))
      member.joining = undefined
    }
    const waitMs = Math.max(...joined.map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs))
    this.#startTimer(waitMs, () => this.#dropUnsynced())
  }

  /** Members that joined and then did not ask for their assignment would block the group. */
  #dropUnsynced(): void {
    const silent = this.members.filter(({ syncing }) => syncing === undefined)
    if (this.#state === 'CompletingRebalance') for (const member of silent) this.#remove(member)
  }

  #takeAssignments(request: SyncRequest): void {
    clearTimeout(this.#timer)
    for (const { memberId, assignment } of request.assignments) {
      const member = this.#members.get(memberId)
      // A copy: the request's bytes are a view into its whole frame.
      if (member !== undefined) member.assignment = Buffer.from(assignment)
    }
    this.#state = 'Stable'
    for (const member of this.#members.values()) {
      if (member.syncing === undefined) continue
      this.#listenTo(member)
      member.syncing(this.#syncAnswer(member))
      member.syncing = undefined
    }
  }

  #syncRefusal(request: SyncRequest): ErrorCode | undefined {
    const { protocolType, protocolName } = request
    const otherType = protocolType !== null && protocolType !== this.#protocolType
    const otherName = protocolName !== null && protocolName !== this.#protocolName
    if (otherType || otherName) return errorCode.inconsistentGroupProtocol
    return this.#state === 'PreparingRebalance' ? errorCode.rebalanceInProgress : undefined
  }

  #claimRefusal(claim: Omit<MemberClaim, 'generationId'>): ErrorCode | undefined {
    const byInstance = this.#ofInstance(claim.instanceId)
    if (byInstance !== undefined && byInstance.memberId !== claim.memberId) {
      return errorCode.fencedInstanceId
    }
    return this.#members.has(claim.memberId) ? undefined : errorCode.unknownMemberId
  }

  #joinAnswer(member: ClassicMember): JoinAnswer {
    const leads = member.memberId === this.#leader
    const listed = this.members.map((each) => ({
      memberId: each.memberId,
      instanceId: each.instanceId,
      metadata: this.metadataOf(each),
    }))
    return {
      errorCode: errorCode.none,
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leader: this.#leader,
      skipAssignment: false,
      memberId: member.memberId,
      members: leads ? listed : [],
    }
  }

  #syncAnswer(member: ClassicMember): SyncAnswer {
    return {
      errorCode: errorCode.none,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      assignment: member.assignment,
    }
  }

  #remove(member: ClassicMember): void {
    this.#forget(member)
    if (this.#state !== 'PreparingRebalance') this.#prepare()
    this.#joinedMaybe()
  }

  #forget(member: ClassicMember): void {
    dismiss(member, errorCode.unknownMemberId)
    this.#members.delete(member.memberId)
  }

  /** Starts the member's session anew: it has just been heard of. */
  #listenTo(member: ClassicMember): void {
    clearTimeout(member.session)
    const expire = (): void => {
      // Who waits for an answer of ours is not silent.
      if (member.joining !== undefined || member.syncing !== undefined) return
      if (this.#members.has(member.memberId)) this.#remove(member)
    }
    member.session = setTimeout(expire, member.sessionTimeoutMs).unref()
  }

  #startTimer(waitMs: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, waitMs).unref()
  }

  #ofInstance(instanceId: string | null): ClassicMember | undefined {
    if (instanceId === null) return undefined
    return this.members.find((member) => member.instanceId === instanceId)
  }

  #member(memberId: string): ClassicMember {
    return present(this.#members.get(memberId), `member "${memberId}" was just found`)
  }
}

/** A member of a classic group, and the answers it waits for. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import type { ErrorCode } from '../error-code.ts'

export type JoinAnswer = ApiResponse<'joinGroup'>
export type SyncAnswer = ApiResponse<'syncGroup'>
export type JoinRequest = ApiRequest<'joinGroup'>
export type Protocols = JoinRequest['protocols']

export interface ClassicMember {
  memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: Protocols
  assignment: Buffer
  /** Answers the member's JoinGroup; undefined when it does not wait for one. */
  joining: ((answer: JoinAnswer) => void) | undefined
  syncing: ((answer: SyncAnswer) => void) | undefined
  session: NodeJS.Timeout | undefined
}

/** Who asks, as every request of a member says it. */
export interface MemberClaim {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
}

export interface JoinCall {
  readonly clientId: string
  /** The client knows KIP-394: it gets its id first, and joins with it. */
  readonly idFirst: boolean
  /** The client knows that a leader may be told to keep the assignment (JoinGroup 9). */
  readonly skipKnown: boolean
}

export const noBytes: Buffer = Buffer.alloc(0)

export function refusedJoin(code: ErrorCode, memberId: string): JoinAnswer {
  return {
    errorCode: code,
    generationId: -1,
    protocolType: null,
    protocolName: '',
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function refusedSync(code: ErrorCode): SyncAnswer {
  return { errorCode: code, protocolType: null, protocolName: null, assignment: noBytes }
}

/** Ends whatever the member waits for, because it is no longer what it was. */
export function dismiss(member: ClassicMember, code: ErrorCode): void {
  clearTimeout(member.session)
  member.joining?.(refusedJoin(code, member.memberId))
  member.syncing?.(refusedSync(code))
  member.joining = undefined
  member.syncing = undefined
}

/** Whether both lists name the same protocols with the same metadata, in the same order. */
export function sameProtocols(a: Protocols, b: Protocols): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, metadata }, index) => {
      const other = b[index]
      return other !== undefined && other.name === name && other.metadata.equals(metadata)
    })
  )
}

/** The protocol all members know that most of them prefer; the first one wins a tie. */
export function electProtocol(members: readonly ClassicMember[]): string | undefined {
  const common = commonProtocols(members)
  const votes = new Map(common.map((name) => [name, 0]))
  for (const { protocols } of members) {
    const vote = protocols.find(({ name }) => votes.has(name))?.name
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
  }
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0]
}

export function commonProtocols(members: readonly ClassicMember[]): readonly string[] {
  const [first, ...others] = members.map(({ protocols }) => protocols.map(({ name }) => name))
  return (first ?? []).filter((name) => others.every((names) => names.includes(name)))
}

export function newMember(request: JoinRequest, memberId: string, clientId: string): ClassicMember {
  return {
    memberId,
    instanceId: request.instanceId,
    clientId,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutOf(request),
    protocols: ownProtocols(request),
    assignment: noBytes,
    joining: undefined,
    syncing: undefined,
    session: undefined,
  }
}

/** Clients of JoinGroup 0 say no rebalance timeout: their session counts. */
export function rebalanceTimeoutOf(request: JoinRequest): number {
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
}

/** Copies: the request's bytes are views into its frame. */
export function ownProtocols(request: JoinRequest): JoinRequest['protocols'] {
  return request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}

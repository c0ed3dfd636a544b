/** The APIs of groups: joining, and what is known of them. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { errorCode } from '../error-code.ts'
import { refusedJoin, refusedSync } from '../groups/classic-member.ts'
import type { BrokerContext, Handlers } from './context.ts'

type MemberHandlers = Pick<Handlers, 'joinGroup' | 'syncGroup' | 'heartbeat' | 'leaveGroup'>
type ListHandlers = Pick<Handlers, 'describeGroups' | 'listGroups' | 'deleteGroups'>
type Described = ApiResponse<'describeGroups'>['groups'][number]

const idFirstFromVersion = 4
const nullNamesFromVersion = 7
const skipFromVersion = 9
const severalLeaveFromVersion = 3
/** Where members are, as DescribeGroups says it: always this machine. */
export const clientHost = '/127.0.0.1'

export function groupHandlers(context: BrokerContext): MemberHandlers {
  return {
    joinGroup: async (request, call) => {
      const refusal = joinRefusal(context, request)
      if (refusal !== undefined) return refusal
      const group = context.groups.classicToJoin(request.groupId)
      if (group === undefined) {
        return refusedJoin(errorCode.inconsistentGroupProtocol, request.memberId)
      }
      const answer = await group.join(request, {
        clientId: call.clientId,
        idFirst: call.version >= idFirstFromVersion,
        skipKnown: call.version >= skipFromVersion,
      })
      const named = answer.protocolName ?? (call.version >= nullNamesFromVersion ? null : '')
      return { ...answer, protocolName: named }
    },
    syncGroup: (request) =>
      context.groups.classic(request.groupId)?.sync(request) ??
      refusedSync(errorCode.unknownMemberId),
    heartbeat: (request) => ({
      errorCode:
        context.groups.classic(request.groupId)?.heartbeat(request) ?? errorCode.unknownMemberId,
    }),
    leaveGroup: (request, call) => answerLeave(context, request, call.version),
  }
}

export function groupListHandlers(context: BrokerContext): ListHandlers {
  return {
    describeGroups: ({ groups }) => ({ groups: groups.map((id) => describe(context, id)) }),
    listGroups: ({ states, types }) => ({
      errorCode: errorCode.none,
      groups: knownGroups(context).filter(
        ({ state, type }) =>
          (states.length === 0 || states.includes(state)) &&
          (types.length === 0 || types.includes(type)),
      ),
    }),
    deleteGroups: ({ groups }) => ({
      groups: groups.map((groupId) => ({ groupId, errorCode: deleteGroup(context, groupId) })),
    }),
  }
}

function joinRefusal(
  context: BrokerContext,
  request: ApiRequest<'joinGroup'>,
): ApiResponse<'joinGroup'> | undefined {
  const { sessionTimeoutMs, memberId } = request
  const { sessionTimeoutMsMin, sessionTimeoutMsMax } = context.settings
  if (request.groupId === '') return refusedJoin(errorCode.invalidGroupId, memberId)
  if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
    return refusedJoin(errorCode.invalidSessionTimeout, memberId)
  }
  return undefined
}

function answerLeave(
  context: BrokerContext,
  request: ApiRequest<'leaveGroup'>,
  version: number,
): ApiResponse<'leaveGroup'> {
  const group = context.groups.classic(request.groupId)
  const several = version >= severalLeaveFromVersion
  const leaving = several ? request.members : [{ memberId: request.memberId, instanceId: null }]
  const members = leaving.map(({ memberId, instanceId }) => ({
    memberId,
    instanceId,
    errorCode: group?.leave({ memberId, instanceId }) ?? errorCode.unknownMemberId,
  }))
  const single = members[0]?.errorCode ?? errorCode.none
  return { errorCode: several ? errorCode.none : single, members }
}

function describe(context: BrokerContext, groupId: string): Described {
  const group = context.groups.classic(groupId)
  const members = group?.members.map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    clientId: member.clientId,
    clientHost,
    metadata: group.metadataOf(member),
    assignment: member.assignment,
  }))
  const offsetsOnly = context.offsets.groupIds.includes(groupId)
  // A KIP-848 group is dead to this API, as in Kafka: ConsumerGroupDescribe knows it.
  const dead =
    group === undefined && (context.groups.consumer(groupId) !== undefined || !offsetsOnly)
  return {
    errorCode: errorCode.none,
    groupId,
    state: group?.state ?? (dead ? 'Dead' : 'Empty'),
    protocolType: group?.protocolType ?? '',
    protocolName: group?.protocolName ?? '',
    members: members ?? [],
  }
}

function knownGroups(context: BrokerContext): ApiResponse<'listGroups'>['groups'] {
  const ids = new Set([...context.groups.ids, ...context.offsets.groupIds])
  return [...ids].map((groupId) => {
    const classic = context.groups.classic(groupId)
    const consumer = context.groups.consumer(groupId)
    if (consumer !== undefined) {
      return { groupId, protocolType: 'consumer', state: consumer.state, type: 'consumer' }
    }
    const protocolType = classic?.protocolType ?? ''
    return { groupId, protocolType, state: classic?.state ?? 'Empty', type: 'classic' }
  })
}

function deleteGroup(context: BrokerContext, groupId: string): number {
  const known = context.groups.ids.includes(groupId) || context.offsets.groupIds.includes(groupId)
  if (!known) return errorCode.groupIdNotFound
  if (!context.groups.isEmpty(groupId)) return errorCode.nonEmptyGroup
  context.groups.forget(groupId)
  context.offsets.forgetGroup(groupId)
  return errorCode.none
}

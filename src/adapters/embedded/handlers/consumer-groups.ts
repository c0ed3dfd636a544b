/** ConsumerGroupHeartbeat and ConsumerGroupDescribe (KIP-848). */
import type { ApiResponse } from '../apis/table.ts'
import { errorCode } from '../error-code.ts'
import { refusedHeartbeat } from '../groups/consumer-group.ts'
import { byTopic, type PartitionKey } from '../groups/partition-set.ts'
import type { BrokerContext, Handlers } from './context.ts'
import { clientHost } from './groups.ts'

type ConsumerGroupHandlers = Pick<Handlers, 'consumerGroupHeartbeat' | 'consumerGroupDescribe'>
type Described = ApiResponse<'consumerGroupDescribe'>['groups'][number]

export function consumerGroupHandlers(context: BrokerContext): ConsumerGroupHandlers {
  return {
    consumerGroupHeartbeat: (request, call) => {
      const group = context.groups.consumerToJoin(request.groupId)
      if (group === undefined) {
        const why = 'members of the classic protocol hold the group'
        return refusedHeartbeat(errorCode.inconsistentGroupProtocol, why)
      }
      // Version 0 (Kafka 3.9) has the broker make the member id, version 1 the client.
      return group.heartbeat(request, { clientId: call.clientId, idFromBroker: call.version === 0 })
    },
    consumerGroupDescribe: ({ groups }) => ({ groups: groups.map((id) => describe(context, id)) }),
  }
}

function describe(context: BrokerContext, groupId: string): Described {
  const group = context.groups.consumer(groupId)
  if (group === undefined) {
    const errorMessage = `there is no consumer group "${groupId}"`
    return {
      errorCode: errorCode.groupIdNotFound,
      errorMessage,
      groupId,
      state: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignor: '',
      members: [],
    }
  }
  const members = group.members.map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.epoch,
    clientId: member.clientId,
    clientHost,
    topicNames: member.topicNames,
    topicRegex: member.topicRegex,
    assignment: { topics: named(context, member.assigned) },
    target: { topics: named(context, member.target) },
  }))
  return {
    errorCode: errorCode.none,
    errorMessage: null,
    groupId,
    state: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.targetEpoch,
    assignor: group.assignor,
    members,
  }
}

function named(
  context: BrokerContext,
  keys: ReadonlySet<PartitionKey>,
): Described['members'][number]['assignment']['topics'] {
  return byTopic(keys).map(({ topicId, partitions }) => {
    return { topicId, name: context.topics.byId(topicId)?.name ?? '', partitions }
  })
}

/**
 * Messages of consumer groups: the classic protocol, KIP-848's heartbeat, and their listings.
 *
 * Source: Kafka protocol guide; KIP-345 (static members), KIP-394 (member id first), KIP-848.
 */
import {
  bool,
  bytes,
  constant,
  field,
  int16,
  int32,
  list,
  nullable,
  nullableList,
  nullableText,
  struct,
  text,
  throttleMs,
  uuid,
} from '../wire/types.ts'
import { api } from './api.ts'

const operationsUnset = -2_147_483_648

export const joinGroup = api({
  key: 11,
  oldest: 0,
  newest: 9,
  flexibleFrom: 6,
  request: struct({
    groupId: field(text),
    sessionTimeoutMs: field(int32),
    rebalanceTimeoutMs: field(int32, { first: 1, absent: -1 }),
    memberId: field(text),
    instanceId: field(nullableText, { first: 5 }),
    protocolType: field(text),
    protocols: field(list(struct({ name: field(text), metadata: field(bytes) }))),
    reason: field(nullableText, { first: 8 }),
  }),
  response: struct({
    throttle: throttleMs(2),
    errorCode: field(int16),
    generationId: field(int32),
    protocolType: field(nullableText, { first: 7 }),
    // Nullable from version 7 on; before that an empty name stands for none.
    protocolName: field(nullableText),
    leader: field(text),
    skipAssignment: field(bool, { first: 9 }),
    memberId: field(text),
    members: field(
      list(
        struct({
          memberId: field(text),
          instanceId: field(nullableText, { first: 5 }),
          metadata: field(bytes),
        }),
      ),
    ),
  }),
})

export const syncGroup = api({
  key: 14,
  oldest: 0,
  newest: 5,
  flexibleFrom: 4,
  request: struct({
    groupId: field(text),
    generationId: field(int32),
    memberId: field(text),
    instanceId: field(nullableText, { first: 3 }),
    protocolType: field(nullableText, { first: 5 }),
    protocolName: field(nullableText, { first: 5 }),
    assignments: field(list(struct({ memberId: field(text), assignment: field(bytes) }))),
  }),
  response: struct({
    throttle: throttleMs(1),
    errorCode: field(int16),
    protocolType: field(nullableText, { first: 5 }),
    protocolName: field(nullableText, { first: 5 }),
    assignment: field(bytes),
  }),
})

export const heartbeat = api({
  key: 12,
  oldest: 0,
  newest: 4,
  flexibleFrom: 4,
  request: struct({
    groupId: field(text),
    generationId: field(int32),
    memberId: field(text),
    instanceId: field(nullableText, { first: 3 }),
  }),
  response: struct({ throttle: throttleMs(1), errorCode: field(int16) }),
})

export const leaveGroup = api({
  key: 13,
  oldest: 0,
  newest: 5,
  flexibleFrom: 4,
  request: struct({
    groupId: field(text),
    memberId: field(text, { newest: 2 }),
    members: field(
      list(
        struct({
          memberId: field(text),
          instanceId: field(nullableText),
          reason: field(nullableText, { first: 5 }),
        }),
      ),
      { first: 3 },
    ),
  }),
  response: struct({
    throttle: throttleMs(1),
    errorCode: field(int16),
    members: field(
      list(
        struct({
          memberId: field(text),
          instanceId: field(nullableText),
          errorCode: field(int16),
        }),
      ),
      { first: 3 },
    ),
  }),
})

export const describeGroups = api({
  key: 15,
  oldest: 0,
  newest: 5,
  flexibleFrom: 5,
  request: struct({ groups: field(list(text)), operations: field(bool, { first: 3 }) }),
  response: struct({
    throttle: throttleMs(1),
    groups: field(
      list(
        struct({
          errorCode: field(int16),
          groupId: field(text),
          state: field(text),
          protocolType: field(text),
          protocolName: field(text),
          members: field(
            list(
              struct({
                memberId: field(text),
                instanceId: field(nullableText, { first: 4 }),
                clientId: field(text),
                clientHost: field(text),
                metadata: field(bytes),
                assignment: field(bytes),
              }),
            ),
          ),
          operations: constant(int32, operationsUnset, { first: 3 }),
        }),
      ),
    ),
  }),
})

export const listGroups = api({
  key: 16,
  oldest: 0,
  newest: 5,
  flexibleFrom: 3,
  request: struct({
    states: field(list(text), { first: 4 }),
    types: field(list(text), { first: 5 }),
  }),
  response: struct({
    throttle: throttleMs(1),
    errorCode: field(int16),
    groups: field(
      list(
        struct({
          groupId: field(text),
          protocolType: field(text),
          state: field(text, { first: 4 }),
          type: field(text, { first: 5 }),
        }),
      ),
    ),
  }),
})

export const deleteGroups = api({
  key: 42,
  oldest: 0,
  newest: 2,
  flexibleFrom: 2,
  request: struct({ groups: field(list(text)) }),
  response: struct({
    throttle: throttleMs(),
    groups: field(list(struct({ groupId: field(text), errorCode: field(int16) }))),
  }),
})

const topicPartitions = struct({ topicId: field(uuid), partitions: field(list(int32)) })

export const consumerGroupHeartbeat = api({
  key: 68,
  oldest: 0,
  newest: 1,
  flexibleFrom: 0,
  request: struct({
    groupId: field(text),
    memberId: field(text),
    memberEpoch: field(int32),
    instanceId: field(nullableText),
    rackId: field(nullableText),
    rebalanceTimeoutMs: field(int32),
    topicNames: field(nullableList(text)),
    topicRegex: field(nullableText, { first: 1 }),
    assignor: field(nullableText),
    owned: field(nullableList(topicPartitions)),
  }),
  response: struct({
    throttle: throttleMs(),
    errorCode: field(int16),
    errorMessage: field(nullableText),
    memberId: field(nullableText),
    memberEpoch: field(int32),
    heartbeatIntervalMs: field(int32),
    assignment: field(nullable(struct({ partitions: field(list(topicPartitions)) }))),
  }),
})

const namedPartitions = struct({
  topicId: field(uuid),
  name: field(text),
  partitions: field(list(int32)),
})
const describedAssignment = struct({ topics: field(list(namedPartitions)) })

export const consumerGroupDescribe = api({
  key: 69,
  oldest: 0,
  newest: 0,
  flexibleFrom: 0,
  request: struct({ groups: field(list(text)), operations: field(bool) }),
  response: struct({
    throttle: throttleMs(),
    groups: field(
      list(
        struct({
          errorCode: field(int16),
          errorMessage: field(nullableText),
          groupId: field(text),
          state: field(text),
          groupEpoch: field(int32),
          assignmentEpoch: field(int32),
          assignor: field(text),
          members: field(
            list(
              struct({
                memberId: field(text),
                instanceId: field(nullableText),
                rackId: field(nullableText),
                memberEpoch: field(int32),
                clientId: field(text),
                clientHost: field(text),
                topicNames: field(list(text)),
                topicRegex: field(nullableText),
                assignment: field(describedAssignment),
                target: field(describedAssignment),
              }),
            ),
          ),
          operations: constant(int32, operationsUnset),
        }),
      ),
    ),
  }),
})

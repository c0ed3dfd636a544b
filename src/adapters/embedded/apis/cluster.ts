/**
 * Messages about the broker and its topics: ApiVersions, Metadata, CreateTopics, DeleteTopics,
 * CreatePartitions, FindCoordinator.
 *
 * Source: Kafka protocol guide; KIP-511 (ApiVersions), KIP-516 (topic ids), KIP-699 (coordinators).
 */
import {
  bool,
  constant,
  field,
  int8,
  int16,
  int32,
  list,
  nullableList,
  nullableText,
  struct,
  text,
  throttleMs,
  uuid,
} from '../wire/types.ts'
import { api } from './api.ts'

/** "Not asked for", in every list of authorized operations. */
const operationsUnset = -2_147_483_648

export const apiVersions = api({
  key: 18,
  oldest: 0,
  newest: 4,
  flexibleFrom: 3,
  request: struct({
    clientSoftwareName: field(text, { first: 3 }),
    clientSoftwareVersion: field(text, { first: 3 }),
  }),
  response: struct({
    errorCode: field(int16),
    apis: field(list(struct({ key: field(int16), oldest: field(int16), newest: field(int16) }))),
    throttle: throttleMs(1),
  }),
})

export const metadata = api({
  key: 3,
  oldest: 0,
  newest: 12,
  flexibleFrom: 9,
  request: struct({
    topics: field(
      nullableList(struct({ topicId: field(uuid, { first: 10 }), name: field(nullableText) })),
    ),
    autoCreate: field(bool, { first: 4, absent: true }),
    clusterOperations: field(bool, { first: 8, newest: 10 }),
    topicOperations: field(bool, { first: 8 }),
  }),
  response: struct({
    throttle: throttleMs(3),
    brokers: field(
      list(
        struct({
          nodeId: field(int32),
          host: field(text),
          port: field(int32),
          rack: constant(nullableText, null, { first: 1 }),
        }),
      ),
    ),
    clusterId: field(nullableText, { first: 2 }),
    controllerId: field(int32, { first: 1 }),
    topics: field(
      list(
        struct({
          errorCode: field(int16),
          name: field(nullableText),
          topicId: field(uuid, { first: 10 }),
          internal: constant(bool, false, { first: 1 }),
          partitions: field(
            list(
              struct({
                errorCode: field(int16),
                partition: field(int32),
                leaderId: field(int32),
                leaderEpoch: field(int32, { first: 7, absent: -1 }),
                replicas: field(list(int32)),
                inSync: field(list(int32)),
                offline: constant(list(int32), [], { first: 5 }),
              }),
            ),
          ),
          operations: constant(int32, operationsUnset, { first: 8 }),
        }),
      ),
    ),
    operations: constant(int32, operationsUnset, { first: 8, newest: 10 }),
  }),
})

export const createTopics = api({
  key: 19,
  oldest: 2,
  newest: 7,
  flexibleFrom: 5,
  request: struct({
    topics: field(
      list(
        struct({
          name: field(text),
          partitionCount: field(int32),
          replicationFactor: field(int16),
          assignments: field(
            list(struct({ partition: field(int32), brokerIds: field(list(int32)) })),
          ),
          configs: field(list(struct({ name: field(text), value: field(nullableText) }))),
        }),
      ),
    ),
    timeoutMs: field(int32),
    validateOnly: field(bool),
  }),
  response: struct({
    throttle: throttleMs(),
    topics: field(
      list(
        struct({
          name: field(text),
          topicId: field(uuid, { first: 7 }),
          errorCode: field(int16),
          errorMessage: field(nullableText),
          partitionCount: field(int32, { first: 5, absent: -1 }),
          replicationFactor: field(int16, { first: 5, absent: -1 }),
          configs: field(
            nullableList(
              struct({
                name: field(text),
                value: field(nullableText),
                readOnly: constant(bool, false),
                source: constant(int8, 1),
                sensitive: constant(bool, false),
              }),
            ),
            { first: 5 },
          ),
        }),
      ),
    ),
  }),
})

export const deleteTopics = api({
  key: 20,
  oldest: 1,
  newest: 6,
  flexibleFrom: 4,
  request: struct({
    names: field(list(text), { newest: 5 }),
    topics: field(list(struct({ name: field(nullableText), topicId: field(uuid) })), { first: 6 }),
    timeoutMs: field(int32),
  }),
  response: struct({
    throttle: throttleMs(),
    topics: field(
      list(
        struct({
          name: field(nullableText),
          topicId: field(uuid, { first: 6 }),
          errorCode: field(int16),
          errorMessage: field(nullableText, { first: 5 }),
        }),
      ),
    ),
  }),
})

export const createPartitions = api({
  key: 37,
  oldest: 0,
  newest: 3,
  flexibleFrom: 2,
  request: struct({
    topics: field(
      list(
        struct({
          name: field(text),
          partitionCount: field(int32),
          assignments: field(nullableList(struct({ brokerIds: field(list(int32)) }))),
        }),
      ),
    ),
    timeoutMs: field(int32),
    validateOnly: field(bool),
  }),
  response: struct({
    throttle: throttleMs(),
    topics: field(
      list(
        struct({ name: field(text), errorCode: field(int16), errorMessage: field(nullableText) }),
      ),
    ),
  }),
})

export const findCoordinator = api({
  key: 10,
  oldest: 0,
  newest: 4,
  flexibleFrom: 3,
  request: struct({
    key: field(text, { newest: 3 }),
    keyType: field(int8, { first: 1 }),
    keys: field(list(text), { first: 4 }),
  }),
  response: struct({
    throttle: throttleMs(1),
    errorCode: field(int16, { newest: 3 }),
    errorMessage: field(nullableText, { first: 1, newest: 3 }),
    nodeId: field(int32, { newest: 3 }),
    host: field(text, { newest: 3 }),
    port: field(int32, { newest: 3 }),
    coordinators: field(
      list(
        struct({
          key: field(text),
          nodeId: field(int32),
          host: field(text),
          port: field(int32),
          errorCode: field(int16),
          errorMessage: field(nullableText),
        }),
      ),
      { first: 4 },
    ),
  }),
})

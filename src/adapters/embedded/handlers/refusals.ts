/**
 * The answer of each API that says nothing but one error code, where that API says errors. For
 * injected errors, and for what goes wrong in a handler.
 */
import type { ApiName, ApiRequest, ApiResponse } from '../apis/table.ts'
import type { ErrorCode } from '../error-code.ts'
import { refusedJoin, refusedSync } from '../groups/classic-member.ts'
import { refusedHeartbeat } from '../groups/consumer-group.ts'
import { servedVersions } from './cluster.ts'

type Refusals = {
  readonly [Name in ApiName]: (request: ApiRequest<Name>, code: ErrorCode) => ApiResponse<Name>
}

const noId = '00000000-0000-0000-0000-000000000000'
const nowhere = { nodeId: -1, host: '', port: -1, errorMessage: null }

/** Each partition of each topic with `answer` laid over it. */
function eachPartition<
  Topic extends { readonly partitions: readonly { readonly partition: number }[] },
  Answer,
>(
  topics: readonly Topic[],
  answer: Answer,
): (Topic & { partitions: ({ partition: number } & Answer)[] })[] {
  return topics.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map(({ partition }) => ({ partition, ...answer })),
  }))
}

const noOffsets = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n, aborted: null }

export const refusals: Refusals = {
  produce: ({ topics }, errorCode) => ({
    topics: eachPartition(topics, {
      errorCode,
      firstOffset: -1n,
      logStartOffset: -1n,
      errorMessage: null,
    }),
  }),
  fetch: ({ topics }, errorCode) => ({
    errorCode: 0,
    sessionId: 0,
    topics: eachPartition(topics, { errorCode, ...noOffsets, records: [] }),
  }),
  listOffsets: ({ topics }, errorCode) => ({
    topics: eachPartition(topics, { errorCode, timestampMs: -1n, offset: -1n, leaderEpoch: -1 }),
  }),
  offsetForLeaderEpoch: ({ topics }, errorCode) => ({
    topics: eachPartition(topics, { errorCode, leaderEpoch: -1, nextOffset: -1n }),
  }),
  apiVersions: (_, errorCode) => ({ errorCode, apis: servedVersions() }),
  metadata: ({ topics }, errorCode) => ({
    brokers: [],
    clusterId: null,
    controllerId: -1,
    topics: (topics ?? []).map((topic) => ({ ...topic, errorCode, partitions: [] })),
  }),
  createTopics: ({ topics }, errorCode) => ({
    topics: topics.map(({ name }) => ({
      name,
      topicId: noId,
      errorCode,
      errorMessage: null,
      partitionCount: -1,
      replicationFactor: -1,
      configs: null,
    })),
  }),
  deleteTopics: ({ names, topics }, errorCode) => ({
    topics: [...names.map((name) => ({ name, topicId: noId })), ...topics].map((topic) => ({
      ...topic,
      errorCode,
      errorMessage: null,
    })),
  }),
  createPartitions: ({ topics }, errorCode) => ({
    topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
  }),
  findCoordinator: ({ keys }, errorCode) => ({
    ...nowhere,
    errorCode,
    coordinators: keys.map((key) => ({ key, ...nowhere, errorCode })),
  }),
  joinGroup: ({ memberId }, errorCode) => refusedJoin(errorCode, memberId),
  syncGroup: (_, errorCode) => refusedSync(errorCode),
  heartbeat: (_, errorCode) => ({ errorCode }),
  leaveGroup: (_, errorCode) => ({ errorCode, members: [] }),
  describeGroups: ({ groups }, errorCode) => ({
    groups: groups.map((groupId) => ({
      errorCode,
      groupId,
      state: '',
      protocolType: '',
      protocolName: '',
      members: [],
    })),
  }),
  listGroups: (_, errorCode) => ({ errorCode, groups: [] }),
  deleteGroups: ({ groups }, errorCode) => ({
    groups: groups.map((groupId) => ({ groupId, errorCode })),
  }),
  consumerGroupHeartbeat: (_, errorCode) => refusedHeartbeat(errorCode, null),
  consumerGroupDescribe: ({ groups }, errorCode) => ({
    groups: groups.map((groupId) => ({
      errorCode,
      errorMessage: null,
      groupId,
      state: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignor: '',
      members: [],
    })),
  }),
  offsetCommit: ({ topics }, errorCode) => ({ topics: eachPartition(topics, { errorCode }) }),
  offsetFetch: ({ groups }, errorCode) => ({
    topics: [],
    errorCode,
    groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })),
  }),
  initProducerId: (_, errorCode) => ({ errorCode, producerId: -1n, producerEpoch: -1 }),
  addPartitionsToTxn: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({ partition, errorCode })),
    })),
  }),
  addOffsetsToTxn: (_, errorCode) => ({ errorCode }),
  endTxn: (_, errorCode) => ({ errorCode }),
  txnOffsetCommit: ({ topics }, errorCode) => ({ topics: eachPartition(topics, { errorCode }) }),
}

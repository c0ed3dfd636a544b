/** Every API of the embedded broker by name. What is not here closes the connection. */
import type { RequestOf, ResponseOf } from './api.ts'
import * as cluster from './cluster.ts'
import * as groups from './groups.ts'
import * as offsets from './offsets.ts'
import * as records from './records.ts'
import * as transactions from './transactions.ts'

export const apis = {
  produce: records.produce,
  fetch: records.fetch,
  listOffsets: records.listOffsets,
  offsetForLeaderEpoch: records.offsetForLeaderEpoch,
  apiVersions: cluster.apiVersions,
  metadata: cluster.metadata,
  createTopics: cluster.createTopics,
  deleteTopics: cluster.deleteTopics,
  createPartitions: cluster.createPartitions,
  findCoordinator: cluster.findCoordinator,
  joinGroup: groups.joinGroup,
  syncGroup: groups.syncGroup,
  heartbeat: groups.heartbeat,
  leaveGroup: groups.leaveGroup,
  describeGroups: groups.describeGroups,
  listGroups: groups.listGroups,
  deleteGroups: groups.deleteGroups,
  consumerGroupHeartbeat: groups.consumerGroupHeartbeat,
  consumerGroupDescribe: groups.consumerGroupDescribe,
  offsetCommit: offsets.offsetCommit,
  offsetFetch: offsets.offsetFetch,
  initProducerId: transactions.initProducerId,
  addPartitionsToTxn: transactions.addPartitionsToTxn,
  addOffsetsToTxn: transactions.addOffsetsToTxn,
  endTxn: transactions.endTxn,
  txnOffsetCommit: transactions.txnOffsetCommit,
} as const

export type ApiName = keyof typeof apis
export type ApiRequest<Name extends ApiName> = RequestOf<(typeof apis)[Name]>
export type ApiResponse<Name extends ApiName> = ResponseOf<(typeof apis)[Name]>

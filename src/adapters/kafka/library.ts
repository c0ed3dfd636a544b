/**
 * The one place where `@platformatic/kafka` is loaded, so that it loads quickly; what we use of it
 * stands here by name.
 */
import './late-validators.ts'

export {
  AuthenticationError,
  addPartitionsToTxnV3,
  apiVersionsV0,
  type Broker,
  type Connection,
  ConnectionPool,
  consumerGroupDescribeV0,
  consumerGroupHeartbeatV1,
  defaultPartitioner,
  describeGroupsV5,
  endTxnV3,
  findCoordinatorV4,
  heartbeatV4,
  initProducerIdV4,
  joinGroupV6,
  joinGroupV9,
  leaveGroupV4,
  listOffsetsV6,
  metadataV12,
  NumericMap,
  offsetCommitV8,
  offsetCommitV9,
  offsetFetchV8,
  offsetForLeaderEpochV4,
  Producer,
  produceV9,
  protocolAPIsById,
  protocolErrorsCodesById,
  ResponseError,
  type SASLOptions,
  syncGroupV4,
} from '@platformatic/kafka'

import { compileAtOnce } from './late-validators.ts'

compileAtOnce()

/** ApiVersions, Metadata, FindCoordinator: who this broker is and what it has. */
import type { Api } from '../apis/api.ts'
import { type ApiRequest, type ApiResponse, apis } from '../apis/table.ts'
import { errorCode } from '../error-code.ts'
import { nodeId } from '../settings.ts'
import type { Topic } from '../store/topic-store.ts'
import type { BrokerContext, Call, Handlers } from './context.ts'
import { topicNameRefusal } from './topics.ts'

type ClusterHandlers = Pick<Handlers, 'apiVersions' | 'metadata' | 'findCoordinator'>
type MetadataTopic = ApiResponse<'metadata'>['topics'][number]
type WantedTopic = NonNullable<ApiRequest<'metadata'>['topics']>[number]

const zeroId = '00000000-0000-0000-0000-000000000000'

export function clusterHandlers(context: BrokerContext): ClusterHandlers {
  return {
    apiVersions: () => ({ errorCode: errorCode.none, apis: servedVersions() }),
    metadata: (request, call) => answerMetadata(context, request, call),
    findCoordinator: (request) => answerCoordinator(context, request),
  }
}

/** The table of APIs as ApiVersions lists it. */
export function servedVersions(): ApiResponse<'apiVersions'>['apis'] {
  const rows: readonly Pick<Api<unknown, unknown>, 'key' | 'oldest' | 'newest' | 'listedOldest'>[] =
    Object.values(apis)
  return rows.map(({ key, oldest, newest, listedOldest }) => {
    return { key, oldest: listedOldest ?? oldest, newest }
  })
}

function answerMetadata(
  context: BrokerContext,
  request: ApiRequest<'metadata'>,
  call: Call,
): ApiResponse<'metadata'> {
  // An empty list asks for every topic in version 0, for none later on; null asks for every topic.
  const everything = request.topics === null || (call.version === 0 && request.topics.length === 0)
  const wanted = everything ? undefined : request.topics
  const topics =
    wanted?.map((topic) => wantedMetadata(context, topic, request.autoCreate)) ??
    context.topics.all.map(metadataOf)
  return {
    brokers: [{ nodeId, host: context.address.host, port: context.address.port }],
    clusterId: context.folder.clusterId,
    controllerId: nodeId,
    topics,
  }
}

function wantedMetadata(
  context: BrokerContext,
  wanted: WantedTopic,
  autoCreate: boolean,
): MetadataTopic {
  if (wanted.name === null || wanted.topicId !== zeroId) {
    const byId = context.topics.byId(wanted.topicId)
    const name = wanted.name ?? ''
    return byId === undefined ? missing(name, wanted.topicId) : metadataOf(byId)
  }
  const known = context.topics.byName(wanted.name)
  if (known !== undefined) return metadataOf(known)
  if (topicNameRefusal(wanted.name) !== undefined) {
    return { ...missing(wanted.name, zeroId), errorCode: errorCode.invalidTopic }
  }
  if (!autoCreate || !context.settings.autoCreateTopics) return missing(wanted.name, zeroId)
  return metadataOf(context.topics.create(wanted.name, context.settings.partitionsDefault, {}))
}

function missing(name: string, topicId: string): MetadataTopic {
  const code = topicId === zeroId ? errorCode.unknownTopicOrPartition : errorCode.unknownTopicId
  return { errorCode: code, name, topicId, partitions: [] }
}

function metadataOf(topic: Topic): MetadataTopic {
  const partitions = topic.partitions.map((log, partition) => ({
    errorCode: errorCode.none,
    partition,
    leaderId: nodeId,
    leaderEpoch: log.leaderEpoch,
    replicas: [nodeId],
    inSync: [nodeId],
  }))
  return { errorCode: errorCode.none, name: topic.name, topicId: topic.id, partitions }
}

function answerCoordinator(
  context: BrokerContext,
  request: ApiRequest<'findCoordinator'>,
): ApiResponse<'findCoordinator'> {
  const here = {
    nodeId,
    host: context.address.host,
    port: context.address.port,
    errorCode: errorCode.none,
    errorMessage: null,
  }
  return { ...here, coordinators: request.keys.map((key) => ({ key, ...here })) }
}

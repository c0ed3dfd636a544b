/** OffsetCommit and OffsetFetch. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { OffsetChange } from '../groups/offset-store.ts'
import type { BrokerContext, Handlers } from './context.ts'

type OffsetHandlers = Pick<Handlers, 'offsetCommit' | 'offsetFetch'>
type CommittedTopics = ApiRequest<'offsetCommit'>['topics']
type WantedGroup = ApiRequest<'offsetFetch'>['groups'][number]
type FoundTopics = ApiResponse<'offsetFetch'>['topics']

const groupsFromVersion = 8
const epochsFromVersion = 9
const metadataBytesMax = 4096

export function offsetHandlers(context: BrokerContext): OffsetHandlers {
  return {
    offsetCommit: async (request, call) => {
      const epochKnown = call.version >= epochsFromVersion
      const refusal =
        request.groupId === ''
          ? errorCode.invalidGroupId
          : context.groups.commitRefusal(request.groupId, request, epochKnown)
      const judged = judgeCommit(context, request.topics, refusal)
      context.offsets.commit(request.groupId, judged.accepted)
      if (context.settings.fsync === 'each') await context.offsets.sync()
      return { topics: judged.answer }
    },
    offsetFetch: (request, call) => {
      const { requireStable } = request
      if (call.version >= groupsFromVersion) {
        const groups = request.groups.map((wanted) => fetchGroup(context, wanted, requireStable))
        return { topics: [], errorCode: errorCode.none, groups }
      }
      const single = { ...request, memberId: null, memberEpoch: -1 }
      return { ...fetchGroup(context, single, requireStable), groups: [] }
    },
  }
}

/** What of a commit is taken, and the answer that says so partition by partition. */
export interface JudgedCommit {
  readonly accepted: readonly OffsetChange[]
  readonly answer: ApiResponse<'offsetCommit'>['topics']
}

export function judgeCommit(
  context: BrokerContext,
  topics: CommittedTopics,
  refusal: ErrorCode | undefined,
): JudgedCommit {
  const accepted: OffsetChange[] = []
  const answer = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((sent) => {
      const { partition } = sent
      const refused = refusal ?? partitionRefusal(context, name, sent)
      if (refused === undefined) accepted.push({ ...sent, topic: name })
      return { partition, errorCode: refused ?? errorCode.none }
    }),
  }))
  return { accepted, answer }
}

function partitionRefusal(
  context: BrokerContext,
  topic: string,
  sent: CommittedTopics[number]['partitions'][number],
): ErrorCode | undefined {
  if (context.topics.partition(topic, sent.partition) === undefined) {
    return errorCode.unknownTopicOrPartition
  }
  const metadataBytes = Buffer.byteLength(sent.metadata ?? '')
  return metadataBytes > metadataBytesMax ? errorCode.offsetMetadataTooLarge : undefined
}

function fetchGroup(
  context: BrokerContext,
  wanted: WantedGroup,
  requireStable: boolean,
): { groupId: string; topics: FoundTopics; errorCode: number } {
  const { groupId, memberId, memberEpoch } = wanted
  const refusal =
    memberId === null || memberEpoch < 0
      ? undefined
      : context.groups
          .consumer(groupId)
          ?.epochRefusal({ memberId, instanceId: null, generationId: memberEpoch })
  if (refusal !== undefined) return { groupId, topics: [], errorCode: refusal }
  const places = wanted.topics ?? committedPlaces(context, groupId)
  const topics = places.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      const unstable = requireStable && context.transactions.holdsOffset(groupId, name, partition)
      const found = unstable ? undefined : context.offsets.find(groupId, name, partition)
      return {
        partition,
        nextOffset: found?.nextOffset ?? -1n,
        leaderEpoch: found?.leaderEpoch ?? -1,
        metadata: found?.metadata ?? '',
        errorCode: unstable ? errorCode.unstableOffsetCommit : errorCode.none,
      }
    }),
  }))
  return { groupId, topics, errorCode: errorCode.none }
}

function committedPlaces(
  context: BrokerContext,
  groupId: string,
): readonly { readonly name: string; readonly partitions: readonly number[] }[] {
  const byTopic = Map.groupBy(context.offsets.all(groupId), ({ topic }) => topic)
  return [...byTopic].map(([name, changes]) => ({
    name,
    partitions: changes.map(({ partition }) => partition),
  }))
}

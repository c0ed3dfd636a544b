/** CreateTopics, DeleteTopics, CreatePartitions. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { Topic } from '../store/topic-store.ts'
import type { BrokerContext, Handlers } from './context.ts'

type TopicHandlers = Pick<Handlers, 'createTopics' | 'deleteTopics' | 'createPartitions'>
type NewTopic = ApiRequest<'createTopics'>['topics'][number]
type CreatedTopic = ApiResponse<'createTopics'>['topics'][number]

interface Refusal {
  readonly errorCode: ErrorCode
  readonly errorMessage: string
}

const zeroId = '00000000-0000-0000-0000-000000000000'
const nameShape = /^[a-zA-Z0-9._-]{1,249}$/
const partitionsMax = 10_000
/** Topic configs that are obeyed; others are kept and given back. */
const byteConfigs = new Set(['segment.bytes', 'retention.bytes', 'max.message.bytes'])

/** @returns why a topic cannot have this name, or undefined. */
export function topicNameRefusal(name: string): Refusal | undefined {
  if (nameShape.test(name) && name !== '.' && name !== '..') return undefined
  const errorMessage = `topic name "${name}" is refused: 1 to 249 of a-z A-Z 0-9 . _ - are taken`
  return { errorCode: errorCode.invalidTopic, errorMessage }
}

/** @returns why a topic cannot have so many partitions, or undefined. */
export function partitionCountRefusal(count: number): Refusal | undefined {
  if (count >= 1 && count <= partitionsMax) return undefined
  const errorMessage = `${count} partitions wanted, 1 to ${partitionsMax} are possible`
  return { errorCode: errorCode.invalidPartitions, errorMessage }
}

export function topicHandlers(context: BrokerContext): TopicHandlers {
  return {
    createTopics: (request) => ({
      topics: request.topics.map((topic) => createTopic(context, topic, request.validateOnly)),
    }),
    deleteTopics: (request) => ({ topics: deleteTopics(context, request) }),
    createPartitions: (request) => ({
      topics: request.topics.map(({ name, partitionCount }) => {
        const topic = context.topics.byName(name)
        const refusal = growRefusal(name, topic, partitionCount)
        if (refusal !== undefined) return { name, ...refusal }
        if (topic !== undefined && !request.validateOnly) context.topics.grow(topic, partitionCount)
        return { name, errorCode: errorCode.none, errorMessage: null }
      }),
    }),
  }
}

/** Deletes a topic with its records and the groups' offsets in it. */
export function deleteTopic(context: BrokerContext, topic: Topic): void {
  context.topics.delete(topic)
  context.offsets.forgetTopic(topic.name)
  for (const log of topic.partitions) context.wakers.wake(log, Number.POSITIVE_INFINITY)
}

function createTopic(
  context: BrokerContext,
  wanted: NewTopic,
  validateOnly: boolean,
): CreatedTopic {
  const refusal = createRefusal(context, wanted)
  if (refusal !== undefined) {
    return {
      name: wanted.name,
      topicId: zeroId,
      partitionCount: -1,
      replicationFactor: -1,
      configs: null,
      ...refusal,
    }
  }
  const partitionCount = countOf(context, wanted)
  const configs = Object.fromEntries(wanted.configs.map(({ name, value }) => [name, value ?? '']))
  const made = validateOnly
    ? undefined
    : context.topics.create(wanted.name, partitionCount, configs)
  return {
    name: wanted.name,
    topicId: made?.id ?? zeroId,
    errorCode: errorCode.none,
    errorMessage: null,
    partitionCount,
    replicationFactor: 1,
    configs: wanted.configs,
  }
}

function countOf(context: BrokerContext, wanted: NewTopic): number {
  if (wanted.assignments.length > 0) return wanted.assignments.length
  return wanted.partitionCount === -1 ? context.settings.partitionsDefault : wanted.partitionCount
}

function createRefusal(context: BrokerContext, wanted: NewTopic): Refusal | undefined {
  const { name, replicationFactor } = wanted
  const nameRefusal = topicNameRefusal(name)
  if (nameRefusal !== undefined) return nameRefusal
  if (context.topics.byName(name) !== undefined) {
    const errorMessage = `topic "${name}" is there already`
    return { errorCode: errorCode.topicAlreadyExists, errorMessage }
  }
  const refusal = partitionCountRefusal(countOf(context, wanted))
  if (refusal !== undefined) return refusal
  if (wanted.assignments.length === 0 && replicationFactor !== 1 && replicationFactor !== -1) {
    const errorMessage = `replication factor ${replicationFactor} wanted, there is 1 broker`
    return { errorCode: errorCode.invalidReplicationFactor, errorMessage }
  }
  return configRefusal(wanted)
}

function configRefusal(wanted: NewTopic): Refusal | undefined {
  const broken = wanted.configs.find(
    ({ name, value }) => byteConfigs.has(name) && !/^(-1|\d+)$/.test(value ?? ''),
  )
  if (broken === undefined) return undefined
  const errorMessage = `topic config "${broken.name}" is "${broken.value}", a number is needed`
  return { errorCode: errorCode.invalidConfig, errorMessage }
}

function deleteTopics(
  context: BrokerContext,
  request: ApiRequest<'deleteTopics'>,
): ApiResponse<'deleteTopics'>['topics'] {
  const byName = request.names.map((name) => ({ name, topicId: zeroId }))
  return [...byName, ...request.topics].map((wanted) => {
    const named = wanted.name !== null
    const topic = named ? context.topics.byName(wanted.name) : context.topics.byId(wanted.topicId)
    if (topic === undefined) {
      const code = named ? errorCode.unknownTopicOrPartition : errorCode.unknownTopicId
      return { ...wanted, errorCode: code, errorMessage: 'there is no such topic' }
    }
    deleteTopic(context, topic)
    return { name: topic.name, topicId: topic.id, errorCode: errorCode.none, errorMessage: null }
  })
}

function growRefusal(name: string, topic: Topic | undefined, count: number): Refusal | undefined {
  if (topic === undefined) {
    const errorMessage = `there is no topic "${name}"`
    return { errorCode: errorCode.unknownTopicOrPartition, errorMessage }
  }
  const have = topic.partitions.length
  if (count > have && count <= partitionsMax) return undefined
  const errorMessage = `topic "${name}" has ${have} partitions, ${count} wanted`
  return { errorCode: errorCode.invalidPartitions, errorMessage }
}

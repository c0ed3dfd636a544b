/** What one metadata answer says of the cluster, for the topics we asked about. */
import {
  type ClusterId,
  type SourcePartition,
  type TopicId,
  type TopicPartition,
} from '../../model/topic-partition.ts'
import { isSelectedByPattern, isTopicPattern, topicNamesIn } from '../../model/topic-selection.ts'
import { errorCode } from './error-code.ts'
import type { BrokerAddress } from './options.ts'

export interface PartitionFacts {
  readonly partition: number
  /** -1: nobody leads it at the moment. */
  readonly leaderId: number
  readonly leaderEpoch: number
}

export interface TopicFacts {
  readonly topic: string
  readonly topicId: TopicId
  /** Ascending by partition. */
  readonly partitions: readonly PartitionFacts[]
}

export interface ClusterFacts {
  readonly clusterId: ClusterId
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  /** Topics that exist, by name. */
  readonly topics: ReadonlyMap<string, TopicFacts>
  readonly missingTopics: readonly string[]
  /** Topics that the broker does not show us for another reason, with its error code. */
  readonly hiddenTopics: ReadonlyMap<string, number>
}

/**
 * The new facts, with the old ones of topics that are hidden now: a broker that cannot tell at the
 * moment is no reason to deal out partitions anew.
 */
export function carriedOver(before: ClusterFacts | undefined, facts: ClusterFacts): ClusterFacts {
  if (before === undefined || facts.hiddenTopics.size === 0) return facts
  const kept = [...before.topics].filter(([topic]) => facts.hiddenTopics.has(topic))
  return { ...facts, topics: new Map([...facts.topics, ...kept]) }
}

/**
 * Names of the topics that a member of KIP-848 reads, sorted: those that are named, there or not,
 * and those that patterns select now. Not what we may not see: brokers would refuse the member.
 */
export function subscribedTopics(
  selectors: readonly string[],
  { topics, hiddenTopics }: ClusterFacts,
): readonly string[] {
  const isDenied = (topic: string): boolean =>
    hiddenTopics.get(topic) === errorCode.topicAuthorizationFailed
  const selected = selectors.some(isTopicPattern)
    ? [...topics.keys()].filter((topic) => isSelectedByPattern(selectors, topic))
    : []
  const names = new Set([...topicNamesIn(selectors), ...selected])
  return [...names].filter((topic) => !isDenied(topic)).sort()
}

/** How partitions are named within one source: topics of one cluster, by name. */
export const partitionKey = ({ topic, partition }: TopicPartition): string =>
  `${topic}/${partition}`

/** Every topic-partition there is, sorted by topic and partition. */
export function allSources({ clusterId, topics }: ClusterFacts): readonly SourcePartition[] {
  const sorted = [...topics.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1))
  return sorted.flatMap(({ topic, topicId, partitions }) =>
    partitions.map(({ partition }) => ({ clusterId, topic, topicId, partition })),
  )
}

/** The topic-partition with its ids; undefined when the cluster does not know it (now). */
export function sourceOf(
  { clusterId, topics }: ClusterFacts,
  { topic, partition }: TopicPartition,
): SourcePartition | undefined {
  const facts = topics.get(topic)
  if (facts === undefined || !facts.partitions.some((at) => at.partition === partition)) {
    return undefined
  }
  return { clusterId, topic, topicId: facts.topicId, partition }
}

/** Who leads the topic-partition, if its topic is still the one with this id. */
export function leaderOf(
  { topics }: ClusterFacts,
  { topic, topicId, partition }: SourcePartition,
): PartitionFacts | undefined {
  const facts = topics.get(topic)
  if (facts?.topicId !== topicId) return undefined
  return facts.partitions.find((at) => at.partition === partition)
}

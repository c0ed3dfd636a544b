import type { Brand } from '../base/brand.ts'

/** Kafka's id of a cluster, as metadata names it. */
export type ClusterId = Brand<string, 'ClusterId'>

/** Kafka's id of a topic, a UUID in lower-case text. A recreated topic has another. */
export type TopicId = Brand<string, 'TopicId'>

/** Text that identifies a `SourcePartition` in maps: see `sourceKey`. */
export type SourceKey = Brand<string, 'SourceKey'>

export const clusterId = (value: string): ClusterId => value as ClusterId
export const topicId = (value: string): TopicId => value as TopicId

/** Kafka's shard by name. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Kafka's shard with the ids that tell a recreated topic or another cluster from the old one. */
export interface SourcePartition extends TopicPartition {
  readonly clusterId: ClusterId
  readonly topicId: TopicId
}

/** Identity of a shard: cluster and topic id, never the topic's name, which can be reused. */
export const sourceKey = (source: SourcePartition): SourceKey =>
  `${source.clusterId}/${source.topicId}/${source.partition}` as SourceKey

/** True for lists of the same shards in one order, under the same names. */
export const areSameSources = (
  one: readonly SourcePartition[],
  other: readonly SourcePartition[],
): boolean =>
  one.length === other.length &&
  one.every((source, place) => {
    const beside = other[place]
    return (
      beside !== undefined &&
      source.topic === beside.topic &&
      sourceKey(source) === sourceKey(beside)
    )
  })

/** How people write a shard: "growth.events/3". */
export const topicPartitionName = (at: TopicPartition): string => `${at.topic}/${at.partition}`

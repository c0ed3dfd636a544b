/** Sets of partitions of several topics, as KIP-848 passes them around. */
import type { Topic } from '../store/topic-store.ts'

/** "topicId/partition". */
export type PartitionKey = string

export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

const partitionKey = (topicId: string, partition: number): PartitionKey => `${topicId}/${partition}`

export function keysOf(topics: readonly TopicPartitions[]): ReadonlySet<PartitionKey> {
  return new Set(
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map((each) => partitionKey(topicId, each)),
    ),
  )
}

export function allPartitions(topic: Topic): readonly PartitionKey[] {
  return topic.partitions.map((_, partition) => partitionKey(topic.id, partition))
}

/** The same set by topic, partitions ascending. */
export function byTopic(keys: Iterable<PartitionKey>): readonly TopicPartitions[] {
  const grouped = Map.groupBy(keys, (key) => key.slice(0, key.lastIndexOf('/')))
  return [...grouped].map(([topicId, own]) => ({
    topicId,
    partitions: own.map((key) => Number(key.slice(key.lastIndexOf('/') + 1))).sort((a, b) => a - b),
  }))
}

export function minus<Entry>(from: ReadonlySet<Entry>, taken: ReadonlySet<Entry>): Set<Entry> {
  return new Set([...from].filter((each) => !taken.has(each)))
}

export function intersect<Entry>(a: ReadonlySet<Entry>, b: ReadonlySet<Entry>): Set<Entry> {
  return new Set([...a].filter((each) => b.has(each)))
}

export function sameSet<Entry>(a: ReadonlySet<Entry>, b: ReadonlySet<Entry>): boolean {
  return a.size === b.size && [...a].every((each) => b.has(each))
}

/**
 * What a member of a group of KIP-848 takes over and gives up, by what the brokers told it last.
 * Pure: the membership gathers facts and obeys.
 *
 * Invariants:
 * - A partition is known by its topic's name: one whose topic was made anew under its name is kept,
 *   so that the reader hears of the new id and decides.
 * - What the metadata does not know (yet) is not taken over; `unknown` says that there is such.
 */
import type { SourcePartition, TopicId } from '../../model/topic-partition.ts'
import { type ClusterFacts, partitionKey, sourceOf } from './cluster-facts.ts'

/** Partitions of one topic, as brokers name them to members. */
export interface TopicShare {
  readonly topicId: TopicId
  readonly partitions: readonly number[]
}

export interface TakeOverFacts {
  /** What is ours, also what is being given up. */
  readonly owned: readonly SourcePartition[]
  /** All that the brokers assign to us. */
  readonly told: readonly TopicShare[]
  readonly cluster: ClusterFacts
}

export interface TakeOverPlan {
  readonly added: readonly SourcePartition[]
  readonly revoked: readonly SourcePartition[]
  /** What stays, under the topic ids that the brokers tell. */
  readonly kept: readonly SourcePartition[]
  /** Something of `told` is not in the metadata: they may be too old. */
  readonly unknown: boolean
}

export function planTakeOver({ owned, told, cluster }: TakeOverFacts): TakeOverPlan {
  const ownedByKey = new Map(owned.map((at) => [partitionKey(at), at]))
  const names = new Map(owned.map(({ topicId, topic }) => [topicId, topic]))
  for (const { topicId, topic } of cluster.topics.values()) names.set(topicId, topic)
  const added: SourcePartition[] = []
  const kept = new Map<string, SourcePartition>()
  let unknown = false
  for (const { topicId, partitions } of told) {
    const topic = names.get(topicId)
    if (topic === undefined) {
      unknown = true
      continue
    }
    for (const partition of partitions) {
      const before = ownedByKey.get(partitionKey({ topic, partition }))
      const source = before ?? sourceOf(cluster, { topic, partition })
      if (source === undefined) unknown = true
      else if (before === undefined) added.push({ ...source, topicId })
      else kept.set(partitionKey(source), { ...source, topicId })
    }
  }
  const revoked = owned.filter((at) => !kept.has(partitionKey(at)))
  return { added, revoked, kept: [...kept.values()], unknown }
}

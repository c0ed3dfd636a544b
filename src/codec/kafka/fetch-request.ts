/**
 * Fetch requests, versions 4 to 17, without fetch sessions: each names all it wants.
 *
 * Source: Kafka's FetchRequest.json; KIP-320 (leader epoch, v9), KIP-392 (rack, v11), KIP-595
 * (last fetched epoch, v12), KIP-516 (topic ids, v13).
 */
import type { Offset } from '../../model/offset.ts'
import { WireWriter } from './wire-writer.ts'

const noSession = { id: 0, epoch: -1 }
/** Not a follower. From v15 the field is a tag with this default. */
const noReplica = -1

interface WantedPartition {
  readonly partition: number
  /** -1: not known, not checked by the broker. */
  readonly leaderEpoch: number
  readonly fetchOffset: Offset
  /** Epoch of the last batch read; the broker compares its log with it. -1: nothing to compare. */
  readonly lastEpoch: number
}

export interface WantedTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly WantedPartition[]
}

export interface FetchLimits {
  readonly maxBytes: number
  readonly partitionMaxBytes: number
  readonly maxWaitMs: number
  readonly minBytes: number
}

export interface FetchWish {
  readonly limits: FetchLimits
  readonly isolation: 'read_committed' | 'read_uncommitted'
  /** Our rack, for the broker to name a nearer replica; empty is none. */
  readonly rack: string
  readonly topics: readonly WantedTopic[]
}

/** The body of a fetch request of `version`, 4 to 17. */
export function encodeFetchRequest(version: number, wish: FetchWish): Buffer {
  const { limits, isolation, topics } = wish
  const flexible = version >= 12
  const writer = new WireWriter()
  if (version < 15) writer.int32(noReplica)
  writer.int32(limits.maxWaitMs).int32(limits.minBytes).int32(limits.maxBytes)
  writer.int8(isolation === 'read_committed' ? 1 : 0)
  if (version >= 7) writer.int32(noSession.id).int32(noSession.epoch)
  writer.arrayCount(topics.length, flexible)
  for (const topic of topics) appendTopic(writer, version, { topic, limits })
  if (version >= 7) writer.arrayCount(0, flexible)
  if (version >= 11) writer.string(wish.rack, flexible)
  return writer.noTags(flexible).bytes()
}

interface TopicWish {
  readonly topic: WantedTopic
  readonly limits: FetchLimits
}

function appendTopic(writer: WireWriter, version: number, { topic, limits }: TopicWish): void {
  const flexible = version >= 12
  if (version >= 13) writer.uuid(topic.topicId)
  else writer.string(topic.topic, flexible)
  writer.arrayCount(topic.partitions.length, flexible)
  for (const wanted of topic.partitions) {
    writer.int32(wanted.partition)
    if (version >= 9) writer.int32(wanted.leaderEpoch)
    writer.int64(wanted.fetchOffset)
    if (flexible) writer.int32(wanted.lastEpoch)
    if (version >= 5) writer.int64(-1n)
    writer.int32(limits.partitionMaxBytes).noTags(flexible)
  }
  writer.noTags(flexible)
}

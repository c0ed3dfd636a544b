/**
 * Three requests in versions that kafkajs does not speak: it has no topic ids and no leader epochs.
 * All are flexible: compact lengths, tagged fields.
 *
 *     Metadata 12             topics → brokers, cluster, [error · name · id · [partition · leader]]
 *     ListOffsets 6           [topic · [partition · epoch · time]] → [… · error · time · offset]
 *     OffsetForLeaderEpoch 4  [topic · [partition · current · asked]] → [… error · epoch · end]
 *
 * Source: Kafka's MetadataRequest.json and so on; KIP-516, KIP-320, KIP-482.
 */
import type {
  ClusterFacts,
  PartitionFacts,
  TopicFacts,
} from '../../../src/adapters/kafka/cluster-facts.ts'
import type {
  EpochAnswer,
  EpochAsk,
  OffsetAnswer,
  OffsetAsk,
} from '../../../src/adapters/kafka/control-plane.ts'
import { WireReader } from '../../../src/codec/kafka/wire-reader.ts'
import { WireWriter } from '../../../src/codec/kafka/wire-writer.ts'
import { clusterId, topicId } from '../../../src/model/topic-partition.ts'
import type { RawRequest } from './kafkajs-client.ts'

const noReplica = -1
const noId = '0'.repeat(32)
const unknownTopic = 3

export function metadataRequest(topics: readonly string[]): RawRequest {
  const writer = new WireWriter().arrayCount(topics.length, true)
  for (const topic of topics) writer.uuid(noId).string(topic, true).noTags(true)
  // No topic is made by asking for it, and rights are not asked for.
  const body = writer.int8(0).int8(0).noTags(true).bytes()
  return { apiKey: 3, apiName: 'Metadata', version: 12, flexible: true, body }
}

export function parseMetadata(answer: Uint8Array): ClusterFacts {
  const reader = opened(answer)
  const brokers = new Map(listOf(reader, () => brokerOf(reader)))
  const id = clusterId(reader.string(true))
  reader.int32()
  const topics = new Map<string, TopicFacts>()
  const missingTopics: string[] = []
  const hiddenTopics = new Map<string, number>()
  for (const { errorCode, facts } of listOf(reader, () => topicOf(reader))) {
    if (errorCode === 0) topics.set(facts.topic, facts)
    else if (errorCode === unknownTopic) missingTopics.push(facts.topic)
    else hiddenTopics.set(facts.topic, errorCode)
  }
  return { clusterId: id, brokers, topics, missingTopics, hiddenTopics }
}

function brokerOf(reader: WireReader) {
  const nodeId = reader.int32()
  const address = { host: reader.string(true), port: reader.int32() }
  reader.string(true)
  reader.tags()
  return [nodeId, address] as const
}

function topicOf(reader: WireReader): { readonly errorCode: number; readonly facts: TopicFacts } {
  const errorCode = reader.int16()
  const topic = reader.string(true)
  const id = topicId(reader.uuid())
  reader.int8()
  const partitions = listOf(reader, () => partitionOf(reader))
  reader.int32()
  reader.tags()
  return {
    errorCode,
    facts: {
      topic,
      topicId: id,
      partitions: partitions.toSorted((a, b) => a.partition - b.partition),
    },
  }
}

function partitionOf(reader: WireReader): PartitionFacts {
  reader.int16()
  const partition = reader.int32()
  const leaderId = reader.int32()
  const leaderEpoch = reader.int32()
  // Replicas, those in sync, those offline.
  for (let list = 0; list < 3; list++) listOf(reader, () => reader.int32())
  reader.tags()
  return { partition, leaderId, leaderEpoch }
}

/** Isolation 0: the high watermark, not the last stable offset. */
export function offsetsRequest(asks: readonly OffsetAsk[]): RawRequest {
  const writer = new WireWriter().int32(noReplica).int8(0)
  appendTopics(writer, asks, ({ partition, leaderEpoch, timestamp }) => {
    writer.int32(partition).int32(leaderEpoch).int64(timestamp)
  })
  const body = writer.noTags(true).bytes()
  return { apiKey: 2, apiName: 'ListOffsets', version: 6, flexible: true, body }
}

export const parseOffsets = (answer: Uint8Array): readonly OffsetAnswer[] =>
  perPartition(opened(answer), (reader) => {
    const partition = reader.int32()
    const errorCode = reader.int16()
    reader.int64()
    const offset = reader.int64()
    reader.int32()
    return { partition, errorCode, offset }
  })

export function epochsRequest(asks: readonly EpochAsk[]): RawRequest {
  const writer = new WireWriter().int32(noReplica)
  appendTopics(writer, asks, ({ partition, currentEpoch, leaderEpoch }) => {
    writer.int32(partition).int32(currentEpoch).int32(leaderEpoch)
  })
  const body = writer.noTags(true).bytes()
  return { apiKey: 23, apiName: 'OffsetForLeaderEpoch', version: 4, flexible: true, body }
}

export const parseEpochs = (answer: Uint8Array): readonly EpochAnswer[] =>
  perPartition(opened(answer), (reader) => {
    const errorCode = reader.int16()
    const partition = reader.int32()
    return { partition, errorCode, leaderEpoch: reader.int32(), endOffset: reader.int64() }
  })

/** Behind the tagged fields of the head and the throttle time. */
function opened(answer: Uint8Array): WireReader {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  return reader
}

function appendTopics<Ask extends { readonly topic: string }>(
  writer: WireWriter,
  asks: readonly Ask[],
  append: (ask: Ask) => void,
): void {
  const byTopic = Map.groupBy(asks, ({ topic }) => topic)
  writer.arrayCount(byTopic.size, true)
  for (const [topic, ofTopic] of byTopic) {
    writer.string(topic, true).arrayCount(ofTopic.length, true)
    for (const one of ofTopic) {
      append(one)
      writer.noTags(true)
    }
    writer.noTags(true)
  }
}

function perPartition<Answer>(
  reader: WireReader,
  read: (reader: WireReader) => Answer,
): readonly (Answer & { readonly topic: string })[] {
  const byTopic = listOf(reader, () => {
    const topic = reader.string(true)
    const answers = listOf(reader, () => {
      const one = { topic, ...read(reader) }
      reader.tags()
      return one
    })
    reader.tags()
    return answers
  })
  return byTopic.flat()
}

function listOf<Item>(reader: WireReader, read: () => Item): readonly Item[] {
  return Array.from({ length: reader.arrayCount(true) }, read)
}

/**
 * What members of a consumer group tell their leader, and what it tells them, in the layout of
 * Kafka's own consumers, so that Kafka's tools show who reads what.
 *
 * Sample, an assignment of partitions 0 and 2 of "t", without a mark:
 *
 *     00 01 · 00 00 00 01 · 00 01 74 · 00 00 00 02 · 00 00 00 00 · 00 00 00 02 · ff ff ff ff
 *
 * and the user data of a subscription: version 1, of "t" partition 0 with 256 bytes a second:
 *
 *     00 01 · 00 00 00 01 · 00 01 74 · 00 00 00 01 · 00 00 00 00 · 00 00 00 00 00 00 01 00
 *
 * Source: Kafka's ConsumerProtocolSubscription.json (version 2), ConsumerProtocolAssignment.json
 * (version 1); KIP-429, KIP-792 (generation); docs/adr/0023-observed-loads.md.
 */
import { Fault } from '../../base/fault.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const subscriptionVersion = 2
const assignmentVersion = 1
const loadsVersion = 1
const nullLength = -1
/** What is told beyond it counts as it: sums of loads stay exact. */
export const bytesPerSecondMax = 2 ** 32

/** What a topic-partition brings whoever reads it. */
export interface PartitionLoad extends TopicPartition {
  /** As batches are on the wire; whole, at most `bytesPerSecondMax`. */
  readonly bytesPerSecond: number
}

export interface Subscription {
  readonly topics: readonly string[]
  /** What the member reads now. */
  readonly owned: readonly TopicPartition[]
  /** Of the assignment that gave `owned`: a claim of an older one is void. -1 is none. */
  readonly generationId: number
  /** What the member observed, of what it reads and has just given up; none of older members. */
  readonly loads: readonly PartitionLoad[]
}

export function encodeSubscription(subscription: Subscription): Buffer {
  const { topics, owned, generationId, loads } = subscription
  const writer = new WireWriter().int16(subscriptionVersion).arrayCount(topics.length, false)
  for (const topic of topics) writer.string(topic, false)
  if (loads.length === 0) writer.int32(nullLength)
  else writer.byteString(encodeLoads(loads), false)
  appendPartitions(writer, owned)
  return writer.int32(generationId).bytes()
}

/** @throws {Fault} KAFKA_ANSWER_MALFORMED */
export function parseSubscription(bytes: Uint8Array): Subscription {
  const reader = new WireReader(bytes)
  const version = reader.int16()
  const topics = Array.from({ length: reader.arrayCount(false) }, () => reader.string(false))
  const loads = parseLoads(reader.bytes(false))
  const owned = version >= 1 ? partitionsOf(reader) : []
  const generationId = version >= 2 ? reader.int32() : -1
  return { topics, owned, generationId, loads }
}

function encodeLoads(loads: readonly PartitionLoad[]): Buffer {
  const byTopic = Map.groupBy(loads, ({ topic }) => topic)
  const writer = new WireWriter().int16(loadsVersion).arrayCount(byTopic.size, false)
  for (const [topic, ofTopic] of byTopic) {
    writer.string(topic, false).arrayCount(ofTopic.length, false)
    for (const { partition, bytesPerSecond } of ofTopic) {
      writer.int32(partition).int64(BigInt(bytesPerSecond))
    }
  }
  return writer.bytes()
}

/**
 * None where there are none, of another version, and of bytes that are cut: what one member tells
 * beside its subscription must not keep the leader from dealing out partitions.
 */
function parseLoads(bytes: Uint8Array): readonly PartitionLoad[] {
  if (bytes.length === 0) return []
  try {
    const reader = new WireReader(bytes)
    if (reader.int16() !== loadsVersion) return []
    const loads: PartitionLoad[] = []
    for (let topics = reader.arrayCount(false); topics > 0; topics--) {
      const topic = reader.string(false)
      for (let count = reader.arrayCount(false); count > 0; count--) {
        const partition = reader.int32()
        const told = Number(reader.int64())
        const bytesPerSecond = Math.min(Math.max(told, 0), bytesPerSecondMax)
        loads.push({ topic, partition, bytesPerSecond })
      }
    }
    return loads
  } catch (error) {
    if (error instanceof Fault) return []
    throw error
  }
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  /** What its leader noted beside it, in the place for user data; empty for nothing. */
  readonly mark: string
}

export function encodeAssignment({ partitions, mark }: Assignment): Buffer {
  const writer = new WireWriter().int16(assignmentVersion)
  appendPartitions(writer, partitions)
  if (mark === '') return writer.int32(nullLength).bytes()
  return writer.byteString(Buffer.from(mark), false).bytes()
}

/** An empty assignment may be no bytes at all. @throws {Fault} KAFKA_ANSWER_MALFORMED */
export function parseAssignment(bytes: Uint8Array): Assignment {
  if (bytes.length === 0) return { partitions: [], mark: '' }
  const reader = new WireReader(bytes)
  reader.int16()
  const partitions = partitionsOf(reader)
  const { start, end } = reader.span(false)
  return { partitions, mark: Buffer.from(bytes.subarray(start, end)).toString() }
}

function appendPartitions(writer: WireWriter, partitions: readonly TopicPartition[]): void {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  writer.arrayCount(byTopic.size, false)
  for (const [topic, members] of byTopic) {
    writer.string(topic, false).arrayCount(members.length, false)
    for (const { partition } of members) writer.int32(partition)
  }
}

function partitionsOf(reader: WireReader): readonly TopicPartition[] {
  const partitions: TopicPartition[] = []
  for (let topics = reader.arrayCount(false); topics > 0; topics--) {
    const topic = reader.string(false)
    for (let count = reader.arrayCount(false); count > 0; count--) {
      partitions.push({ topic, partition: reader.int32() })
    }
  }
  return partitions
}

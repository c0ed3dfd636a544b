/** Writes fetch answers of any version, for tests of the parser. */
import { WireWriter } from '../../src/codec/kafka/wire-writer.ts'

interface TestPartition {
  readonly partition: number
  readonly errorCode?: number
  readonly highWatermark?: bigint
  readonly aborted?: readonly { readonly producerId: bigint; readonly first: bigint }[] | null
  readonly preferredReplica?: number
  readonly leader?: { readonly nodeId: number; readonly leaderEpoch: number }
  readonly diverged?: { readonly leaderEpoch: number; readonly next: bigint }
  readonly records?: Uint8Array
}

export interface TestTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly TestPartition[]
}

export function encodeFetchAnswer(version: number, topics: readonly TestTopic[]): Buffer {
  const flexible = version >= 12
  const writer = new WireWriter().int32(250)
  if (version >= 7) writer.int16(0).int32(0)
  writer.arrayCount(topics.length, flexible)
  for (const { topic, topicId, partitions } of topics) {
    if (version >= 13) writer.uuid(topicId)
    else writer.string(topic, flexible)
    writer.arrayCount(partitions.length, flexible)
    for (const partition of partitions) appendPartition(writer, version, partition)
    writer.noTags(flexible)
  }
  return writer.noTags(flexible).bytes()
}

function appendPartition(writer: WireWriter, version: number, at: TestPartition): void {
  const flexible = version >= 12
  writer
    .int32(at.partition)
    .int16(at.errorCode ?? 0)
    .int64(at.highWatermark ?? 0n)
    .int64(0n)
  if (version >= 5) writer.int64(0n)
  const aborted = at.aborted ?? []
  writer.arrayCount(at.aborted === null ? -1 : aborted.length, flexible)
  for (const { producerId, first } of aborted) {
    writer.int64(producerId).int64(first).noTags(flexible)
  }
  if (version >= 11) writer.int32(at.preferredReplica ?? -1)
  writer.byteString(at.records ?? new Uint8Array(), flexible)
  if (flexible) appendTags(writer, at)
}

function appendTags(writer: WireWriter, { diverged, leader }: TestPartition): void {
  const tags: (readonly [number, Buffer])[] = []
  if (diverged !== undefined) {
    const body = new WireWriter().int32(diverged.leaderEpoch).int64(diverged.next).noTags(true)
    tags.push([0, body.bytes()])
  }
  if (leader !== undefined) {
    const body = new WireWriter().int32(leader.nodeId).int32(leader.leaderEpoch).noTags(true)
    tags.push([1, body.bytes()])
  }
  writer.uvarint(tags.length)
  for (const [tag, body] of tags) writer.uvarint(tag).uvarint(body.length).raw(body)
}
